"""The shape of the space that languages share: how evenly it is used, and how far each language keeps to itself."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from erniem_lab.errors import InputValueError, MissingExtraError
from erniem_lab.metrics import Estimate
from erniem_lab.probing.layer_scores import (
    GROUPS,
    LayerScores,
    bootstrapped,
    groups_of,
    jackknifed,
    resampled_means,
)

States = Mapping[str, Float[np.ndarray, "layer _text hidden"]]
FOLDS = 5


def mean_cosine(states: Float[np.ndarray, "layer text hidden"], *, language: str = "all", seed: int = 0) -> LayerScores:
    """The mean cosine of two different texts: 0 if they point anywhere, 1 if all point one way (Ethayarajh 2019).

    Intervals, here and in `isoscore` and `language_share`, are of leaving out one twentieth of the texts after the
    other, drawn by `seed`.

    Raises:
        InputValueError: fewer than 20 texts.

    >>> round(mean_cosine(np.eye(40)[None]).estimates[0].value, 3)
    0.0
    """
    groups = groups_of(states.shape[1], seed)
    estimates = tuple(_mean_cosine(_unit(layer), groups) for layer in states)
    return LayerScores("mean cosine", language, "", estimates, (0.0,) * len(states))


def isoscore(states: Float[np.ndarray, "layer text hidden"], *, language: str = "all", seed: int = 0) -> LayerScores:
    """IsoScore: 0 where states vary along one line, 1 where alike in all directions (Rudman et al. 2022).

    It is (r - 1) / (width - 1), where r, the squared sum of the covariance's eigenvalues over the sum of their squares,
    counts the directions in use. Unlike the mean cosine it does not change when all states are moved. Where texts are
    few for the width it stays below 1; chance is the score of as many states drawn evenly.

    Raises:
        InputValueError: fewer than 20 texts, or states of one number.

    >>> corners = np.array([[i, j, k] for i in (-1.0, 1.0) for j in (-1.0, 1.0) for k in (-1.0, 1.0)] * 3)
    >>> round(isoscore(corners[None]).estimates[0].value, 3)
    1.0
    """
    _, count, width = states.shape
    if width < 2:
        raise InputValueError("states of one number have no directions: give states of two numbers or more")
    groups = groups_of(count, seed)
    chance = _isoscore(_products(np.random.default_rng(seed).normal(size=(count, width))))
    estimates = tuple(_isoscore_with_interval(layer.astype(np.float64), groups) for layer in states)
    return LayerScores("IsoScore", language, "", estimates, (chance,) * len(states))


def language_share(states: States, *, seed: int = 0) -> list[LayerScores]:
    """The share of variance that lies between languages' means: "language share", and "language share centred".

    Each language counts the same. Centring takes off the mean of one half of a language's texts and is measured on the
    other half; on the same texts nothing could be left. Chance is what means of so few texts differ by of themselves;
    translations of the same sentences share much of that error, and may lie below it.

    Raises:
        InputValueError: fewer than two languages, languages of different layers or width, or fewer than 40 texts.

    >>> draw = np.random.default_rng(0)
    >>> apart = {"de": draw.normal(5, 1, size=(1, 40, 3)), "fr": draw.normal(-5, 1, size=(1, 40, 3))}
    >>> [round(score.estimates[0].value, 1) for score in language_share(apart)]
    [1.0, 0.0]
    """
    _check(states, least=2 * GROUPS)
    halves = {code: groups_of(layers.shape[1], seed) % 2 == 0 for code, layers in states.items()}
    centred = {code: _centred_by_half(layers, halves[code]) for code, layers in states.items()}
    return [_shares(states, "language share", 1, seed), _shares(centred, "language share centred", 2, seed)]


def identify_language(states: States, *, seed: int = 0) -> LayerScores:
    """How often a linear probe tells a text's language from its state: the less, the more neutral the space.

    Linear discriminant analysis with shrunk covariance (Ledoit and Wolf), scored on the fifth of the texts that it has
    not seen, each fifth in its turn. Where languages have as many texts, translations are always in one fifth. Chance
    is the share of the most frequent language. Intervals are of resampled texts, not of other probes.

    Raises:
        InputValueError: as `language_share`.
        MissingExtraError: scikit-learn is not installed.

    >>> draw = np.random.default_rng(0)
    >>> apart = {"de": draw.normal(5, 1, size=(1, 40, 3)), "fr": draw.normal(-5, 1, size=(1, 40, 3))}
    >>> identify_language(apart).estimates[0].value
    1.0
    """
    _check(states, least=2 * GROUPS)
    counts = [layers.shape[1] for layers in states.values()]
    labels = np.repeat(np.arange(len(counts)), counts)
    folds = np.concatenate([groups_of(count, seed) % FOLDS for count in counts])
    together = np.concatenate(list(states.values()), axis=1)
    hits = np.stack([_told(layer.astype(np.float64), labels, folds) for layer in together])
    estimates = bootstrapped(hits.mean(axis=1), resampled_means(hits, seed), len(labels))
    return LayerScores("language identity", "all", "", estimates, (max(counts) / len(labels),) * len(hits))


def _mean_cosine(units: Float[np.ndarray, "text hidden"], groups: Int[np.ndarray, " text"]) -> Estimate:
    """The mean over pairs without forming them: the squared length of the sum, less the pairs of each with itself."""
    sums = _whole_and_rest(_by_group(units, groups))
    own = _whole_and_rest(_by_group((units**2).sum(axis=1), groups))
    counts = _whole_and_rest(np.bincount(groups).astype(np.float64))
    values = ((sums**2).sum(axis=1) - own) / (counts * (counts - 1))
    return jackknifed(float(values[0]), values[1:].tolist(), len(units))


def _isoscore_with_interval(states: Float[np.ndarray, "text hidden"], groups: Int[np.ndarray, " text"]) -> Estimate:
    centred = states - states.mean(axis=0)
    whole = _products(centred)
    left_out = [_isoscore(whole - _products(centred[groups == group])) for group in range(GROUPS)]
    return jackknifed(_isoscore(whole), left_out, len(states))


def _products(states: Float[np.ndarray, "text hidden"]) -> Float[np.ndarray, "wider wider"]:
    """Sums over texts of products of a state's numbers, with a 1 behind them."""
    wider = np.column_stack([states, np.ones(len(states))])
    return wider.T @ wider


