"""What a probe's score is worth: control tasks, and the length of the code that the states save."""

from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise

import numpy as np
from jaxtyping import Float, Int, Shaped

from erniem_lab.errors import InputValueError
from erniem_lab.probing.layer_scores import LayerScores, bootstrapped
from erniem_lab.probing.linear import Labelled, Readings, by_sentence
from erniem_lab.probing.probes import PLAIN, Probe, are_numbers
from erniem_lab.probing.resampling import resampled_sums

PORTIONS = (0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.0625, 0.125, 0.25, 0.5, 1.0)  # as in the paper, 2.2
LEAST = float(np.finfo(np.float64).tiny)  # of a probability, so that bits stay finite


def control_task(
    train: Labelled, tests: Mapping[str, Labelled], *, seed: int = 0
) -> tuple[Labelled, dict[str, Labelled]]:
    """The same items with labels that say nothing: one for each type of word, drawn as often as in the training.

    What a probe gets right then, it has learned by heart from the words (Hewitt and Liang 2019). A type has the same
    label wherever it stands.

    >>> labels, words = np.array(["NOUN", "VERB", "VERB"]), np.array(["cat", "runs", "cat"])
    >>> drawn, _ = control_task(Labelled(np.zeros((1, 3, 2)), labels, np.arange(3), words), {})
    >>> bool(drawn.labels[0] == drawn.labels[2])
    True
    """
    types = np.unique(np.concatenate([train.types, *(test.types for test in tests.values())]))
    labels = np.random.default_rng(seed).choice(train.labels, size=len(types))
    changed = {name: replace(test, labels=labels[np.searchsorted(types, test.types)]) for name, test in tests.items()}
    return replace(train, labels=labels[np.searchsorted(types, train.types)]), changed


def selectivity(task: Readings, control: Readings, *, seed: int = 0) -> LayerScores:
    """By how much a probe is better at the task than at its control task; 0 where all is learned by heart.

    Intervals are of sentences drawn anew for both at once.

    Raises:
        InputValueError: readings of different languages, measures or sentences.

    >>> task, control = (Readings("accuracy", "en", "en", np.array([[[hits, 4.0]]]), 0.5) for hits in (4.0, 1.0))
    >>> selectivity(task, control).estimates[0].value
    0.75
    """
    kinds = [(one.measure, one.first, one.second, one.sums.shape) for one in (task, control)]
    if kinds[0] != kinds[1]:
        raise InputValueError(f"task and control are of (measure, languages, size) {kinds}: give those of one")
    both = np.concatenate([task.sums, control.sums])
    values, samples = (_gain(task.values(sums)) for sums in (both.sum(axis=1)[None], resampled_sums(both, seed)))
    name = f"selectivity ({task.measure})"
    estimates = bootstrapped(values[0], samples, both.shape[1])
    return LayerScores(name, task.first, task.second, estimates, (0.0,) * len(estimates))


def online_code(items: Labelled, *, language: str, probe: Probe = PLAIN, seed: int = 0) -> LayerScores:
    """Bits that each label takes to tell to somebody who has the states, by layer: the fewer, the more a layer tells.

    Labels are sent in portions, each coded by a probe that was trained on those before it, the first by a uniform
    code (Voita and Titov 2020, "online code"). So what is easy to learn from few sentences counts, and no part is kept
    for tests. Chance is the bits that their frequencies alone would take. Portions are of sentences, in an order drawn
    by `seed`; a probe also sees each class once at the mean state, so that none is impossible. Intervals are of
    resampled sentences. It takes about twice the time of one probe on all items.

    Raises:
        InputValueError: numbers in place of classes, or a single class.

    >>> labels = np.array(["a", "b"] * 40)
    >>> items = Labelled(np.array([[[0.0], [1.0]] * 40]), labels, np.arange(80), labels)
    >>> found = online_code(items, language="en")
    >>> found.estimates[0].value < found.chance[0] == 1.0
    True
    """
    classes, counts = np.unique(items.labels, return_counts=True)
    if are_numbers(items.labels) or len(classes) < 2:
        raise InputValueError(f"labels are {classes[:3].tolist()}, ...: give texts of two classes or more")
    order = np.random.default_rng(seed).permutation(np.unique(items.sentence))
    turn = np.argsort(order)[np.searchsorted(np.sort(order), items.sentence)]
    ends = np.unique(np.ceil(np.array(PORTIONS) * len(order)).astype(np.int64))
    bits = np.stack([_bits(states, items.labels, turn, ends, probe) for states in items.states])
    sums = by_sentence(np.stack([bits, np.ones_like(bits)], axis=1), items.sentence)
    values, samples = (one[..., 0] / one[..., 1] for one in (sums.sum(axis=1), resampled_sums(sums, seed)))
    shares = counts / counts.sum()
    chance = float(-(shares * np.log2(shares)).sum())
    return LayerScores("bits", language, language, bootstrapped(values, samples, len(order)), (chance,) * len(bits))


def _gain(values: Float[np.ndarray, "resample rows"]) -> Float[np.ndarray, "resample layer"]:
    """The first half of the rows is the task, the second the control."""
    task, control = np.split(values, 2, axis=1)
    return task - control


def _bits(
    states: Float[np.ndarray, "item hidden"],
    labels: Shaped[np.ndarray, " item"],
    turn: Int[np.ndarray, " item"],
    ends: Int[np.ndarray, " end"],
    probe: Probe,
) -> Float[np.ndarray, " item"]:
    """What each label takes; `turn` is when its sentence is sent, and `ends` are where portions end."""
    classes, codes = np.unique(labels, return_inverse=True)
    bits = np.full(len(labels), np.log2(len(classes)))
    for start, end in pairwise(ends.tolist()):
        seen, sent = turn < start, (turn >= start) & (turn < end)
        middle = np.repeat(states[seen].mean(axis=0, dtype=np.float64)[None], len(classes), axis=0)
        fitted = probe.fit(np.concatenate([states[seen], middle]), np.concatenate([labels[seen], classes]))
        chances = fitted.chances(states[sent])
        bits[sent] = -np.log2(np.maximum(chances[np.arange(len(chances)), codes[sent]], LEAST))
    return bits
