"""Two sentences' words after every layer, read apart or together, and the attention between them, as numpy arrays."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float, Int

from erniem_lab.batching import collate
from erniem_lab.embedding import BATCH_TOKENS
from erniem_lab.encoding import Encoding
from erniem_lab.errors import InputValueError
from erniem_lab.pretrained import ErnieMPreTrainedModel
from erniem_lab.tokenizer import ErnieMTokenizer
from erniem_lab.word_states.reading import batches, chosen_layers, own_tokens, states_of, warn_of_full

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
    chosen = chosen_layers(model, layers)
    encodings = _encoded(model, tokenizer, pairs, reading)
    for rows in batches(model, encodings, batch_tokens, progress):
        parts = zip(*(encodings[i] for i in rows), strict=True)  # both sides of a pair in one text, or in two
        states = [states_of(model, tokenizer, part, chosen) for part in parts]
        for place, i in enumerate(rows):
            tokens = [own_tokens(encodings[i], side) for side in (0, 1)]
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
    for rows in batches(model, encodings, batch_tokens, progress):
        attention = _attention(model, tokenizer, [encodings[i][0] for i in rows])
        for place, i in enumerate(rows):
            (first, owner), (second, other) = (own_tokens(encodings[i], side) for side in (0, 1))
            forward, backward = (
                attention[:, place][:, :, one][..., two] for one, two in ((first, second), (second, first))
            )
            words = (tuple(pairs[i][0]), tuple(pairs[i][1]))
            yield i, PairAttention(words, (owner, other), forward, backward)


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
    warn_of_full(sum(any(len(encoding) == limit for encoding in row) for row in found), len(pairs), limit)
    return found


@torch.inference_mode()
def _attention(
    model: ErnieMPreTrainedModel, tokenizer: ErnieMTokenizer, encodings: Sequence[Encoding]
) -> Float[np.ndarray, "block batch head query key"]:
    batch = collate(encodings, tokenizer.pad_token_id).to(model.device)
    output = model.base(batch.input_ids, batch.position_ids, batch.kinds > 0, output_attentions=True)
    return torch.stack(output.attentions).float().cpu().numpy()
