"""Who may read whom, drawn: an objective's table, and the same over the tokens of a text."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from erniem_lab.visual.canvas import BLUE, INK, LIGHT, ORANGE, SOFT, canvas
from erniem_lab.visual.grids import CELL, name_cells

EMPTY = "#eef0f3"
PAGE = 8.8  # inches: wider figures are shrunk by the page, and their names with them
NAMES = 1.0  # inches for the names beside the cells
ROLES = ("plain", "hidden", "mask")
PALETTE = ListedColormap([EMPTY, LIGHT, BLUE, ORANGE])
NOTHING, OVER_LAYERS, DIRECTLY, LEAK = range(4)
MEANING = {
    DIRECTLY: (BLUE, "reads it"),
    OVER_LAYERS: (LIGHT, "is reached by it over the layers"),
    NOTHING: (EMPTY, "never learns of it"),
}


@dataclass(frozen=True)
class Reading:
    """Who reads whom among the tokens of a text: in one layer (`reads`), and over all of them (`reached`).

    `secret` is True where the key must never reach the query; all three are numbered query, then key.
    """

    name: str
    tokens: tuple[str, ...]
    reads: Bool[np.ndarray, "query key"]
    reached: Bool[np.ndarray, "query key"]
    secret: Bool[np.ndarray, "query key"]

    @property
    def leaks(self) -> int:
        """How many secrets reach the mask that must not know them."""
        return int((self.secret & self.reached).sum())


def reading_grids(readings: Sequence[Reading], *, columns: int = 2) -> Figure:
    """Readings side by side: a row for each reading token, a column for each that it may read.

    Dark is read directly, light over several layers, grey never. A cross marks a secret; on orange it has leaked.

    >>> grid = np.eye(2, dtype=bool)
    >>> len(reading_grids([Reading("each itself", ("a", "b"), grid, grid, ~grid)], columns=1).axes)
    1
    """
    rows = -(-len(readings) // columns)
    width = min(CELL * max(len(reading.tokens) for reading in readings) + NAMES, PAGE / columns)
    figure, axes = canvas(width * columns, (width + 0.3) * rows + 0.4, rows=rows, columns=columns)
    for ax, reading in zip(axes, readings, strict=False):
        _draw(ax, reading)
    for ax in axes[len(readings) :]:
        ax.set_visible(False)
    figure.legend(handles=_legend(readings), loc="outside lower center", ncols=5, frameon=False, fontsize=9)
    return figure


def reading_tables(tables: dict[str, Sequence[Sequence[Sequence[bool]]]]) -> Figure:
    """Objectives as they are defined: a row for each role of the reading token, a column for each role and side.

    Args:
        tables: by the objective's name, `reads[query][side][key]` as `ReadingTable` holds it.

    >>> nobody = [[[False] * 3] * 2] * 3
    >>> reading_tables({"silence": nobody}).axes[0].get_title()
    'silence'
    """
    figure, axes = canvas(2.2 * len(tables) + 0.6, 2.3, columns=len(tables))
    names = [f"{side} {role}" for side in ("own", "other") for role in ROLES]
    for ax, (name, reads) in zip(axes, tables.items(), strict=True):
        cells = np.array(reads, dtype=int).reshape(len(ROLES), -1) * DIRECTLY
        ax.imshow(cells, cmap=PALETTE, vmin=0, vmax=3)
        name_cells(ax, ROLES, names)
        ax.axvline(len(ROLES) - 0.5, color=INK, linewidth=1.2)
        ax.set_title(name, fontsize=10, color=INK)
    axes[0].set_ylabel("reading token")
    figure.supxlabel("token read: of its own sentence, of the other", fontsize=10)
    return figure


def _draw(ax: Axes, reading: Reading) -> None:
    cells = np.where(reading.reads, DIRECTLY, np.where(reading.reached, OVER_LAYERS, NOTHING))
    ax.imshow(np.where(reading.secret & reading.reached, LEAK, cells), cmap=PALETTE, vmin=0, vmax=3)
    name_cells(ax, reading.tokens, reading.tokens)
    queries, keys = reading.secret.nonzero()
    told = reading.reached[queries, keys]
    ax.scatter(keys[~told], queries[~told], marker="x", s=10, linewidths=0.9, color=SOFT)
    ax.scatter(keys[told], queries[told], marker="x", s=12, linewidths=1.2, color="white")
    ax.tick_params(labelsize=7)
    ax.set_title(reading.name, fontsize=10, color=INK)
    ax.set_ylabel("reading token", fontsize=9)
    ax.set_xlabel("token read", fontsize=9)


def _legend(readings: Sequence[Reading]) -> list[Patch]:
    shown = [Patch(facecolor=colour, label=meaning) for colour, meaning in MEANING.values()]
    shown.append(Patch(facecolor="none", label="× must stay secret"))
    if any(reading.leaks for reading in readings):
        shown.append(Patch(facecolor=ORANGE, label="a secret that leaks"))
    return shown
