"""What is read by every contender: the same texts, in an order as they arrive, and their ids."""

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

from erniem_lab.corpora.collect import open_parallel
from erniem_lab.corpora.lines import read_lines
from erniem_lab.corpora.world import World
from erniem_lab.errors import InputValueError
from erniem_lab.tokenizer import ErnieMTokenizer

PIVOT = "en"


@dataclass(frozen=True)
class Texts:
    """Texts and their ids, cut to what the model takes; `where` says in words what they are."""

    where: str
    texts: tuple[str, ...]
    ids: tuple[tuple[int, ...], ...]

    @classmethod
    def of(cls, where: str, texts: Sequence[str], tokenizer: ErnieMTokenizer, longest: int) -> "Texts":
        """Texts with the ids that a tokenizer gives them.

        >>> tokenizer = ErnieMTokenizer.from_pretrained("tests/golden/tokenizer")
        >>> Texts.of("two words", ["this is"], tokenizer, 4).tokens
        4
        """
        ids = tokenizer(list(texts), truncation=True, max_length=longest)["input_ids"] if texts else []
        return cls(where, tuple(texts), tuple(map(tuple, ids)))

    @property
    def tokens(self) -> int:
        """All of them, [CLS] and [SEP] counted, padding not."""
        return sum(map(len, self.ids))

    def __str__(self) -> str:
        return f"{len(self.texts):,} texts of {self.where}, {self.tokens:,} tokens"

    def write(self, path: Path) -> Path:
        """Put them into a file, for other processes."""
        path.write_text(json.dumps({"texts": self.texts, "ids": self.ids}), encoding="utf-8")
        return path


def gather(places: Sequence[str], count: int, *, languages: Sequence[str] = (), seed: int = 0) -> tuple[str, list[str]]:
    """So many texts, as many of each language or file as of any other as far as they go, in random order.

    Args:
        places: text files with one on each line, or files and folders of parallel text; none for the bundled world.
        languages: which of a folder's or the world's are read; all by default, without the first of each pair.

    Returns:
        What they are, in words, and the texts.

    Raises:
        InputValueError: no text at all.

    >>> where, texts = gather([], 6, languages=["en", "sw", "th"])
    >>> where, len(texts)
    ('the bundled world in 3 languages', 6)
    """
    if count < 1:
        raise InputValueError(f"sentences={count}: give 1 or more")
    read = [part for place in places for part in _read(Path(place), languages)]
    sources = read if places else _world(count, languages, seed)
    draw = random.Random(seed)
    for lines in sources:
        draw.shuffle(lines)
    turns = [text for row in zip_longest(*sources) for text in row if text is not None][:count]
    if not turns:
        raise InputValueError(f"texts={', '.join(places)}: no text there in {', '.join(languages) or 'any language'}")
    draw.shuffle(turns)
    names = ", ".join(Path(place).name for place in places) or "the bundled world"
    return f"{names} in {len(sources)} {'files' if _files(places) else 'languages'}", turns


def repeated(texts: Sequence[str], count: int) -> list[str]:
    """So many texts: these, over and over.

    >>> repeated(["a", "b"], 3)
    ['a', 'b', 'a']
    """
    return [texts[i % len(texts)] for i in range(count)]


def of_length(texts: Sequence[str], tokenizer: ErnieMTokenizer, tokens: int, count: int) -> list[str]:
    """So many texts, each of neighbours joined and cut to about so many tokens, [CLS] and [SEP] counted.

    Raises:
        InputValueError: the texts together have too few.

    >>> tokenizer = ErnieMTokenizer.from_pretrained("tests/golden/tokenizer")
    >>> of_length(["this is", "a test"], tokenizer, 7, 1)
    ['this is a t']
    """
    lengths = [len(ids) - 2 for ids in tokenizer(list(texts))["input_ids"]]
    if sum(lengths) < 1:
        raise InputValueError("texts have no token to join")
    joined, place = [], 0
    for _ in range(count):
        parts, have = [], 2
        while have < tokens:
            parts.append(texts[place % len(texts)])
            have += lengths[place % len(texts)]
            place += 1
        joined.append(" ".join(parts))
    cut = tokenizer.encodings(joined, truncation=True, max_length=tokens)
    return [text[: max(end for _, end in one.offsets)] for text, one in zip(joined, cut, strict=True)]


def _files(places: Sequence[str]) -> bool:
    return bool(places) and not any(Path(place).is_dir() for place in places)


def _read(path: Path, languages: Sequence[str]) -> list[list[str]]:
    if not path.is_dir():
        return [[line for _, line in read_lines(path) if line.strip()]]
    found: dict[str, list[str]] = {}
    for pair in open_parallel(path, pivot=PIVOT):
        if not languages or pair.second.language in languages:
            found.setdefault(pair.second.language, []).append(pair.second.text)
    return list(found.values())


def _world(count: int, languages: Sequence[str], seed: int) -> list[list[str]]:
    world = World.load()
    chosen = list(languages or world.languages)
    drawn = world.parallel(chosen, -(-count // len(chosen)), seed)
    return [[one.sentences[place].text for one in drawn] for place in range(len(chosen))]
