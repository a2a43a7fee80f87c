"""A number with its interval."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Shaped

RESAMPLES = 2000


@dataclass(frozen=True)
class Estimate:
    """A mean over `n` items with the 95 % interval that resampling the items gives (percentile bootstrap)."""

    value: float
    low: float
    high: float
    n: int

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}], n={self.n}"


def mean_with_interval(scores: Shaped[np.ndarray, " item"] | Sequence[float | int], *, seed: int = 0) -> Estimate:
    """The mean of one score for each item, and how far it may move by the choice of items.

    >>> print(mean_with_interval([1, 1, 0, 1] * 25))
    0.750 [0.670, 0.840], n=100
    """
    numbers = np.asarray(scores, dtype=np.float64)
    draw = np.random.default_rng(seed)
    means = [numbers[draw.integers(len(numbers), size=len(numbers))].mean() for _ in range(RESAMPLES)]
    low, high = np.percentile(means, [2.5, 97.5])
    return Estimate(float(numbers.mean()), float(low), float(high), len(numbers))
