"""One text or pair followed through the encoder: words, tokens, states and attention, as numpy arrays.

Torch ends here. What probes and pictures is given a `Trace`, which holds no padding and no tensor; for many pairs of
sentences at once, the states of their words, or the attention between them.
"""

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float, Int
from tqdm import tqdm

from erniem_lab.batching import collate
from erniem_lab.embedding import BATCH_TOKENS, _by_length
from erniem_lab.encoding import Encoding
from erniem_lab.errors import InputValueError
from erniem_lab.pretrained import ErnieMPreTrainedModel
from erniem_lab.tokenizer import ErnieMTokenizer

HAN = ("\u3400", "\u9fff")  # written without spaces: a word of its own for each character


@dataclass(frozen=True)
class Word:
    """One word of a text: its characters there, and the tokens that it became."""

    text: str
    sentence: int
    span: tuple[int, int]
    tokens: tuple[int, ...]


@dataclass(frozen=True)
class Trace:
    """What the encoder made of one text or pair.

    `sentence` is 0 or 1 for each token; `hidden` has layer 0, the embedding output, first; `attention` is a
    probability for each key, and has no layer 0.
    """

    texts: tuple[str, ...]
    tokens: tuple[str, ...]
    words: tuple[Word, ...]
    sentence: Int[np.ndarray, " token"]
    special: tuple[bool, ...]
    hidden: Float[np.ndarray, "layer token hidden"]
    attention: Float[np.ndarray, "block head query key"]


@torch.inference_mode()
def trace(model: ErnieMPreTrainedModel, tokenizer: ErnieMTokenizer, text: str, text_pair: str | None = None) -> Trace:
    """Follow a text, or a pair read together, through every layer. Dropout is off while it runs.

    Args:
        model: the encoder, or any head, whose encoder is then used.

    Raises:
        InputValueError: more tokens than the model can read.

    >>> from erniem_lab import MINI, ErnieMForMaskedLM
    >>> model, tokenizer = ErnieMForMaskedLM.from_pretrained(MINI), ErnieMTokenizer.from_pretrained(MINI)
    >>> found = trace(model, tokenizer, "Good day.", "Bonjour.")
    >>> [word.text for word in found.words], found.attention.shape[-1] == len(found.tokens)
    (['Good', 'day', '.', 'Bonjour', '.'], True)
    """
    encoding = tokenizer.encoding(text, text_pair)
    batch = collate([encoding], tokenizer.pad_token_id).to(model.device)
    training = model.training
    model.eval()
    output = model.base(
        batch.input_ids, batch.position_ids, batch.kinds > 0, output_hidden_states=True, output_attentions=True
    )
    model.train(training)
    return Trace(
        texts=tuple(encoding.texts),
        tokens=tuple(encoding.tokens),
        words=words(encoding),
        sentence=np.array(encoding.sentence),
        special=tuple(encoding.special),
        hidden=torch.cat(output.hidden_states).float().cpu().numpy(),
        attention=torch.cat(output.attentions).float().cpu().numpy(),
    )


def words(encoding: Encoding) -> tuple[Word, ...]:
    """The words of a text: what stands between spaces, with punctuation and Han characters by themselves."""
    keys = [_word_key(encoding, i) for i in range(len(encoding))]
    groups = groupby((i for i in range(len(encoding)) if not encoding.special[i]), key=lambda i: keys[i])
    return tuple(_word(encoding, tuple(group)) for _, group in groups)


def _word_key(encoding: Encoding, token: int) -> tuple[int, ...]:
    surface = encoding.surface(token).strip()
    alone = len(surface) == 1 and (not surface.isalnum() or HAN[0] <= surface <= HAN[1])
    return (encoding.sentence[token], encoding.words[token], token if alone else -1)


def _word(encoding: Encoding, tokens: tuple[int, ...]) -> Word:
    sentence = encoding.sentence[tokens[0]]
    start, end = encoding.offsets[tokens[0]][0], encoding.offsets[tokens[-1]][1]
    return Word(encoding.texts[sentence][start:end], sentence, (start, end), tokens)


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
    if full := sum(any(len(encoding) == limit for encoding in row) for row in found):
        warnings.warn(
            f"{full} of {len(pairs)} pairs fill all {limit} tokens of the model, and words beyond have no states: "
            "leave out what is too long",
            stacklevel=3,
        )
    return found


def _batches(
    model: ErnieMPreTrainedModel, encodings: Sequence[tuple[Encoding, ...]], batch_tokens: int, progress: bool
) -> Iterator[list[int]]:
    """Rows of pairs of like length; dropout is off until the last is done."""
    training = model.training
    model.eval()
    try:
        with tqdm(total=len(encodings), unit="pair", disable=not progress) as bar:
            for rows in _by_length([max(row, key=len) for row in encodings], batch_tokens):
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
