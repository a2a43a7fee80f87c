"""A batch of texts or pairs as rows of ids, on their way to the model: read, shortened, cut."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import Any, Generic, Protocol, TypeVar, runtime_checkable

import numpy as np

from erniem_lab.encoding import Side, Strategy, keep, kept_lengths
from erniem_lab.errors import InputTypeError, InputValueError
from erniem_lab.tokenizing.ragged import Ragged


@runtime_checkable
class Sliceable(Protocol):
    """What has a length and parts: strings, lists, sentences."""

    def __len__(self) -> int: ...
    def __getitem__(self, place: slice, /) -> Any: ...


Row = TypeVar("Row", bound=Sliceable)
Other = TypeVar("Other", bound=Sliceable)


@dataclass(frozen=True)
class Rows(Generic[Row]):
    """Something for each text of a batch, and for each text's partner where the batch is of pairs.

    >>> Rows(["abc"], ["de"]).lengths()
    [(3, 2)]
    """

    firsts: Sequence[Row]
    seconds: Sequence[Row] | None = None

    def pairs(self) -> "zip[tuple[Row, Row | None]]":
        """Each text with its partner, or with None."""
        return zip(self.firsts, repeat(None) if self.seconds is None else self.seconds, strict=False)

    def blocks(self, size: int) -> "Iterator[Rows[Row]]":
        """The texts and partners, so many at a time; at least one block.

        >>> [block.firsts for block in Rows(["a", "b", "c"]).blocks(2)]
        [['a', 'b'], ['c']]
        """
        for start in range(0, max(len(self.firsts), 1), size):
            place = slice(start, start + size)
            yield Rows(self.firsts[place], None if self.seconds is None else self.seconds[place])

    def changed(self, change: Callable[[Sequence[Row]], Sequence[Other]]) -> "Rows[Other]":
        """Something else for all texts, and for all partners.

        >>> Rows(["abc"], ["de"]).changed(lambda texts: [text.upper() for text in texts])
        Rows(firsts=['ABC'], seconds=['DE'])
        """
        return Rows(change(self.firsts), None if self.seconds is None else change(self.seconds))

    def lengths(self) -> list[tuple[int, int | None]]:
        """How long each text and its partner are."""
        return [(len(first), None if second is None else len(second)) for first, second in self.pairs()]

    def parts(self, places: Sequence[tuple[slice, slice]]) -> "Rows[Row]":
        """Of each text and its partner what stands at the two places."""
        firsts = [row[place[0]] for row, place in zip(self.firsts, places, strict=True)]
        if self.seconds is None:
            return Rows(firsts)
        return Rows(firsts, [row[place[1]] for row, place in zip(self.seconds, places, strict=True)])


@dataclass(frozen=True)
class Cut:
    """How to shorten: the most tokens that remain, the frame's not counted, who gives way, and on which side."""

    limit: int
    strategy: Strategy
    side: Side

    def places(self, first: int, second: int | None) -> tuple[slice, slice]:
        """What remains of a text and of its partner, by their lengths.

        >>> Cut(3, "longest_first", "right").places(5, None)[0]
        slice(None, 3, None)
        """
        lengths = kept_lengths(first, second, self.limit, self.strategy)
        return keep(lengths[0], first, self.side), keep(lengths[1], second or 0, self.side)

    def kept(self, first: Ragged, second: Ragged | None) -> tuple[Ragged, Ragged | None]:
        """What remains of a batch; only the rows that are too long are looked at one by one.

        >>> Cut(1, "only_first", "right").kept(Ragged.of([[5, 6], [7]]), None)[0].lists()
        [[5], [7]]
        """
        lengths = first.lengths, None if second is None else second.lengths
        total = lengths[0] if lengths[1] is None else lengths[0] + lengths[1]
        long = np.flatnonzero(total > self.limit).tolist()
        places = [self.places(int(lengths[0][i]), None if lengths[1] is None else int(lengths[1][i])) for i in long]
        shorter = None if second is None else second.shortened(long, [place for _, place in places])
        return first.shortened(long, [place for place, _ in places]), shorter

    def overflow(self, ids: Sequence[int], place: slice, stride: int) -> Sequence[int]:
        """What was cut off one text, with `stride` tokens of what remains.

        >>> Cut(3, "only_first", "right").overflow([5, 6, 7, 8], slice(3), stride=1)
        [7, 8]
        """
        removed = len(ids) - len(ids[place])
        window = min(len(ids), removed + stride) if removed else 0
        return ids[len(ids) - window :] if self.side == "right" else ids[:window]


def read_rows(text: Any, text_pair: Any, words: bool) -> tuple[Rows[Any], bool]:
    """The texts (or, with `words`, the lists of words) of a call, and whether it was one text or pair.

    Raises:
        InputTypeError: neither a text nor a list of them.
        InputValueError: two lists that do not pair off.

    >>> read_rows("a", "b", words=False)
    (Rows(firsts=['a'], seconds=['b']), True)
    """
    if _is_text(text, words):
        _demand_kind(text_pair is None or _is_text(text_pair, words), "text_pair", text_pair, words)
        return Rows([text], None if text_pair is None else [text_pair]), True
    _demand_kind(isinstance(text, list | tuple), "text", text, words)
    if text_pair is None and not words and any(issubclass(kind, list | tuple) for kind in set(map(type, text))):
        text, text_pair = _unzipped(text)
    firsts, seconds = [*text], text_pair
    for name, items in (("text", firsts), ("text_pair", seconds)):
        _demand_kind(items is None or isinstance(items, list | tuple), name, items, words)
        if words or {*map(type, items or ())} - {str}:
            for item in items or ():
                _demand_kind(_is_text(item, words), f"an item of {name}", item, words)
    if seconds is not None and len(seconds) != len(firsts):
        raise InputValueError(f"text has {len(firsts)} items and text_pair {len(seconds)}: give each text one partner")
    return Rows(firsts, None if seconds is None else [*seconds]), False


def _is_text(item: Any, words: bool) -> bool:
    if not words:
        return isinstance(item, str)
    return isinstance(item, list | tuple) and all(isinstance(word, str) for word in item)


def _demand_kind(fits: bool, name: str, item: Any, words: bool) -> None:
    if not fits:
        wanted = "a list of words (is_split_into_words=True)" if words else "a str"
        what = f"{name} is {item!r:.50}, of type {type(item).__name__}"
        raise InputTypeError(f"{what}: give {wanted}, or a list of them")


def _unzipped(pairs: Sequence[Any]) -> tuple[list[Any], list[Any]]:
    for item in pairs:
        if not isinstance(item, list | tuple) or len(item) != 2:
            raise InputTypeError(
                f"an item of text is {item!r:.60}: a list holds strings, or pairs of strings; "
                "for lists of words pass is_split_into_words=True"
            )
    return [first for first, _ in pairs], [second for _, second in pairs]
