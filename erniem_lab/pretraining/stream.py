"""An endless stream of sentence pairs in which any step can be reached again: a step is a function of its number."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
import torch
from jaxtyping import Float, Int

from erniem_lab.batching import Batch, collate
from erniem_lab.encoding import Encoding
from erniem_lab.errors import InputValueError
from erniem_lab.tokenizer import ErnieMTokenizer

BUCKETS = 24  # lengths within a bucket differ by a few tokens, so little padding is read
CHUNK = 10_000


@dataclass(frozen=True)
class PairStore:
    """Tokenised sentence pairs of several languages, without special tokens.

    Pair `i` has `ids[bounds[i, 0]:bounds[i, 1]]` as its first sentence and `ids[bounds[i, 1]:bounds[i, 2]]` as its
    second; `group[i]` is the same number for all pairs whose first sentence is the same text.
    """

    languages: tuple[str, ...]
    ids: Int[np.ndarray, " token"]
    bounds: Int[np.ndarray, "pair 3"]
    language: Int[np.ndarray, " pair"]
    group: Int[np.ndarray, " pair"]

    def __len__(self) -> int:
        return len(self.bounds)

    def pair(self, i: int) -> tuple[list[int], list[int]]:
        """The ids of both sentences."""
        start, middle, end = self.bounds[i]
        return self.ids[start:middle].tolist(), self.ids[middle:end].tolist()


def store_pairs(tokenizer: ErnieMTokenizer, pairs: Iterable[tuple[str, str, str]], *, longest: int = 64) -> PairStore:
    """Tokenise `(language, first, second)` once; sentences are cut to `longest` tokens, empty ones left out.

    Raises:
        InputValueError: no pair is left.
    """
    languages: dict[str, int] = {}
    groups: dict[str, int] = {}
    ids: list[Int[np.ndarray, " token"]] = []
    rows: list[tuple[int, int, int, int]] = []
    source = iter(pairs)
    while chunk := list(islice(source, CHUNK)):
        firsts = tokenizer([first for _, first, _ in chunk], add_special_tokens=False)["input_ids"]
        seconds = tokenizer([second for _, _, second in chunk], add_special_tokens=False)["input_ids"]
        for (language, text, _), first, second in zip(chunk, firsts, seconds, strict=True):
            if first and second:
                left, right = first[:longest], second[:longest]
                ids.append(np.array([*left, *right], dtype=np.int32))
                place = languages.setdefault(language, len(languages))
                rows.append((len(left), len(right), place, groups.setdefault(text, len(groups))))
    if not rows:
        raise InputValueError("pairs: none with text on both sides")
    table = np.array(rows)
    ends = np.cumsum(table[:, 0] + table[:, 1])
    bounds = np.stack([ends - table[:, 0] - table[:, 1], ends - table[:, 1], ends], axis=1)
    return PairStore(tuple(languages), np.concatenate(ids), bounds, table[:, 2], table[:, 3])


class PairStream:
    """Batches of pairs, drawn by language with a temperature and of like length; `stream[step]` is always the same.

    Args:
        tokens: how many tokens a batch may have, padding counted.
        temperature: a language of n pairs is drawn in proportion to n to this power (1: as they are, 0: alike).
    """

    def __init__(
        self,
        store: PairStore,
        tokenizer: ErnieMTokenizer,
        *,
        tokens: int = 8192,
        temperature: float = 0.7,
        seed: int = 0,
    ) -> None:
        self.store, self.tokenizer = store, tokenizer
        self.tokens, self.seed = tokens, seed
        lengths = store.bounds[:, 2] - store.bounds[:, 0] + 4  # [CLS] A [SEP] [SEP] B [SEP]
        weights = _language_weights(store.language, temperature)
        order = np.argsort(lengths, kind="stable")
        edges = np.searchsorted(
            np.cumsum((weights * lengths)[order]), np.linspace(0, 1, BUCKETS + 1)[1:-1] * (weights @ lengths)
        )
        self.buckets = [part for part in np.split(order, np.unique(edges)) if len(part)]
        self.cumulative = [np.cumsum(weights[part]) for part in self.buckets]
        self.counts = [max(1, tokens // int(lengths[part].max())) for part in self.buckets]

    def __getitem__(self, step: int) -> Batch:
        """The batch of a step, counted from 0; which sentence comes first is drawn too."""
        draw = np.random.default_rng([self.seed, step])
        bucket = int(draw.integers(len(self.buckets)))
        cumulative = self.cumulative[bucket]
        places = np.searchsorted(cumulative, draw.random(self.counts[bucket]) * cumulative[-1], side="right")
        chosen = self.buckets[bucket][np.minimum(places, len(cumulative) - 1)]
        swapped = draw.random(len(chosen)) < 0.5
        pairs = [self.store.pair(int(i)) for i in chosen]
        encodings = [self._encoding(*(pair[::-1] if swap else pair)) for pair, swap in zip(pairs, swapped, strict=True)]
        return collate(encodings, self.tokenizer.pad_token_id)

    def _encoding(self, first: Sequence[int], second: Sequence[int]) -> Encoding:
        start, end = self.tokenizer.cls_token_id, self.tokenizer.sep_token_id
        ids = [start, *first, end, end, *second, end]
        special = [True, *[False] * len(first), True, True, *[False] * len(second), True]
        sentence = [0] * (len(first) + 2) + [1] * (len(second) + 2)
        return Encoding(ids=ids, offsets=[(0, 0)] * len(ids), sentence=sentence, special=special)


def _language_weights(language: Int[np.ndarray, " pair"], temperature: float) -> Float[np.ndarray, " pair"]:
    """A weight for each pair, so that languages are drawn as n**temperature."""
    counts = np.bincount(language).astype(float)
    shares = counts**temperature
    return (shares / shares.sum() / counts)[language]


def sampler(seed: int, step: int) -> torch.Generator:
    """A generator for the draws of one step."""
    return torch.Generator().manual_seed(seed * 1_000_003 + step)
