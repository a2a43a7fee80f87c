"""Hub ids are found in a cache laid out as huggingface_hub does, with no network; numbers are the cases."""

import json
from pathlib import Path

import pytest
import torch
from checkpoint_files import folder_with_config, refusal, same, tiny_encoder
from huggingface_hub import constants

from erniem_lab.checkpoint import open_checkpoint
from erniem_lab.cli import app
from erniem_lab.config import ErnieMConfig
from erniem_lab.convert import convert
from erniem_lab.errors import FileFaultError, InputValueError
from erniem_lab.hub import local_folder, resolved_revision
from erniem_lab.model import ErnieMModel

COMMIT = "0123456789abcdef0123456789abcdef01234567"
OLDER = "f" * 40
REPOSITORY = "models--owner--erniem"


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty hub cache, and no way to the network."""
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path / "hub"


def fetched(cache: Path, files: Path, commit: str = COMMIT, branch: str = "main") -> Path:
    """Put ``files`` into the cache as the hub's client does: blobs, and a snapshot of links to them."""
    repository = cache / REPOSITORY
    snapshot = repository / "snapshots" / commit
    for folder in (repository / "blobs", repository / "refs", snapshot):
        folder.mkdir(parents=True, exist_ok=True)
    (repository / "refs" / branch).write_text(commit)
    for file in files.iterdir():
        blob = repository / "blobs" / f"{commit[:4]}-{file.name}"
        blob.write_bytes(file.read_bytes())
        (snapshot / file.name).symlink_to(Path("..") / ".." / "blobs" / blob.name)
    return snapshot


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    tiny_encoder().save_pretrained(tmp_path / "saved")
    return tmp_path / "saved"


def test_a_cached_hub_id_loads_offline_and_its_commit_is_recorded(cache: Path, saved: Path) -> None:
    """Case 36: no revision was asked for."""
    fetched(cache, saved)
    opened = open_checkpoint("owner/erniem")
    assert (opened.revision, opened.verified) == (COMMIT, True)
    assert same(dict(ErnieMModel.from_pretrained("owner/erniem").state_dict()), dict(tiny_encoder().state_dict()))


@pytest.mark.parametrize(("revision", "commit"), [(None, COMMIT), ("v1", OLDER), (OLDER, OLDER), (COMMIT, COMMIT)])
def test_the_revision_chooses_branch_tag_or_commit(cache: Path, saved: Path, revision: str | None, commit: str) -> None:
    """Case 36."""
    fetched(cache, saved, OLDER, "v1")
    fetched(cache, saved)
    assert open_checkpoint("owner/erniem", revision=revision).revision == commit


def test_convert_takes_a_revision_on_the_command_line(
    cache: Path, saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetched(cache, saved, OLDER, "v1")
    fetched(cache, saved)
    arguments = ["convert", "owner/erniem", str(tmp_path / "out"), "--revision", "v1"]
    monkeypatch.setattr("sys.argv", ["erniem-lab", *arguments])
    with pytest.raises(SystemExit) as ended:
        app()
    assert not ended.value.code
    assert OLDER in (tmp_path / "out" / "README.md").read_text()


def test_a_sharded_checkpoint_in_the_cache_loads_through_its_links(cache: Path, tmp_path: Path) -> None:
    files = folder_with_config(tmp_path / "files")
    torch.save({"a": torch.ones(2)}, files / "p1.bin")
    (files / "pytorch_model.bin.index.json").write_text(json.dumps({"weight_map": {"a": "p1.bin"}}))
    fetched(cache, files)
    assert open_checkpoint("owner/erniem").weights.keys() == {"a"}


def test_a_folder_that_is_no_cache_has_no_commit(saved: Path) -> None:
    """Case 36."""
    assert open_checkpoint(saved).revision == ""
    assert resolved_revision(saved / "snapshots" / "main") == ""


def test_what_is_not_cached_is_named_with_the_cache(cache: Path) -> None:
    """Case 37."""
    with pytest.raises(FileFaultError) as fault:
        open_checkpoint("owner/erniem")
    assert all(word in str(fault.value) for word in ("owner/erniem", "model.safetensors", str(cache / REPOSITORY)))
    assert fault.value.__cause__ is not None


def test_a_revision_that_is_not_cached_is_named(cache: Path, saved: Path) -> None:
    """Case 37."""
    fetched(cache, saved)
    with pytest.raises(FileFaultError, match="revision 'v2'"):
        local_folder("owner/erniem", ["config.json"], revision="v2")


def test_a_partial_download_is_never_used(cache: Path, saved: Path) -> None:
    """Case 38: the weights lie under the name of an incomplete download."""
    snapshot = fetched(cache, saved)
    blob = (snapshot / "model.safetensors").resolve()
    (snapshot / "model.safetensors").unlink()
    (snapshot / "manifest.json").unlink()
    blob.rename(f"{blob}.incomplete")
    with pytest.raises(FileFaultError, match="not complete"):
        open_checkpoint("owner/erniem")


def test_a_download_without_a_shard_is_never_used(cache: Path, tmp_path: Path) -> None:
    """Case 38."""
    files = folder_with_config(tmp_path / "files")
    (files / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {"a": "s1.safetensors"}}))
    fetched(cache, files)
    with pytest.raises(FileFaultError, match=r"s1\.safetensors, missing"):
        open_checkpoint("owner/erniem")


