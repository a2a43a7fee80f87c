"""A picture that stands for a view where the view cannot live: a file for print, an untrusted notebook."""

import io
from textwrap import fill

import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure

from erniem_lab.tracing import Trace
from erniem_lab.visual.attention import LONGEST
from erniem_lab.visual.canvas import SOFT
from erniem_lab.visual.grids import number_grid
from erniem_lab.visual.weights import rollout

WIDEST = 24  # characters of a name
NOTE = "A still picture: the view itself runs in a trusted notebook and in the file that .save() writes."
Choice = int | str
"""A number, "mean", or for a head "rollout"."""


def still(trace: Trace, layer: Choice, head: Choice) -> Figure:
    """The attention of one layer and head, or a mean over either, as a grid; of a long text its first tokens.

    >>> attention = np.full((1, 2, 2, 2), 0.5)
    >>> a = Trace(("a",), ("a", "b"), (), np.zeros(2, dtype=int), (False, False), np.zeros((2, 2, 1)), attention)
    >>> still(a, 1, "mean").axes[0].get_title()
    'layer 1, head mean'
    """
    shown = _chosen(trace, layer, head)[:LONGEST, :LONGEST]
    names = [name if len(name) <= WIDEST else f"{name[:WIDEST]}…" for name in trace.tokens[:LONGEST]]
    more = f"; first {LONGEST} of {len(trace.tokens)} tokens" if len(trace.tokens) > LONGEST else ""
    return number_grid(
        np.asarray(shown), names, names, value="attention (probability)", title=f"layer {layer}, head {head}{more}",
        axes=("reading token (query)", "token read (key)"),
    )  # fmt: skip


def still_png(trace: Trace, layer: Choice, head: Choice) -> bytes:
    """`still` as the bytes of a PNG file.

    >>> attention = np.full((1, 2, 2, 2), 0.5)
    >>> a = Trace(("a",), ("a", "b"), (), np.zeros(2, dtype=int), (False, False), np.zeros((2, 2, 1)), attention)
    >>> still_png(a, 1, 0)[1:4]
    b'PNG'
    """
    file = io.BytesIO()
    figure = still(trace, layer, head)
    figure.supxlabel(fill(NOTE, 50), fontsize=8, color=SOFT)
    figure.savefig(file, format="png")
    return file.getvalue()


def _chosen(trace: Trace, layer: Choice, head: Choice) -> Float[np.ndarray, "query key"]:
    if head == "rollout":
        return rollout(trace.attention)[-1 if layer == "mean" else int(layer) - 1]
    of_layer = trace.attention.mean(axis=0) if layer == "mean" else trace.attention[int(layer) - 1]
    return of_layer.mean(axis=0) if head == "mean" else of_layer[int(head)]
