"""Prompts as a task to learn: the tokens where answers start and end, and the micro F1 of what is found."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from erniem_lab.config import ErnieMConfig
from erniem_lab.corpora.examples import PromptExample, Span
from erniem_lab.encoding import Encoding
from erniem_lab.errors import InputTypeError, InputValueError
from erniem_lab.heads import ErnieMForInformationExtraction
from erniem_lab.losses import IGNORED
from erniem_lab.metrics.tally import Tally, shares, tally
from erniem_lab.tasks.extraction.documents import Answer, Question, Windows, answers_of, cut
from erniem_lab.tasks.extraction.prompts import as_prompts
from erniem_lab.tasks.extraction.reading import inputs_of, padded_length
from erniem_lab.tasks.extraction.schema import Node, PromptForm, prompt_form
from erniem_lab.tasks.extraction.spans import Pointers
from erniem_lab.tasks.task import Feature, Reading, Scores, Task, by_example
from erniem_lab.tokenizer import ErnieMTokenizer


@runtime_checkable
class Counted(Protocol):
    """Something in which spans were found."""

    @property
    def counts(self) -> tuple[int, int, int]:
        """How many were right, how many were found, and how many there are."""


@dataclass(frozen=True)
class PromptPrediction:
    """What was found for a prompt, and what there is to find: spans of the text, and options of the prompt."""

    language: str
    prompt: str
    found: tuple[Answer, ...]
    gold: tuple[Answer, ...]

    @property
    def counts(self) -> tuple[int, int, int]:
        """How many were right, how many were found, and how many there are; only the same characters are right."""
        found, gold = ({(answer.text, answer.span) for answer in side} for side in (self.found, self.gold))
        return len(found & gold), len(found), len(gold)


@dataclass(frozen=True)
class Prompts(Task[PromptExample, PromptPrediction]):
    """Spans that answer prompts, scored by the micro F1 of all of them, as PaddleNLP scores UIE.

    Texts with entities and relations become prompts, and relations are asked for in `form`. `padded_to` is the length
    to which every input is filled up with padding that is read, for weights that were trained so; 0 for others.

    >>> Prompts().config()
    {'reads_padding': False}
    """

    form: PromptForm = "en"
    padded_to: int = 0

    name: ClassVar[str] = "extraction"
    head = ErnieMForInformationExtraction

    @classmethod
    def of(cls, examples: Sequence[Any]) -> "Prompts":
        """The task of the examples, asked for in Chinese if their first kind, or prompt, is Chinese.

        Raises:
            InputTypeError: examples of another kind.
            InputValueError: none, or a span that is not in its text.
        """
        return cls(prompt_form([Node(as_prompts(examples)[0].prompt)]))

    def read_by(self, config: ErnieMConfig) -> "Prompts":
        """The same task for a model of this config, whose weights may have been trained to read padding.

        >>> Prompts().read_by(ErnieMConfig(reads_padding=True)).padded_to
        512
        """
        return replace(self, padded_to=padded_length(config))

    def config(self) -> dict[str, Any]:  # noqa: D102
        return {"reads_padding": self.padded_to > 0}

    def labelled(self, examples: Sequence[Any]) -> tuple[PromptExample, ...]:  # noqa: D102
        return as_prompts(examples, self.form)

    def described(self) -> dict[str, Any]:  # noqa: D102
        return {**super().described(), "form": self.form}

    def features(  # noqa: D102
        self, examples: Sequence[Any], tokenizer: ErnieMTokenizer, reading: Reading
    ) -> list[Feature]:
        for example in examples:
            if not isinstance(example, PromptExample):
                raise InputTypeError(f"a {type(example).__name__} is no prompt; make prompts of texts by to_prompts")
        windows = [_windows(*pair, tokenizer, reading.longest) for pair in enumerate(examples)]
        return [
            Feature(number, (encoding,), _target(encoding, example))
            for number, (example, encodings) in enumerate(zip(examples, windows, strict=True))
            for encoding in encodings
        ]

    def inputs(self, features: Sequence[Feature], pad_token_id: int) -> dict[str, Tensor]:  # noqa: D102
        inputs = inputs_of([feature.encodings[0] for feature in features], pad_token_id, self.padded_to)
        labels = self.as_labels([feature.target for feature in features], inputs["input_ids"].shape[1])
        return {**inputs, **labels}

    def as_labels(self, targets: Sequence[Any], seq: int) -> dict[str, Tensor]:
        """Whether a span starts, and ends, at each token; padding counts where it is read."""
        rest = 0 if self.padded_to else IGNORED
        sides: list[list[list[int]]] = [[], []]
        for target in targets:
            half = len(target) // 2
            for side, labels in zip(sides, (target[:half], target[half:]), strict=True):
                side.append([*labels, *[rest] * (seq - half)])
        return {"start_positions": torch.tensor(sides[0]), "end_positions": torch.tensor(sides[1])}

    def scores(self, output: Any) -> Float[Tensor, "row *place label"]:
        """Of each token, the log-odds that a span starts and that one ends there."""
        return torch.stack([output.start_logits, output.end_logits], dim=-1)

    def predictions(  # noqa: D102
        self, examples: Sequence[Any], features: Sequence[Feature], scores: Sequence[Scores]
    ) -> tuple[PromptPrediction, ...]:
        grouped = by_example(features, scores, len(examples))
        return tuple(_prediction(example, parts) for example, parts in zip(examples, grouped, strict=True))

    def tallies(self, predictions: Sequence[Counted]) -> dict[str, Tally]:
        """Micro F1, precision and recall of spans, to be resampled by prompts, or by whatever was read."""
        counts = np.array([one.counts for one in predictions]).reshape(-1, 3)
        return {
            "span F1": shares(*counts.T.tolist()),
            "precision": tally(counts, lambda sums: _share(sums[0], sums[1])),
            "recall": tally(counts, lambda sums: _share(sums[0], sums[2])),
        }


def _share(part: float, whole: float) -> float:
    return float(part / whole) if whole else 0.0


def _sides(example: PromptExample) -> Iterator[tuple[int, Span]]:
    """The spans to find, each with its sentence: 0 for the prompt, 1 for the text."""
    yield from ((0, span) for span in example.chosen)
    yield from ((1, span) for span in example.found)


def _windows(number: int, example: PromptExample, tokenizer: ErnieMTokenizer, longest: int) -> Sequence[Encoding]:
    """The example's encodings, once it is sure that they can hold all its answers."""
    try:
        encodings = cut(Question(example.text, example.prompt), tokenizer, longest).encodings
    except InputValueError as fault:
        raise InputValueError(f"example {number}: {fault}") from fault
    for sentence, span in _sides(example):
        if not any(encoding.covering(sentence, span.start, span.end) for encoding in encodings):
            raise InputValueError(
                f"example {number}: {span.text!r:.60}, characters {span.start} to {span.end}, is in no token, as only "
                "spaces and control characters are; take the span out"
            )
    return encodings


def _target(encoding: Encoding, example: PromptExample) -> list[int]:
    """Whether a span starts at each token, and then, in the same list, whether one ends there."""
    starts, ends = [0] * len(encoding), [0] * len(encoding)
    for sentence, span in _sides(example):
        places = encoding.covering(sentence, span.start, span.end)
        if places and (encoding.offsets[places[0]][0] <= span.start or not encoding.special[places[0] - 1]):
            starts[places[0]] = 1
        if places and (encoding.offsets[places[-1]][1] >= span.end or not encoding.special[places[-1] + 1]):
            ends[places[-1]] = 1
    return [*starts, *ends]


def _prediction(example: PromptExample, parts: Sequence[tuple[Feature, Scores]]) -> PromptPrediction:
    windows = Windows(Question(example.text, example.prompt), [feature.encodings[0] for feature, _ in parts])
    chances = [1 / (1 + np.exp(-scores)) for _, scores in parts]
    found = answers_of(windows, [Pointers(*sides.T) for sides in chances])
    gold = [Answer(span.text, (span.start, span.end) if sentence else None, 1.0) for sentence, span in _sides(example)]
    return PromptPrediction(example.language, example.prompt, tuple(found), tuple(gold))
