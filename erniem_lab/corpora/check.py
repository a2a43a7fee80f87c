"""What has to hold of examples, in one place: readers ask it of each, at its line; tasks of all, before they begin."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from math import isfinite
from typing import TypeVar

from erniem_lab.corpora.examples import (
    ChoiceExample,
    EntailmentExample,
    ExtractionExample,
    IntentExample,
    LabelledPair,
    LabelledText,
    PromptExample,
    QuestionExample,
    Span,
    TaggedSentence,
)
from erniem_lab.errors import InputTypeError, InputValueError

E = TypeVar("E")
SHOWN = 5  # faults that a message lists; the rest are counted


def sound(example: E, place: str) -> E:
    """The example itself, where it holds what it has to.

    Raises:
        InputValueError: with the place and the first fault.

    >>> sound(ChoiceExample("en", "Anna is tired.", "effect", ("She sings.",), 0), "val.en.jsonl:3")
    Traceback (most recent call last):
    erniem_lab.errors.InputValueError: val.en.jsonl:3: 1 options; give two or more
    """
    for fault in faults(example):
        raise InputValueError(f"{place}: {fault}")
    return example


def gather(examples: Iterable[object], kind: type[E], *, labels: Sequence[str] | None = None) -> tuple[E, ...]:
    """All examples, of one kind and sound, ready to train or to score on; or one error that lists what is wrong.

    Args:
        kind: the type that every example has to have; files without labels give others, such as `Sentence`.
        labels: the labels or tags that are known; None accepts any.

    Raises:
        InputTypeError: examples of another type, or labels of several types.
        InputValueError: no example, an example that is not sound, an unknown label, or choices of unlike numbers.

    >>> anna = LabelledText("en", "Anna sings.", "good")
    >>> gather([anna], LabelledText, labels=["good", "bad"]) == (anna,)
    True
    >>> gather([anna], LabelledText, labels=["bad"])
    Traceback (most recent call last):
    erniem_lab.errors.InputValueError: 1 of 1 examples are not sound; example 0: label 'good' is not one of bad; ...
    """
    found = tuple(examples)
    if not found:
        raise InputValueError(f"examples: none, where {kind.__name__} is expected; is the file only a header?")
    kept = tuple(example for example in found if isinstance(example, kind))
    if len(kept) < len(found):
        number = next(place for place, example in enumerate(found) if not isinstance(example, kind))
        raise InputTypeError(
            f"examples: {len(found) - len(kept)} of {len(found)} are no {kind.__name__}; example {number} is a "
            f"{type(found[number]).__name__}, as files without labels give; take a labelled file"
        )
    _report([[*faults(example), *_unknown(example, labels)] for example in kept])
    _alike([type(label).__name__ for example in kept for label in _labels(example)], "labels", "one type")
    _alike([len(one.choices) for one in kept if isinstance(one, ChoiceExample)], "choices", "as many for each")
    return kept


def faults(example: object) -> Iterator[str]:
    """What does not hold of an example: each fault in words, with what to do.

    >>> from erniem_lab.corpora.examples import Sentence
    >>> sentence = Sentence("en", "Anna sings", ((0, 4), (5, 10)))
    >>> list(faults(TaggedSentence(sentence, ("B-PER",))))
    ['2 words, 1 tags; give each word one']
    """
    if isinstance(example, TaggedSentence | IntentExample):
        if len(example.tags) != len(example.sentence.words):
            yield f"{len(example.sentence.words)} words, {len(example.tags)} tags; give each word one"
    elif isinstance(example, ChoiceExample):
        yield from _choice_faults(example)
    elif isinstance(example, LabelledText | LabelledPair):
        if example.label == "" or (isinstance(example.label, float) and not isfinite(example.label)):
            yield f"the label is {example.label!r}; give every row one"
    else:
        yield from (_misplaced(text, span) for text, span in _spans(example) if not _fits(text, span))


def _choice_faults(example: ChoiceExample) -> Iterator[str]:
    if len(example.choices) < 2:
        yield f"{len(example.choices)} options; give two or more"
    elif not 0 <= example.label < len(example.choices):
        yield f"label {example.label} for {len(example.choices)} options; count them from 0"


def _spans(example: object) -> Iterator[tuple[str, Span]]:
    """The spans of an example, each with the text that it has to stand in."""
    if isinstance(example, QuestionExample):
        yield from ((example.context, span) for span in example.answers)
    elif isinstance(example, PromptExample):
        yield from ((example.text, span) for span in example.found)
        yield from ((example.prompt, span) for span in example.chosen)
    elif isinstance(example, ExtractionExample):
        yield from ((example.text, mention.span) for mention in example.mentions)
        yield from ((example.text, span) for one in example.relations for span in (one.subject, one.value))


def _fits(text: str, span: Span) -> bool:
    return 0 <= span.start < span.end <= len(text) and text[span.start : span.end] == span.text


def _misplaced(text: str, span: Span) -> str:
    there = text[max(span.start, 0) : max(span.end, 0)]
    return (
        f"characters {span.start} to {span.end} of {len(text)} are {there!r:.60}, not {span.text!r:.60}; "
        "count characters from 0, of the text as it stands there"
    )


def _labels(example: object) -> tuple[object, ...]:
    """Labels as they are, for their types; a label of `EntailmentExample` can have one type only."""
    return (example.label,) if isinstance(example, LabelledText | LabelledPair) else ()


def _unknown(example: object, labels: Sequence[str] | None) -> Iterator[str]:
    names: tuple[object, ...] = ()
    if isinstance(example, TaggedSentence | IntentExample):
        names = example.tags
    elif isinstance(example, EntailmentExample | LabelledText | LabelledPair):
        names = example.label if isinstance(example.label, tuple) else (example.label,)
    if labels is not None:
        yield from (f"label {name!r} is not one of {', '.join(labels)}" for name in names if name not in labels)


def _report(found: Sequence[Sequence[str]]) -> None:
    wrong = [(number, each[0]) for number, each in enumerate(found) if each]
    if wrong:
        listed = "; ".join(f"example {number}: {fault}" for number, fault in wrong[:SHOWN])
        more = f"; and {len(wrong) - SHOWN} more" if len(wrong) > SHOWN else "; mend or leave them out"
        raise InputValueError(f"{len(wrong)} of {len(found)} examples are not sound; {listed}{more}")


def _alike(values: Sequence[object], what: str, accepted: str) -> None:
    counts = Counter(values)
    if len(counts) > 1:
        listed = ", ".join(f"{value} ({count})" for value, count in counts.most_common())
        fault = InputTypeError if all(isinstance(value, str) for value in values) else InputValueError
        raise fault(f"examples: {what} of several kinds: {listed}; expected {accepted}")
