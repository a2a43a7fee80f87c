"""Scores by language as a heat map, and what was taken for what."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float
from matplotlib.figure import Figure

from erniem_lab.errors import InputValueError
from erniem_lab.metrics import Confusion
from erniem_lab.visual.canvas import INK, canvas
from erniem_lab.visual.grids import name_cells
from erniem_lab.visual.tables import demand

CELL = 0.46  # inches: room for two digits, or for three lines of small ones
SIZES = (8.0, 7.0, 6.5)  # points, of one, two and three lines
DARK = 0.68  # of the scale: from here on white stands out better than ink


def transfer_map(table: pd.DataFrame, *, by: str, value: str, note: str = "") -> Figure:
    """A row for each `by`, a column for each language, and in each cell the score in hundredths.

    Below a score stands its interval, where the table has `low` and `high`; and below that, where it has `gap`,
    `gap_low` and `gap_high`, how much less that is than in the training language, in brackets where that interval
    holds 0.

    Args:
        table: columns `language`, `value` and the one named by `by`, one line for each cell; `Transfer.to_frame` has
            the others too.
        value: what the scores are, from 0 to 1; written at the scale.
        note: what n is, and of what the intervals are; written below.

    Raises:
        InputValueError: a column is missing, or there is no row.

    >>> table = pd.DataFrame({"task": ["tags"] * 2, "language": ["en", "sw"], "value": [0.97, 0.61]})
    >>> [text.get_text() for text in transfer_map(table, by="task", value="F1").axes[0].texts]
    ['97', '61']
    """
    demand(table, by, "language", "value")
    rows, columns = (list(dict.fromkeys(table[name].astype(str))) for name in (by, "language"))
    numbers = np.full((len(rows), len(columns)), np.nan)
    digits = [[""] * len(columns) for _ in rows]
    for line in table.to_dict("records"):
        row, column = rows.index(str(line[by])), columns.index(str(line["language"]))
        numbers[row, column], digits[row][column] = line["value"], _written(line)
    return _cells(numbers, digits, rows, columns, axes=("", f"language\n{note}" if note else "language"), value=value)


def _written(line: dict[Any, Any]) -> str:
    """The lines of a cell: score, interval, and what was lost since the training language, which itself lost nothing.

    >>> _written({"value": 0.61, "low": 0.55, "high": 0.67, "gap": 0.36, "gap_low": 0.3, "gap_high": 0.42})
    '61\\n55–67\\n−36'
    """
    found = [f"{100 * line['value']:.0f}"]
    if {"low", "high"} <= line.keys():
        found.append(f"{100 * line['low']:.0f}–{100 * line['high']:.0f}")
    if {"gap", "gap_low", "gap_high"} <= line.keys() and (line["gap_low"], line["gap_high"]) != (0, 0):
        gap = f"{-100 * line['gap']:+.0f}".replace("-", "−")
        found.append(f"({gap})" if line["gap_low"] <= 0 <= line["gap_high"] else gap)
    return "\n".join(found)


def confusion_map(confusion: Confusion, *, note: str = "") -> Figure:
    """A row for each gold label, a column for each said one; shades are shares of the row, digits are counts.

    Raises:
        InputValueError: no label.

    >>> from erniem_lab.metrics import confusion
    >>> confusion_map(confusion(["a", "b"], ["a", "a"])).axes[0].get_ylabel()
    'gold label'
    """
    if not confusion.labels:
        raise InputValueError("the confusion has no labels, as of answers that are texts or numbers; draw their scores")
    digits = [[str(count) if count else "" for count in row] for row in confusion.counts.tolist()]
    n = int(confusion.counts.sum())
    below = f"said label\nn = {n:,}" + (f"; {note}" if note else "")
    names = list(confusion.labels)
    return _cells(confusion.shares(), digits, names, names, axes=("gold label", below), value="share of the gold label")


def _cells(
    numbers: Float[np.ndarray, "row column"],
    digits: Sequence[Sequence[str]],
    rows: Sequence[str],
    columns: Sequence[str],
    *,
    axes: tuple[str, str],
    value: str,
) -> Figure:
    """Shaded cells from 0 to 1 with digits in them, and a scale beside them."""
    figure, (ax,) = canvas(2.6 + CELL * len(columns), 1.3 + CELL * len(rows))
    image = ax.imshow(numbers, cmap="Blues", vmin=0, vmax=1, aspect="equal")
    name_cells(ax, rows, columns)
    for row, line in enumerate(digits):
        for column, text in enumerate(line):
            colour = "white" if numbers[row, column] > DARK else INK
            ax.text(column, row, text, ha="center", va="center", fontsize=SIZES[text.count("\n")], color=colour)
    ax.set_ylabel(axes[0], fontsize=9)
    ax.set_xlabel(axes[1], fontsize=9)
    scale = figure.colorbar(image, ax=ax, shrink=0.8, pad=0.02)
    scale.set_label(value, fontsize=9)
    scale.outline.set_visible(False)
    return figure
