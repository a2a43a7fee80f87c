"""What is measured with: a checkpoint, and texts with their ids, the same for every contender."""

import json
import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import cycle, zip_longest
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from erniem_lab.bundle import MINI
from erniem_lab.config import ErnieMConfig
from erniem_lab.corpora.collect import open_parallel
from erniem_lab.corpora.lines import read_lines
from erniem_lab.corpora.world import World
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


def random_checkpoint(folder: Path, source: Path, layers: int, hidden: int, heads: int) -> Path:
    """Write a model of random weights, and the tokenizer of another checkpoint, to a folder.

    >>> import tempfile
    >>> made = random_checkpoint(Path(tempfile.mkdtemp()), MINI, 1, 8, 2)
    >>> ErnieMModel.from_pretrained(made).config.num_hidden_layers
    1
    """
    vocabulary = ErnieMConfig.from_pretrained(source).vocab_size
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        ErnieMModel(ErnieMConfig(vocabulary, hidden, layers, heads, 4 * hidden)).save_pretrained(folder)
    ErnieMTokenizer.from_pretrained(source).save_pretrained(folder)
    return folder


@dataclass(frozen=True)
class Texts:
    """Texts and their ids, cut to what the model takes; `where` says in words what they are."""

    where: str
    texts: tuple[str, ...]
    ids: tuple[tuple[int, ...], ...]

    @classmethod
    def of(cls, where: str, texts: Sequence[str], folder: Path) -> "Texts":
        """Texts with the ids that a checkpoint's tokenizer gives them.

        >>> Texts.of("two words", ["this is"], MINI).tokens
        4
        """
        longest = ErnieMConfig.from_pretrained(folder).max_length
        ids = ErnieMTokenizer.from_pretrained(folder)(list(texts), truncation=True, max_length=longest)["input_ids"]
        return cls(where, tuple(texts), tuple(map(tuple, ids)))

    @property
    def tokens(self) -> int:
        """All of them, [CLS] and [SEP] counted, padding not."""
        return sum(map(len, self.ids))

    def __str__(self) -> str:
        return f"{len(self.texts):,} texts of {self.where}, {self.tokens:,} tokens"

    def write(self, path: Path) -> str:
        """Put them into a file, for other processes; its path."""
        path.write_text(json.dumps({"texts": self.texts, "ids": self.ids}), encoding="utf-8")
        return str(path)

    def of_length(self, tokens: int, folder: Path) -> "Texts":
        """Neighbours joined and cut to so many tokens each, [CLS] and [SEP] counted; about as many tokens together.

        >>> [len(ids) for ids in Texts.of("words", ["this is", "a test"], MINI).of_length(4, MINI).ids]
        [4, 4]
        """
        stock, joined = cycle(zip(self.texts, self.ids, strict=True)), []
        for _ in range(max(1, self.tokens // tokens)):
            parts, have = [], 2
            while have < tokens:
                text, ids = next(stock)
                parts.append(text)
                have += max(1, len(ids) - 2)
            joined.append(" ".join(parts))
        cut = ErnieMTokenizer.from_pretrained(folder).encodings(joined, truncation=True, max_length=tokens)
        ends = [max(end for _, end in one.offsets) for one in cut]
        return Texts.of(self.where, [text[:end] for text, end in zip(joined, ends, strict=True)], folder)


def gather(folder: Path, places: Sequence[str], count: int, *, languages: Sequence[str] = ()) -> Texts:
    """So many texts, as many of each language or file as of any other as far as they go, in one random order.

    Args:
        folder: the checkpoint whose tokenizer cuts them.
        places: text files with one on each line, or folders of parallel text; none for the bundled world.
        languages: which of a folder's or the world's are read; all by default, without the English side.

    Raises:
        InputValueError: no text at all.

    >>> str(gather(MINI, [], 6, languages=["en", "sw", "th"])).partition(",")[0]
    '6 texts of the bundled world (3 sources)'
    """
    if count < 1:
        raise InputValueError(f"sentences={count}: give 1 or more")
    read = [lines for place in places for lines in _read(Path(place), languages)]
    sources = read if places else _world(count, languages)
    draw = random.Random(0)
    for lines in sources:
        draw.shuffle(lines)
    turns = [text for row in zip_longest(*sources) for text in row if text is not None][:count]
    if not turns:
        raise InputValueError(f"texts={', '.join(places)}: no text there in {', '.join(languages) or 'any language'}")
    draw.shuffle(turns)
    names = ", ".join(Path(place).name for place in places) or "the bundled world"
    return Texts.of(f"{names} ({len(sources)} sources)", turns, folder)


def _read(path: Path, languages: Sequence[str]) -> list[list[str]]:
    if not path.is_dir():
        return [[line for _, line in read_lines(path) if line.strip()]]
    found: dict[str, list[str]] = {}
    for pair in open_parallel(path, pivot="en"):
        if not languages or pair.second.language in languages:
            found.setdefault(pair.second.language, []).append(pair.second.text)
    return list(found.values())


def _world(count: int, languages: Sequence[str]) -> list[list[str]]:
    world = World.load()
    chosen = list(languages or world.languages)
    drawn = world.parallel(chosen, -(-count // len(chosen)), 0)
    return [[one.sentences[place].text for one in drawn] for place in range(len(chosen))]
