"""Token classification on words: a word's label stands at its first token, and each word gets one prediction."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from erniem_lab.corpora.check import gather
from erniem_lab.corpora.examples import IntentExample, Sentence, TaggedSentence
from erniem_lab.encoding import NO_WORD, Encoding
from erniem_lab.errors import InputTypeError
from erniem_lab.heads import ErnieMForTokenClassification
from erniem_lab.losses import IGNORED
from erniem_lab.metrics import Tally, accuracy, entity_f1
from erniem_lab.tasks.task import Feature, Reading, Scores, Task, by_example, demand_texts, named, softmax, too_long
from erniem_lab.tokenizer import ErnieMTokenizer

OUTSIDE = "O"
MARKS = r"\s.,;:!?…。，、；：！？؟،؛۔।()\[\]\"“”„«»「」"
WORD = re.compile(rf"[^{MARKS}]+|\S")


@dataclass(frozen=True)
class TagPrediction:
    """A tag for each word, the right ones (None where they are not known), and the probability of each said one.

    >>> TagPrediction("en", ("Anna", "sings"), None, ("B-PER", "O"), (0.9, 0.8)).said[0]
    'B-PER'
    """

    language: str
    words: tuple[str, ...]
    gold: tuple[str, ...] | None
    said: tuple[str, ...]
    probabilities: tuple[float, ...]


@dataclass(frozen=True)
class Tagging(Task[TaggedSentence, TagPrediction]):
    """A tag for each word; scored by seqeval's F1 where tags are BIO, and by accuracy of words.

    A word without a token of its own, such as a zero-width space, is tagged O, or the first label where there is none.

    >>> Tagging.of([TaggedSentence(Sentence("en", "Anna sings", ((0, 4), (5, 10))), ("B-PER", "O"))]).labels
    ('O', 'B-PER', 'I-PER')
    """

    labels: tuple[str, ...]

    name: ClassVar[str] = "tagging"
    head = ErnieMForTokenClassification

    @classmethod
    def of(cls, examples: Sequence[Any]) -> "Tagging":
        """The task of tagged sentences: the tags that occur, O first, each B- with its I-.

        Raises:
            InputTypeError: examples of another kind, or without tags.
            InputValueError: none, or tags and words of different number.
        """
        found = {tag for example in _gathered(examples, None) for tag in example.tags}
        if not _is_bio(found):
            return cls(tuple(sorted(found)))
        found |= {f"{prefix}-{tag[2:]}" for tag in found if tag != OUTSIDE for prefix in "BI"} | {OUTSIDE}
        return cls(tuple(sorted(found, key=lambda tag: (tag != OUTSIDE, tag[2:], tag))))

    def config(self) -> dict[str, Any]:  # noqa: D102
        return named(self.labels)

    def labelled(self, examples: Sequence[Any]) -> tuple[TaggedSentence, ...]:  # noqa: D102
        return _gathered(examples, self.labels)

    def features(  # noqa: D102
        self, examples: Sequence[Any], tokenizer: ErnieMTokenizer, reading: Reading
    ) -> list[Feature]:
        words = [list(_sentence(example).surfaces) for example in examples]
        encodings = tokenizer.encodings(words, truncation=True, max_length=reading.longest + 1)
        long = {*too_long(encodings, reading)}
        features = []
        for number, (example, encoding) in enumerate(zip(examples, encodings, strict=True)):
            parts = [encoding] if number not in long else _windows(tokenizer, words[number], reading)
            tags = example.tags if isinstance(example, TaggedSentence) else None
            for place, part in enumerate(parts):
                features.append(Feature(number, (part,), self._target(part, tags, later=place > 0)))
        return features

    def typed(self, texts: Sequence[str], language: str) -> Sentence:
        """A sentence whose words are what stands between spaces and punctuation marks, and these."""
        demand_texts(texts, "one sentence", least=1, most=1)
        return Sentence(language, texts[0], tuple(found.span() for found in WORD.finditer(texts[0])))

    def as_labels(self, targets: Sequence[Any], seq: int) -> dict[str, Tensor]:  # noqa: D102
        return {"labels": torch.tensor([[*target, *[IGNORED] * (seq - len(target))] for target in targets])}

    def predictions(  # noqa: D102
        self, examples: Sequence[Any], features: Sequence[Feature], scores: Sequence[Scores]
    ) -> tuple[TagPrediction, ...]:
        grouped = by_example(features, scores, len(examples))
        return tuple(self._prediction(example, parts) for example, parts in zip(examples, grouped, strict=True))

    def tallies(self, predictions: Sequence[TagPrediction]) -> dict[str, Tally]:  # noqa: D102
        words = dict(zip(("gold", "said"), self.sides(predictions), strict=True))
        by_word = {"accuracy of words": accuracy(words["gold"], words["said"])}
        if not _is_bio(self.labels):
            return by_word
        return {
            "entity F1": entity_f1([one.gold or () for one in predictions], [one.said for one in predictions]),
            **by_word,
        }

    def sides(self, predictions: Sequence[TagPrediction]) -> tuple[list[str], list[str]]:  # noqa: D102
        gold = [tag for one in predictions for tag in one.gold or ()]
        return gold, [tag for one in predictions for tag in one.said]

    def _target(self, encoding: Encoding, tags: Sequence[str] | None, *, later: bool) -> list[int] | None:
        """The tag's number at each word's first token; the word that a later window begins with is the one before's."""
        if tags is None:
            return None
        target = [IGNORED] * len(encoding)
        for word, token in _first_tokens(encoding):
            if not (later and token == 1):
                target[token] = self.labels.index(tags[word])
        return target

    def _prediction(self, example: Any, parts: Sequence[tuple[Feature, Scores]]) -> TagPrediction:
        """Of a word that several windows hold, the window with the most text on both its sides decides."""
        sentence = _sentence(example)
        said, sure = (
            [OUTSIDE if OUTSIDE in self.labels else self.labels[0]] * len(sentence.words),
            [0.0] * len(sentence.words),
        )
        margins = [-1] * len(said)
        for feature, scores in parts:
            probabilities = softmax(scores)
            for word, token in _first_tokens(feature.encodings[0]):
                margin = min(token, feature.length - 1 - token)
                if margin > margins[word]:
                    best = int(probabilities[token].argmax())
                    margins[word], said[word], sure[word] = margin, self.labels[best], float(probabilities[token, best])
        gold = example.tags if isinstance(example, TaggedSentence) else None
        return TagPrediction(sentence.language, sentence.surfaces, gold, tuple(said), tuple(sure))


