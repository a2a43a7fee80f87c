"""Where the tokens of many texts stand in them, worked out for all at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from operator import attrgetter

import numpy as np
from jaxtyping import Bool, Int

from erniem_lab.tokenizing.ragged import Ragged


@dataclass(frozen=True, slots=True)
class Parts:
    """The tokens that a piece of so many characters is cut into: their names, and id, start and end of each in turn.

    The start is that of the characters, after a "▁" that stands before them.
    """

    length: int
    names: tuple[str, ...]
    numbers: tuple[int, ...]


def located(rows: Sequence[Sequence[Parts]], sources: Sequence[Sequence[int]]) -> tuple[Ragged, Ragged]:
    """The ids and the spans of texts, each given by its pieces and by where each normalised character came from.

    >>> pieces = [Parts(2, ("▁a",), (7, 1, 2)), Parts(1, ("b",), (8, 0, 1))]
    >>> [column.lists() for column in located([pieces], [[0, 0, 1, 3]])]
    [[[7, 8]], [[(0, 1), (1, 3)]]]
    """
    parts, source = [*chain.from_iterable(rows)], Ragged.of(sources)
    lengths = np.fromiter(map(attrgetter("length"), parts), np.int64, len(parts))
    numbers = np.fromiter(chain.from_iterable(map(attrgetter("numbers"), parts)), np.int64).reshape(-1, 3)
    counts = np.fromiter(map(len, map(attrgetter("names"), parts)), np.int64, len(parts))
    pieces = np.fromiter(map(len, rows), np.int64, len(rows))
    at = np.repeat(piece_starts(lengths, pieces, source.starts), counts)
    last = np.concatenate([[0], counts]).cumsum()[pieces.cumsum()]
    first = np.concatenate([[0], last])[:-1]
    return Ragged(numbers[:, 0], first, last), Ragged(spans(at[:, None] + numbers[:, 1:], source), first, last)


def piece_starts(
    lengths: Int[np.ndarray, " piece"], pieces: Int[np.ndarray, " row"], starts: Int[np.ndarray, " row"]
) -> Int[np.ndarray, " piece"]:
    """The character at which each piece starts, by the pieces' lengths, each row's number of them, and its start.

    >>> piece_starts(np.array([2, 1, 4]), np.array([2, 1]), np.array([0, 9])).tolist()
    [0, 2, 9]
    """
    totals = np.concatenate([[0], lengths]).cumsum()
    return totals[:-1] + np.repeat(starts - totals[pieces.cumsum() - pieces], pieces)


def spans(edges: Int[np.ndarray, "token edge"], source: Ragged) -> Int[np.ndarray, "token edge"]:
    """The span in its text of each token, given by its first normalised character and the one after its last.

    A source has one entry more than there are characters, for the end. A span ends where the next character's source
    begins, so that it holds all of what became one character, and it holds at least one.

    >>> spans(np.array([[0, 2], [2, 3]]), Ragged.of([[0, 0, 1, 3]])).tolist()
    [[0, 1], [1, 3]]
    """
    starts, after = source.flat[edges[:, 0]], edges[:, 1].copy()
    within = np.flatnonzero(source.flat[after] == source.flat[after - 1])
    while len(within):  # characters that came from the same as the one before
        within = within[~_is_last(after[within], source)]
        after[within] += 1
        within = within[source.flat[after[within]] == source.flat[after[within] - 1]]
    return np.stack([starts, np.maximum(source.flat[after], starts + 1)], axis=1)


def _is_last(places: Int[np.ndarray, " place"], source: Ragged) -> Bool[np.ndarray, " place"]:
    """Whether each place is the last of its row; rows follow one another."""
    return source.ends[np.searchsorted(source.ends, places, side="right")] == places + 1
