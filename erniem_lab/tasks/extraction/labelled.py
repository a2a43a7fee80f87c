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


def renamed(examples: Iterable[Any], names: Mapping[str, str]) -> tuple[ExtractionExample, ...]:
    """Labelled texts with other names for kinds and relations; those that `names` does not have are left out.

    So codes become words that a model can read ("PER": "person"), some kinds are chosen ("person": "person"), and
    texts of one language are asked about in the words of another (see `names_in`).

    Raises:
        InputTypeError: examples of another type.
        InputValueError: no example, or a span that is not in its text.

    >>> from erniem_lab.corpora.world import World
    >>> [mention.kind for mention in renamed(World.load().extraction("en", 1), {"thing": "Ding"})[0].mentions]
    ['Ding']
    """
    return tuple(_renamed(example, names) for example in gather(examples, ExtractionExample))


def names_in(examples: Iterable[Any], like: Iterable[Any]) -> dict[str, str]:
    """What the kinds and relations of some texts are called in others, which say the same one by one.

    Raises:
        InputTypeError: examples of another type.
        InputValueError: no example, or texts that do not say the same.

    >>> from erniem_lab.corpora.world import World
    >>> english, german = (World.load().extraction(code, 1) for code in ("en", "de"))
    >>> names_in(english, german)
    {'person': 'Person', 'colour': 'Farbe', 'thing': 'Gegenstand', 'time': 'Zeit'}
    """
    own, other = gather(examples, ExtractionExample), gather(like, ExtractionExample)
    named = [list(_names(example)) for example in own], [list(_names(example)) for example in other]
    if [len(names) for names in named[0]] != [len(names) for names in named[1]]:
        raise InputValueError(
            f"like: {len(other)} texts for {len(own)}, or texts with more or fewer labels; give one for each, which "
            "says the same"
        )
    return {a: b for pair in zip(*named, strict=True) for a, b in zip(*pair, strict=True)}


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


def _renamed(example: ExtractionExample, names: Mapping[str, str]) -> ExtractionExample:
    return replace(
        example,
        mentions=tuple(replace(one, kind=names[one.kind]) for one in example.mentions if one.kind in names),
        relations=tuple(replace(one, name=names[one.name]) for one in example.relations if one.name in names),
    )


def _names(example: ExtractionExample) -> Iterator[str]:
    yield from (mention.kind for mention in example.mentions)
    yield from (relation.name for relation in example.relations)
