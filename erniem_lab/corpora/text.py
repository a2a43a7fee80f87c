"""Sentences of a known language, alone or with their translation, and where they come from."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Text:
    """A sentence and its language.

    >>> Text("fr", "Bonjour.").language
    'fr'
    """

    language: str
    text: str


@dataclass(frozen=True, slots=True)
class TextPair:
    """A sentence and its translation.

    >>> TextPair(Text("en", "Good day."), Text("fr", "Bonjour.")).second.text
    'Bonjour.'
    """

    first: Text
    second: Text

    @classmethod
    def of(cls, languages: tuple[str, str], first: str, second: str) -> "TextPair":
        """A pair from two languages and two sentences."""
        return cls(Text(languages[0], first), Text(languages[1], second))


@dataclass(frozen=True)
class Corpus(Generic[T_co]):
    """Text that can be read again and again.

    `fingerprint` names the content: two corpora with one fingerprint give the same texts in the same order. Where
    the text is drawn instead of read, whatever decides the draw is its fingerprint.

    >>> corpus = Corpus("two words", "1", lambda: iter([Text("en", "one"), Text("en", "two")]))
    >>> [text.text for text in corpus], len(list(corpus))
    (['one', 'two'], 2)
    """

    name: str
    fingerprint: str
    read: Callable[[], Iterator[T_co]]

    def __iter__(self) -> Iterator[T_co]:
        """Read from the start."""
        return self.read()
