"""Sentence vectors for a whole corpus: texts of like length side by side, results in the caller's order."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from tqdm import tqdm

from erniem_lab.batching import Batch, by_length, collate
from erniem_lab.errors import InputTypeError, InputValueError
from erniem_lab.pretrained import ErnieMPreTrainedModel
from erniem_lab.tokenizer import ErnieMTokenizer

Pooling = Literal["mean", "cls"]
BATCH_TOKENS = 4096


def embed(
    model: ErnieMPreTrainedModel,
    tokenizer: ErnieMTokenizer,
    texts: Sequence[str],
    *,
    layer: int = -1,
    pooling: Pooling = "mean",
    batch_tokens: int = BATCH_TOKENS,
    progress: bool = True,
) -> Float[np.ndarray, "text hidden"]:
    """One vector for each text, in the order of the texts. Texts longer than the model are cut.

    Args:
        layer: whose states are pooled; 0 is the embedding output, -1 the last layer.
        pooling: "mean" over all tokens but padding, [CLS] and [SEP] included as in XTREME; or "cls", the first.
        batch_tokens: tokens in a batch, padding counted.

    Raises:
        InputTypeError: a single string, or something other than strings.
        InputValueError: no such layer or pooling.

    >>> from erniem_lab import MINI, ErnieMForMaskedLM
    >>> model, tokenizer = ErnieMForMaskedLM.from_pretrained(MINI), ErnieMTokenizer.from_pretrained(MINI)
    >>> embed(model, tokenizer, ["Good day.", "Bonjour."], progress=False).shape[0]
    2
    """
    layers = model.config.num_hidden_layers
    if not -layers - 1 <= layer <= layers:
        raise InputValueError(f"layer={layer}: give 0 (embeddings) to {layers}, or -1 for the last")
    chosen = range(layers + 1)[layer]
    return _embed(model, tokenizer, texts, [chosen], pooling, batch_tokens, progress)[0]


def embed_layers(
    model: ErnieMPreTrainedModel,
    tokenizer: ErnieMTokenizer,
    texts: Sequence[str],
    *,
    pooling: Pooling = "mean",
    batch_tokens: int = BATCH_TOKENS,
    progress: bool = True,
) -> Float[np.ndarray, "layer text hidden"]:
    """As `embed`, for every layer in one pass; layer 0 first.

    >>> from erniem_lab import MINI, ErnieMForMaskedLM
    >>> model, tokenizer = ErnieMForMaskedLM.from_pretrained(MINI), ErnieMTokenizer.from_pretrained(MINI)
    >>> len(embed_layers(model, tokenizer, ["Bonjour."], progress=False)) == model.config.num_hidden_layers + 1
    True
    """
    layers = range(model.config.num_hidden_layers + 1)
    return _embed(model, tokenizer, texts, list(layers), pooling, batch_tokens, progress)


@torch.inference_mode()
def _embed(
    model: ErnieMPreTrainedModel,
    tokenizer: ErnieMTokenizer,
    texts: Sequence[str],
    layers: list[int],
    pooling: Pooling,
    batch_tokens: int,
    progress: bool,
) -> Float[np.ndarray, "layer text hidden"]:
    if isinstance(texts, str):
        raise InputTypeError(f"texts is the single string {texts[:40]!r}: give a list of strings")
    if pooling not in ("mean", "cls"):
        raise InputValueError(f"pooling={pooling!r}: give 'mean' or 'cls'")
    encodings = tokenizer.encodings(list(texts), truncation=True, max_length=model.config.max_length)
    vectors = np.empty((len(layers), len(texts), model.config.hidden_size), dtype=np.float32)
    training = model.training
    model.eval()
    with tqdm(total=len(texts), unit="text", disable=not progress) as bar:
        for rows in by_length(list(map(len, encodings)), batch_tokens):
            batch = collate([encodings[i] for i in rows], tokenizer.pad_token_id).to(model.device)
            states = _states(model, batch)
            for place, layer in enumerate(layers):
                vectors[place, rows] = _pool(states[layer], batch, pooling).float().cpu().numpy()
            bar.update(len(rows))
    model.train(training)
    return vectors


def _states(model: ErnieMPreTrainedModel, batch: Batch) -> tuple[Float[Tensor, "batch seq hidden"], ...]:
    output = model.base(batch.input_ids, batch.position_ids, batch.kinds > 0, output_hidden_states=True)
    return output.hidden_states


def _pool(states: Float[Tensor, "batch seq hidden"], batch: Batch, pooling: Pooling) -> Float[Tensor, "batch hidden"]:
    if pooling == "cls":
        return states[:, 0]
    counted = (batch.kinds > 0)[:, :, None]
    return (states * counted).sum(dim=1) / counted.sum(dim=1)
