"""One text, running or as a list of words, to its ids alone (fast) or to its tokens with their places."""

import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import accumulate, chain, islice

from erniem_lab.encoding import Sentence, Span
from erniem_lab.errors import InputTypeError, InputValueError
from erniem_lab.tokenizing.chunks import Chunk, Chunker
from erniem_lab.tokenizing.pieces import WORD_START, Segmenter
from erniem_lab.tokenizing.ragged import Ragged
from erniem_lab.tokenizing.vocabulary import Vocabulary

Text = str | Sequence[str]  # running text, or its words
Located = tuple[list[int], list[str], list[Span]]  # ids, tokens, and their places


class Splitter:
    """Special tokens, lower case, pieces and vocabulary in one; each word of a list is split on its own.

    Args:
        recognise: whether tokens written out in a text are read as such.
        lower: whether to lower-case text.
    """

    def __init__(self, segmenter: Segmenter, vocabulary: Vocabulary, *, recognise: bool, lower: bool) -> None:
        self.segmenter, self.vocabulary = segmenter, vocabulary
        written_out = [*vocabulary.special, *vocabulary.added]
        self.chunker = Chunker(written_out if recognise else [], written_out, lower)

    def ids(self, texts: Sequence[str]) -> list[list[int]]:
        """The ids of each text.

        Raises:
            InputTypeError: something other than a string.
            InputValueError: a string with half of a surrogate pair in it.
        """
        if self.chunker.nothing_to_do(_joined(texts)):
            return self.segmenter.ids(texts)
        return [[*chain.from_iterable(map(self._chunk_ids, self.chunker.chunks(text)))] for text in texts]

    def ids_of_words(self, texts: Sequence[Sequence[str]]) -> list[list[int]]:
        """The ids of each list of words."""
        rows = iter(self.ids([word for words in texts for word in words]))
        return [[*chain.from_iterable(islice(rows, len(words)))] for words in texts]

    def located(self, texts: Sequence[str]) -> tuple[Ragged, Ragged]:
        """The ids of each text, and the character span in it that each stands for."""
        if not self.chunker.nothing_to_do(_joined(texts)):
            rows = [*map(self._located, texts)]
            return Ragged.of([ids for ids, _, _ in rows]), Ragged.of_spans([spans for _, _, spans in rows])
        return self.segmenter.located(texts)

    def _chunk_ids(self, chunk: Chunk) -> list[int]:
        return [self.vocabulary.id(chunk.text)] if chunk.is_token else self.segmenter.ids([chunk.text])[0]

    def sentences(self, texts: Sequence[Text]) -> list[Sentence]:
        """The tokens of each text with their places and words; those of a list of words as if joined by spaces.

        Raises:
            InputTypeError: something other than a string.
            InputValueError: a string with half of a surrogate pair in it.
        """
        parts = iter(self._named([part for text in texts for part in ([text] if isinstance(text, str) else text)]))
        return [
            _sentence(text, next(parts)) if isinstance(text, str) else _of_words(text, [*islice(parts, len(text))])
            for text in texts
        ]

    def _named(self, texts: Sequence[str]) -> Iterable[Located]:
        if not texts:
            return []
        nothing_to_do = self.chunker.nothing_to_do(_joined(texts))
        return self.segmenter.named(texts) if nothing_to_do else map(self._located, texts)

    def _located(self, text: str) -> Located:
        parts = [self._located_chunk(chunk) for chunk in self.chunker.chunks(text)]
        return (
            [i for ids, _, _ in parts for i in ids],
            [token for _, tokens, _ in parts for token in tokens],
            [span for _, _, spans in parts for span in spans],
        )

    def _located_chunk(self, chunk: Chunk) -> Located:
        source = chunk.source
        if chunk.is_token:
            return [self.vocabulary.id(chunk.text)], [chunk.text], [(source[0], source[-1])]
        [(ids, tokens, spans)] = self.segmenter.named([chunk.text])
        return ids, tokens, [(source[start], source[end - 1] + 1) for start, end in spans]


def _sentence(text: str, found: Located) -> Sentence:
    ids, tokens, spans = found
    return Sentence(text, ids, spans, _words_between_spaces(text, tokens, spans), tokens)


def _of_words(words: Sequence[str], parts: Sequence[Located]) -> Sentence:
    starts = accumulate((len(word) + 1 for word in words), initial=0)
    return Sentence(
        text=" ".join(words),
        ids=[i for ids, _, _ in parts for i in ids],
        offsets=[(at + a, at + b) for (_, _, spans), at in zip(parts, starts, strict=False) for a, b in spans],
        words=[number for number, (ids, _, _) in enumerate(parts) for _ in ids],
        tokens=[token for _, tokens, _ in parts for token in tokens],
    )


def _joined(texts: Sequence[str]) -> str:
    """The texts in one string, checked."""
    try:
        joined = "\n".join(texts)
        joined.encode()
    except TypeError as fault:
        wrong = next(text for text in texts if not isinstance(text, str))
        raise InputTypeError(f"{wrong!r:.60} is of type {type(wrong).__name__}: a text is a str") from fault
    except UnicodeEncodeError as fault:
        raise InputValueError(_half_pair(texts)) from fault
    return joined


def _half_pair(texts: Sequence[str]) -> str:
    text, found = next((text, found) for text in texts if (found := re.search("[\ud800-\udfff]", text)))
    return (
        f"the text {text!a:.60} has half of a surrogate pair, {found.group()!a}, at index {found.start()}, and that is "
        "no character: read the file as UTF-8, or drop it with text.encode('utf-8', 'ignore').decode()"
    )


def _words_between_spaces(text: str, tokens: Sequence[str], spans: Sequence[Span]) -> list[int]:
    """The number of each token's word; a lone "▁" stands for the space before a word and counts to that word."""
    starts = [match.start() for match in re.finditer(r"\S+", text)]
    places = [end if token == WORD_START else start for token, (start, end) in zip(tokens, spans, strict=True)]
    return [max(bisect_right(starts, place) - 1, 0) for place in places]
