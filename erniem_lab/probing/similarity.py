"""Are two languages' states alike as wholes? CKA, SVCCA and neuron-wise correlation of parallel sentences, by layer.

All measures are read off three tables of sums over the sentences (`Moments`), from which a group of sentences is left
out by subtraction: so intervals cost little.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from jaxtyping import Float, Int

from erniem_lab.errors import InputValueError
from erniem_lab.metrics import Estimate
from erniem_lab.probing.layer_scores import GROUPS, LayerScores, groups_of, jackknifed

Measure = Literal["cka", "debiased_cka", "svcca", "anc"]
MEASURES: tuple[Measure, ...] = get_args(Measure)
KEPT = 0.99  # of the variance, in SVCCA's subspaces, as its authors keep
ROUNDING = 1e-6  # of a state's size: numbers that differ by less, such as [CLS] at layer 0, are constant


@dataclass(frozen=True)
class Moments:
    """Sums over sentences of products of two sides' numbers, each sentence followed by its squared length and by 1."""

    first: Float[np.ndarray, "one one"]
    second: Float[np.ndarray, "two two"]
    across: Float[np.ndarray, "one two"]

    @classmethod
    def of(cls, first: Float[np.ndarray, "text one"], second: Float[np.ndarray, "text two"]) -> "Moments":
        """The sums in double precision; sides are best centred before, to lose no digits."""
        one, two = (_widened(side) for side in (first, second))
        return cls(one.T @ one, two.T @ two, one.T @ two)

    def without(self, part: "Moments") -> "Moments":
        """The sums over all other sentences."""
        return Moments(self.first - part.first, self.second - part.second, self.across - part.across)

    def covariances(
        self,
    ) -> tuple[Float[np.ndarray, "one one"], Float[np.ndarray, "two two"], Float[np.ndarray, "one two"]]:
        """Of the first side, of the second, and across, each times the number of sentences."""
        return _centred(self.first), _centred(self.second), _centred(self.across)


def compare(
    first: Float[np.ndarray, "layer text one"],
    second: Float[np.ndarray, "layer text two"],
    *,
    languages: tuple[str, str] = ("first", "second"),
    measures: Sequence[Measure] = MEASURES,
    seed: int = 0,
) -> list[LayerScores]:
    """Each measure at every layer; text `i` of one side is the translation of text `i` of the other.

    Intervals are of leaving out one twentieth of the sentences after the other (delete-a-group jackknife), drawn by
    `seed`. Chance is the value for the same sentences in shuffled order. For "cka" and "svcca" it lies well above 0
    where sentences are not many times more than numbers in a state; "debiased_cka" is free of that.

    Raises:
        InputValueError: no such measure, sides that do not fit each other, or fewer than 20 texts.

    >>> states = np.random.default_rng(0).normal(size=(1, 60, 4))
    >>> [(score.measure, round(score.estimates[0].value, 3)) for score in compare(states, 2 * states)][:2]
    [('cka', 1.0), ('debiased_cka', 1.0)]
    """
    wrong = [name for name in measures if name not in MEASURES]
    if wrong or not measures:
        raise InputValueError(f"measures={list(measures)}: give some of {', '.join(MEASURES)}")
    if len(first) != len(second):
        raise InputValueError(f"first has {len(first)} layers, second {len(second)}: give as many")
    layers = [_compare_layer(one, two, measures, seed) for one, two in zip(first, second, strict=True)]
    return [
        LayerScores(name, *languages, tuple(layer[i][0] for layer in layers), tuple(layer[i][1] for layer in layers))
        for i, name in enumerate(measures)
    ]


def linear_cka(first: Float[np.ndarray, "text one"], second: Float[np.ndarray, "text two"]) -> float:
    """Linear centred kernel alignment (Kornblith et al. 2019): 1 if one side is the other turned and scaled.

    >>> states = np.random.default_rng(0).normal(size=(60, 4))
    >>> round(linear_cka(states, 3 * states[:, ::-1]), 3)
    1.0
    """
    return _cka(_moments(first, second))


def debiased_cka(first: Float[np.ndarray, "text one"], second: Float[np.ndarray, "text two"]) -> float:
    """Linear CKA from unbiased sums over different sentences (Song et al. 2012): 0 in the mean for unrelated sides.

    Below 0 by chance; needs four texts at least.

    >>> draw = np.random.default_rng(0)
    >>> one, two = draw.normal(size=(2, 60, 100))
    >>> linear_cka(one, two) > 0.5, abs(debiased_cka(one, two)) < 0.1
    (True, True)
    """
    return _debiased_cka(_moments(first, second))


def svcca(first: Float[np.ndarray, "text one"], second: Float[np.ndarray, "text two"]) -> float:
    """The mean canonical correlation of both sides' main axes, which hold 99 % of the variance (Raghu et al. 2017).

    >>> states = np.random.default_rng(0).normal(size=(60, 4))
    >>> round(svcca(states, states @ np.diag([1.0, 2.0, 3.0, 4.0])), 3)
    1.0
    """
    return _svcca(_moments(first, second))


def neuron_correlation(first: Float[np.ndarray, "text hidden"], second: Float[np.ndarray, "text hidden"]) -> float:
    """ANC: the mean over neurons of the correlation's size between the two languages (Del and Fishel 2022).

    A neuron that never changes correlates with nothing. Unlike CKA it falls when one side is turned.

    >>> states = np.random.default_rng(0).normal(size=(60, 4))
    >>> round(neuron_correlation(states, -2 * states), 3)
    1.0
    """
    return _anc(_moments(first, second))


