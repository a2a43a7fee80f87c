"""transformers' classes find ERNIE-M by hub id: in a cache laid out as the hub's client does, with no network."""

from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from bridge_samples import SENTENCE, checkpoint
from small_models import IDS
from test_hub import COMMIT, OLDER, fetched

import erniem_lab as el
from erniem_lab.errors import FileFaultError

ID = "owner/erniem"
RELEASED = "susnato/ernie-m-base_pytorch"


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    """No way to the network, so that nobody waits for it."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)


@pytest.fixture
def cache(tmp_path: Path, offline: None) -> Path:
    """A hub's cache with two commits of a repository: main, and an older one under the tag v1."""
    hub = tmp_path / "hub"
    for seed, (commit, branch) in enumerate([(COMMIT, "main"), (OLDER, "v1")]):
        files = checkpoint(tmp_path / commit, initializer_range=0.1 * (seed + 1))
        fetched(hub, files, commit, branch)
    return hub


def load(kind: Any, cache: Path, **how: Any) -> Any:
    return kind.from_pretrained(ID, cache_dir=str(cache), local_files_only=True, **how)


@pytest.mark.parametrize(("revision", "commit"), [("main", COMMIT), ("v1", OLDER), (COMMIT, COMMIT), (OLDER, OLDER)])
def test_a_revision_is_a_branch_a_tag_or_a_commit(cache: Path, tmp_path: Path, revision: str, commit: str) -> None:
    model = load(transformers.AutoModel, cache, revision=revision)
    expected = el.ErnieMModel.from_pretrained(tmp_path / commit)
    assert torch.equal(model.pooler.dense.weight, expected.pooler.dense.weight)


def test_a_tokenizer_and_a_config_are_found_offline(cache: Path) -> None:
    tokenizer = load(transformers.AutoTokenizer, cache)
    assert tokenizer.core.encoding(SENTENCE).ids == tokenizer(SENTENCE)["input_ids"]
    assert load(transformers.AutoConfig, cache).model_type == "ernie_m"


def test_shards_are_put_together(tmp_path: Path, offline: None) -> None:
    whole = transformers.AutoModel.from_pretrained(checkpoint(tmp_path / "whole")).eval()
    whole.save_pretrained(tmp_path / "shards", max_shard_size="10KB")
    assert len([*(tmp_path / "shards").glob("model-*.safetensors")]) > 1
    fetched(tmp_path / "hub", tmp_path / "shards")
    assert torch.equal(load(transformers.AutoModel, tmp_path / "hub").eval()(IDS)[0], whole(IDS)[0])


@pytest.mark.parametrize("gone", ["model.safetensors", "config.json"])
def test_a_partial_download_is_never_used(cache: Path, gone: str) -> None:
    link = cache / "models--owner--erniem" / "snapshots" / COMMIT / gone
    blob = link.resolve()
    link.unlink()
    blob.rename(f"{blob}.incomplete")
    with pytest.raises((OSError, ValueError, AttributeError)):  # the last where 4.57 misses the weights
        load(transformers.AutoModel, cache, revision=COMMIT)


def test_both_libraries_read_one_cache(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(cache))
    ours, theirs = el.ErnieMModel.from_pretrained(ID), load(transformers.AutoModel, cache).eval()
    assert torch.equal(ours(IDS)[0], theirs(IDS)[0])


@pytest.mark.slow
def test_a_released_config_is_read_from_the_hub_itself() -> None:
    try:
        config = el.ErnieMConfig.from_pretrained(RELEASED)
    except FileFaultError as fault:
        pytest.skip(f"the hub was not reached, or lacks {RELEASED}: {str(fault)[:200]}")
    assert (config.vocab_size, config.max_length, config.pad_token_id) == (250002, 512, 1)
