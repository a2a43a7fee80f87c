"""Checkpoints made on the spot, whole and broken, for the tests of reading them."""

import json
import struct
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from erniem_lab.checkpoint import open_checkpoint
from erniem_lab.config import ErnieMConfig
from erniem_lab.errors import FileFaultError
from erniem_lab.heads import ErnieMForSequenceClassification
from erniem_lab.model import ErnieMModel

TINY = ErnieMConfig(
    vocab_size=8,
    hidden_size=4,
    num_hidden_layers=1,
    num_attention_heads=2,
    intermediate_size=16,
    max_position_embeddings=6,
    num_labels=3,
)


def tiny_encoder() -> ErnieMModel:
    torch.manual_seed(0)
    return ErnieMModel(TINY)


def tiny_classifier() -> ErnieMForSequenceClassification:
    torch.manual_seed(0)
    return ErnieMForSequenceClassification(TINY)


def folder_with_config(folder: Path, **changes: Any) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps({**TINY.to_dict(), **changes}))
    return folder


def write_safetensors(folder: Path, header: dict[str, Any] | bytes, data: bytes) -> Path:
    """A folder whose weights file has exactly this header and these bytes after it."""
    head = header if isinstance(header, bytes) else json.dumps(header).encode()
    path = folder_with_config(folder) / "model.safetensors"
    path.write_bytes(struct.pack("<Q", len(head)) + head + data)
    return path


def entry(begin: int, end: int, shape: list[Any] | None = None, dtype: str = "F32") -> dict[str, Any]:
    return {"dtype": dtype, "shape": [(end - begin) // 4] if shape is None else shape, "data_offsets": [begin, end]}


def refusal(source: Path, *words: str) -> str:
    """The message with which ``source`` is refused; it holds all the ``words``."""
    with pytest.raises(FileFaultError) as fault:
        open_checkpoint(source)
    message = str(fault.value)
    assert all(word in message for word in words), message
    return message


def same(left: dict[str, Tensor], right: dict[str, Tensor]) -> bool:
    return left.keys() == right.keys() and all(torch.equal(left[name], right[name]) for name in left)
