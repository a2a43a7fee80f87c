"""Sharded checkpoints never lead out of their folder; numbers are the cases of the reliability matrix."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from checkpoint_files import TINY, folder_with_config, refusal, tiny_encoder
from safetensors.torch import save_file

from erniem_lab.checkpoint import open_checkpoint, save_checkpoint

INDEX = "model.safetensors.index.json"


def sharded(folder: Path, weight_map: Any, **shards: list[str]) -> Path:
    """A folder with an index and shards, each with tensors of the given names."""
    (folder_with_config(folder) / INDEX).write_text(json.dumps({"weight_map": weight_map}))
    for shard, names in shards.items():
        save_file({name: torch.ones(2) for name in names}, folder / f"{shard}.safetensors")
    return folder


@pytest.mark.parametrize("absolute", [False, True])
def test_an_index_cannot_name_a_path(tmp_path: Path, absolute: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Case 25: the file outside is not even opened."""
    outside = tmp_path / "outside.safetensors"
    save_file({"a": torch.ones(2)}, outside)
    sharded(tmp_path / "in", {"a": str(outside) if absolute else "../outside.safetensors"})
    opened: list[Path] = []
    monkeypatch.setattr("erniem_lab.files.weights_files.read_safetensors", opened.append)
    refusal(tmp_path / "in", INDEX, "outside.safetensors", "plain file name")
    assert not opened


@pytest.mark.parametrize("name", ["", ".", "..", "a/b.safetensors", "a\\b", "C:x", "a\0b", None, 3, {"x": 1}, []])
def test_an_index_must_name_plain_files(tmp_path: Path, name: object) -> None:
    """Case 25."""
    refusal(sharded(tmp_path, {"a": name}), INDEX, "plain file name")


def test_a_link_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    """Case 25."""
    save_file({"a": torch.ones(2)}, tmp_path / "outside.safetensors")
    sharded(tmp_path / "in", {"a": "s.safetensors"})
    (tmp_path / "in" / "s.safetensors").symlink_to(tmp_path / "outside.safetensors")
    refusal(tmp_path / "in", INDEX, "s.safetensors", "link")


def test_missing_shards_are_all_named(tmp_path: Path) -> None:
    """Case 26."""
    sharded(tmp_path, {"a": "s1.safetensors", "b": "s2.safetensors", "c": "s3.safetensors"}, s1=["a"])
    refusal(tmp_path, INDEX, "s2.safetensors, s3.safetensors")


@pytest.mark.parametrize(
    ("first", "second", "named"),
    [
        pytest.param(["a", "b"], [], ["b not listed for it"], id="in the wrong shard"),
        pytest.param(["a"], [], ["b not in it"], id="in no shard"),
        pytest.param(["a"], ["b", "c"], ["c not listed for it"], id="unlisted"),
        pytest.param(["a"], ["a", "b"], ["a not listed for it"], id="twice"),
    ],
)
def test_a_tensor_in_the_wrong_place_is_named(
    tmp_path: Path, first: list[str], second: list[str], named: list[str]
) -> None:
    """Case 27."""
    sharded(tmp_path, {"a": "s1.safetensors", "b": "s2.safetensors"}, s1=first, s2=second)
    refusal(tmp_path, ".safetensors", *named)


@pytest.mark.parametrize(
    "text",
    ['{"metadata": {}}', "{}", "", "not json", "[]", '{"weight_map": {}}', '{"weight_map": ["a"]}', "\xff"],
)
def test_a_damaged_index_is_named(tmp_path: Path, text: str) -> None:
    """Case 28."""
    (folder_with_config(tmp_path) / INDEX).write_bytes(text.encode("latin1"))
    refusal(tmp_path, INDEX)


def test_an_index_with_a_name_twice_is_refused(tmp_path: Path) -> None:
    """Case 28."""
    sharded(tmp_path, {}, s1=["a"])
    (tmp_path / INDEX).write_text('{"weight_map": {"a": "s1.safetensors", "a": "s2.safetensors"}}')
    refusal(tmp_path, INDEX, "'a'", "twice")


def test_a_manifest_must_list_every_shard(tmp_path: Path) -> None:
    """Case 18."""
    save_checkpoint(tmp_path, TINY.to_dict(), tiny_encoder().state_dict(), max_shard_bytes=300)
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    gone = next(name for name in manifest if name.startswith("model-00002"))
    del manifest[gone]
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    refusal(tmp_path, "manifest.json", gone)


@pytest.mark.parametrize("manifest", ['{"../x": {}}', "[]", "", '{"config.json": 1, "model.safetensors": 2}'])
def test_a_damaged_manifest_is_refused(tmp_path: Path, manifest: str) -> None:
    """Case 18."""
    tiny_encoder().save_pretrained(tmp_path)
    (tmp_path / "manifest.json").write_text(manifest)
    refusal(tmp_path, "manifest.json")


def test_a_listed_file_that_is_gone_is_named(tmp_path: Path) -> None:
    """Case 18."""
    vocabulary = tmp_path / "vocab.txt"
    vocabulary.write_text("[CLS]\n")
    save_checkpoint(tmp_path / "in", TINY.to_dict(), tiny_encoder().state_dict(), extra_files=[vocabulary])
    assert open_checkpoint(tmp_path / "in").verified
    (tmp_path / "in" / "vocab.txt").unlink()
    refusal(tmp_path / "in", "vocab.txt", "missing")


def test_shards_of_pytorch_load(tmp_path: Path) -> None:
    folder_with_config(tmp_path)
    (tmp_path / "pytorch_model.bin.index.json").write_text(json.dumps({"weight_map": {"a": "p1.bin", "b": "p2.bin"}}))
    for shard, name in (("p1.bin", "a"), ("p2.bin", "b")):
        torch.save({name: torch.ones(2)}, tmp_path / shard)
    assert open_checkpoint(tmp_path).weights.keys() == {"a", "b"}
