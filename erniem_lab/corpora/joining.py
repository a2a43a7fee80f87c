"""Translations of one thing in several files, joined by their ids: line numbers differ from language to language."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Protocol, TypeVar, runtime_checkable

from erniem_lab.errors import InputValueError


@runtime_checkable
class Named(Protocol):
    """Anything with an id: a parsed sentence, an utterance, a question."""

    @property
    def id(self) -> str:
        """The data set's own id, the same in every language."""


T = TypeVar("T", bound=Named)


def join_by_id(parts: Mapping[str, Iterable[T]]) -> Iterator[dict[str, T]]:
    """For each id that is in every part, what has it; by part, in the order of the first, which alone is streamed.

    Args:
        parts: examples by language, such as `{"en": read_conllu(...), "de": read_conllu(...)}`.

    Raises:
        InputValueError: no part, an example without an id, an id twice in a part, or no id that all have.

    >>> from erniem_lab.corpora.examples import OpenQuestion
    >>> english, german = OpenQuestion("en", "Who?", "Anna.", "q1"), OpenQuestion("de", "Wer?", "Anna.", "q1")
    >>> [pair["de"].question for pair in join_by_id({"en": [english], "de": [german]})]
    ['Wer?']
    """
    if not parts:
        raise InputValueError("parts: none; give examples of two or more languages")
    first, *others = parts
    known = {name: {example.id: example for example in _once(name, parts[name])} for name in others}
    shared = False
    for example in _once(first, parts[first]):
        if all(example.id in found for found in known.values()):
            shared = True
            yield {first: example} | {name: found[example.id] for name, found in known.items()}
    if not shared:
        raise InputValueError(f"parts: no id that {', '.join(parts)} share; are they of one data set?")


def _once(name: str, examples: Iterable[T]) -> Iterator[T]:
    seen: set[str] = set()
    for number, example in enumerate(examples):
        if not example.id or example.id in seen:
            problem = f"id {example.id!r} is there twice" if example.id else "it has no id"
            raise InputValueError(f"parts[{name!r}]: example {number}: {problem}; such a file cannot be joined by id")
        seen.add(example.id)
        yield example
