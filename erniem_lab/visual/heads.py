"""All heads in one picture: a panel for each measure, a cell for each head."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from erniem_lab.errors import InputValueError
from erniem_lab.probing.head_corpus import HeadMeasures
from erniem_lab.probing.head_measures import MEASURES
from erniem_lab.visual.canvas import ORANGE, bare, canvas

COLUMNS = 4
PANEL = (2.3, 2.0)  # inches


def head_maps(found: HeadMeasures, names: Sequence[str] | None = None) -> Figure:
    """A panel for each measure, in which rows are layers and columns heads, the darker the larger.

    Each panel has a scale of its own; the largest head is framed, and its value with the 95 % interval stands above.

    Args:
        names: of the measures; all that some text has, if not given.

    Raises:
        InputValueError: no text has anything for a measure.

    >>> head_maps(HeadMeasures("en", ("entropy",), np.ones((1, 1, 2, 3)))).axes[0].get_xlabel()
    'head'
    """
    chosen = list(found.names if names is None else names)
    empty = [name for name in chosen if not found.n(name)]
    if names is not None and empty:
        raise InputValueError(f"names has {empty}: no text has anything for it; leave it out")
    chosen = [name for name in chosen if name not in empty]
    rows = -(-len(chosen) // COLUMNS)
    figure, axes = canvas(PANEL[0] * COLUMNS, PANEL[1] * rows, rows=rows, columns=COLUMNS)
    for ax, name in zip(axes, chosen, strict=False):
        _panel(ax, found, name)
    for ax in axes[len(chosen) :]:
        ax.set_visible(False)
    return figure


def _panel(ax: Axes, found: HeadMeasures, name: str) -> None:
    values, (low, high) = found.mean(name), found.interval(name)
    layers, heads = values.shape
    row, column = np.unravel_index(values.argmax(), values.shape)
    ax.imshow(values, cmap="Blues", aspect="auto")
    ax.add_patch(_frame(int(row), int(column)))
    unit = "" if MEASURES[name].unit == "share" else f" {MEASURES[name].unit}"
    best = f"{values[row, column]:.2f} [{low[row, column]:.2f}, {high[row, column]:.2f}]{unit}"
    ax.set_title(f"{name}\n{best}, n = {found.n(name)}", fontsize=8)
    ax.set_yticks(range(0, layers, 1 + layers // 13), [str(i + 1) for i in range(0, layers, 1 + layers // 13)])
    ax.set_xticks(range(0, heads, 1 + heads // 13))
    ax.set_xlabel("head", fontsize=8)
    ax.set_ylabel("layer", fontsize=8)
    ax.tick_params(labelsize=7)
    bare(ax)


def _frame(row: int, column: int) -> Rectangle:
    return Rectangle((column - 0.5, row - 0.5), 1, 1, fill=False, edgecolor=ORANGE, linewidth=1.8)
