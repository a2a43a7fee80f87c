"""Where the tokens of many texts stand in them, worked out for all at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from operator import attrgetter

import numpy as np
from jaxtyping import Int

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

    A source has one entry more than there are characters, for the end. A span ends where the next character's source
    begins, so that it holds all of what became one character, and it holds at least one.

    >>> pieces = [Parts(2, ("▁a",), (7, 1, 2)), Parts(1, ("b",), (8, 0, 1))]
    >>> [column.lists() for column in located([pieces], [[0, 0, 1, 3]])]
    [[[7, 8]], [[(0, 1), (1, 3)]]]
    """
    parts = [*chain.from_iterable(rows)]
    lengths = np.fromiter(map(attrgetter("length"), parts), np.int64, len(parts))
    numbers = np.fromiter(chain.from_iterable(map(attrgetter("numbers"), parts)), np.int64).reshape(-1, 3)
    counts = np.fromiter(map(len, map(attrgetter("names"), parts)), np.int64, len(parts))
    source, pieces = Ragged.of(sources), np.array([len(row) for row in rows], np.int64)
    shifts = source.starts - _totals_before(lengths, pieces)
    at = np.repeat(lengths.cumsum() - lengths + np.repeat(shifts, pieces), counts)
    starts = source.flat[at + numbers[:, 1]]
    ends = np.maximum(source.flat[_next_source(source)[at + numbers[:, 2] - 1]], starts + 1)
    last = np.concatenate([[0], counts]).cumsum()[pieces.cumsum()]
    first = np.concatenate([[0], last])[:-1]
    return Ragged(numbers[:, 0], first, last), Ragged(np.stack([starts, ends], axis=1), first, last)


def _totals_before(lengths: Int[np.ndarray, " piece"], pieces: Int[np.ndarray, " row"]) -> Int[np.ndarray, " row"]:
    """How many characters all rows before each row have."""
    totals = np.concatenate([[0], lengths]).cumsum()
    return totals[pieces.cumsum() - pieces]


def _next_source(source: Ragged) -> Int[np.ndarray, " character"]:
    """For each character the place of the next one, or of the end, that comes from somewhere else."""
    places, size = np.arange(1, len(source.flat) + 1), len(source.flat)
    stops = np.append(source.flat[1:] != source.flat[:-1], True)[:size]
    stops[source.ends[source.lengths > 1] - 2] = True
    return np.minimum.accumulate(np.where(stops, places, size)[::-1])[::-1]
