"""What all heads share: examples → features → scores → predictions → metrics, with a class for each kind of answer."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, Literal, TypeVar

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from erniem_lab.batching import collate
from erniem_lab.config import ErnieMConfig
from erniem_lab.encoding import Encoding
from erniem_lab.errors import InputTypeError, InputValueError
from erniem_lab.heads import ErnieMHead
from erniem_lab.metrics import Tally
from erniem_lab.tokenizer import ErnieMTokenizer

E = TypeVar("E")  # the example
P = TypeVar("P")  # the prediction
Target = int | Sequence[int] | Sequence[float] | None
Overlong = Literal["refuse", "cut"]
Scores = Float[np.ndarray, "..."]
"""Of one feature: `[label]`, or `[token, label]`; for answers the labels are start and end."""


@dataclass(frozen=True)
class Feature:
    """What a model reads of an example, one encoding or one for each choice, and what it should answer.

    `example` is the example's number; a long example has several features.

    >>> Feature(0, (Encoding([0, 9, 2], [(0, 0)] * 3, [0] * 3, [True, False, True]),), 1).length
    3
    """

    example: int
    encodings: tuple[Encoding, ...]
    target: Target = None

    @property
    def length(self) -> int:
        """Tokens of the longest encoding."""
        return max(map(len, self.encodings))


@dataclass(frozen=True)
class Reading:
    """How texts are read: at most `longest` tokens at a time.

    Where every token is answered for (tags, answers), a longer text is read in windows that share `stride` tokens.
    Elsewhere it is refused, or, with `overlong="cut"`, cut.

    >>> Reading(256).longest
    256
    """

    longest: int
    stride: int = 64
    overlong: Overlong = "refuse"


class Task(ABC, Generic[E, P]):
    """A kind of answer: which head gives it, from which examples, and how it is scored."""

    name: ClassVar[str]
    head: ClassVar[type[ErnieMHead]]

    @abstractmethod
    def config(self) -> dict[str, Any]:
        """What the head's config needs, labels above all."""

    @abstractmethod
    def labelled(self, examples: Sequence[Any]) -> tuple[E, ...]:
        """The examples, checked, in the one type that the task reads; a fault in them is one error that lists all."""

    @abstractmethod
    def features(self, examples: Sequence[Any], tokenizer: ErnieMTokenizer, reading: Reading) -> list[Feature]:
        """What the model reads, in the order of the examples; examples without labels have features without targets."""

    @abstractmethod
    def predictions(
        self, examples: Sequence[Any], features: Sequence[Feature], scores: Sequence[Scores]
    ) -> tuple[P, ...]:
        """One prediction for each example, from the scores of each feature."""

    @abstractmethod
    def tallies(self, predictions: Sequence[P]) -> dict[str, Tally]:
        """The task's metrics by name, the one that training goes by first."""

    def read_by(self, config: ErnieMConfig) -> "Task[E, P]":
        """The task as a checkpoint with that config reads it; most do not depend on it."""
        return self

    def sides(self, predictions: Sequence[P]) -> tuple[list[str], list[str]]:
        """Gold and said labels, for a confusion table; none where answers are no labels."""
        return [], []

    def inputs(self, features: Sequence[Feature], pad_token_id: int) -> dict[str, Tensor]:
        """The arguments of the head's `forward`; labels are among them where every feature has a target."""
        batch = collate([one for feature in features for one in feature.encodings], pad_token_id)
        inputs = {
            "input_ids": batch.input_ids,
            "attention_mask": batch.kinds > 0,
            "position_ids": batch.position_ids,
        }
        targets = [feature.target for feature in features if feature.target is not None]
        return {
            **inputs,
            **(self.as_labels(targets, batch.input_ids.shape[1]) if len(targets) == len(features) else {}),
        }

    def as_labels(self, targets: Sequence[Any], seq: int) -> dict[str, Tensor]:
        """The targets as the head's labels; `seq` is the length of the padded batch."""
        return {"labels": torch.tensor(targets)}

    def scores(self, output: Any) -> Float[Tensor, "row *place label"]:
        """The head's scores, a row for each feature."""
        found: Tensor = output.logits
        return found

    def typed(self, texts: Sequence[str], language: str) -> Any:
        """An example without a label, of texts that somebody wrote for it.

        Raises:
            InputTypeError: the task has no such examples.
            InputValueError: another number of texts than such an example has.
        """
        raise InputTypeError(f"{self.name}: not asked by typing texts; give predict its examples")

    def described(self) -> dict[str, Any]:
        """What a checkpoint has to say, beside its config, to make the task anew."""
        return {"task": self.name}