def _windows(tokenizer: ErnieMTokenizer, words: list[str], reading: Reading) -> list[Encoding]:
    """Overlapping by one token at least, so that each word's first token is not the first of every window it is in."""
    return tokenizer.windows(words, max_length=reading.longest, stride=max(reading.stride, 1))


def _first_tokens(encoding: Encoding) -> Iterator[tuple[int, int]]:
    """Each word and its first token here."""
    before = NO_WORD
    for token, word in enumerate(encoding.words):
        if word not in (before, NO_WORD):
            yield word, token
        before = word if word != NO_WORD else before


def _sentence(example: Any) -> Sentence:
    if isinstance(example, Sentence):
        return example
    if isinstance(example, TaggedSentence):
        return example.sentence
    raise InputTypeError(f"a {type(example).__name__} has no words to tag; give a Sentence or TaggedSentence")


def _gathered(examples: Sequence[Any], labels: Sequence[str] | None) -> tuple[TaggedSentence, ...]:
    kind = IntentExample if examples and isinstance(examples[0], IntentExample) else TaggedSentence
    found: tuple[Any, ...] = gather(examples, kind, labels=labels)
    return tuple(TaggedSentence(example.sentence, example.tags) for example in found)


def _is_bio(tags: Sequence[str] | set[str]) -> bool:
    return all(tag == OUTSIDE or tag[:2] in ("B-", "I-") for tag in tags)
