"""Who looks at whom in one layer: attention as a grid of tokens."""

import numpy as np
from matplotlib.figure import Figure

from erniem_lab.errors import InputValueError
from erniem_lab.tracing import Trace
from erniem_lab.visual.grids import number_grid

LONGEST = 64  # tokens that a grid can name legibly


def attention_map(trace: Trace, layer: int, head: int | None = None) -> Figure:
    """One layer's attention over a text: a row for each reading token, which sums to 1.

    Args:
        layer: 1 for the first layer; layer 0, the embedding output, attends to nothing.
        head: counted from 0; the mean over heads if not given.

    Raises:
        InputValueError: no such layer or head, or more tokens than a grid can show.
    """
    layers, heads, count, _ = trace.attention.shape
    if not 1 <= layer <= layers:
        raise InputValueError(f"layer={layer}: give 1 to {layers}; the embedding output, layer 0, has no attention")
    if head is not None and not 0 <= head < heads:
        raise InputValueError(f"head={head}: give 0 to {heads - 1}, or None for their mean")
    if count > LONGEST:
        raise InputValueError(f"trace has {count} tokens: a grid shows up to {LONGEST}; trace a shorter text")
    block = trace.attention[layer - 1]
    shown = block.mean(axis=0) if head is None else block[head]
    who = f"mean of {heads} heads" if head is None else f"head {head}"
    return number_grid(
        np.asarray(shown), trace.tokens, trace.tokens, value="attention (probability)", title=f"layer {layer}, {who}",
        axes=("reading token (query)", "token read (key)"),
    )  # fmt: skip
