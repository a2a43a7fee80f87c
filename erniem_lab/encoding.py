"""What a text or a pair becomes: ids, and for each of them where in the text it stands."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from erniem_lab.errors import InputValueError

Span = tuple[int, int]
NO_TEXT: Span = (0, 0)  # the span of a token that the tokenizer added, as in Hugging Face and PaddleNLP
NO_WORD = -1
SINGLE_EXTRA, PAIR_EXTRA = 2, 4  # [CLS] A [SEP], and [CLS] A [SEP] [SEP] B [SEP]

Strategy = Literal["longest_first", "only_first", "only_second"]
Side = Literal["left", "right"]


@dataclass(frozen=True)
class Encoding:
    """One text or pair of texts as the model reads it; every field but `texts` has an entry for each token.

    `offsets` are character spans in the token's own text, and (0, 0) for a token that the tokenizer added; `sentence`
    is 0 for [CLS] A [SEP] and 1 for [SEP] B [SEP]; `special` marks the added tokens; `words` is the number of the word
    in its text (of the list of words that was given, or of the words between spaces), and -1 for an added token;
    `tokens` are the tokens as strings, unknown ones as they stand in the text. An encoding built from ids alone may
    leave the last three empty.

    >>> encoding = Encoding(ids=[0, 9, 2], offsets=[(0, 0), (0, 3), (0, 0)], sentence=[0, 0, 0],
    ...                     special=[True, False, True], texts=["Cat"])
    >>> len(encoding), encoding.surface(1), encoding.covering(0, 1, 2)
    (3, 'Cat', [1])
    """

    ids: Sequence[int]
    offsets: Sequence[Span]
    sentence: Sequence[int]
    special: Sequence[bool]
    words: Sequence[int] = ()
    tokens: Sequence[str] = ()
    texts: Sequence[str] = ()

    def __len__(self) -> int:
        return len(self.ids)

    def surface(self, token: int) -> str:
        """The characters that a token stands for; none for an added one."""
        start, end = self.offsets[token]
        return self.texts[self.sentence[token]][start:end]

    def covering(self, sentence: int, start: int, end: int) -> list[int]:
        """The tokens that share a character with a span of one of the texts."""
        return [
            i
            for i, (first, last) in enumerate(self.offsets)
            if first < end and start < last and self.sentence[i] == sentence and not self.special[i]
        ]


@dataclass(frozen=True)
class Sentence:
    """One text's tokens before [CLS] and [SEP] come to them; the fields are those of `Encoding`."""

    text: str
    ids: Sequence[int]
    offsets: Sequence[Span]
    words: Sequence[int]
    tokens: Sequence[str]

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, place: slice) -> "Sentence":
        """Some of the tokens; the text stays whole.

        >>> Sentence("a b", [4, 5], [(0, 1), (2, 3)], [0, 1], ["▁a", "▁b"])[1:].tokens
        ['▁b']
        """
        return Sentence(self.text, self.ids[place], self.offsets[place], self.words[place], self.tokens[place])


def join(first: Sentence, second: Sentence | None, cls: tuple[str, int], sep: tuple[str, int]) -> Encoding:
    """[CLS] A [SEP], or [CLS] A [SEP] [SEP] B [SEP]; `cls` and `sep` are token and id.

    >>> join(Sentence("a", [4], [(0, 1)], [0], ["▁a"]), None, ("[CLS]", 0), ("[SEP]", 2)).tokens
    ['[CLS]', '▁a', '[SEP]']
    """
    end = Sentence("", [sep[1]], [NO_TEXT], [NO_WORD], [sep[0]])
    parts = [Sentence("", [cls[1]], [NO_TEXT], [NO_WORD], [cls[0]]), first, end]
    parts += [] if second is None else [end, second, end]
    return Encoding(
        ids=[i for part in parts for i in part.ids],
        offsets=[span for part in parts for span in part.offsets],
        sentence=[i // 3 for i, part in enumerate(parts) for _ in part.ids],
        special=[i % 3 != 1 for i, part in enumerate(parts) for _ in part.ids],
        words=[word for part in parts for word in part.words],
        tokens=[token for part in parts for token in part.tokens],
        texts=[first.text] if second is None else [first.text, second.text],
    )


def kept_lengths(first: int, second: int | None, limit: int, strategy: Strategy) -> tuple[int, int]:
    """How many tokens of a text, or of each text of a pair, remain when together they may have `limit`.

    "longest_first" takes from the longer one until both are equal, then from both in turn.

    Raises:
        InputValueError: the strategy spares the text that would have to give way.

    >>> kept_lengths(9, 4, 8, "longest_first"), kept_lengths(9, 4, 8, "only_first")
    ((4, 4), (4, 4))
    """
    pair = second or 0
    over = first + pair - limit
    if over <= 0:
        return first, pair
    if strategy == "longest_first" and second is not None:
        level = min(abs(first - pair), over)
        rest, odd = divmod(over - level, 2)
        cuts = (level + rest, rest + odd) if first > pair else (rest, level + rest + odd)
    else:
        cuts = (0, over) if strategy == "only_second" else (over, 0)
    if limit < 0 or cuts[0] > first or cuts[1] > pair:
        raise InputValueError(
            f"truncation={strategy!r} cannot take {over} tokens from texts of {first} and {pair}: "
            "raise max_length, or use truncation='longest_first'"
        )
    return first - cuts[0], pair - cuts[1]


def keep(length: int, total: int, side: Side) -> slice:
    """The place of what remains when `total` tokens become `length`, cut off at `side`.

    >>> "abcd"[keep(3, 4, "left")]
    'bcd'
    """
    return slice(length) if side == "right" else slice(total - length, total)
