"""Scores of labels and numbers, by scikit-learn's and scipy's definitions."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float, Int

from erniem_lab.errors import InputValueError
from erniem_lab.metrics.tally import Tally, f1, mean_of, shares, tally

if TYPE_CHECKING:
    import pandas as pd


def accuracy(gold: Sequence[object], said: Sequence[object]) -> Tally:
    """The share of items whose label is right.

    Raises:
        InputValueError: not as many labels as gold ones, or none.

    >>> accuracy(["a", "b"], ["a", "a"]).value
    0.5
    """
    _demand_as_many(gold, said)
    return mean_of([int(one == other) for one, other in zip(gold, said, strict=True)])


def macro_f1(gold: Sequence[str], said: Sequence[str]) -> Tally:
    """The mean, over the labels that occur, of each label's F1.

    >>> round(macro_f1(["a", "b"], ["a", "a"]).value, 3)
    0.333
    """
    _demand_as_many(gold, said)
    names = sorted({*gold, *said})
    one = np.array([[label == name for name in names] for label in gold])
    other = np.array([[label == name for name in names] for label in said])
    parts = np.stack([one & other, other, one], axis=1).reshape(len(gold), -1)

    def score(sums: Float[np.ndarray, " part"]) -> float:
        return float(np.mean([f1(column) for column in sums.reshape(3, -1).T]))

    return tally(parts, score)


def micro_f1(gold: Sequence[Collection[str]], said: Sequence[Collection[str]]) -> Tally:
    """F1 over all labels of all items, where an item has any number of labels.

    >>> round(micro_f1([{"a", "b"}, set()], [{"a"}, {"b"}]).value, 3)
    0.5
    """
    _demand_as_many(gold, said)
    hits = [len({*one} & {*other}) for one, other in zip(gold, said, strict=True)]
    return shares(hits, [len({*one}) for one in said], [len({*one}) for one in gold])


def pearson(gold: Sequence[float], said: Sequence[float]) -> Tally:
    """The linear correlation of two series of numbers; 0 where one of them is constant.

    >>> round(pearson([1.0, 2.0, 3.0], [2.0, 4.0, 7.0]).value, 3)
    0.993
    """
    _demand_as_many(gold, said)
    one, other = (np.asarray(numbers, dtype=np.float64) for numbers in (gold, said))
    one, other = one - one.mean(), other - other.mean()  # large means would cost digits
    return tally(np.stack([np.ones_like(one), one, other, one**2, other**2, one * other], axis=1), _correlation)


def spearman(gold: Sequence[float], said: Sequence[float]) -> Tally:
    """The correlation of ranks; resamples keep the ranks of all items.

    >>> spearman([1.0, 2.0, 3.0], [2.0, 4.0, 70.0]).value
    1.0
    """
    return pearson(_ranks(gold), _ranks(said))


@dataclass(frozen=True)
class Confusion:
    """How often each label (row) was taken for each (column).

    >>> confusion(["a", "b", "b"], ["a", "a", "b"]).counts.tolist()
    [[1, 0], [1, 1]]
    """

    labels: tuple[str, ...]
    counts: Int[np.ndarray, "label label"]

    def shares(self) -> Float[np.ndarray, "label label"]:
        """Of each label, the share that was taken for each; 0 throughout for a label that is never gold."""
        return self.counts / np.maximum(self.counts.sum(axis=1, keepdims=True), 1)

    def to_frame(self) -> "pd.DataFrame":
        """A row for each cell: gold, said, count, share."""
        import pandas as pd

        cells = [(i, j) for i in range(len(self.labels)) for j in range(len(self.labels))]
        rows = [(self.labels[i], self.labels[j], int(self.counts[i, j]), self.shares()[i, j]) for i, j in cells]
        return pd.DataFrame(rows, columns=["gold", "said", "count", "share"])


def confusion(gold: Sequence[str], said: Sequence[str], labels: Sequence[str] = ()) -> Confusion:
    """The counts of gold and said labels, in the order of `labels`, others after them.

    >>> confusion(["a"], ["b"], ["b"]).labels
    ('b', 'a')
    """
    _demand_as_many(gold, said)
    names = tuple(dict.fromkeys([*labels, *sorted({*gold, *said})]))
    place = {name: number for number, name in enumerate(names)}
    counts = np.zeros((len(names), len(names)), dtype=np.int64)
    np.add.at(counts, ([place[label] for label in gold], [place[label] for label in said]), 1)
    return Confusion(names, counts)


def _correlation(sums: Float[np.ndarray, "6"]) -> float:
    count, x, y, xx, yy, xy = sums
    spread = (count * xx - x**2) * (count * yy - y**2)
    return float((count * xy - x * y) / np.sqrt(spread)) if spread > 0 else 0.0


def _ranks(numbers: Sequence[float]) -> list[float]:
    """Ranks from 1, the mean rank where numbers are equal."""
    _, place, counts = np.unique(np.asarray(numbers), return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return [float(rank) for rank in (last - (counts - 1) / 2)[place]]


def _demand_as_many(gold: Sequence[object], said: Sequence[object]) -> None:
    if len(gold) != len(said):
        raise InputValueError(f"gold has {len(gold)} items and said {len(said)}; give one of each for each example")
