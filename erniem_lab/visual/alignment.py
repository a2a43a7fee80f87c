"""Two sentences' words as a grid: how alike, which are linked, and which should be."""

from collections.abc import Collection
from itertools import product

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from erniem_lab.corpora.examples import AlignedPair, Link
from erniem_lab.errors import InputValueError
from erniem_lab.probing.alignment import Alignment
from erniem_lab.visual.canvas import INK, ORANGE
from erniem_lab.visual.grids import number_grid

LONGEST = 48  # words that a grid can name legibly


def alignment_grid(
    alignment: Alignment, gold: AlignedPair | None = None, *, value: str = "cosine", title: str = ""
) -> Figure:
    """A cell for each two words, the darker the more alike; a dot is a link that was found.

    With gold links, a full frame is a sure one and a dotted frame a possible one: dots in frames are right, orange
    crosses are links that are not possible, and full frames without a dot were missed. Words of every script stand in
    the order in which they are read.

    Args:
        value: what the likeness is, with its unit.

    Raises:
        InputValueError: a sentence of too many words, or gold links of other sentences.

    >>> import numpy as np
    >>> found = Alignment(("eins",), ("one", "more"), frozenset({(0, 0)}), np.array([[0.9, 0.1]]))
    >>> alignment_grid(found).axes[0].get_title()
    ''
    """
    sizes = len(alignment.first), len(alignment.second)
    if max(sizes) > LONGEST:
        raise InputValueError(f"alignment is of {sizes} words: a grid shows up to {LONGEST}; draw a shorter pair")
    if gold and (gold.first.surfaces, gold.second.surfaces) != (alignment.first, alignment.second):
        raise InputValueError(f"gold is of {gold.first.text!r:.60}, not of these words: give the pair that was aligned")
    names = (gold.first.language, gold.second.language) if gold else ("first sentence", "second sentence")
    figure = number_grid(alignment.likeness, alignment.first, alignment.second, value=value, title=title, axes=names)
    ax = figure.axes[0]
    possible = gold.possible if gold else set(product(range(sizes[0]), range(sizes[1])))
    _mark(ax, alignment.links & possible, "o", INK, 22.0)
    _mark(ax, alignment.links - possible, "x", ORANGE, 34.0)
    if gold:
        _frame(ax, gold.sure, "-")
        _frame(ax, gold.possible - gold.sure, ":")
    return figure


def _mark(ax: Axes, links: Collection[Link], marker: str, colour: str, size: float) -> None:
    """White below, so that marks stand out from dark cells."""
    if links:
        rows, columns = zip(*sorted(links), strict=True)
        ax.scatter(columns, rows, s=2.2 * size, marker="o", color="white", linewidth=0, zorder=3)
        ax.scatter(columns, rows, s=size, marker=marker, color=colour, linewidth=1.8, zorder=4)


def _frame(ax: Axes, links: Collection[Link], line: str) -> None:
    for row, column in links:
        where = (column - 0.5, row - 0.5)
        ax.add_patch(Rectangle(where, 1, 1, fill=False, edgecolor=INK, linewidth=1.3, linestyle=line, zorder=5))