def _isoscore(products: Float[np.ndarray, "wider wider"]) -> float:
    covariance = products[:-1, :-1] - np.outer(products[:-1, -1], products[-1, :-1]) / products[-1, -1]
    squares = float((covariance**2).sum())
    directions = float(np.trace(covariance)) ** 2 / squares if squares > 0 else 1.0
    return (directions - 1) / (len(covariance) - 1)


def _check(states: States, least: int) -> None:
    kinds = sorted({(layers.shape[0], layers.shape[2]) for layers in states.values()})
    if len(states) < 2 or len(kinds) != 1:
        raise InputValueError(f"{len(states)} languages of (layers, width) {kinds}: give two or more, all of one kind")
    few = [code for code, layers in states.items() if layers.shape[1] < least]
    if few:
        raise InputValueError(f"fewer than {least} texts in {', '.join(few)}: give more, or leave the language out")


def _centred_by_half(
    layers: Float[np.ndarray, "layer text hidden"], half: Bool[np.ndarray, " text"]
) -> Float[np.ndarray, "layer _rest hidden"]:
    """One half of the texts, less the mean of the other."""
    wide = layers.astype(np.float64)
    return wide[:, ~half] - wide[:, half].mean(axis=1, keepdims=True)


@dataclass(frozen=True)
class _Spread:
    """Of each language and part of the texts: how many, their sum, and the sum of their squared lengths."""

    counts: Float[np.ndarray, "language part"]
    sums: Float[np.ndarray, "language part hidden"]
    squares: Float[np.ndarray, "language part"]

    def share(self, means: int) -> tuple[Float[np.ndarray, " part"], Float[np.ndarray, " part"]]:
        """Between-language variance over all variance, and what the error of so many means would give of itself."""
        centres = self.sums / self.counts[..., None]
        within = self.squares / self.counts - (centres**2).sum(axis=-1)
        between = ((centres - centres.mean(axis=0)) ** 2).sum(axis=-1).mean(axis=0)
        error = (means * within / self.counts).mean(axis=0) * (1 - 1 / len(self.counts))
        inside = within.mean(axis=0)
        return _part(between, inside), _part(error, inside)


def _shares(states: States, name: str, means: int, seed: int) -> LayerScores:
    layers = range(len(next(iter(states.values()))))
    found = [_share([one[layer].astype(np.float64) for one in states.values()], means, seed) for layer in layers]
    return LayerScores(name, "all", "", tuple(one for one, _ in found), tuple(chance for _, chance in found))


def _share(texts: list[Float[np.ndarray, "_text hidden"]], means: int, seed: int) -> tuple[Estimate, float]:
    centre = np.mean([one.mean(axis=0) for one in texts], axis=0)
    moved = [one - centre for one in texts]
    groups = [groups_of(len(one), seed) for one in texts]
    parted = [
        [_whole_and_rest(_by_group(values, group)) for values in (np.ones(len(one)), one, (one**2).sum(axis=1))]
        for one, group in zip(moved, groups, strict=True)
    ]
    spread = _Spread(*(np.stack(part) for part in zip(*parted, strict=True)))
    values, chances = spread.share(means)
    return jackknifed(float(values[0]), values[1:].tolist(), sum(map(len, texts))), float(chances[0])


def _told(
    states: Float[np.ndarray, "text hidden"], labels: Int[np.ndarray, " text"], folds: Int[np.ndarray, " text"]
) -> Bool[np.ndarray, " text"]:
    """Whether a probe that has not seen a text's fold names its language."""
    try:
        from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
    except ImportError as fault:
        raise MissingExtraError("the language probe needs scikit-learn: pip install 'erniem-lab[lab]'") from fault
    told = np.zeros(len(labels), dtype=bool)
    for fold in range(FOLDS):
        seen = folds != fold
        probe = LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto").fit(states[seen], labels[seen])
        told[~seen] = probe.predict(states[~seen]) == labels[~seen]
    return told


def _by_group(
    values: Float[np.ndarray, "text *rest"], groups: Int[np.ndarray, " text"]
) -> Float[np.ndarray, "group *rest"]:
    """Sums over the texts of each group."""
    members = (np.arange(GROUPS)[:, None] == groups).astype(values.dtype)
    return np.tensordot(members, values, axes=1)


def _whole_and_rest(parts: Float[np.ndarray, "group *rest"]) -> Float[np.ndarray, "part *rest"]:
    """The sum of all groups, and then the sum without each."""
    whole = parts.sum(axis=0)
    return np.concatenate([whole[None], whole - parts])


def _part(some: Float[np.ndarray, " part"], other: Float[np.ndarray, " part"]) -> Float[np.ndarray, " part"]:
    return np.divide(some, some + other, out=np.zeros_like(some), where=some + other > 0)


def _unit(vectors: Float[np.ndarray, "text hidden"]) -> Float[np.ndarray, "text hidden"]:
    wide = vectors.astype(np.float64)
    return wide / np.maximum(np.linalg.norm(wide, axis=1, keepdims=True), np.finfo(np.float64).tiny)
