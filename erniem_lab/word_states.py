"""The words of many sentences after every layer, and the attention between two sentences' words, as numpy arrays."""

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import torch
from jaxtyping import Float, Int
from tqdm import tqdm

from erniem_lab.batching import by_length, collate
from erniem_lab.collecting import Precision
from erniem_lab.embedding import BATCH_TOKENS
from erniem_lab.encoding import Encoding
from erniem_lab.errors import InputValueError
from erniem_lab.pretrained import ErnieMPreTrainedModel
from erniem_lab.tokenizer import ErnieMTokenizer

WordPair = tuple[Sequence[str], Sequence[str]]
Reading = Literal["apart", "together"]
"""Each sentence of a pair by itself, as SimAlign and awesome-align do, or both as one text, as XLM-Align does."""


@dataclass(frozen=True)
class WordStates:
    """The words of one sentence as the encoder saw them; `owner` is the number of each token's word.

    A word may have no token: the tokenizer left nothing of it, or it stands beyond the model's length.
    """

    words: tuple[str, ...]
    owner: Int[np.ndarray, " token"]
    hidden: Float[np.ndarray, "layer token hidden"]


@dataclass(frozen=True)
class PairAttention:
    """How two sentences read together attend to each other; owners are as in `WordStates`.

    `forward` is what tokens of the first give to those of the second, `backward` the other way; both are parts of
    the probabilities over the whole text, so that rows sum to less than 1. Block 0 is what makes layer 1.
    """

    words: tuple[tuple[str, ...], tuple[str, ...]]
    owners: tuple[Int[np.ndarray, " first"], Int[np.ndarray, " second"]]
    forward: Float[np.ndarray, "block head first second"]
    backward: Float[np.ndarray, "block head second first"]


def trace_words(
    model: ErnieMPreTrainedModel,
    tokenizer: ErnieMTokenizer,
    pairs: Sequence[WordPair],
    *,
    reading: Reading = "apart",
    layers: Sequence[int] | None = None,
    batch_tokens: int = BATCH_TOKENS,
    progress: bool = True,
) -> Iterator[tuple[int, tuple[WordStates, WordStates]]]:
    """The number of each pair, and the states of its words in both sentences; long pairs come first.

    Args:
        pairs: sentences as lists of words, each of which is split into tokens by itself.
        layers: whose states are given, in this order; all if not given, 0 being the embedding output.
        batch_tokens: tokens in a batch, padding counted.

    Raises:
        InputValueError: no such layer or reading.

    >>> from erniem_lab import MINI, ErnieMForMaskedLM
    >>> model, tokenizer = ErnieMForMaskedLM.from_pretrained(MINI), ErnieMTokenizer.from_pretrained(MINI)
    >>> pairs = [(["Good", "day", "."], ["Bonjour", "."])]
    >>> [(i, one.words, two.words) for i, (one, two) in trace_words(model, tokenizer, pairs, progress=False)]
    [(0, ('Good', 'day', '.'), ('Bonjour', '.'))]
    """
    chosen = _layers(model, layers)
    encodings = _encoded(model, tokenizer, pairs, reading)
    for rows in _batches(model, encodings, batch_tokens, progress):
        parts = zip(*(encodings[i] for i in rows), strict=True)  # both sides of a pair in one text, or in two
        states = [_states(model, tokenizer, part, chosen) for part in parts]
        for place, i in enumerate(rows):
            tokens = [_tokens(encodings[i], side) for side in (0, 1)]
            first = WordStates(tuple(pairs[i][0]), tokens[0][1], states[0][:, place, tokens[0][0]])
            yield i, (first, WordStates(tuple(pairs[i][1]), tokens[1][1], states[-1][:, place, tokens[1][0]]))


