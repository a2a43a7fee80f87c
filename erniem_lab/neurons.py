"""Queries and keys: what each head's attention in a trace was made of."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from erniem_lab.pretrained import ErnieMPreTrainedModel
from erniem_lab.tokenizer import ErnieMTokenizer
from erniem_lab.tracing import Trace, trace


@dataclass(frozen=True)
class NeuronTrace:
    """A trace, and the queries and keys of every head; block 0 is the one that makes layer 1.

    A weight is the softmax over keys of query times key over the square root of `dim`, where positions are absolute.
    """

    trace: Trace
    queries: Float[np.ndarray, "block head query dim"]
    keys: Float[np.ndarray, "block head key dim"]


def trace_neurons(
    model: ErnieMPreTrainedModel, tokenizer: ErnieMTokenizer, text: str, text_pair: str | None = None
) -> NeuronTrace:
    """Follow a text or pair as `trace` does, and keep queries and keys.

    Raises:
        InputValueError: more tokens than the model can read.

    >>> from erniem_lab import MINI, ErnieMForMaskedLM
    >>> model, tokenizer = ErnieMForMaskedLM.from_pretrained(MINI), ErnieMTokenizer.from_pretrained(MINI)
    >>> found = trace_neurons(model, tokenizer, "Good day.")
    >>> found.queries.shape[:3] == found.trace.attention.shape[:3]
    True
    """
    layers = [layer.self_attn.self_attn for layer in model.base.encoder.layers]
    with ExitStack() as stack:
        queries = [stack.enter_context(_heard(layer.q_proj)) for layer in layers]
        keys = [stack.enter_context(_heard(layer.k_proj)) for layer in layers]
        found = trace(model, tokenizer, text, text_pair)
    split = [
        [_by_head(kept[0], layer.head_size) for kept, layer in zip(side, layers, strict=True)]
        for side in (queries, keys)
    ]
    return NeuronTrace(found, *(np.stack(side) for side in split))


@contextmanager
def _heard(linear: nn.Module) -> Iterator[list[Tensor]]:
    """What a part of the model puts out while the block lasts."""
    kept: list[Tensor] = []
    handle = linear.register_forward_hook(lambda _, __, output: kept.append(output))
    try:
        yield kept
    finally:
        handle.remove()


@torch.inference_mode()
def _by_head(states: Float[Tensor, "1 token inner"], head_size: int) -> Float[np.ndarray, "head token dim"]:
    split: Tensor = states[0].view(states.shape[1], -1, head_size).transpose(0, 1)
    return split.float().cpu().numpy()
