"""Small checkpoints with a tokenizer, and the classes of both sides, for the tests of the bridge."""

from pathlib import Path
from typing import Any

import torch
import transformers
from conftest import GOLDEN
from small_models import small_config

import erniem_lab as el
from erniem_lab import transformers_bridge as bridge

NAMES = [name for name in bridge.__all__ if name.startswith("ErnieMFor")]
MODELS = ["ErnieMModel", *NAMES]
TOKENIZER = GOLDEN / "tokenizer"
VOCABULARY = 582  # entries of that tokenizer

SENTENCE = "this is a test, 中文 and 2000 fox."


def checkpoint(folder: Path, name: str = "ErnieMModel", **changes: Any) -> Path:
    """A folder with weights of that class and a tokenizer, both written by this library."""
    torch.manual_seed(0)
    config = small_config(**{"vocab_size": VOCABULARY, "max_position_embeddings": 130, **changes})
    getattr(el, name)(config).save_pretrained(folder)
    tokenizer = el.ErnieMTokenizer.from_pretrained(TOKENIZER, model_max_length=config.max_length)
    tokenizer.save_pretrained(folder)
    return folder


def loaded(folder: Path, name: str = "ErnieMModel", **changes: Any) -> Any:
    """The model of a folder through transformers' Auto class, dropout off."""
    auto = "AutoModel" if name == "ErnieMModel" else name.replace("ErnieM", "AutoModel")
    return getattr(transformers, auto).from_pretrained(folder, **changes).eval()


def pipeline(task: str, folder: Path) -> Any:
    """transformers' pipeline on a folder."""
    return transformers.pipeline(task, model=str(folder), device="cpu")
