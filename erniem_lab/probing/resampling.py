"""Sums over sentences, drawn again and again: the interval of any score that is made of sums over a corpus."""

import numpy as np
from jaxtyping import Float, Shaped

from erniem_lab.metrics import RESAMPLES

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
