"""Which starts and ends belong together: the rule of PaddleNLP's Taskflow, on which UIE's scores rest."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

THRESHOLD = 0.5  # above which a token starts or ends a span, as in PaddleNLP


@dataclass(frozen=True)
class Pointers:
    """For each token, the probability that a span starts there, and that one ends there."""

    start: Float[np.ndarray, " token"]
    end: Float[np.ndarray, " token"]

    def __getitem__(self, place: slice | list[int]) -> "Pointers":
        """Those of some of the tokens."""
        return Pointers(self.start[place], self.end[place])


@dataclass(frozen=True)
class TokenSpan:
    """A span from one token to another, which it includes; `probability` is the product of both ends'."""

    first: int
    last: int
    probability: float


def pair_up(starts: Sequence[int], ends: Sequence[int]) -> list[tuple[int, int]]:
    """Spans out of places where spans start and where they end, both in order.

    Each end takes the nearest start before it that comes after the end before; starts and ends left over are dropped.

    >>> pair_up([1, 2, 10], [4, 12]), pair_up([1], [3, 5])
    ([(2, 4), (10, 12)], [(1, 3)])
    """
    pairs: list[tuple[int, int]] = []
    waiting = list(reversed(starts))
    for end in ends:
        nearest = None
        while waiting and waiting[-1] <= end:
            nearest = waiting.pop()
        if nearest is not None:
            pairs.append((nearest, end))
    return pairs


def token_spans(pointers: Pointers, threshold: float = THRESHOLD) -> list[TokenSpan]:
    """The spans that probabilities describe, in the order of the text.

    >>> token_spans(Pointers(np.array([1.0, 0.1, 0.2]), np.array([0.1, 0.75, 0.5])))
    [TokenSpan(first=0, last=1, probability=0.75)]
    """
    starts, ends = (np.flatnonzero(side > threshold).tolist() for side in (pointers.start, pointers.end))
    return [TokenSpan(s, e, float(pointers.start[s] * pointers.end[e])) for s, e in pair_up(starts, ends)]
