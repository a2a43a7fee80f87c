"""Scores that are made of sums over items, so that a resample of the items costs no more than other sums."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Shaped

from erniem_lab.errors import InputValueError
from erniem_lab.metrics.estimates import RESAMPLES, Estimate

AT_ONCE = 1_000_000  # counts drawn at a time

Score = Callable[[Float[np.ndarray, " part"]], float]


@dataclass(frozen=True)
class Tally:
    """What each item adds to some sums, and the score that these sums make.

    >>> hits = mean_of([1, 1, 0, 1] * 25)
    >>> hits.value, len(hits), print(hits.estimate())
    0.750 [0.660, 0.830], n=100
    (0.75, 100, None)
    """

    parts: Float[np.ndarray, "item part"]
    score: Score

    def __len__(self) -> int:
        return len(self.parts)

    @property
    def value(self) -> float:
        """The score of all items."""
        return self.score(self.parts.sum(axis=0))

    def resampled(self, *, seed: int = 0) -> Float[np.ndarray, " sample"]:
        """The scores of as many items, drawn with replacement; the same seed draws the same of equally many items."""
        return np.array([self.score(sums) for sums in _drawn_sums(self.parts, seed)])

    def estimate(self, *, seed: int = 0) -> Estimate:
        """The score with its 95 % interval (percentile bootstrap over items)."""
        low, high = np.percentile(self.resampled(seed=seed), [2.5, 97.5])
        return Estimate(self.value, float(low), float(high), len(self))


def tally(parts: Shaped[np.ndarray, "item part"], score: Score) -> Tally:
    """A tally of numbers of any kind.

    Raises:
        InputValueError: no item.

    >>> tally(np.array([[2, 1]]), lambda sums: float(sums[1] / sums[0])).value
    0.5
    """
    if not len(parts):
        raise InputValueError("there is nothing to score: give one item or more")
    return Tally(np.asarray(parts, dtype=np.float64), score)


def mean_of(scores: Sequence[float | int]) -> Tally:
    """The mean of one score for each item.

    >>> mean_of([0.5, 1.0]).value
    0.75
    """
    numbers = np.asarray(scores, dtype=np.float64)
    return tally(np.stack([np.ones_like(numbers), numbers], axis=1), lambda sums: float(sums[1] / sums[0]))


def shares(hits: Sequence[int], said: Sequence[int], gold: Sequence[int]) -> Tally:
    """F1 over all items: of each item, how many were right, how many were said, and how many there are.

    Nothing said where there is nothing scores 0, as in scikit-learn and seqeval.

    >>> round(shares([1, 0], [1, 1], [2, 0]).value, 3)
    0.5
    """
    return tally(np.stack([np.asarray(counts) for counts in (hits, said, gold)], axis=1), f1)


def f1(sums: Float[np.ndarray, "3"]) -> float:
    """F1 of three sums: right, said, gold.

    >>> f1(np.array([1.0, 2.0, 2.0]))
    0.5
    """
    return float(2 * sums[0] / (sums[1] + sums[2])) if sums[1] + sums[2] else 0.0


def _drawn_sums(parts: Float[np.ndarray, "item part"], seed: int) -> Float[np.ndarray, "sample part"]:
    draw = np.random.default_rng(seed)
    count = len(parts)
    sizes = [len(part) for part in np.array_split(np.arange(RESAMPLES), -(-RESAMPLES * count // AT_ONCE))]
    evenly = np.full(count, 1 / count)
    return np.concatenate([draw.multinomial(count, evenly, size=size) @ parts for size in sizes if size])
