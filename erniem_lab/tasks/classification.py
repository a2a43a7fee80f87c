"""Sequence classification: one label, several labels or a number for a text or a pair."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from torch import Tensor

from erniem_lab.corpora.check import gather
from erniem_lab.corpora.examples import (
    ENTAILMENT_LABELS,
    EntailmentExample,
    IntentExample,
    Label,
    LabelledPair,
    LabelledText,
)
from erniem_lab.corpora.text import Text, TextPair
from erniem_lab.errors import InputTypeError, InputValueError
from erniem_lab.heads import ErnieMForSequenceClassification
from erniem_lab.metrics import Tally, accuracy, macro_f1, micro_f1, pearson, spearman
from erniem_lab.tasks.task import Feature, Reading, Scores, Task, demand_texts, encoded, named, softmax
from erniem_lab.tokenizer import ErnieMTokenizer

Problem = Literal["single_label_classification", "multi_label_classification", "regression"]
Labelled = LabelledText | LabelledPair
PROBLEMS: dict[type, Problem] = {
    str: "single_label_classification",
    tuple: "multi_label_classification",
    float: "regression",
}
HALF = 0.5  # a label of several is said from this probability on


@dataclass(frozen=True)
class LabelPrediction:
    """What was said of an example, and what is right (None where that is not known).

    `probabilities` has one number for each label of the task; in regression it is empty.

    >>> LabelPrediction("en", "yes", "no", (0.7, 0.3)).said
    'no'
    """

    language: str
    gold: Label | None
    said: Label
    probabilities: tuple[float, ...]


@dataclass(frozen=True)
class Classification(Task[Labelled, LabelPrediction]):
    """Labels for texts and pairs; Hugging Face's three kinds of problem.

    Scored by accuracy and macro F1 for one label, micro F1 and exact sets for several, Pearson's and Spearman's
    correlation for numbers. `labels` are in the order of the head's scores; a number has none.

    >>> examples = [LabelledText("en", "Anna sings.", "music"), LabelledText("en", "Hm.", "other")]
    >>> Classification.of(examples).labels
    ('music', 'other')
    """

    labels: tuple[str, ...]
    problem: Problem = "single_label_classification"

    name: ClassVar[str] = "classification"
    head = ErnieMForSequenceClassification

    @classmethod
    def of(cls, examples: Sequence[Any]) -> "Classification":
        """The task that labelled examples are of: XNLI's three labels, or those that occur, in alphabetical order.

        Raises:
            InputTypeError: examples of another kind, without labels, or with labels of several types.
            InputValueError: none, or all with the same label.
        """
        if examples and isinstance(examples[0], EntailmentExample):
            return cls(tuple(ENTAILMENT_LABELS))
        labels = [example.label for example in _gathered(examples, None)]
        problem = PROBLEMS[type(labels[0])]
        names: set[str] = set()
        for label in labels:
            names |= {label} if isinstance(label, str) else set(label) if isinstance(label, tuple) else set()
        if problem != "regression" and len(names) < (2 if problem == "single_label_classification" else 1):
            raise InputValueError(f"all {len(labels)} examples have the same label {labels[0]!r}; give two or more")
        return cls(tuple(sorted(names)), problem)

    def config(self) -> dict[str, Any]:  # noqa: D102
        return {**(named(self.labels) if self.labels else {"num_labels": 1}), "problem_type": self.problem}

    def labelled(self, examples: Sequence[Any]) -> tuple[Labelled, ...]:  # noqa: D102
        found = _gathered(examples, None)
        if (wrong := PROBLEMS[type(found[0].label)]) != self.problem:
            raise InputTypeError(f"labels such as {found[0].label!r} are of {wrong}; the head is for {self.problem}")
        return _gathered(examples, self.labels) if self.labels else found

    def features(  # noqa: D102
        self, examples: Sequence[Any], tokenizer: ErnieMTokenizer, reading: Reading
    ) -> list[Feature]:
        sides = [_texts(example) for example in examples]
        pairs = {len(side) for side in sides}
        if len(pairs) > 1:
            raise InputTypeError("examples: some are texts and some are pairs; give one kind")
        seconds = [side[1] for side in sides] if pairs == {2} else None
        encodings = encoded(tokenizer, [side[0] for side in sides], seconds, reading)
        targets = [self._target(example) for example in examples]
        return [
            Feature(number, (encoding,), target)
            for number, (encoding, target) in enumerate(zip(encodings, targets, strict=True))
        ]

    def typed(self, texts: Sequence[str], language: str) -> Text | TextPair:  # noqa: D102
        demand_texts(texts, "a text, or the two of a pair", least=1, most=2)
        return Text(language, texts[0]) if len(texts) == 1 else TextPair.of((language, language), texts[0], texts[1])

    def as_labels(self, targets: Sequence[Any], seq: int) -> dict[str, Tensor]:  # noqa: D102
        return {"labels": torch.tensor(targets)}

    def predictions(  # noqa: D102
        self, examples: Sequence[Any], features: Sequence[Feature], scores: Sequence[Scores]
    ) -> tuple[LabelPrediction, ...]:
        return tuple(self._prediction(example, score) for example, score in zip(examples, scores, strict=True))

    def tallies(self, predictions: Sequence[LabelPrediction]) -> dict[str, Tally]:  # noqa: D102
        gold: list[Any] = [one.gold for one in predictions]
        said: list[Any] = [one.said for one in predictions]
        if self.problem == "regression":
            return {"pearson": pearson(gold, said), "spearman": spearman(gold, said)}
        if self.problem == "multi_label_classification":
            exact = accuracy([{*one} for one in gold], [{*one} for one in said])
            return {"micro F1": micro_f1(gold, said), "exact sets": exact}
        return {"accuracy": accuracy(gold, said), "macro F1": macro_f1(gold, said)}

    def sides(self, predictions: Sequence[LabelPrediction]) -> tuple[list[str], list[str]]:  # noqa: D102
        if self.problem != "single_label_classification":
            return [], []
        return [str(one.gold) for one in predictions], [str(one.said) for one in predictions]

    def _target(self, example: Any) -> Any:
        """A class number, a 0 or 1 for each label, or a number; None for an example without a label."""
        if not isinstance(example, LabelledText | LabelledPair):
            return None
        if isinstance(example.label, float):
            return [example.label]
        if isinstance(example.label, tuple):
            return [float(label in example.label) for label in self.labels]
        return self.labels.index(example.label)

    def _prediction(self, example: Any, scores: Scores) -> LabelPrediction:
        language = example.first.language if isinstance(example, TextPair) else example.language
        gold = example.label if isinstance(example, LabelledText | LabelledPair) else None
        if self.problem == "regression":
            return LabelPrediction(language, gold, float(scores[0]), ())
        if self.problem == "multi_label_classification":
            each = 1 / (1 + np.exp(-scores))
            said = tuple(label for label, probability in zip(self.labels, each, strict=True) if probability >= HALF)
            return LabelPrediction(language, gold, said, tuple(map(float, each)))
        return LabelPrediction(language, gold, self.labels[int(scores.argmax())], tuple(map(float, softmax(scores))))


def _gathered(examples: Sequence[Any], labels: Sequence[str] | None) -> tuple[Labelled, ...]:
    """Checked examples, entailment and intents as pairs and texts with labels."""
    first = examples[0] if examples else None
    kinds = (EntailmentExample, LabelledPair, LabelledText, IntentExample)
    kind = next((kind for kind in kinds if isinstance(first, kind)), LabelledText)
    if kind is not IntentExample:
        return tuple(map(_plain, gather(examples, kind, labels=labels)))
    texts = [_plain(example) for example in gather(examples, kind)]
    return tuple(gather(texts, LabelledText, labels=labels))


def _plain(example: Any) -> Any:
    if isinstance(example, EntailmentExample):
        return LabelledPair(example.language, example.premise, example.hypothesis, example.label)
    if isinstance(example, IntentExample):
        return LabelledText(example.sentence.language, example.sentence.text, example.intent)
    return example


def _texts(example: Any) -> tuple[str, ...]:
    example = _plain(example)
    if isinstance(example, LabelledPair):
        return example.first, example.second
    if isinstance(example, TextPair):
        return example.first.text, example.second.text
    if isinstance(example, LabelledText | Text):
        return (example.text,)
    raise InputTypeError(f"a {type(example).__name__} is no text or pair; give Text, TextPair, or labelled ones")
