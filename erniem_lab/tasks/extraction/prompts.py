"""Labelled texts as prompts with their answers, and prompts with none, so that a model learns to find nothing.

The kinds of prompts without an answer are those of PaddleNLP's `model_zoo/uie/doccano.py`.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from erniem_lab.corpora.check import gather
from erniem_lab.corpora.examples import ExtractionExample, LabelledText, PromptExample, Span
from erniem_lab.errors import InputValueError
from erniem_lab.tasks.extraction.schema import PromptForm, ask, ask_of

NEGATIVES = 5  # as in PaddleNLP
RELATION_KINDS = 3  # of prompts about relations without an answer, which share their number


@dataclass(frozen=True)
class Labels:
    """What is asked for anywhere in a data set."""

    kinds: tuple[str, ...]
    names: tuple[str, ...]

    @property
    def only_kinds(self) -> tuple[str, ...]:
        """Kinds that are the name of no relation."""
        return tuple(kind for kind in self.kinds if kind not in self.names)


def to_prompts(
    examples: Iterable[Any], *, form: PromptForm = "en", negatives: int = NEGATIVES, seed: int = 0
) -> tuple[PromptExample, ...]:
    """A prompt for each kind that occurs in a text and each relation of a subject, and some without an answer.

    For each prompt with an answer there are at most `negatives` about kinds that do not occur; and about relations at
    most a third of that of each sort: the relation turned round, of what is no subject of it, and kinds as relations.

    Raises:
        InputTypeError: examples of another type.
        InputValueError: no example, or a span that is not in its text.

    >>> from erniem_lab.corpora.world import World
    >>> [(one.prompt, len(one.found)) for one in to_prompts(World.load().extraction("en", 1), negatives=0)]
    [('person', 1), ('colour', 1), ('thing', 1), ('time', 1), ('colour of scarf', 1)]
    """
    known = gather(examples, ExtractionExample)
    draw, labels = Random(seed), _labels(known)
    return tuple(prompt for example in known for prompt in _prompts(example, labels, form, negatives, draw))


def as_prompts(examples: Sequence[Any], form: PromptForm = "en") -> tuple[PromptExample, ...]:
    """Prompts as they are, labelled texts as prompts.

    Raises:
        InputTypeError: examples of another type.
        InputValueError: no example, or a span that is not in its text.

    >>> from erniem_lab.corpora.world import World
    >>> as_prompts(World.load().extraction("en", 1))[0].prompt
    'person'
    """
    if examples and isinstance(examples[0], ExtractionExample):
        return to_prompts(examples, form=form)
    return gather(examples, PromptExample)


def choice_prompts(
    texts: Iterable[LabelledText], name: str, options: Sequence[str], *, seed: int = 0
) -> tuple[PromptExample, ...]:
    """A prompt for each text that asks which of some options hold, in an order drawn anew for each text.

    Raises:
        InputTypeError: examples of another type, or numbers as labels.
        InputValueError: no text, or a label that is no option.

    >>> one, = choice_prompts([LabelledText("en", "Anna sings.", "good")], "feeling", ["good", "bad"])
    >>> one.chosen[0].text, sorted(one.prompt) == sorted("feeling[good,bad]")
    ('good', True)
    """
    draw = Random(seed)
    known = gather(texts, LabelledText, labels=list(options))
    return tuple(_choice(text, name, draw.sample(list(options), len(options))) for text in known)


def _labels(examples: Sequence[ExtractionExample]) -> Labels:
    kinds = {mention.kind for example in examples for mention in example.mentions}
    names = {relation.name for example in examples for relation in example.relations}
    return Labels(tuple(sorted(kinds)), tuple(sorted(names)))


def _prompts(
    example: ExtractionExample, labels: Labels, form: PromptForm, negatives: int, draw: Random
) -> Iterator[PromptExample]:
    answers = _answers(example, form)
    asked = list(answers)
    for prompt, spans in answers.items():
        yield PromptExample(example.language, example.text, prompt, tuple(sorted(spans, key=_place)), ())
    positive = len({mention.kind for mention in example.mentions})
    absent = [ask(kind) for kind in labels.kinds]
    share = negatives // RELATION_KINDS * (len(asked) - positive)
    wanted = [(absent, negatives * max(positive, 1)), *((one, share) for one in _odd(example, labels, form))]
    for several, count in wanted:
        fresh = [prompt for prompt in dict.fromkeys(several) if prompt not in asked]
        asked += fresh
        for prompt in draw.sample(fresh, min(count, len(fresh))):
            yield PromptExample(example.language, example.text, prompt, (), ())


def _answers(example: ExtractionExample, form: PromptForm) -> dict[str, set[Span]]:
    """Each prompt that has an answer; one that several subjects of the same name share has the answers of all."""
    answers: dict[str, set[Span]] = {}
    for mention in example.mentions:
        answers.setdefault(ask(mention.kind), set()).add(mention.span)
    for relation in example.relations:
        answers.setdefault(ask_of(relation.name, relation.subject.text, form), set()).add(relation.value)
    return answers


def _odd(example: ExtractionExample, labels: Labels, form: PromptForm) -> tuple[list[str], list[str], list[str]]:
    """Prompts about relations that do not hold: turned round, of other things, and kinds as relations."""
    subjects = sorted({relation.subject.text for relation in example.relations})
    others = sorted({mention.span.text for mention in example.mentions} - set(subjects))
    turned = [ask_of(relation.name, relation.value.text, form) for relation in example.relations]
    strange = [ask_of(name, other, form) for other in others for name in labels.names]
    kinds = [ask_of(kind, subject, form) for subject in subjects for kind in labels.only_kinds]
    return turned, strange, kinds


def _choice(text: LabelledText, name: str, options: Sequence[str]) -> PromptExample:
    prompt = f"{name}[{','.join(options)}]"
    labels = text.label if isinstance(text.label, tuple) else (text.label,)
    chosen, start = [], len(name) + 1
    for option in options:
        if not option.strip() or "," in ask(option):
            raise InputValueError(f"options: {option!r} cannot stand in a prompt; take out commas, and name each")
        if option in labels:
            chosen.append(Span(start, start + len(option), option))
        start += len(option) + 1
    return PromptExample(text.language, text.text, ask(prompt), (), tuple(chosen))


def _place(span: Span) -> tuple[int, int]:
    return span.start, span.end
