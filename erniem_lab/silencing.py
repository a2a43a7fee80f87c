"""An encoder with some of its heads silenced, for whatever reads with it."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

from erniem_lab.errors import InputValueError
from erniem_lab.pretrained import ErnieMPreTrainedModel


@contextmanager
def silence(model: ErnieMPreTrainedModel, heads: Sequence[tuple[int, int]]) -> Iterator[None]:
    """While it lasts, these heads add nothing to any state: their attention weights are multiplied by 0.

    It is the model's `head_mask`, given in every call of the encoder, so that `embed`, `trace` and all heads of tasks
    can be measured as they are. Attention is written out then, even where no head is named.

    Args:
        heads: (block, head), both from 0; block 0 makes layer 1.

    Raises:
        InputValueError: no such block or head.

    >>> from erniem_lab import MINI, ErnieMForMaskedLM, ErnieMTokenizer, trace
    >>> model, tokenizer = ErnieMForMaskedLM.from_pretrained(MINI), ErnieMTokenizer.from_pretrained(MINI)
    >>> with silence(model, [(1, 0)]):
    ...     attention = trace(model, tokenizer, "Good day.").attention
    >>> float(attention[1, 0].sum()), float(attention[1, 1].sum()) > 0
    (0.0, True)
    """
    shape = model.config.num_hidden_layers, model.config.num_attention_heads
    mask = torch.ones(shape)
    for block, head in heads:
        if not (0 <= block < shape[0] and 0 <= head < shape[1]):
            raise InputValueError(
                f"heads has ({block}, {head}): there are blocks 0 to {shape[0] - 1}, heads 0 to {shape[1] - 1}"
            )
        mask[block, head] = 0.0

    def give(_: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        return args, {**kwargs, "head_mask": mask}

    hook = model.base.register_forward_pre_hook(give, with_kwargs=True)
    try:
        yield
    finally:
        hook.remove()
