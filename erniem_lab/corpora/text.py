"""Sentences of a known language, alone or with their translation, and where they come from."""

import hashlib
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

from erniem_lab.errors import InputValueError


@dataclass(frozen=True, slots=True)
class Text:
    """A sentence and its language.

    >>> Text("fr", "Bonjour.").language
    'fr'
    """

    language: str
    text: str

    @property
    def languages(self) -> tuple[str]:
        """The one language."""
        return (self.language,)


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

    @property
    def languages(self) -> tuple[str, str]:
        """Both languages."""
        return self.first.language, self.second.language


T_co = TypeVar("T_co", bound=Text | TextPair, covariant=True)


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

    @classmethod
    def of(cls, name: str, texts: Iterable[T_co]) -> "Corpus[T_co]":
        """A corpus of texts that are drawn or at hand; they are kept in memory, and the fingerprint is theirs.

        >>> two = [Text("en", "one"), Text("en", "two")]
        >>> Corpus.of("mine", two).fingerprint == Corpus.of("yours", two[:1]).fingerprint
        False
        """
        kept = tuple(texts)
        total = hashlib.sha256()
        for text in kept:
            total.update(f"{text!r}\n".encode("utf-8", "surrogatepass"))
        return cls(name, total.hexdigest(), lambda: iter(kept))

    def only(self, languages: Iterable[str]) -> "Corpus[T_co]":
        """The texts of which every sentence is in one of these languages.

        >>> both = Corpus.of("both", [Text("en", "one"), Text("fr", "un")])
        >>> [text.text for text in both.only(["fr", "de"])]
        ['un']
        """
        kept = frozenset(languages)
        total = hashlib.sha256(f"{self.fingerprint} {sorted(kept)}".encode()).hexdigest()
        return Corpus(self.name, total, lambda: (text for text in self if kept.issuperset(text.languages)))

    def fold(self, every: int, *, held_out: bool) -> "Corpus[T_co]":
        """One text in `every`, or all others: pairs with the same first sentence stay on one side.

        Which side that is hangs on the sentence alone, so that it is the same in every corpus.

        Args:
            every: 2 or more; 100 holds about 1 % out.

        Raises:
            InputValueError: `every` below 2.

        >>> corpus = Corpus.of("numbers", [Text("en", f"number {i}") for i in range(200)])
        >>> len(list(corpus.fold(10, held_out=True))) + len(list(corpus.fold(10, held_out=False)))
        200
        """
        if every < 2:
            raise InputValueError(f"every={every}: give 2 or more; 100 holds about 1 % of the text out")
        total = hashlib.sha256(f"{self.fingerprint} {every} {held_out}".encode()).hexdigest()
        return Corpus(self.name, total, lambda: (text for text in self if _drawn(text, every) == held_out))

    def __iter__(self) -> Iterator[T_co]:
        """Read from the start."""
        return self.read()


def _drawn(text: Text | TextPair, every: int) -> bool:
    first = text.first.text if isinstance(text, TextPair) else text.text
    return zlib.crc32(first.encode("utf-8", "surrogatepass")) % every == 0