def trace_pair_attention(
    model: ErnieMPreTrainedModel,
    tokenizer: ErnieMTokenizer,
    pairs: Sequence[WordPair],
    *,
    batch_tokens: int = BATCH_TOKENS // 4,
    progress: bool = True,
) -> Iterator[tuple[int, PairAttention]]:
    """The number of each pair, and the attention between its sentences, read together; long pairs come first.

    >>> from erniem_lab import MINI, ErnieMForMaskedLM
    >>> model, tokenizer = ErnieMForMaskedLM.from_pretrained(MINI), ErnieMTokenizer.from_pretrained(MINI)
    >>> pairs = [(["Good", "day", "."], ["Bonjour", "."])]
    >>> [(_, pair)] = trace_pair_attention(model, tokenizer, pairs, progress=False)
    >>> pair.forward.shape[0] == model.config.num_hidden_layers
    True
    """
    encodings = _encoded(model, tokenizer, pairs, "together")
    for rows in _batches(model, encodings, batch_tokens, progress):
        attention = _attention(model, tokenizer, [encodings[i][0] for i in rows])
        for place, i in enumerate(rows):
            (first, owner), (second, other) = (_tokens(encodings[i], side) for side in (0, 1))
            forward, backward = (
                attention[:, place][:, :, one][..., two] for one, two in ((first, second), (second, first))
            )
            words = (tuple(pairs[i][0]), tuple(pairs[i][1]))
            yield i, PairAttention(words, (owner, other), forward, backward)


@dataclass(frozen=True)
class WordVectors:
    """One vector at each layer for every word of many sentences: the mean of its tokens' states.

    `sentence` and `place` say which word of which sentence it is; a word without a token is left out.
    """

    sentence: Int[np.ndarray, " word"]
    place: Int[np.ndarray, " word"]
    states: Float[np.ndarray, "layer word hidden"]


def embed_words(
    model: ErnieMPreTrainedModel,
    tokenizer: ErnieMTokenizer,
    sentences: Sequence[Sequence[str]],
    *,
    layers: Sequence[int] | None = None,
    precision: Precision = "float16",
    batch_tokens: int = BATCH_TOKENS,
    progress: bool = True,
) -> WordVectors:
    """The words of sentences, each read by itself; in the order of the sentences.

    A word of a base model (12 layers of 768) takes 20 kB in float16.

    Args:
        sentences: lists of words, each of which is split into tokens by itself.
        layers: whose states are given, in this order; all if not given, 0 being the embedding output.
        precision: "float32" or "float16", in which vectors are kept; the model computes in its own.
        batch_tokens: tokens in a batch, padding counted.

    Raises:
        InputValueError: no sentence, or no such layer or precision.

    >>> from erniem_lab import MINI, ErnieMForMaskedLM
    >>> model, tokenizer = ErnieMForMaskedLM.from_pretrained(MINI), ErnieMTokenizer.from_pretrained(MINI)
    >>> found = embed_words(model, tokenizer, [["Good", "day"], ["Bonjour"]], progress=False)
    >>> found.sentence.tolist(), found.place.tolist(), found.states.shape[1]
    ([0, 0, 1], [0, 1, 0], 3)
    """
    if not sentences or precision not in get_args(Precision):
        raise InputValueError(
            f"{len(sentences)} sentences, precision={precision!r}: give at least one, and one of "
            f"{', '.join(get_args(Precision))}"
        )
    chosen, limit = _layers(model, layers), model.config.max_length
    encodings = tokenizer.encodings([list(words) for words in sentences], truncation=True, max_length=limit)
    _warn(sum(len(encoding) == limit for encoding in encodings), len(sentences), limit)
    rows = [(encoding,) for encoding in encodings]
    owners = [_tokens(row, 0) for row in rows]
    places = [np.unique(owner) for _, owner in owners]
    starts = np.cumsum([0, *map(len, places)])
    states = np.empty((len(chosen), int(starts[-1]), model.config.hidden_size), dtype=precision)
    for batch in _batches(model, rows, batch_tokens, progress, "sentence"):
        found = _states(model, tokenizer, [encodings[i] for i in batch], chosen)
        for row, i in enumerate(batch):
            states[:, starts[i] : starts[i + 1]] = _by_word(found[:, row], *owners[i])
    counts = np.array(list(map(len, places)))
    return WordVectors(np.repeat(np.arange(len(places)), counts), np.concatenate(places), states)