@contextmanager
def about(what: str) -> Iterator[None]:
    """A block whose errors about examples begin with what these examples are.

    >>> with about("check_on"):
    ...     raise InputValueError("example 1: label 'fine' is not one of bad, good")
    Traceback (most recent call last):
    erniem_lab.errors.InputValueError: check_on: example 1: label 'fine' is not one of bad, good
    """
    try:
        yield
    except (InputTypeError, InputValueError) as fault:
        raise type(fault)(f"{what}: {fault}") from fault


def demand_texts(texts: Sequence[str], what: str, *, least: int, most: int | None = None) -> None:
    """Refuse another number of texts, or empty ones, for the example that `what` describes.

    >>> demand_texts(["Who sings?", "Anna sings."], "a question and its context", least=2, most=2)
    """
    if len(texts) < least or (most is not None and len(texts) > most) or not all(text.strip() for text in texts):
        raise InputValueError(f"texts: {[text[:20] for text in texts]}; expected are {what}, none of them empty")


def encoded(
    tokenizer: ErnieMTokenizer, firsts: Sequence[str], seconds: Sequence[str] | None, reading: Reading
) -> list[Encoding]:
    """Texts or pairs that the model takes whole, or cut where that was asked for.

    Raises:
        InputValueError: texts that are too long, all of them named by their numbers.
    """
    room = reading.longest + (reading.overlong == "refuse")  # one token more shows that a text is too long
    encodings = tokenizer.encodings(firsts, seconds, truncation=True, max_length=room)
    long = list(too_long(encodings, reading))
    if long and reading.overlong == "refuse":
        raise InputValueError(
            f"{len(long)} of {len(encodings)} texts have more than {reading.longest} tokens, the first of them number "
            f"{long[0]}, {firsts[long[0]]!r:.60}; shorten them, raise longest if the model takes more, or set "
            "overlong='cut'"
        )
    return encodings


def too_long(encodings: Sequence[Encoding], reading: Reading) -> Iterator[int]:
    """The numbers of encodings with more tokens than are read at a time.

    >>> list(too_long([Encoding([0, 9, 2], [(0, 0)] * 3, [0] * 3, [True, False, True])], Reading(2)))
    [0]
    """
    return (number for number, encoding in enumerate(encodings) if len(encoding) > reading.longest)


def softmax(scores: Float[np.ndarray, "*place label"]) -> Float[np.ndarray, "*place label"]:
    """Probabilities over the last axis.

    >>> softmax(np.zeros(2)).tolist()
    [0.5, 0.5]
    """
    powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
    found: np.ndarray = powers / powers.sum(axis=-1, keepdims=True)
    return found


def named(labels: Sequence[str]) -> dict[str, Any]:
    """Labels as a config has them.

    >>> named(["no", "yes"])["id2label"]
    {0: 'no', 1: 'yes'}
    """
    return {"id2label": dict(enumerate(labels)), "label2id": {label: number for number, label in enumerate(labels)}}


def by_example(features: Sequence[Feature], scores: Sequence[Scores], count: int) -> list[list[tuple[Feature, Scores]]]:
    """The features of each example with their scores.

    >>> by_example([], [], 2)
    [[], []]
    """
    found: list[list[tuple[Feature, Scores]]] = [[] for _ in range(count)]
    for feature, score in zip(features, scores, strict=True):
        found[feature.example].append((feature, score))
    return found
