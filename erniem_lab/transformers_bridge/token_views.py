"""Where tokens stand in texts, under the names by which transformers asks a fast tokenizer for it."""

from collections.abc import Sequence
from dataclasses import dataclass
from operator import index
from typing import SupportsIndex, TypeVar

from erniem_lab.encoding import NO_TEXT, NO_WORD, Encoding, Side, Span

Value = TypeVar("Value")


@dataclass(frozen=True)
class TokenView:
    """One row of a batch, with the fields and methods of `tokenizers.Encoding`; every field has an entry a token.

    Spans count characters of the token's own text, or of its word where the text came as a list of words.

    >>> from erniem_lab import ErnieMTokenizer
    >>> encoding = ErnieMTokenizer.from_pretrained("tests/golden/tokenizer").encoding("this is")
    >>> view = TokenView.of(encoding)
    >>> view.word_ids, view.char_to_token(5), view.word_to_chars(1)
    ([None, 0, 0, 1, None], 3, (5, 7))
    """

    ids: list[int]
    tokens: list[str]
    offsets: list[Span]
    type_ids: list[int]
    special_tokens_mask: list[int]
    attention_mask: list[int]
    word_ids: list[int | None]
    n_sequences: int

    @classmethod
    def of(cls, encoding: Encoding, *, framed: bool = True, by_words: Sequence[Sequence[str]] = ()) -> "TokenView":
        """The view of an encoding: without [CLS] and [SEP] if not `framed`; spans in words if these are given."""
        kept = [i for i, special in enumerate(encoding.special) if framed or not special]
        pair = len(encoding.texts) > 1  # whose every [SEP] is of type 1, as in transformers 4.40.2
        starts = [_word_starts(words) for words in by_words]
        shifts = [
            starts[encoding.sentence[i]][encoding.words[i]] if starts and not encoding.special[i] else 0 for i in kept
        ]
        return cls(
            ids=[encoding.ids[i] for i in kept],
            tokens=[encoding.tokens[i] for i in kept],
            offsets=[
                (encoding.offsets[i][0] - at, encoding.offsets[i][1] - at) for i, at in zip(kept, shifts, strict=True)
            ],
            type_ids=[int(encoding.sentence[i] or (pair and encoding.special[i] and i > 0)) for i in kept],
            special_tokens_mask=[int(encoding.special[i]) for i in kept],
            attention_mask=[1] * len(kept),
            word_ids=[None if encoding.words[i] == NO_WORD else encoding.words[i] for i in kept],
            n_sequences=len(encoding.texts),
        )

    def __len__(self) -> int:
        return len(self.ids)

    def padded(self, length: int, token: str, token_id: int, side: Side) -> "TokenView":
        """The view with as many padding tokens as it takes to be `length` long."""
        missing = max(length - len(self), 0)

        def fill(row: list[Value], value: Value) -> list[Value]:
            return [*row, *[value] * missing] if side == "right" else [*[value] * missing, *row]

        return TokenView(
            ids=fill(self.ids, token_id),
            tokens=fill(self.tokens, token),
            offsets=fill(self.offsets, NO_TEXT),
            type_ids=fill(self.type_ids, 0),
            special_tokens_mask=fill(self.special_tokens_mask, 1),
            attention_mask=fill(self.attention_mask, 0),
            word_ids=fill(self.word_ids, None),
            n_sequences=self.n_sequences,
        )

    @property
    def sequence_ids(self) -> list[int | None]:
        """For each token the text that it is of, None for [CLS], [SEP] and padding."""
        marks = zip(self.type_ids, self.special_tokens_mask, strict=True)
        return [None if special else text for text, special in marks]

    def token_to_sequence(self, token: SupportsIndex) -> int | None:
        """The text that a token is of."""
        return self.sequence_ids[token]

    def token_to_word(self, token: SupportsIndex) -> int | None:
        """The number of a token's word."""
        return self.word_ids[token]

    def token_to_chars(self, token: SupportsIndex) -> Span | None:
        """A token's span; None for [CLS], [SEP] and padding."""
        return None if self.special_tokens_mask[token] else self.offsets[token]

    def word_to_tokens(self, word: SupportsIndex, sequence_index: int = 0) -> Span | None:
        """The span of tokens that a word became; None if it became none."""
        places = self._places(word, sequence_index)
        return (places[0], places[-1] + 1) if places else None

    def word_to_chars(self, word: SupportsIndex, sequence_index: int = 0) -> Span | None:
        """The characters of a word."""
        places = self._places(word, sequence_index)
        return (self.offsets[places[0]][0], self.offsets[places[-1]][1]) if places else None

    def char_to_token(self, char: SupportsIndex, sequence_index: int = 0) -> int | None:
        """The first token that has a character of a text; None for one that no token has."""
        rows = enumerate(zip(self.sequence_ids, self.offsets, strict=True))
        return next(
            (i for i, (text, (start, end)) in rows if text == sequence_index and start <= index(char) < end), None
        )

    def char_to_word(self, char: SupportsIndex, sequence_index: int = 0) -> int | None:
        """The number of the word that has a character of a text."""
        token = self.char_to_token(char, sequence_index)
        return None if token is None else self.word_ids[token]

    def _places(self, word: SupportsIndex, sequence_index: int) -> list[int]:
        rows = enumerate(zip(self.sequence_ids, self.word_ids, strict=True))
        return [i for i, (text, number) in rows if text == sequence_index and number == word]


def _word_starts(words: Sequence[str]) -> list[int]:
    """Where each word starts in the words joined by spaces."""
    starts = [0]
    for word in words:
        starts.append(starts[-1] + len(word) + 1)
    return starts
