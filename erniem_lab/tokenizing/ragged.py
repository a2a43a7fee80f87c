"""Rows of unequal length in one array, so that a batch is cut, framed and padded at once, and made into lists last."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
from jaxtyping import Int

from erniem_lab.encoding import Side, Span


@dataclass(frozen=True)
class Ragged:
    """Rows of ids or of spans; row i is flat[starts[i]:ends[i]], and rows may lie anywhere, even on one another.

    >>> Ragged.of([[5, 6], []]).lists(), Ragged.repeated([7], 2).lists()
    ([[5, 6], []], [[7], [7]])
    """

    flat: Int[np.ndarray, "item *kind"]
    starts: Int[np.ndarray, " row"]
    ends: Int[np.ndarray, " row"]

    @classmethod
    def of(cls, rows: Sequence[Sequence[int]]) -> "Ragged":
        """The rows of some lists."""
        lengths = np.fromiter(map(len, rows), np.int64, len(rows))
        ends = lengths.cumsum()
        return cls(np.fromiter(chain.from_iterable(rows), np.int64, lengths.sum()), ends - lengths, ends)

    @classmethod
    def of_spans(cls, rows: Sequence[Sequence[Span]]) -> "Ragged":
        """The rows of some lists of spans.

        >>> Ragged.of_spans([[(0, 3)], []]).lists()
        [[(0, 3)], []]
        """
        ends = np.fromiter(map(len, rows), np.int64, len(rows)).cumsum()
        flat = np.fromiter(chain.from_iterable(chain.from_iterable(rows)), np.int64, 2 * ends[-1] if len(rows) else 0)
        return cls(flat.reshape(-1, 2), np.concatenate([[0], ends])[:-1], ends)

    @classmethod
    def repeated(cls, row: Sequence[int] | Sequence[Span], count: int) -> "Ragged":
        """The same row so many times."""
        return cls.filled(np.array(row, np.int64), np.full(count, len(row)))

    @classmethod
    def filled(cls, items: Int[np.ndarray, "item *kind"], lengths: Int[np.ndarray, " row"]) -> "Ragged":
        """Of the same items the first few in each row.

        >>> Ragged.filled(np.zeros(3, np.int64), np.array([1, 3])).lists()
        [[0], [0, 0, 0]]
        """
        return cls(items, np.zeros_like(lengths), lengths)

    def __len__(self) -> int:
        return len(self.starts)

    @property
    def lengths(self) -> Int[np.ndarray, " row"]:
        """How many items each row has."""
        return self.ends - self.starts

    def lists(self) -> list[list[Any]]:
        """The rows as lists: of ints, or of tuples where the items are spans."""
        items = self.flat.tolist() if self.flat.ndim == 1 else [*zip(*self.flat.T.tolist(), strict=True)]
        return [items[start:end] for start, end in zip(self.starts.tolist(), self.ends.tolist(), strict=True)]

    def rows(self, chosen: Int[np.ndarray, " chosen"]) -> "Ragged":
        """Some of the rows, in this order; the items stay where they are.

        >>> Ragged.of([[5], [6, 7], [8]]).rows(np.array([2, 0])).lists()
        [[8], [5]]
        """
        return Ragged(self.flat, self.starts[chosen], self.ends[chosen])

    def shortened(self, rows: Sequence[int], places: Sequence[slice]) -> "Ragged":
        """The same with a part only of some rows.

        >>> Ragged.of([[5], [6, 7, 8]]).shortened([1], [slice(1, 3)]).lists()
        [[5], [7, 8]]
        """
        starts, ends = self.starts.copy(), self.ends.copy()
        for row, place in zip(rows, places, strict=True):
            start, end, _ = place.indices(int(self.ends[row] - self.starts[row]))
            starts[row], ends[row] = self.starts[row] + start, self.starts[row] + end
        return Ragged(self.flat, starts, ends)

    def padded(self, length: int, fill: int | Sequence[int], side: Side) -> Int[np.ndarray, "row length *kind"]:
        """A rectangle with the rows at one side of it; none of them may be longer than `length`.

        >>> Ragged.of([[5], [6, 7]]).padded(2, fill=1, side="left").tolist()
        [[1, 5], [6, 7]]
        """
        table = np.full((len(self), length, *self.flat.shape[1:]), fill, np.int64)
        columns = np.arange(length)
        inside = columns < self.lengths[:, None] if side == "right" else columns >= length - self.lengths[:, None]
        table[inside] = self.flat[places(self.starts, self.lengths)]
        return table


def stacked(parts: Sequence[Ragged]) -> Ragged:
    """The rows of the first, then those of the second, and so on; at least one.

    >>> stacked([Ragged.of([[5]]), Ragged.of([[6, 7]])]).lists()
    [[5], [6, 7]]
    """
    shifts = np.cumsum([0, *(len(part.flat) for part in parts[:-1])])
    return Ragged(
        np.concatenate([part.flat for part in parts]),
        np.concatenate([part.starts + shift for part, shift in zip(parts, shifts, strict=True)]),
        np.concatenate([part.ends + shift for part, shift in zip(parts, shifts, strict=True)]),
    )


def joined(parts: Sequence[Ragged]) -> Ragged:
    """Each row of the first with the same row of the second behind it, and so on; at least one.

    >>> joined([Ragged.of([[5], []]), Ragged.of([[6], [7, 8]])]).lists()
    [[5, 6], [7, 8]]
    """
    lengths = np.stack([part.lengths for part in parts], axis=1)
    ends = lengths.cumsum().reshape(lengths.shape)
    flat = np.empty((int(lengths.sum()), *parts[0].flat.shape[1:]), np.int64)
    for part, size, end in zip(parts, lengths.T, ends.T, strict=True):
        flat[places(end - size, size)] = part.flat[places(part.starts, size)]
    return Ragged(flat, ends[:, -1] - lengths.sum(1), ends[:, -1])


def places(starts: Int[np.ndarray, " row"], lengths: Int[np.ndarray, " row"]) -> Int[np.ndarray, " item"]:
    """Where the items of rows stand, row by row.

    >>> places(np.array([5, 0]), np.array([2, 1])).tolist()
    [5, 6, 0]
    """
    before = lengths.cumsum() - lengths
    return np.arange(lengths.sum()) + np.repeat(starts - before, lengths)
