"""Multiple choice: which of several sentences is the cause, or the effect, of a premise."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from erniem_lab.corpora.check import gather
from erniem_lab.corpora.examples import ChoiceExample
from erniem_lab.heads import ErnieMForMultipleChoice
from erniem_lab.metrics import Tally, accuracy
from erniem_lab.tasks.task import Feature, Reading, Scores, Task, demand_texts, encoded, softmax
from erniem_lab.tokenizer import ErnieMTokenizer


@dataclass(frozen=True)
class ChoicePrediction:
    """The number of the choice that was taken, of the right one (None: not known), and the probability of each.

    >>> ChoicePrediction("en", 0, 1, (0.3, 0.7)).said
    1
    """

    language: str
    gold: int | None
    said: int
    probabilities: tuple[float, ...]


@dataclass(frozen=True)
class Choice(Task[ChoiceExample, ChoicePrediction]):
    """Choices scored one by one, each in a pair with the premise, whichever is the cause first.

    So no language needs words for "What was the cause?". Scored by accuracy.

    >>> Choice().name
    'choice'
    """

    name: ClassVar[str] = "choice"
    head = ErnieMForMultipleChoice

    @classmethod
    def of(cls, examples: Sequence[Any]) -> "Choice":
        """The task; examples do not change it, and are checked."""
        gather(examples, ChoiceExample)
        return cls()

    def config(self) -> dict[str, Any]:  # noqa: D102
        return {}

    def labelled(self, examples: Sequence[Any]) -> tuple[ChoiceExample, ...]:  # noqa: D102
        return gather(examples, ChoiceExample)

    def features(  # noqa: D102
        self, examples: Sequence[Any], tokenizer: ErnieMTokenizer, reading: Reading
    ) -> list[Feature]:
        pairs = [pair for example in examples for pair in _pairs(example)]
        encodings = iter(encoded(tokenizer, [one for one, _ in pairs], [other for _, other in pairs], reading))
        return [
            Feature(number, tuple(next(encodings) for _ in example.choices), example.label)
            for number, example in enumerate(examples)
        ]

    def typed(self, texts: Sequence[str], language: str) -> ChoiceExample:
        """A premise and its choices, of which the effect is asked; the label of the example says nothing."""
        demand_texts(texts, "a premise and two choices or more", least=3)
        return ChoiceExample(language, texts[0], "effect", tuple(texts[1:]), 0)

    def inputs(self, features: Sequence[Feature], pad_token_id: int) -> dict[str, Any]:
        """As of every task, with an axis of choices: `[item, choice, seq]`."""
        inputs = super().inputs(features, pad_token_id)
        shape = (len(features), -1)
        return {
            name: value if name == "labels" else value.reshape(*shape, value.shape[-1])
            for name, value in inputs.items()
        }

    def predictions(  # noqa: D102
        self, examples: Sequence[Any], features: Sequence[Feature], scores: Sequence[Scores]
    ) -> tuple[ChoicePrediction, ...]:
        return tuple(
            ChoicePrediction(example.language, example.label, int(score.argmax()), tuple(map(float, softmax(score))))
            for example, score in zip(examples, scores, strict=True)
        )

    def tallies(self, predictions: Sequence[ChoicePrediction]) -> dict[str, Tally]:  # noqa: D102
        return {"accuracy": accuracy([one.gold for one in predictions], [one.said for one in predictions])}

    def sides(self, predictions: Sequence[ChoicePrediction]) -> tuple[list[str], list[str]]:  # noqa: D102
        return [f"choice {one.gold}" for one in predictions], [f"choice {one.said}" for one in predictions]


def _pairs(example: ChoiceExample) -> list[tuple[str, str]]:
    """Cause and effect, for each choice."""
    if example.asks == "effect":
        return [(example.premise, choice) for choice in example.choices]
    return [(choice, example.premise) for choice in example.choices]