@pytest.mark.parametrize(
    "source", ["./no/such", "/no/such", "a/b/c", "", "../x", "a b", "owner/..", "a\nb", "a\0b", "é/é", "a" * 5000]
)
def test_what_cannot_be_a_hub_id_is_not_asked_for(cache: Path, source: str) -> None:
    with pytest.raises(FileFaultError):
        open_checkpoint(source)
    with pytest.raises(FileFaultError):
        ErnieMConfig.from_pretrained(source)


def test_pickles_are_fetched_only_where_no_safetensors_are_and_at_one_commit(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Case 36: the branch may move between two requests."""
    files = folder_with_config(tmp_path / "files")
    torch.save(tiny_encoder().state_dict(), files / "pytorch_model.bin")
    snapshot = fetched(cache, files)
    asked: list[tuple[str | None, list[str]]] = []

    def answer(source: str, *, revision: str | None, allow_patterns: list[str]) -> str:
        asked.append((revision, allow_patterns))
        return str(snapshot)

    monkeypatch.setattr("erniem_lab.hub.snapshot_download", answer)
    open_checkpoint("owner/erniem", revision="dev")
    assert [revision for revision, _ in asked] == ["dev", COMMIT]
    assert ["pytorch_model.bin" in patterns for _, patterns in asked] == [False, True]
    assert all({"config.json", "manifest.json"} <= {*patterns} for _, patterns in asked)


def test_a_path_object_is_never_a_hub_id(cache: Path, saved: Path) -> None:
    fetched(cache, saved)
    with pytest.raises(FileFaultError, match="no such file or folder"):
        local_folder(Path("owner/erniem"), ["config.json"])


def test_a_hub_id_can_be_converted_offline(cache: Path, saved: Path, tmp_path: Path) -> None:
    (saved / "manifest.json").unlink()
    (saved / "vocab.txt").write_text("[CLS]\n")
    fetched(cache, saved)
    assert (convert("owner/erniem", tmp_path / "out").path / "vocab.txt").read_text() == "[CLS]\n"


@pytest.mark.parametrize("text", ["[]", "null", "", "{}", "3", "{", "\xff"])
def test_a_config_that_is_no_object_is_refused(saved: Path, text: str) -> None:
    """Case 33."""
    (saved / "manifest.json").unlink()
    (saved / "config.json").write_bytes(text.encode("latin1"))
    refusal(saved, "config.json")


def test_a_folder_without_config_is_refused(saved: Path) -> None:
    """Case 33."""
    (saved / "config.json").unlink()
    refusal(saved, "config.json")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("num_hidden_layers", -1),
        ("hidden_size", 0),
        ("num_attention_heads", 3),
        ("vocab_size", 0),
        ("pad_token_id", 8),
    ],
)
def test_a_config_value_that_no_model_can_have_is_named(saved: Path, field: str, value: object) -> None:
    """Case 34."""
    (saved / "manifest.json").unlink()
    folder_with_config(saved, **{field: value})
    with pytest.raises(InputValueError, match=f"{field}={value!r}"):
        ErnieMModel.from_pretrained(saved)


def test_another_kind_of_model_is_refused(saved: Path) -> None:
    """Case 35."""
    (saved / "manifest.json").unlink()
    folder_with_config(saved, model_type="bert")
    with pytest.raises(InputValueError, match="bert"):
        ErnieMConfig.from_pretrained(saved)
    with pytest.raises(InputValueError, match="bert"):
        ErnieMModel.from_pretrained(saved)
