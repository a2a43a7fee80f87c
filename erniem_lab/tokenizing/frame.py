"""What stands around the texts of a row: [CLS] and [SEP], or what is in their place in the columns beside the ids."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from erniem_lab.encoding import Span
from erniem_lab.tokenizing.ragged import Ragged, joined

Pair = tuple[Ragged, Ragged | None]  # a batch of texts, and their partners where they have some


@dataclass(frozen=True)
class Frame:
    """The entries around texts: [CLS] A [SEP], and [CLS] A [SEP] [SEP] B [SEP]; both may be empty.

    >>> Frame([0], [2]).around(Ragged.of([[7]]), Ragged.of([[8]])).lists()
    [[0, 7, 2, 2, 8, 2]]
    """

    start: Sequence[int] | Sequence[Span]
    end: Sequence[int] | Sequence[Span]

    def around(self, first: Ragged, second: Ragged | None) -> Ragged:
        """The rows in their frame, one for each text or pair."""
        start, end = ([Ragged.repeated(row, len(first))] if row else [] for row in (self.start, self.end))
        return joined([*start, first, *end] if second is None else [*start, first, *end, *end, second, *end])

    def put_around(self, rows: Sequence[list[Any]]) -> None:
        """The same to texts alone, in the lists themselves.

        >>> rows = [[7], []]
        >>> Frame([0], [2]).put_around(rows)
        >>> rows
        [[0, 7, 2], [0, 2]]
        """
        start, end = [*reversed(self.start)], [*self.end]
        for row in rows:
            for entry in start:
                row.insert(0, entry)
            row.extend(end)

    def size(self, pair: bool) -> int:
        """How many entries the frame adds."""
        return len(self.start) + (3 if pair else 1) * len(self.end)


def sentence_numbers(first: Ragged, second: Ragged | None, framed: bool) -> Ragged:
    """0 for [CLS] A [SEP], 1 for the partner's [SEP] B [SEP] and, as in transformers, for A's own [SEP] of a pair.

    >>> sentence_numbers(Ragged.of([[7]]), Ragged.of([[8]]), framed=True).lists()
    [[0, 0, 1, 1, 1, 1]]
    """
    if second is None:
        return _filled(0, first, 2 * framed)
    return joined([_filled(0, first, framed), _filled(int(framed), second, 3 * framed)])


def added_marks(first: Ragged, second: Ragged | None, framed: bool) -> Ragged:
    """1 for the entries of the frame, 0 for everything else.

    >>> added_marks(Ragged.of([[7]]), None, framed=True).lists()
    [[1, 0, 1]]
    """
    return Frame([1] * framed, [1] * framed).around(_filled(0, first), None if second is None else _filled(0, second))


def attention(rows: Ragged) -> Ragged:
    """1 for everything.

    >>> attention(Ragged.of([[7, 8]])).lists()
    [[1, 1]]
    """
    return _filled(1, rows)


def _filled(item: int, like: Ragged, more: int = 0) -> Ragged:
    lengths = like.lengths + more
    return Ragged.filled(np.full(lengths.max(initial=0), item), lengths)
