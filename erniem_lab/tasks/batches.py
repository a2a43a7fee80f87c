"""Which features a micro-batch holds: drawn anew each epoch, texts of like length side by side."""

from collections.abc import Sequence
from functools import lru_cache
from math import ceil

import numpy as np

POOL = 16  # batches among which lengths are sorted: little padding, and still a random mix


class Batches:
    """The rows of micro-batch number n, the same for the same seed; every row once in an epoch.

    >>> batches = Batches([3, 9, 4, 5], size=2, seed=0)
    >>> sorted([*batches[0], *batches[1]]), batches[0] == batches[0]
    ([0, 1, 2, 3], True)
    """

    def __init__(self, lengths: Sequence[int], size: int, seed: int) -> None:
        self.lengths, self.size, self.seed = np.array(lengths), size, seed
        self.count = ceil(len(lengths) / size)
        self._epoch = lru_cache(maxsize=2)(self._drawn)

    def __getitem__(self, number: int) -> list[int]:
        epoch, place = divmod(number, self.count)
        return self._epoch(epoch)[place]

    def _drawn(self, epoch: int) -> list[list[int]]:
        draw = np.random.default_rng([self.seed, epoch])
        order = draw.permutation(len(self.lengths))
        pools = [order[start : start + POOL * self.size] for start in range(0, len(order), POOL * self.size)]
        rows = [row for pool in pools for row in pool[np.argsort(self.lengths[pool], kind="stable")].tolist()]
        batches = [rows[start : start + self.size] for start in range(0, len(rows), self.size)]
        return [batches[place] for place in draw.permutation(len(batches))]
