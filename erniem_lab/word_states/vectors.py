"""One vector for each word of many sentences, after every layer: what linear probes read."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import get_args

import numpy as np
from jaxtyping import Float, Int

from erniem_lab.collecting import Precision
from erniem_lab.embedding import BATCH_TOKENS
from erniem_lab.errors import InputValueError
from erniem_lab.pretrained import ErnieMPreTrainedModel
from erniem_lab.tokenizer import ErnieMTokenizer
from erniem_lab.word_states.reading import batches, chosen_layers, own_tokens, states_of, warn_of_full


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

    A word of a base model (12 layers of 768) takes 20 kB in float16, so 10,000 sentences of 20 words take 4 GB at all
    layers: choose some with `layers`, or fewer sentences.

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
    chosen, limit = chosen_layers(model, layers), model.config.max_length
    encodings = tokenizer.encodings([list(words) for words in sentences], truncation=True, max_length=limit)
    warn_of_full(sum(len(encoding) == limit for encoding in encodings), len(sentences), limit)
    rows = [(encoding,) for encoding in encodings]
    owners = [own_tokens(row, 0) for row in rows]
    places = [np.unique(owner) for _, owner in owners]
    starts = np.cumsum([0, *map(len, places)])
    states = np.empty((len(chosen), int(starts[-1]), model.config.hidden_size), dtype=precision)
    for batch in batches(model, rows, batch_tokens, progress, "sentence"):
        found = states_of(model, tokenizer, [encodings[i] for i in batch], chosen)
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
