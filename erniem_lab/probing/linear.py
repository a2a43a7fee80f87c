"""What can be read off a layer by a weighted sum: linear probes, trained in one language and read in all others."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float, Int, Shaped

from erniem_lab.errors import InputValueError
from erniem_lab.probing.layer_scores import LayerScores, bootstrapped
from erniem_lab.probing.probes import PLAIN, Probe, are_numbers
from erniem_lab.probing.questions import Annotated, Answer
from erniem_lab.probing.resampling import resampled_sums
from erniem_lab.word_states import WordVectors

Kind = Literal["accuracy", "R2"]


@dataclass(frozen=True)
class Labelled:
    """Items with a state at each layer, and what is to be read off: classes as text, or numbers.

    `sentence` is the number of each item's sentence, over which intervals are taken; `types` are what control tasks
    give a label to: words as written, in lower case.
    """

    states: Float[np.ndarray, "layer item hidden"]
    labels: Shaped[np.ndarray, " item"]
    sentence: Int[np.ndarray, " item"]
    types: Shaped[np.ndarray, " item"]


@dataclass(frozen=True)
class Readings:
    """What the probes of all layers made of each sentence, trained in `first` and read in `second`.

    `sums` are for each sentence its hits and its items ("accuracy"), or the squared errors, the items, and the sums of
    the true numbers and of their squares ("R2").
    """

    measure: Kind
    first: str
    second: str
    sums: Float[np.ndarray, "layer sentence part"]
    chance: float

    def scores(self, *, seed: int = 0) -> LayerScores:
        """Accuracy, or the share of variance that is explained, below 0 where the mean would do better.

        Intervals are of resampled sentences of the language that is read, not of other probes. Chance is what the most
        frequent class of the training gives.
        """
        samples = self.values(resampled_sums(self.sums, seed))
        values = self.values(self.sums.sum(axis=1))
        estimates = bootstrapped(values, samples, self.sums.shape[1])
        return LayerScores(self.measure, self.first, self.second, estimates, (self.chance,) * len(values))

    def values(self, sums: Float[np.ndarray, "*rest part"]) -> Float[np.ndarray, "*rest"]:
        """The measure of sums over sentences.

        >>> Readings("R2", "en", "de", np.zeros((1, 1, 4)), 0.0).values(np.array([1.0, 2.0, 4.0, 10.0])).item()
        0.5
        """
        if self.measure == "accuracy":
            return np.asarray(sums[..., 0] / np.maximum(sums[..., 1], 1))
        errors, items, total, squares = np.moveaxis(sums, -1, 0)
        spread = squares - total**2 / np.maximum(items, 1)
        return np.asarray(1 - np.divide(errors, spread, out=np.ones_like(errors), where=spread > 0))


def label_words(vectors: WordVectors, sentences: Sequence[Annotated], question: str) -> Labelled:
    """The words that a question is asked of, with their states and answers.

    Args:
        sentences: those that `embed_words` was given, in the same order.

    Raises:
        InputValueError: no such question, or no word that it is asked of.

    >>> vectors = WordVectors(np.array([0, 0]), np.array([0, 1]), np.zeros((1, 2, 3)))
    >>> label_words(vectors, [Annotated(("Anna", "sings"), {"pos": ("PROPN", None)})], "pos").labels.tolist()
    ['PROPN']
    """
    if unasked := [number for number, sentence in enumerate(sentences) if question not in sentence.answers]:
        known = ", ".join(sorted(sentences[unasked[0]].answers))
        raise InputValueError(f"question={question!r}: sentence {unasked[0]} has answers to {known or 'none'}")
    words = list(zip(vectors.sentence.tolist(), vectors.place.tolist(), strict=True))
    answers = [sentences[sentence].answers[question][place] for sentence, place in words]
    asked = [row for row, answer in enumerate(answers) if answer is not None]
    if not asked:
        raise InputValueError(f"question={question!r}: asked of none of the words; give more sentences, or another")
    types = [sentences[sentence].words[place].casefold() for sentence, place in (words[row] for row in asked)]
    labels = np.array([answers[row] for row in asked])
    return Labelled(vectors.states[:, asked], labels, vectors.sentence[asked], np.array(types))


def label_texts(states: Float[np.ndarray, "layer text hidden"], labels: Sequence[Answer], start: int = 0) -> Labelled:
    """Whole texts, such as by `embed_layers`, each a sentence and a type of its own.

    Args:
        start: the number of the first sentence.

    Raises:
        InputValueError: not a label for each text.

    >>> label_texts(np.zeros((1, 2, 3)), ["en", "de"]).labels.tolist()
    ['en', 'de']
    """
    if states.shape[1] != len(labels) or not labels:
        raise InputValueError(f"{len(labels)} labels for {states.shape[1]} texts: give one for each, and at least one")
    numbers = np.arange(start, start + len(labels))
    return Labelled(states, np.array(labels), numbers, numbers.astype(str))


def read_layers(
    train: Labelled, tests: Mapping[str, Labelled], *, language: str, probe: Probe = PLAIN
) -> list[Readings]:
    """A probe at every layer, trained on one language and read in each of `tests`.

    A layer of 20,000 words of width 768 and 17 classes takes 1.5 s of one core where classes lie apart, and several
    times that where they do not.

    Args:
        tests: items by language, from sentences that say nothing of those in `train`.
        language: that of `train`.

    Raises:
        InputValueError: a single class, no test, or tests with other layers, width or kind of labels.
        MissingExtraError: scikit-learn is not installed.

    >>> labels = np.array(["a", "b"] * 4)
    >>> items = Labelled(np.array([[[0.0], [1.0]] * 4]), labels, np.arange(8), labels)
    >>> read_layers(items, {"de": items}, language="en")[0].scores().estimates[0].value
    1.0
    """
    _check(train, tests)
    told: dict[str, list[Shaped[np.ndarray, " item"]]] = {name: [] for name in tests}
    for layer, states in enumerate(train.states):
        fitted = probe.fit(states, train.labels)
        for name, test in tests.items():
            told[name].append(fitted.predict(test.states[layer]))
    return [_readings(np.stack(told[name]), train, test, (language, name)) for name, test in tests.items()]


def _check(train: Labelled, tests: Mapping[str, Labelled]) -> None:
    kinds = sorted({_kind(items) for items in (train, *tests.values())})
    if not tests or len(kinds) != 1:
        raise InputValueError(
            f"{len(tests)} tests; items with the training are of (layers, width, numbers) {kinds}: give one test or "
            "more, all of one kind"
        )


def _kind(items: Labelled) -> tuple[int, int, bool]:
    return items.states.shape[0], items.states.shape[2], are_numbers(items.labels)


def _readings(
    told: Shaped[np.ndarray, "layer item"], train: Labelled, test: Labelled, languages: tuple[str, str]
) -> Readings:
    """What was told, summed by sentence."""
    true, ones = test.labels, np.ones(len(test.labels))
    if are_numbers(true):
        number = true.astype(np.float64)
        parts = [np.stack([(row - number) ** 2, ones, number, number**2]) for row in told]
        return Readings("R2", *languages, by_sentence(np.stack(parts), test.sentence), 0.0)
    classes, counts = np.unique(train.labels, return_counts=True)
    chance = float((true == classes[counts.argmax()]).mean())
    parts = [np.stack([row == true, ones]) for row in told]
    return Readings("accuracy", *languages, by_sentence(np.stack(parts), test.sentence), chance)


def by_sentence(
    parts: Float[np.ndarray, "layer part item"], sentence: Int[np.ndarray, " item"]
) -> Float[np.ndarray, "layer sentence part"]:
    """Sums over the items of each sentence that has any, in the order of their numbers.

    >>> by_sentence(np.array([[[1.0, 2.0, 4.0]]]), np.array([7, 3, 7]))[0].tolist()
    [[2.0], [5.0]]
    """
    numbers, place = np.unique(sentence, return_inverse=True)
    sums = np.zeros((len(numbers), len(parts), parts.shape[1]))
    np.add.at(sums, place, parts.transpose(2, 0, 1))
    return sums.transpose(1, 0, 2)