def _compare_layer(
    first: Float[np.ndarray, "text one"], second: Float[np.ndarray, "text two"], measures: Sequence[Measure], seed: int
) -> list[tuple[Estimate, float]]:
    """For each measure, its estimate and its value by chance."""
    one, two = _checked(first, second)
    groups = groups_of(len(one), seed)
    whole = Moments.of(one, two)
    shuffled = Moments.of(one, two[np.random.default_rng(seed).permutation(len(two))])
    rest = list(_without_each(whole, one, two, groups))
    found = []
    for name in measures:
        measure = _FORMULAS[name]
        estimate = jackknifed(measure(whole), [measure(moments) for moments in rest], len(one))
        found.append((estimate, measure(shuffled)))
    return found


def _without_each(
    whole: Moments,
    one: Float[np.ndarray, "text one"],
    two: Float[np.ndarray, "text two"],
    groups: Int[np.ndarray, " text"],
) -> Iterator[Moments]:
    for group in range(GROUPS):
        yield whole.without(Moments.of(one[groups == group], two[groups == group]))


def _moments(first: Float[np.ndarray, "text one"], second: Float[np.ndarray, "text two"]) -> Moments:
    return Moments.of(*_checked(first, second))


def _checked(
    first: Float[np.ndarray, "_texts one"], second: Float[np.ndarray, "_others two"]
) -> tuple[Float[np.ndarray, "text one"], Float[np.ndarray, "text two"]]:
    """Both sides centred, in double precision."""
    if len(first) != len(second) or len(first) < 4:
        raise InputValueError(f"{len(first)} texts and {len(second)}: give as many on both sides, four at least")
    return _around_mean(first), _around_mean(second)


def _around_mean(side: Float[np.ndarray, "text hidden"]) -> Float[np.ndarray, "text hidden"]:
    wide = side.astype(np.float64)
    centred = wide - wide.mean(axis=0)
    return np.where(np.ptp(wide, axis=0) > ROUNDING * np.abs(wide).max(initial=0), centred, 0.0)


def _widened(side: Float[np.ndarray, "text hidden"]) -> Float[np.ndarray, "text wider"]:
    return np.column_stack([side, (side**2).sum(axis=1), np.ones(len(side))])


def _centred(sums: Float[np.ndarray, "one two"]) -> Float[np.ndarray, "_one _two"]:
    return sums[:-2, :-2] - np.outer(sums[:-2, -1], sums[-1, :-2]) / sums[-1, -1]


def _cka(moments: Moments) -> float:
    one, two, across = moments.covariances()
    return _ratio((across**2).sum(), (one**2).sum(), (two**2).sum())


def _debiased_cka(moments: Moments) -> float:
    first, second, across = moments.first, moments.second, moments.across
    return _ratio(
        _unbiased(across, first, second), _unbiased(first, first, first), _unbiased(second, second, second)
    )  # fmt: skip


def _unbiased(
    across: Float[np.ndarray, "one two"], first: Float[np.ndarray, "one one"], second: Float[np.ndarray, "two two"]
) -> float:
    """The unbiased estimate of HSIC, up to a factor that is the same for all sides.

    Its terms are of the two sides' inner products of different sentences: their products; their sums; and the products
    of each sentence's sums.
    """
    n = across[-1, -1]
    one, two = first[:-2, -1], second[:-2, -1]
    products = (across[:-2, :-2] ** 2).sum() - across[-2, -2]
    sums = (one @ one - first[-2, -1]) * (two @ two - second[-2, -1])
    by_sentence = one @ across[:-2, :-2] @ two - one @ across[:-2, -2] - across[-2, :-2] @ two + across[-2, -2]
    return float(products + sums / ((n - 1) * (n - 2)) - 2 * by_sentence / (n - 2))


def _svcca(moments: Moments) -> float:
    one, two, across = moments.covariances()
    left, right = _whitener(one), _whitener(two)
    correlations = np.linalg.svd(left.T @ across @ right, compute_uv=False)
    return float(np.minimum(correlations, 1).mean()) if correlations.size else 0.0


def _whitener(covariance: Float[np.ndarray, "hidden hidden"]) -> Float[np.ndarray, "hidden axis"]:
    """The main axes, each divided by the root of its variance."""
    values, axes = np.linalg.eigh(covariance)
    values, axes = values[::-1], axes[:, ::-1]
    count = int(np.searchsorted(np.cumsum(values), KEPT * values.sum())) + 1 if values.sum() > 0 else 0
    return axes[:, :count] / np.sqrt(values[:count])


def _anc(moments: Moments) -> float:
    one, two, across = moments.covariances()
    if len(one) != len(two):
        raise InputValueError(
            f"states of {len(one)} and {len(two)} numbers: neurons are compared with their own; \
give sides of one width"
        )
    scale = np.sqrt(np.diag(one) * np.diag(two))
    return float(np.divide(np.abs(np.diag(across)), scale, out=np.zeros_like(scale), where=scale > 0).mean())


def _ratio(across: float, one: float, two: float) -> float:
    return float(across / np.sqrt(one * two)) if one > 0 and two > 0 else 0.0


_FORMULAS: dict[Measure, Callable[[Moments], float]] = {
    "cka": _cka,
    "debiased_cka": _debiased_cka,
    "svcca": _svcca,
    "anc": _anc,
}
