"""One measure by layer, with intervals: what retrieval, similarity and geometry have in common."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float, Int, Shaped

from erniem_lab.errors import InputValueError
from erniem_lab.metrics import RESAMPLES, Estimate
from erniem_lab.probing.tables import table

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ("measure", "first", "second", "layer", "value", "low", "high", "n", "chance")
GROUPS = 20
QUANTILE = 2.093  # of Student's t at 97.5 % with GROUPS - 1 degrees of freedom


@dataclass(frozen=True)
class LayerScores:
    """A measure at every layer, layer 0 first, of two languages, or of one (`second` is empty), or of "all".

    `chance` is what the measure gives where there is nothing to find: in retrieval the share that guessing finds, in
    similarity the value for shuffled sentences, layer by layer.
    """

    measure: str
    first: str
    second: str
    estimates: tuple[Estimate, ...]
    chance: tuple[float, ...]

    def best(self) -> int:
        """The layer of largest value: a choice made on the texts that it is scored on.

        >>> LayerScores("cka", "en", "de", (Estimate(0.1, 0.0, 0.2, 9), Estimate(0.3, 0.0, 0.4, 9)), (0.0, 0.0)).best()
        1
        """
        return int(np.argmax([estimate.value for estimate in self.estimates]))

    def to_frame(self) -> "pd.DataFrame":
        """A row for each layer, with value, low, high, n and chance.

        Raises:
            MissingExtraError: pandas is not installed.
        """
        return layer_table([self])


def layer_table(scores: Iterable[LayerScores]) -> "pd.DataFrame":
    """Many scores in one tidy table.

    Raises:
        MissingExtraError: pandas is not installed.

    >>> layer_table([LayerScores("cka", "en", "de", (Estimate(0.1, 0.0, 0.2, 9),), (0.0,))])["value"].tolist()
    [0.1]
    """
    rows = [
        (score.measure, score.first, score.second, layer, found.value, found.low, found.high, found.n, chance)
        for score in scores
        for layer, (found, chance) in enumerate(zip(score.estimates, score.chance, strict=True))
    ]
    return table(rows, COLUMNS)


def mean_of_languages(scores: Sequence[LayerScores], *, seed: int = 0) -> LayerScores:
    """The mean of one measure over languages, or pairs of them, with the interval of resampled languages.

    `n` counts languages: the interval says how far the mean may move with the choice of them.

    Raises:
        InputValueError: no scores, or scores of several measures or depths.

    >>> both = [LayerScores("cka", "en", code, (Estimate(v, v, v, 9),), (0.0,))
    ...         for code, v in (("de", 0.5), ("sw", 0.25))]
    >>> print(mean_of_languages(both).estimates[0])
    0.375 [0.250, 0.500], n=2
    """
    kinds = sorted({(score.measure, len(score.estimates)) for score in scores})
    if len(kinds) != 1:
        raise InputValueError(f"scores are of these measures and numbers of layers: {kinds}; give those of one")
    values = np.array([[estimate.value for estimate in score.estimates] for score in scores]).T
    estimates = bootstrapped(values.mean(axis=1), resampled_means(values, seed), len(scores))
    chance = np.mean([score.chance for score in scores], axis=0)
    return LayerScores(kinds[0][0], "all", "all", estimates, tuple(map(float, chance)))


def resampled_means(scores: Shaped[np.ndarray, "layer item"], seed: int = 0) -> Float[np.ndarray, "resample layer"]:
    """Means over as many items as there are, drawn with replacement, again and again.

    Drawn as the number of times that each distinct score comes up, which is the same and quick for hits and misses.

    >>> float(resampled_means(np.array([[1.0, 1.0], [0.0, 1.0]]))[:, 0].min())
    1.0
    """
    draw, count = np.random.default_rng(seed), scores.shape[-1]
    kinds = [np.unique(row, return_counts=True) for row in scores]
    drawn = [draw.multinomial(count, times / count, size=RESAMPLES) @ values for values, times in kinds]
    return np.stack(drawn, axis=1).astype(np.float64) / count


def bootstrapped(
    values: Float[np.ndarray, " layer"], samples: Float[np.ndarray, "resample layer"], n: int
) -> tuple[Estimate, ...]:
    """Values with the middle 95 % of their resamples.

    >>> bootstrapped(np.array([0.5]), np.array([[0.5], [0.5]]), 4)[0].high
    0.5
    """
    low, high = np.percentile(samples, [2.5, 97.5], axis=0)
    return tuple(Estimate(float(a), float(b), float(c), n) for a, b, c in zip(values, low, high, strict=True))


def groups_of(count: int, seed: int = 0) -> Int[np.ndarray, " text"]:
    """A group for each text, drawn so that all groups are of one size, or nearly.

    Raises:
        InputValueError: fewer texts than groups.

    >>> np.bincount(groups_of(41)).tolist()[:2]
    [3, 2]
    """
    if count < GROUPS:
        raise InputValueError(f"{count} texts: intervals are made by leaving out a {GROUPS}th of them; give {GROUPS}")
    return np.random.default_rng(seed).permutation(np.arange(count) % GROUPS)


def jackknifed(value: float, left_out: Sequence[float], n: int) -> Estimate:
    """A value with the 95 % interval that leaving out one group of texts after the other gives (Student's t).

    For measures of pairs of texts, such as CKA: drawing with replacement would draw texts that equal each other, and
    with them likeness that the language does not have.

    >>> jackknifed(0.5, [0.5] * GROUPS, 100).high
    0.5
    """
    groups = len(left_out)
    reach = QUANTILE * float(np.sqrt((groups - 1) * np.var(left_out)))
    return Estimate(value, value - reach, value + reach, n)
