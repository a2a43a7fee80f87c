"""How both kinds of word states are read: texts in batches of like length, each token with the number of its word."""

import warnings
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from jaxtyping import Float, Int
from tqdm import tqdm

from erniem_lab.batching import by_length, collate
from erniem_lab.encoding import Encoding
from erniem_lab.errors import InputValueError
from erniem_lab.pretrained import ErnieMPreTrainedModel
from erniem_lab.tokenizer import ErnieMTokenizer


def chosen_layers(model: ErnieMPreTrainedModel, layers: Sequence[int] | None) -> list[int]:
    """The layers that are asked for; all if none are.

    Raises:
        InputValueError: no such layer.

    >>> from erniem_lab import MINI, ErnieMForMaskedLM
    >>> chosen_layers(ErnieMForMaskedLM.from_pretrained(MINI), [2, 0])
    [2, 0]
    """
    last = model.config.num_hidden_layers
    chosen = list(range(last + 1) if layers is None else layers)
    if wrong := [layer for layer in chosen if not 0 <= layer <= last]:
        raise InputValueError(f"layers has {wrong}: give 0 (embeddings) to {last}")
    return chosen


def warn_of_full(full: int, total: int, limit: int) -> None:
    """Say how many texts fill the model, so that some of their words may be cut off.

    >>> warn_of_full(0, 12, 256)
    """
    if full:
        warnings.warn(
            f"{full} of {total} fill all {limit} tokens of the model, and words beyond have no states: "
            "leave out what is too long",
            stacklevel=4,
        )


def batches(
    model: ErnieMPreTrainedModel,
    encodings: Sequence[tuple[Encoding, ...]],
    batch_tokens: int,
    progress: bool,
    unit: str = "pair",
) -> Iterator[list[int]]:
    """The numbers of texts, or of pairs, in batches of like length; dropout is off until the last is done.

    >>> from erniem_lab import MINI, ErnieMForMaskedLM
    >>> model, tokenizer = ErnieMForMaskedLM.from_pretrained(MINI), ErnieMTokenizer.from_pretrained(MINI)
    >>> list(batches(model, [(tokenizer.encoding("day"),), (tokenizer.encoding("Good day"),)], 4, progress=False))
    [[1], [0]]
    """
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
def states_of(
    model: ErnieMPreTrainedModel, tokenizer: ErnieMTokenizer, encodings: Sequence[Encoding], layers: Sequence[int]
) -> Float[np.ndarray, "layer batch seq hidden"]:
    """The states of texts after some layers, in the order of the layers.

    >>> from erniem_lab import MINI, ErnieMForMaskedLM
    >>> model, tokenizer = ErnieMForMaskedLM.from_pretrained(MINI), ErnieMTokenizer.from_pretrained(MINI)
    >>> states_of(model, tokenizer, tokenizer.encodings(["Good day", "day"]), [0, 1]).shape[:2]
    (2, 2)
    """
    batch = collate(encodings, tokenizer.pad_token_id).to(model.device)
    output = model.base(batch.input_ids, batch.position_ids, batch.kinds > 0, output_hidden_states=True)
    return torch.stack([output.hidden_states[layer] for layer in layers]).float().cpu().numpy()


def own_tokens(row: tuple[Encoding, ...], side: int) -> tuple[list[int], Int[np.ndarray, " token"]]:
    """Where a sentence's tokens stand in the text that was read, and the word of each.

    >>> from erniem_lab import MINI
    >>> both = (ErnieMTokenizer.from_pretrained(MINI).encoding("Good day", "Bonjour"),)
    >>> sorted(set(own_tokens(both, 0)[1].tolist()))
    [0, 1]
    """
    encoding, sentence = (row[0], side) if len(row) == 1 else (row[side], 0)
    places = [i for i, own in enumerate(encoding.sentence) if own == sentence and not encoding.special[i]]
    return places, np.array([encoding.words[i] for i in places], dtype=np.int64)
