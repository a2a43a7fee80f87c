"""Gold word alignments: numbered links (WPT, NAACL 2003, Europarl), Pharaoh's pairs, and awesome-align's with `p`.

The words are those of the tokenised sentences, between spaces. The forms are described at
https://web.eecs.umich.edu/~mihalcea/wpt05/ and https://github.com/neulab/awesome-align.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, zip_longest
from os import PathLike
from pathlib import Path
from typing import Literal

from erniem_lab.corpora.examples import AlignedPair, Sentence
from erniem_lab.corpora.lines import read_lines
from erniem_lab.errors import InputValueError

Source = str | PathLike[str]
Texts = Source | tuple[Source, Source]
"""A file of lines `first ||| second`, or a file for each language."""

BAR = " ||| "
NOTHING = ("0", "-99")  # a word that has no partner: 0 in WPT's files, -99 in Europarl's
MARKS = {"S": True, "P": False}
PAIR = re.compile(r"([0-9]+)([-p])([0-9]+)")
NUMBER = re.compile(r"[0-9]+")


@dataclass(frozen=True)
class _Link:
    """A link of a file: the line where it stands, the number of its sentence there, and its words from 0."""

    line: int
    sentence: int
    first: int
    second: int
    sure: bool


def read_numbered_links(texts: Texts, links: Source, languages: tuple[str, str]) -> Iterator[AlignedPair]:
    """A pair for each sentence, with links from lines `sentence first second`, and `S` or `P` after them or nothing.

    Words count from 1, and a link without a mark is sure. Sentences count from 0 if one has that number, else from 1;
    where the numbers run past the last sentence, but are as many as the sentences (WPT's Romanian), they count in
    order. A word 0 or -99 is no word (linked to nothing), and such a line no link.

    Args:
        languages: of the first and of the second sentence.

    Raises:
        FileFaultError: a file is missing or damaged.
        InputValueError: a line of another form, a word or sentence that is not there, or texts that do not match.

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> _ = (folder / "texts").write_text("das Haus ||| the house\\n"), (folder / "links").write_text("1 2 2 P\\n")
    >>> [pair.possible for pair in read_numbered_links(folder / "texts", folder / "links", ("de", "en"))]
    [frozenset({(1, 1)})]
    """
    sentences = _sentences(texts, languages)
    found = [link for link in _numbered(links) if link]
    places = _places(Path(links), found, len(sentences))
    groups: list[list[_Link]] = [[] for _ in sentences]
    for link in found:
        groups[places[link.sentence]].append(link)
    yield from (_pair(links, pair, group) for pair, group in zip(sentences, groups, strict=True))


def read_pharaoh(
    texts: Texts, links: Source, languages: tuple[str, str], *, start: Literal[0, 1] = 0
) -> Iterator[AlignedPair]:
    """A pair for each line, with links from words like `0-0 1-2 3p4`; those with `p` are possible, not sure.

    Args:
        languages: of the first and of the second sentence.
        start: the number of the first word; awesome-align's gold files count from 1.

    Raises:
        FileFaultError: a file is missing or damaged.
        InputValueError: a line of another form, a word that is not there, or files of unlike numbers of lines.

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> _ = (folder / "texts").write_text("das Haus ||| the house\\n"), (folder / "links").write_text("0-0 1p1\\n")
    >>> [pair.sure for pair in read_pharaoh(folder / "texts", folder / "links", ("de", "en"))]
    [frozenset({(0, 0)})]
    """
    sentences, lines = _sentences(texts, languages), list(read_lines(links))
    if len(sentences) != len(lines):
        raise InputValueError(
            f"{links} has {len(lines)} lines, for {len(sentences)} pairs of sentences: give line i the links of pair i"
        )
    for pair, (number, line) in zip(sentences, lines, strict=True):
        yield _pair(links, pair, [_pharaoh(links, number, text, start) for text in line.split()])


def _sentences(texts: Texts, languages: tuple[str, str]) -> list[tuple[Sentence, Sentence]]:
    rows = list(_halves(texts) if isinstance(texts, tuple) else _barred(texts))
    if not rows:
        raise InputValueError(f"{texts}: no sentence; leave the file out")
    return [(_sentence(languages[0], *one), _sentence(languages[1], *two)) for one, two in rows]


Located = tuple[str, str]  # a line's text, and where it stands


def _halves(texts: tuple[Source, Source]) -> Iterator[tuple[Located, Located]]:
    for number, (one, two) in enumerate(zip_longest(*map(read_lines, texts)), start=1):
        if one is None or two is None:
            short = texts[0] if one is None else texts[1]
            raise InputValueError(f"{short}:{number}: no such line, but the other file has it; restore what is missing")
        yield (one[1], f"{texts[0]}:{number}"), (two[1], f"{texts[1]}:{number}")


def _barred(path: Source) -> Iterator[tuple[Located, Located]]:
    for number, line in read_lines(path):
        sides = line.split(BAR)
        if len(sides) != 2:
            raise InputValueError(f"{path}:{number}: {line!r:.60} has {len(sides) - 1} {BAR!r}; write first ||| second")
        yield (sides[0], f"{path}:{number}"), (sides[1], f"{path}:{number}")


def _sentence(language: str, text: str, place: str) -> Sentence:
    words = [word for word in re.split("[ \t]+", text) if word]
    if not words:
        raise InputValueError(f"{place}: a sentence without words; put the sentence back, as links go by its number")
    starts = accumulate((len(word) + 1 for word in words), initial=0)
    spans = tuple((start, start + len(word)) for start, word in zip(starts, words, strict=False))
    return Sentence(language, " ".join(words), spans)


def _numbered(path: Source) -> Iterator[_Link | None]:
    for number, line in read_lines(path):
        fields = line.split()
        mark = fields[3] if len(fields) == 4 else "S"
        sound = len(fields) in (3, 4) and mark in MARKS and NUMBER.fullmatch(fields[0])
        if not sound or not all(NUMBER.fullmatch(word) or word in NOTHING for word in fields[1:3]):
            raise InputValueError(
                f"{path}:{number}: {line!r:.60} is no link; write sentence, word, word, and S or P, such as '1 4 5 S'"
            )
        if fields[1] in NOTHING and fields[2] in NOTHING:
            raise InputValueError(f"{path}:{number}: {line!r:.60} links no words; count words from 1")
        if fields[1] in NOTHING or fields[2] in NOTHING:
            yield None
        else:
            yield _Link(number, int(fields[0]), int(fields[1]) - 1, int(fields[2]) - 1, MARKS[mark])


def _places(path: Path, links: Sequence[_Link], sentences: int) -> dict[int, int]:
    """Which sentence each number of a file means."""
    numbers = sorted({link.sentence for link in links})
    if not numbers:
        raise InputValueError(f"{path}: no link; leave the file out")
    start = min(numbers[0], 1)
    if numbers[-1] - start < sentences:
        return {number: number - start for number in numbers}
    if len(numbers) == sentences:
        return {number: place for place, number in enumerate(numbers)}
    line = next(link.line for link in links if link.sentence - start >= sentences)
    raise InputValueError(
        f"{path}:{line}: sentence numbers go up to {numbers[-1]}, but there are {sentences} sentences, and "
        f"{len(numbers)} have links; give the sentences that the links are of"
    )


def _pharaoh(path: Source, number: int, text: str, start: int) -> _Link:
    parts = PAIR.fullmatch(text)
    if not parts:
        raise InputValueError(f"{path}:{number}: {text!r:.60} is no link; write word-word, or wordpword, such as 0-1")
    first, second = int(parts[1]) - start, int(parts[3]) - start
    if min(first, second) < 0:
        raise InputValueError(f"{path}:{number}: {text!r} has a word 0, but start={start}; give start=0")
    return _Link(number, 0, first, second, parts[2] == "-")


def _pair(path: Source, pair: tuple[Sentence, Sentence], links: Sequence[_Link]) -> AlignedPair:
    counts = tuple(len(sentence.words) for sentence in pair)
    for link in links:
        if link.first >= counts[0] or link.second >= counts[1]:
            raise InputValueError(
                f"{path}:{link.line}: a link between words {link.first + 1} and {link.second + 1} (counted from 1) of "
                f"sentences of {counts[0]} and {counts[1]} words; give the sentences that the links are of, in their "
                "order, and say where words count from (start=1)"
            )
    sure = frozenset((link.first, link.second) for link in links if link.sure)
    return AlignedPair(*pair, sure, frozenset((link.first, link.second) for link in links))