def _by_word(
    states: Float[np.ndarray, "layer token hidden"], tokens: list[int], owner: Int[np.ndarray, " own"]
) -> Float[np.ndarray, "layer word hidden"]:
    """Means over the tokens of each word, which stand side by side."""
    if not tokens:
        return states[:, :0]
    first = np.flatnonzero(np.diff(owner, prepend=-1))
    counts = np.diff(first, append=len(owner)).astype(states.dtype)
    return np.add.reduceat(states[:, tokens], first, axis=1) / counts[:, None]


def _layers(model: ErnieMPreTrainedModel, layers: Sequence[int] | None) -> list[int]:
    last = model.config.num_hidden_layers
    chosen = list(range(last + 1) if layers is None else layers)
    if wrong := [layer for layer in chosen if not 0 <= layer <= last]:
        raise InputValueError(f"layers has {wrong}: give 0 (embeddings) to {last}")
    return chosen


def _encoded(
    model: ErnieMPreTrainedModel, tokenizer: ErnieMTokenizer, pairs: Sequence[WordPair], reading: Reading
) -> list[tuple[Encoding, ...]]:
    if reading not in ("apart", "together"):
        raise InputValueError(f"reading={reading!r}: give 'apart' or 'together'")
    firsts, seconds = ([list(pair[side]) for pair in pairs] for side in (0, 1))
    limit = model.config.max_length
    texts = [(firsts, seconds)] if reading == "together" else [(firsts, None), (seconds, None)]
    parts = [tokenizer.encodings(one, two, truncation=True, max_length=limit) for one, two in texts]
    found = list(zip(*parts, strict=True))
    _warn(sum(any(len(encoding) == limit for encoding in row) for row in found), len(pairs), limit)
    return found


def _warn(full: int, total: int, limit: int) -> None:
    if full:
        warnings.warn(
            f"{full} of {total} fill all {limit} tokens of the model, and words beyond have no states: "
            "leave out what is too long",
            stacklevel=4,
        )


def _batches(
    model: ErnieMPreTrainedModel,
    encodings: Sequence[tuple[Encoding, ...]],
    batch_tokens: int,
    progress: bool,
    unit: str = "pair",
) -> Iterator[list[int]]:
    """Rows of like length; dropout is off until the last is done."""
    training = model.training
    model.eval()
    try:
        with tqdm(total=len(encodings), unit=unit, disable=not progress) as bar:
            for rows in by_length([max(map(len, row)) for row in encodings], batch_tokens):
                yield rows
                bar.update(len(rows))
    finally:
        model.train(training)


@torch.inference_mode()
def _states(
    model: ErnieMPreTrainedModel, tokenizer: ErnieMTokenizer, encodings: Sequence[Encoding], layers: Sequence[int]
) -> Float[np.ndarray, "layer batch seq hidden"]:
    batch = collate(encodings, tokenizer.pad_token_id).to(model.device)
    output = model.base(batch.input_ids, batch.position_ids, batch.kinds > 0, output_hidden_states=True)
    return torch.stack([output.hidden_states[layer] for layer in layers]).float().cpu().numpy()


@torch.inference_mode()
def _attention(
    model: ErnieMPreTrainedModel, tokenizer: ErnieMTokenizer, encodings: Sequence[Encoding]
) -> Float[np.ndarray, "block batch head query key"]:
    batch = collate(encodings, tokenizer.pad_token_id).to(model.device)
    output = model.base(batch.input_ids, batch.position_ids, batch.kinds > 0, output_attentions=True)
    return torch.stack(output.attentions).float().cpu().numpy()


def _tokens(row: tuple[Encoding, ...], side: int) -> tuple[list[int], Int[np.ndarray, " token"]]:
    """Where a sentence's tokens stand in the text that was read, and the word of each."""
    encoding, sentence = (row[0], side) if len(row) == 1 else (row[side], 0)
    places = [i for i, own in enumerate(encoding.sentence) if own == sentence and not encoding.special[i]]
    return places, np.array([encoding.words[i] for i in places], dtype=np.int64)
