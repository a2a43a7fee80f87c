"""What a guess scores that reads no text: the floor that a trained head has to rise above."""

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import Any

from erniem_lab.corpora.examples import Span
from erniem_lab.metrics import Tally, mean_of
from erniem_lab.tasks import Answer, AnswerPrediction, ChoicePrediction, Evaluation, TagPrediction

FEW = 10  # a text of fewer words is of a script without spaces


@dataclass(frozen=True)
class Chance:
    """What choosing at random scores in the long run: for each item one over the number of its choices."""

    shares: tuple[float, ...]

    def tally(self, _: str) -> Tally:
        """Each item's share."""
        return mean_of(self.shares)


def guess(
    found: Evaluation[Any], examples: Sequence[Any], train: Sequence[Any]
) -> tuple[str, Evaluation[Any] | Chance]:
    """The most frequent answer of the test set itself; for choices, spans and tags, random ones."""
    first = found.predictions[0]
    if isinstance(first, ChoicePrediction):
        return "random choices", Chance(tuple(1 / len(one.probabilities) for one in found.predictions))
    if isinstance(first, TagPrediction):
        return "random tags", Evaluation(found.task, tuple(_tagged(found.predictions, train)))
    if isinstance(first, AnswerPrediction):
        return "random spans", Evaluation(found.task, tuple(_answered(found.predictions, examples)))
    common = Counter(one.gold for one in found.predictions).most_common(1)[0][0]
    said = tuple(replace(one, said=common) for one in found.predictions)
    return f"always {common!r}", Evaluation(found.task, said)


def _tagged(predictions: Sequence[TagPrediction], train: Sequence[Any]) -> list[TagPrediction]:
    """Tags as frequent as those that were learnt from."""
    draw, tags = random.Random(0), [tag for example in train for tag in example.tags]
    return [replace(one, said=tuple(draw.choices(tags, k=len(one.words)))) for one in predictions]


def _answered(predictions: Sequence[AnswerPrediction], examples: Sequence[Any]) -> list[AnswerPrediction]:
    """As many words as the median answer has, anywhere in the context."""
    draw = random.Random(0)
    glues = [" " if len(example.context.split()) >= FEW else "" for example in examples]
    sizes = [len(_pieces(example.answers[0].text, glue)) for example, glue in zip(examples, glues, strict=True)]
    size, said = int(median(sizes)), []
    for one, example, glue in zip(predictions, examples, glues, strict=True):
        pieces = _pieces(example.context, glue)
        start = draw.randrange(max(1, len(pieces) - size + 1))
        text = glue.join(pieces[start : start + size])
        said.append(replace(one, answers=(Answer(Span(0, len(text), text), 1.0),)))
    return said


def _pieces(text: str, glue: str) -> list[str]:
    return text.split() if glue else list(text)
