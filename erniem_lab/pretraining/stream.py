"""An endless stream of batches in which any step can be reached again: a batch is a function of its number."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from erniem_lab.batching import PADDING, Batch, Role, kind
from erniem_lab.errors import InputValueError
from erniem_lab.pretraining.store import TextStore
from erniem_lab.tokenizer import ErnieMTokenizer

BUCKETS = 64  # at most; lengths within one differ by a token or two. 24 pad 5.4 % of 497,480 pairs, 64 pad 2.1 %
BATCHES = 4  # of text in a bucket, at least, so that a batch of little text is not the same few rows
SPECIAL = 2  # tokens that frame each sentence: [CLS] A [SEP], then [SEP] B [SEP]


@dataclass(frozen=True)
class Sample:
    """A batch and the language of each of its sentences, as a number of the stream's `languages`."""

    batch: Batch
    languages: Int[Tensor, "batch sentence"]

    def to(self, device: torch.device | str) -> "Sample":
        """The same sample on another device."""
        return Sample(self.batch.to(device), self.languages.to(device))


@dataclass(frozen=True)
class Frame:
    """The ids that are set around sentences, and the one that fills a row up."""

    start: int
    end: int
    padding: int


class TextStream:
    """Batches of single sentences or of pairs, of like length; `stream[number]` is always the same.

    Rows are drawn with replacement, so there are no epochs. A language (for pairs: two languages, in either order) of
    n rows is drawn in proportion to n**temperature: the family of Conneau et al. 2020, section 3.1, where 0.3 is best;
    1 leaves the text as it is, 0 draws all alike. The shares hold for rows, on average over many batches.

    Args:
        tokens: how many tokens a batch may have, padding counted; a single row may have more.
        temperature: the exponent.
        seed: another seed is another order.

    Raises:
        InputValueError: a budget below one token, a temperature that is no finite number, a seed or number below 0.

    >>> from erniem_lab.corpora.text import Text
    >>> from erniem_lab.pretraining.store import store_texts
    >>> tokenizer = ErnieMTokenizer.from_pretrained("tests/golden/tokenizer")
    >>> stream = TextStream(store_texts(tokenizer, [Text("en", "this is")]), tokenizer, tokens=5)
    >>> stream[7].batch.input_ids
    tensor([[ 0, 17, 95, 39,  2]])
    """

    def __init__(
        self,
        store: TextStore,
        tokenizer: ErnieMTokenizer,
        *,
        tokens: int = 8192,
        temperature: float = 0.7,
        seed: int = 0,
    ) -> None:
        if tokens < 1 or seed < 0 or not np.isfinite(temperature):
            raise InputValueError(
                f"tokens={tokens}, temperature={temperature}, seed={seed}: give a budget of 1 or more (8192), a "
                "finite temperature (0.7) and a seed of 0 or more"
            )
        self.store, self.seed = store, seed
        self.frame = Frame(tokenizer.cls_token_id, tokenizer.sep_token_id, tokenizer.pad_token_id)
        lengths = store.bounds[:, -1] - store.bounds[:, 0] + SPECIAL * store.sentences
        weights = language_weights(store.language, temperature)
        self.buckets = _buckets(lengths, weights, min(BUCKETS, max(1, int(lengths.sum()) // (BATCHES * tokens))))
        self.cumulative = [np.cumsum(weights[part]) for part in self.buckets]
        self.counts = [max(1, tokens // int(lengths[part].max())) for part in self.buckets]
        chances = np.array([total[-1] / count for total, count in zip(self.cumulative, self.counts, strict=True)])
        self.chances = chances / chances.sum()  # then each row comes as often as its weight says
        self.reach = np.cumsum(self.chances)

    @property
    def languages(self) -> tuple[str, ...]:
        """The codes that a sample's numbers stand for."""
        return self.store.languages

    def __getitem__(self, number: int) -> Sample:
        """The batch of a number, counted from 0; which sentence of a pair comes first is drawn too."""
        if number < 0:
            raise InputValueError(f"number={number}: batches are counted from 0, without an end")
        draw = np.random.default_rng([self.seed, number])
        bucket = min(int(np.searchsorted(self.reach, draw.random(), side="right")), len(self.buckets) - 1)
        cumulative = self.cumulative[bucket]
        places = np.searchsorted(cumulative, draw.random(self.counts[bucket]) * cumulative[-1], side="right")
        rows = self.buckets[bucket][np.minimum(places, len(cumulative) - 1)]
        order = np.tile(np.arange(self.store.sentences), (len(rows), 1))
        turned = draw.random(len(rows)) < 0.5
        order[turned] = order[turned, ::-1]
        languages = torch.from_numpy(self.store.language[rows[:, None], order].astype(np.int64))
        return Sample(lay_out(self.store, rows, order, self.frame), languages)


def lay_out(
    store: TextStore, rows: Int[np.ndarray, " batch"], order: Int[np.ndarray, "batch sentence"], frame: Frame
) -> Batch:
    """Rows of a store side by side, as `collate` lays out encoded texts.

    Args:
        order: which sentence of its row stands at each place.
    """
    starts = store.bounds[rows[:, None], order]
    counts = store.bounds[rows[:, None], order + 1] - starts
    column = np.arange(int((counts + SPECIAL).sum(axis=1).max()))
    shape = (len(rows), len(column))
    ids, kinds = np.full(shape, frame.padding), np.full(shape, PADDING)
    special = np.ones(shape, dtype=bool)
    place = np.broadcast_to(column, shape)
    for sentence, (start, count) in enumerate(zip(starts.T[:, :, None], counts.T[:, :, None], strict=True)):
        word = (place > 0) & (place <= count)
        ids[place == 0] = frame.end if sentence else frame.start
        ids[place == count + 1] = frame.end
        ids[word] = store.ids[(start + place - 1)[word]]
        kinds[(place >= 0) & (place <= count + 1)] = kind(Role.PLAIN, sentence)
        special &= ~word
        place = place - count - SPECIAL
    positions = column * (kinds != PADDING)
    return Batch(*map(torch.from_numpy, (ids, positions, kinds, special)))


def language_weights(language: Int[np.ndarray, "row sentence"], temperature: float) -> Float[np.ndarray, " row"]:
    """The chance of each row, so that languages, or pairs of them, are drawn as n**temperature.

    >>> language_weights(np.array([[0], [0], [0], [0], [1]]), 0.5).round(3).tolist()
    [0.167, 0.167, 0.167, 0.167, 0.333]
    """
    _, which = np.unique(np.sort(language, axis=1), axis=0, return_inverse=True)
    counts = np.bincount(which.ravel()).astype(float)
    shares = counts**temperature
    return (shares / shares.sum() / counts)[which.ravel()]


def sampler(seed: int, step: int) -> torch.Generator:
    """A generator for the draws of one step."""
    return torch.Generator().manual_seed(seed * 1_000_003 + step)


def _buckets(
    lengths: Int[np.ndarray, " row"], weights: Float[np.ndarray, " row"], count: int
) -> list[Int[np.ndarray, " part"]]:
    """Rows of like length together, with about as many expected tokens in each part."""
    order = np.argsort(lengths, kind="stable")
    tokens = np.cumsum((weights * lengths)[order])
    cuts = np.searchsorted(tokens, np.linspace(0, tokens[-1], count + 1)[1:-1])
    return [part for part in np.split(order, np.unique(cuts)) if len(part)]
