"""Text that was tokenised once: ids of all sentences in one array, in memory or mapped from files."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise

import numpy as np
from jaxtyping import Int

from erniem_lab.corpora.text import Text, TextPair
from erniem_lab.errors import InputValueError
from erniem_lab.tokenizer import ErnieMTokenizer

CHUNK = 4096  # texts that are tokenised at a time


@dataclass(frozen=True)
class TextStore:
    """Tokenised sentences or pairs of several languages, without special tokens.

    Sentence `s` of row `i` has `ids[bounds[i, s]:bounds[i, s + 1]]` and is of language `languages[language[i, s]]`;
    `group[i]` is the same number for all rows whose first sentence is the same text.
    """

    languages: tuple[str, ...]
    ids: Int[np.ndarray, " token"]
    bounds: Int[np.ndarray, "row edge"]
    language: Int[np.ndarray, "row sentence"]
    group: Int[np.ndarray, " row"]

    def __len__(self) -> int:
        return len(self.bounds)

    @property
    def sentences(self) -> int:
        """How many sentences a row has: 2 for pairs."""
        return self.language.shape[1]

    def row(self, i: int) -> tuple[list[int], ...]:
        """The ids of each sentence of a row."""
        edges = self.bounds[i].tolist()
        return tuple(self.ids[start:end].tolist() for start, end in pairwise(edges))

    def alone(self) -> "AloneStore":
        """The sentences of all pairs as single sentences; a first sentence that several pairs share is there once.

        The ids are those of this store and not copied.
        """
        _, kept = np.unique(self.group, return_index=True)
        rows = [kept, *[np.arange(len(self))] * (self.sentences - 1)]
        parts = [self.bounds[chosen, place : place + 2] for place, chosen in enumerate(rows)]
        language = [self.language[chosen, place : place + 1] for place, chosen in enumerate(rows)]
        bounds = np.concatenate(parts)
        group = np.arange(len(bounds))
        return AloneStore(self.languages, self.ids, bounds, np.concatenate(language), group, whole=self)


@dataclass(frozen=True)
class AloneStore(TextStore):
    """The sentences of a store of pairs, each by itself; a pickle of it holds the pairs instead."""

    whole: TextStore

    def __reduce__(self) -> tuple[object, ...]:
        return TextStore.alone, (self.whole,)


@dataclass(frozen=True)
class Block:
    """Some rows of a store: lengths of their sentences, and a digest of each first sentence's text."""

    ids: Int[np.ndarray, " token"]
    lengths: Int[np.ndarray, "row sentence"]
    language: Int[np.ndarray, "row sentence"]
    digest: Int[np.ndarray, " row"]


def store_texts(
    tokenizer: ErnieMTokenizer,
    texts: Iterable[Text | TextPair],
    *,
    longest: int = 64,
    languages: Sequence[str] = (),
) -> TextStore:
    """Tokenise sentences, or pairs, into memory; each is cut to `longest` tokens.

    Left out are rows with an empty sentence, and those in which somebody wrote "[MASK]" or another special token.

    Args:
        languages: codes that get the first numbers, such as another store's `languages`, so that numbers agree.

    Raises:
        InputValueError: no text is left, or pairs and single sentences are mixed; a length below 1; a tokenizer that
            draws.
    """
    numbers = {code: number for number, code in enumerate(languages)}
    blocks = list(blocks_of(tokenizer, texts, numbers, longest=longest))
    if not blocks:
        raise InputValueError("texts: none with text in every sentence; give at least one")
    ids, lengths, language, digest = (
        np.concatenate([getattr(block, name) for block in blocks]) for name in ("ids", "lengths", "language", "digest")
    )
    return TextStore(tuple(numbers), ids, edges(lengths), language, numbered(digest))


def blocks_of(
    tokenizer: ErnieMTokenizer, texts: Iterable[Text | TextPair], languages: dict[str, int], *, longest: int
) -> Iterator[Block]:
    """The texts, tokenised a few thousand at a time; `languages` is filled with each new language and its number."""
    if longest < 1:
        raise InputValueError(f"longest={longest}: give the most tokens of a sentence, 1 or more")
    if tokenizer.sp_model_kwargs.get("enable_sampling"):
        raise InputValueError(
            "tokenizer draws a segmentation anew each time, and storing keeps one: load it without enable_sampling"
        )
    rows = map(_sides, texts)
    count = None
    while chunk := list(islice(rows, CHUNK)):
        count = count or len(chunk[0])
        if any(len(row) != count for row in chunk):
            raise InputValueError("texts: pairs and single sentences are mixed; make a store of each")
        block = _block(tokenizer, chunk, languages, longest)
        if len(block.lengths):
            yield block


def edges(lengths: Int[np.ndarray, "row sentence"]) -> Int[np.ndarray, "row edge"]:
    """Where each sentence starts and ends in the ids, which follow each other without gaps."""
    ends = np.cumsum(lengths.ravel(), dtype=np.int64).reshape(lengths.shape)
    return np.concatenate([ends[:, :1] - lengths[:, :1], ends], axis=1)


def numbered(digest: Int[np.ndarray, " row"]) -> Int[np.ndarray, " row"]:
    """The same number for the same digest, counted from 0 by first appearance."""
    _, first, inverse = np.unique(digest, return_index=True, return_inverse=True)
    rank = np.empty_like(first)
    rank[np.argsort(first)] = np.arange(len(first))
    return rank[inverse]


def _sides(text: Text | TextPair) -> tuple[Text, ...]:
    return (text,) if isinstance(text, Text) else (text.first, text.second)


def _block(
    tokenizer: ErnieMTokenizer, chunk: Sequence[tuple[Text, ...]], languages: dict[str, int], longest: int
) -> Block:
    columns = [
        tokenizer([row[side].text for row in chunk], add_special_tokens=False, truncation=True, max_length=longest)
        for side in range(len(chunk[0]))
    ]
    tokens = list(zip(*(column["input_ids"] for column in columns), strict=True))
    special = set(tokenizer.all_special_ids) - {tokenizer.unk_token_id}
    kept = [row for row, ids in enumerate(tokens) if all(side and special.isdisjoint(side) for side in ids)]
    flat = [token for row in kept for ids in tokens[row] for token in ids]
    shape = (len(kept), len(chunk[0]))
    places = [languages.setdefault(text.language, len(languages)) for row in kept for text in chunk[row]]
    return Block(
        np.array(flat, dtype=np.int32),
        np.array([len(ids) for row in kept for ids in tokens[row]], dtype=np.int32).reshape(shape),
        np.array(places, dtype=np.int32).reshape(shape),
        np.array([_digest(chunk[row][0].text) for row in kept], dtype=np.int64),
    )


def _digest(text: str) -> int:
    """Eight bytes that stand for a text: 10 million different texts share one with probability 3e-6."""
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), signed=True)
