"""Do the same heads matter in two languages, or to two tasks?"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Bool, Float

from erniem_lab.errors import InputValueError, MissingExtraError
from erniem_lab.metrics import Estimate
from erniem_lab.probing.heads import HeadEffects, demand_count
from erniem_lab.probing.resampling import as_far_both_ways
from erniem_lab.probing.tables import table

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ("first", "second", "measure", "value", "low", "high", "n", "chance")


@dataclass(frozen=True)
class HeadOverlap:
    """Whether the same heads matter to two: the shared part of their `count` first heads, and the order of all.

    `jaccard` is shared heads over heads in either list, `chance` that of lists drawn at random; `rank` is Spearman's
    correlation of the drops. Both fall where drops are uncertain. Intervals are of items drawn anew on both sides, and
    symmetric; n is the smaller number of items.
    """

    first: str
    second: str
    count: int
    jaccard: Estimate
    chance: float
    rank: Estimate

    def to_frame(self) -> "pd.DataFrame":
        """A row for each measure, with first, second, value, low, high, n and chance.

        Raises:
            MissingExtraError: pandas is not installed.
        """
        found = ((f"jaccard of {self.count}", self.jaccard, self.chance), ("rank correlation", self.rank, 0.0))
        rows = [
            (self.first, self.second, name, one.value, one.low, one.high, one.n, chance) for name, one, chance in found
        ]
        return table(rows, COLUMNS)


def head_overlap(first: HeadEffects, second: HeadEffects, *, count: int = 5, seed: int = 0) -> HeadOverlap:
    """Do the heads that matter to one matter to the other?

    Args:
        count: heads of largest drop that are taken for those that matter.

    Raises:
        InputValueError: models of other sizes, or a count that is not of 1 to all heads.
        MissingExtraError: scipy is not installed.

    >>> effects = HeadEffects("retrieval", "de", np.ones(4), np.arange(6.0).reshape(2, 3, 1).repeat(4, axis=2))
    >>> found = head_overlap(effects, effects, count=2)
    >>> found.jaccard.value, found.rank.value, round(found.chance, 2)
    (1.0, 1.0, 0.24)
    """
    if first.silenced.shape[:2] != second.silenced.shape[:2]:
        raise InputValueError(f"heads are {first.silenced.shape[:2]} and {second.silenced.shape[:2]}: give one model's")
    heads = first.drop().size
    demand_count(count, heads)
    drawn = [side.drawn(seed + place) for place, side in enumerate((first, second))]
    whole = [side.drop().reshape(1, -1) for side in (first, second)]
    n = min(len(side.whole) for side in (first, second))
    jaccard = as_far_both_ways(_jaccard(count, *whole).item(), _jaccard(count, *drawn), n, (0.0, 1.0))
    rank = as_far_both_ways(rank_correlation(*whole).item(), rank_correlation(*drawn), n, (-1.0, 1.0))
    return HeadOverlap(first.language, second.language, count, jaccard, _random_jaccard(count, heads), rank)


def rank_correlation(
    first: Float[np.ndarray, "draw head"], second: Float[np.ndarray, "draw head"]
) -> Float[np.ndarray, " draw"]:
    """Spearman's correlation of each row, equals sharing their rank.

    Raises:
        MissingExtraError: scipy is not installed.

    >>> rank_correlation(np.array([[1.0, 2.0, 3.0]]), np.array([[10.0, 30.0, 20.0]])).round(3).tolist()
    [0.5]
    """
    try:
        from scipy.stats import rankdata
    except ImportError as fault:
        raise MissingExtraError("rank correlation needs scipy: pip install 'erniem-lab[lab]'") from fault
    one, two = (rankdata(side, axis=1) for side in (first, second))
    one, two = (side - side.mean(axis=1, keepdims=True) for side in (one, two))
    scale = np.sqrt((one**2).sum(axis=1) * (two**2).sum(axis=1))
    return np.divide((one * two).sum(axis=1), scale, out=np.zeros(len(one)), where=scale > 0)


def _jaccard(
    count: int, first: Float[np.ndarray, "draw head"], second: Float[np.ndarray, "draw head"]
) -> Float[np.ndarray, " draw"]:
    one, two = (_largest(side, count) for side in (first, second))
    return (one & two).sum(axis=1) / (one | two).sum(axis=1)


def _largest(drops: Float[np.ndarray, "draw head"], count: int) -> Bool[np.ndarray, "draw head"]:
    chosen = np.zeros(drops.shape, dtype=bool)
    np.put_along_axis(chosen, np.argsort(-drops, axis=1, kind="stable")[:, :count], True, axis=1)
    return chosen


def _random_jaccard(count: int, heads: int) -> float:
    from scipy.stats import hypergeom

    shared = np.arange(count + 1)
    return float((hypergeom.pmf(shared, heads, count, count) * shared / (2 * count - shared)).sum())
