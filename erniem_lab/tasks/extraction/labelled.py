"""Labelled texts: the schema that they are labelled by, their labels under other names, and what was extracted of them.

A thing to be found is a path: the names down a schema, each with the place of what was found. A relation is right only
if what it is of is right as well.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from erniem_lab.corpora.check import gather
from erniem_lab.corpora.examples import ExtractionExample
from erniem_lab.errors import InputValueError
from erniem_lab.tasks.extraction.found import Extraction, Found
from erniem_lab.tasks.extraction.learning import Prompts
from erniem_lab.tasks.scoring import Evaluation
from erniem_lab.tasks.task import Task

Step = tuple[str, str, tuple[int, int] | None]
"""A name of the schema, what was found under it, and where."""
Path = tuple[Step, ...]


@dataclass(frozen=True)
class TextPrediction:
    """What was found in a text by a schema, and what its labels say, as paths."""

    language: str
    text: str
    found: tuple[Path, ...]
    gold: tuple[Path, ...]

    @property
    def counts(self) -> tuple[int, int, int]:
        """How many were right, how many were found, and how many there are."""
        found, gold = set(self.found), set(self.gold)
        return len(found & gold), len(found), len(gold)


def schema_in(examples: Iterable[Any]) -> dict[str, list[str]]:
    """A schema that asks for all that is labelled: each kind, and the relations that things of this kind have.

    Raises:
        InputTypeError: examples of another type.
        InputValueError: no example, or a span that is not in its text.

    >>> from erniem_lab.corpora.world import World
    >>> schema_in(World.load().extraction("en", 1))
    {'person': [], 'colour': [], 'thing': ['colour'], 'time': []}
    """
    paths = [path for example in gather(examples, ExtractionExample) for path in _labelled(example)]
    schema: dict[str, dict[str, None]] = {path[0][0]: {} for path in paths}
    for path in paths:
        schema[path[0][0]].update((step[0], None) for step in path[1:])
    return {name: list(below) for name, below in schema.items()}


def score_extractions(extractions: Sequence[Extraction], examples: Iterable[Any]) -> Evaluation[TextPrediction]:
    """Micro F1, precision and recall of what was extracted from labelled texts, to be resampled by texts.

    Relations count that are of something labelled: no schema reaches others. `schema_in` gives the schema to extract
    by; whatever another one asks for beside it counts as found in vain.

    Raises:
        InputTypeError: examples of another type.
        InputValueError: no example, a span that is not in its text, or extractions of other texts.

    >>> from erniem_lab.corpora.world import World
    >>> print(score_extractions([Extraction("On Thursday, Peter wears a yellow scarf.", {})],
    ...                         World.load().extraction("en", 1)).estimate("recall"))
    0.000 [0.000, 0.000], n=1
    """
    known = gather(examples, ExtractionExample)
    if [one.text for one in extractions] != [one.text for one in known]:
        raise InputValueError(
            f"extractions of {len(extractions)} texts for {len(known)} labelled ones, or of others; extract from "
            "[example.text for example in examples]"
        )
    pairs = zip(known, extractions, strict=True)
    said = (TextPrediction(a.language, a.text, tuple(_found(b.found)), tuple(_labelled(a))) for a, b in pairs)
    scored: Task[Any, Any] = Prompts()
    return Evaluation(scored, tuple(said))


def renamed(examples: Iterable[Any], like: Iterable[Any]) -> tuple[ExtractionExample, ...]:
    """Labelled texts whose kinds and relations bear the names of other texts', which say the same one by one.

    So a model that was taught in one language can be asked in the words of this language about others.

    Raises:
        InputTypeError: examples of another type.
        InputValueError: no example, or texts that do not say the same.

    >>> from erniem_lab.corpora.world import World
    >>> german, english = (World.load().extraction(code, 1) for code in ("de", "en"))
    >>> german[0].mentions[0].kind, renamed(german, english)[0].mentions[0].kind
    ('Person', 'person')
    """
    own, other = gather(examples, ExtractionExample), gather(like, ExtractionExample)
    if len(own) != len(other):
        raise InputValueError(f"like: {len(other)} texts for {len(own)}; give one that says the same for each")
    return tuple(_renamed(*pair, number) for number, pair in enumerate(zip(own, other, strict=True)))


def _labelled(example: ExtractionExample) -> Iterator[Path]:
    for mention in example.mentions:
        thing = (mention.kind, mention.span.text, (mention.span.start, mention.span.end))
        yield (thing,)
        for relation in example.relations:
            if relation.subject == mention.span:
                value = relation.value
                yield thing, (relation.name, value.text, (value.start, value.end))


def _found(found: Mapping[str, Sequence[Found]], above: Path = ()) -> Iterator[Path]:
    for name, several in found.items():
        for one in several:
            here = (*above, (name, one.text, one.span))
            yield here
            yield from _found(one.relations, here)


def _renamed(own: ExtractionExample, like: ExtractionExample, number: int) -> ExtractionExample:
    if (len(own.mentions), len(own.relations)) != (len(like.mentions), len(like.relations)):
        raise InputValueError(
            f"like: example {number} has {len(like.mentions)} mentions and {len(like.relations)} relations, where "
            f"{len(own.mentions)} and {len(own.relations)} are to be named; give texts that say the same"
        )
    mentions = zip(own.mentions, like.mentions, strict=True)
    relations = zip(own.relations, like.relations, strict=True)
    return replace(
        own,
        mentions=tuple(replace(mention, kind=named.kind) for mention, named in mentions),
        relations=tuple(replace(relation, name=named.name) for relation, named in relations),
    )
