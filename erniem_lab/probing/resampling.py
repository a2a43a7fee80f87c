"""Sentences drawn again and again: the intervals of scores that are made of sums or of means over a corpus."""

import numpy as np
from jaxtyping import Float, Shaped

from erniem_lab.metrics import RESAMPLES, Estimate

BLOCK = 100  # resamples at a time, so that a large corpus fits into memory


def resampled_sums(parts: Shaped[np.ndarray, "row item part"], seed: int = 0) -> Float[np.ndarray, "resample row part"]:
    """Sums over as many items as there are, drawn with replacement; every row sees the same items.

    >>> hits = np.array([[[1.0], [0.0]], [[2.0], [0.0]]])
    >>> sums = resampled_sums(hits)[:, :, 0]
    >>> sorted(set(sums[:, 0].tolist())), bool((sums[:, 1] == 2 * sums[:, 0]).all())
    ([0.0, 1.0, 2.0], True)
    """
    rows, items, width = parts.shape
    flat = parts.transpose(1, 0, 2).reshape(items, -1).astype(np.float64)
    draw, even = np.random.default_rng(seed), np.full(items, 1 / items)
    blocks = [draw.multinomial(items, even, size=BLOCK).astype(np.float64) @ flat for _ in range(RESAMPLES // BLOCK)]
    return np.concatenate(blocks).reshape(-1, rows, width)


def as_far_both_ways(
    value: float, drawn: Float[np.ndarray, " resample"], n: int, limits: tuple[float, float]
) -> Estimate:
    """A value with the 95 % interval that reaches as far below as above (Hall 1988, symmetric bootstrap).

    For scores of agreement, such as rank correlations: resampling adds noise of its own, which lowers nearly all
    resamples, so that their middle 95 % can leave out the value, and mostly leave out the truth.

    Args:
        limits: least and largest score that there can be.

    >>> as_far_both_ways(0.9, np.array([0.5, 0.5]), 20, (-1.0, 1.0))
    Estimate(value=0.9, low=0.5, high=1.0, n=20)
    """
    reach = float(np.percentile(np.abs(drawn - value), 95))
    return Estimate(value, max(limits[0], value - reach), min(limits[1], value + reach), n)
