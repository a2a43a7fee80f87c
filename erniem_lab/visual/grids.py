"""A matrix of numbers as shaded cells, its rows and columns named in any script."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from erniem_lab.errors import InputValueError
from erniem_lab.visual.canvas import bare, canvas
from erniem_lab.visual.fonts import labels, lack, writing

CELL = 0.24  # inches
UPRIGHT = 12  # so many columns can have names written level if these are short


def number_grid(
    numbers: Float[np.ndarray, "row column"],
    rows: Sequence[str],
    columns: Sequence[str],
    *,
    value: str,
    title: str = "",
    axes: tuple[str, str] = ("", ""),
    limits: tuple[float, float] | None = None,
) -> Figure:
    """Numbers as cells, the darker the larger, with a scale beside them; below it which fonts were missing, if any.

    Args:
        value: what the numbers are, with their unit; written at the scale.
        axes: what the rows are and what the columns are.
        limits: the numbers of the lightest and the darkest cell; the smallest and largest if not given.

    Raises:
        InputValueError: names and numbers do not go together.

    >>> number_grid(np.eye(2), ["ein", "zwei"], ["one", "two"], value="cosine").axes[0].get_title()
    ''
    """
    if numbers.shape != (len(rows), len(columns)) or not numbers.size:
        raise InputValueError(f"numbers are {numbers.shape}, for {len(rows)} rows and {len(columns)} columns of names")
    figure, (ax,) = canvas(2.4 + CELL * len(columns), 1.2 + CELL * len(rows))
    low, high = limits or (float(numbers.min()), float(numbers.max()))
    image = ax.imshow(numbers, cmap="Blues", vmin=low, vmax=high, aspect="equal")
    name_cells(ax, rows, columns)
    ax.set_title(title, fontsize=10)
    ax.set_ylabel(axes[0], fontsize=9)
    ax.set_xlabel("\n".join(filter(None, [axes[1], lack([*rows, *columns])])), fontsize=9)
    scale = figure.colorbar(image, ax=ax, shrink=0.8, pad=0.02)
    scale.set_label(value, fontsize=9)
    scale.outline.set_visible(False)
    return figure


def name_cells(ax: Axes, rows: Sequence[str], columns: Sequence[str]) -> None:
    """Name each row at the left and each column below, and draw white lines between the cells.

    >>> figure, (ax,) = canvas(3.0, 3.0)
    >>> name_cells(ax, ["a"], ["b", "c"])
    """
    level = len(columns) <= UPRIGHT and max(map(len, columns), default=0) <= 2
    ax.set_yticks(range(len(rows)), labels(rows), **writing())
    ax.set_xticks(range(len(columns)), labels(columns), rotation=0 if level else 90, **writing())
    ax.set_xticks(np.arange(len(columns) + 1) - 0.5, minor=True)
    ax.set_yticks(np.arange(len(rows) + 1) - 0.5, minor=True)
    ax.grid(which="minor", color="white", linewidth=0.8)
    ax.tick_params(which="minor", length=0)
    bare(ax)
