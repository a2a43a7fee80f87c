"""Checkpoints to measure with: one that is given, or random weights of a known size."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from erniem_lab.bundle import MINI
from erniem_lab.config import ErnieMConfig
from erniem_lab.errors import InputValueError
from erniem_lab.hub import local_folder
from erniem_lab.model import ErnieMModel
from erniem_lab.tokenizer import ErnieMTokenizer

FILES = ("*.json", "*.safetensors", "*.model", "*.txt")
SIZES = {  # layers, width, heads
    "small": (4, 384, 6),
    "base": (12, 768, 12),
    "large": (24, 1024, 16),
}


@contextmanager
def checkpoint(model: str = "", size: str = "") -> Iterator[Path]:
    """The folder of a model: `model` itself, a random one of a known `size`, or the bundled small one.

    A random one has `model`'s tokenizer, so its vocabulary is not the released one's; what a text costs is the same.
    It is there as long as the block runs.

    Raises:
        InputValueError: no such size.

    >>> with checkpoint() as folder:
    ...     (folder / "config.json").is_file()
    True
    """
    source = local_folder(model or MINI, FILES)
    if not size:
        yield source
        return
    if size not in SIZES:
        raise InputValueError(f"size={size!r}: give one of {', '.join(SIZES)}, or leave it out for the model's own")
    with TemporaryDirectory() as folder:
        yield random_checkpoint(Path(folder) / size, source, *SIZES[size])


def random_checkpoint(folder: Path, source: Path, layers: int, hidden: int, heads: int, *, seed: int = 0) -> Path:
    """Write a model of random weights, and the tokenizer of another checkpoint, to a folder.

    >>> import tempfile
    >>> made = random_checkpoint(Path(tempfile.mkdtemp()), MINI, 1, 8, 2)
    >>> ErnieMModel.from_pretrained(made).config.num_hidden_layers
    1
    """
    tokenizer = ErnieMTokenizer.from_pretrained(source)
    vocabulary = ErnieMConfig.from_pretrained(source).vocab_size
    config = ErnieMConfig(vocabulary, hidden, layers, heads, 4 * hidden)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        ErnieMModel(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder
