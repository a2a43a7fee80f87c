"""Extractive question answering: where in a text of any length the answer stands, or that it does not."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from erniem_lab.corpora.check import gather
from erniem_lab.corpora.examples import OpenQuestion, QuestionExample, Span
from erniem_lab.encoding import Encoding
from erniem_lab.errors import InputTypeError, InputValueError
from erniem_lab.heads import ErnieMForQuestionAnswering
from erniem_lab.metrics import Tally, answer_f1, exact_match
from erniem_lab.metrics.answers import Rules
from erniem_lab.tasks.task import Feature, Reading, Scores, Task, by_example, demand_texts, softmax, too_long
from erniem_lab.tokenizer import ErnieMTokenizer

CANDIDATES = 20  # starts and ends of a window that are paired, as in BERT's SQuAD code
LONGEST_ANSWER = 30  # tokens; the same
KEPT = 5  # answers of a prediction
NOWHERE = 0  # [CLS], where a window without the answer points


@dataclass(frozen=True)
class Answer:
    """A span of the context, or None for no answer, and its probability among the candidates.

    >>> Answer(Span(0, 4, "Anna"), 0.9).text, Answer(None, 0.1).text
    ('Anna', '')
    """

    span: Span | None
    probability: float

    @property
    def text(self) -> str:
        """What it says; nothing where there is no answer."""
        return self.span.text if self.span else ""


@dataclass(frozen=True)
class AnswerPrediction:
    """The best answers, the best first, and the right ones (None where they are not known).

    >>> AnswerPrediction("en", "q1", ("Anna",), (Answer(Span(0, 4, "Anna"), 0.9),)).said
    'Anna'
    """

    language: str
    id: str
    gold: tuple[str, ...] | None
    answers: tuple[Answer, ...]

    @property
    def said(self) -> str:
        """The text of the best answer; nothing where that is no answer."""
        return self.answers[0].text if self.answers else ""


@dataclass(frozen=True)
class Questions(Task[QuestionExample, AnswerPrediction]):
    """Spans of a context that answer a question; scored by F1 of words and exact match.

    Words are compared by MLQA's rules for each language, or, with `rules="squad"`, by SQuAD's for English in all of
    them, as is usual for XQuAD. A long context is read in windows that overlap. With `no_answer`, that there is none
    may be the best answer: it has to beat the best span by more than `threshold`, in log-odds.

    >>> Questions.of([QuestionExample("en", "Who sings?", "Anna sings.", (Span(0, 4, "Anna"),))]).no_answer
    False
    """

    no_answer: bool = False
    threshold: float = 0.0
    rules: Rules = "mlqa"

    name: ClassVar[str] = "questions"
    head = ErnieMForQuestionAnswering

    @classmethod
    def of(cls, examples: Sequence[Any]) -> "Questions":
        """The task of the examples: there may be no answer if some of them have none.

        Raises:
            InputTypeError: examples of another kind, or without answers.
            InputValueError: none, or an answer that is not where it says.
        """
        return cls(any(not example.answers for example in gather(examples, QuestionExample)))

    def config(self) -> dict[str, Any]:  # noqa: D102
        return {"num_labels": 2}

    def labelled(self, examples: Sequence[Any]) -> tuple[QuestionExample, ...]:  # noqa: D102
        return gather(examples, QuestionExample)

    def described(self) -> dict[str, Any]:  # noqa: D102
        return {**super().described(), "no_answer": self.no_answer, "threshold": self.threshold, "rules": self.rules}

    def features(  # noqa: D102
        self, examples: Sequence[Any], tokenizer: ErnieMTokenizer, reading: Reading
    ) -> list[Feature]:
        for example in examples:
            if not isinstance(example, QuestionExample | OpenQuestion):
                raise InputTypeError(f"a {type(example).__name__} is no question; give QuestionExample or OpenQuestion")
        sides = [example.question for example in examples], [example.context for example in examples]
        encodings = tokenizer.encodings(*sides, truncation=True, max_length=reading.longest + 1)
        long = {*too_long(encodings, reading)}
        features = []
        for number, (example, encoding) in enumerate(zip(examples, encodings, strict=True)):
            parts = [encoding] if number not in long else _windows(tokenizer, example, number, reading)
            known = isinstance(example, QuestionExample)
            targets = _targets(parts, example.answers[:1]) if known else [None] * len(parts)
            features += [Feature(number, (part,), target) for part, target in zip(parts, targets, strict=True)]
        return features

    def typed(self, texts: Sequence[str], language: str) -> OpenQuestion:  # noqa: D102
        demand_texts(texts, "a question and the text that may answer it", least=2, most=2)
        return OpenQuestion(language, texts[0], texts[1])

    def as_labels(self, targets: Sequence[Any], seq: int) -> dict[str, Tensor]:  # noqa: D102
        start, end = torch.tensor(targets).unbind(dim=1)
        return {"start_positions": start, "end_positions": end}

    def scores(self, output: Any) -> Float[Tensor, "row *place label"]:
        """Of each token, how well the answer starts and how well it ends there."""
        return torch.stack([output.start_logits, output.end_logits], dim=-1)

    def predictions(  # noqa: D102
        self, examples: Sequence[Any], features: Sequence[Feature], scores: Sequence[Scores]
    ) -> tuple[AnswerPrediction, ...]:
        grouped = by_example(features, scores, len(examples))
        return tuple(self._prediction(example, parts) for example, parts in zip(examples, grouped, strict=True))

    def tallies(self, predictions: Sequence[AnswerPrediction]) -> dict[str, Tally]:  # noqa: D102
        golds, said = [one.gold or () for one in predictions], [one.said for one in predictions]
        languages = [one.language for one in predictions]
        return {
            "answer F1": answer_f1(golds, said, languages, rules=self.rules),
            "exact match": exact_match(golds, said, languages, rules=self.rules),
        }

    def _prediction(self, example: Any, parts: Sequence[tuple[Feature, Scores]]) -> AnswerPrediction:
        found: dict[tuple[int, int], float] = {}
        for feature, scores in parts:
            for place, score in _candidates(feature.encodings[0], scores):
                found[place] = max(score, found.get(place, -np.inf))
        spans: list[tuple[Span | None, float]] = [
            (Span.of(example.context, *place), score) for place, score in found.items()
        ]
        if self.no_answer or not spans:
            spans.append((None, min(float(scores[NOWHERE].sum()) for _, scores in parts) - self.threshold))
        spans.sort(key=lambda item: -item[1])
        chances = softmax(np.array([score for _, score in spans[:CANDIDATES]]))
        answers = [Answer(span, float(chance)) for (span, _), chance in zip(spans, chances, strict=False)]
        gold = tuple(span.text for span in example.answers) if isinstance(example, QuestionExample) else None
        return AnswerPrediction(example.language, example.id, gold, tuple(answers[:KEPT]))


def _windows(tokenizer: ErnieMTokenizer, example: Any, number: int, reading: Reading) -> list[Encoding]:
    try:
        return tokenizer.windows(example.question, example.context, max_length=reading.longest, stride=reading.stride)
    except InputValueError as fault:
        raise InputValueError(
            f"example {number}: the question {example.question!r:.60} leaves too little room for its context: {fault}"
        ) from fault


def _targets(parts: Sequence[Encoding], answers: Sequence[Span]) -> Iterator[tuple[int, int]]:
    """First and last token of the answer in each window; [CLS] where the window does not hold the whole of it."""
    for number, part in enumerate(parts):
        tokens = [token for answer in answers for token in part.covering(1, answer.start, answer.end)]
        if not tokens:
            yield NOWHERE, NOWHERE
            continue
        context = _context(part)
        cut = (number > 0 and tokens[0] == context[0] and part.offsets[context[0]][0] > answers[0].start) or (
            number < len(parts) - 1 and tokens[-1] == context[-1] and part.offsets[context[-1]][1] < answers[0].end
        )
        yield (NOWHERE, NOWHERE) if cut else (tokens[0], tokens[-1])


def _context(encoding: Encoding) -> list[int]:
    """The tokens of the context."""
    pairs = zip(encoding.sentence, encoding.special, strict=True)
    return [token for token, (sentence, special) in enumerate(pairs) if sentence == 1 and not special]


def _candidates(encoding: Encoding, scores: Float[np.ndarray, "token 2"]) -> Iterator[tuple[tuple[int, int], float]]:
    """Spans of characters with their scores: the best starts with the best ends behind them."""
    context = np.array(_context(encoding), dtype=np.int64)
    if not len(context):
        return
    starts, ends = (_best(scores[context, side]) for side in (0, 1))
    for start in starts:
        for end in ends:
            if start <= end < start + LONGEST_ANSWER:
                first, last = encoding.offsets[context[start]], encoding.offsets[context[end]]
                if first[0] < last[1]:
                    yield (first[0], last[1]), float(scores[context[start], 0] + scores[context[end], 1])


def _best(scores: Float[np.ndarray, " token"]) -> Int[np.ndarray, " candidate"]:
    found: np.ndarray = np.argsort(-scores, kind="stable")[:CANDIDATES]
    return found
