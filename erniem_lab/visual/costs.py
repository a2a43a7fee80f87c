"""How fast something reads as its work grows: a field for each thing that grows, both axes in powers of ten."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from erniem_lab.visual.canvas import DASHES, INK, LINE, canvas, style
from erniem_lab.visual.tables import demand

COLUMNS = ("axis", "x", "contender", "value", "low", "high")
COLUMN, ROW = 3.3, 2.7  # inches of a field
ABREAST = 2


def cost_curves(table: pd.DataFrame, *, value: str = "tokens per second", note: str = "") -> Figure:
    """A line for each contender over the values of each axis, in a band that is its range.

    Args:
        table: columns `axis`, `x`, `contender`, `value`, `low`, `high`; one measure only.
        value: what the values are, with their unit.
        note: what the bands are, and n; written below.

    Raises:
        InputValueError: a column is missing, or there is no row.

    >>> table = pd.DataFrame({"x": [16, 32], "value": [900.0, 800.0], "low": [890.0, 790.0], "high": [910.0, 810.0]})
    >>> [ax.get_xlabel() for ax in cost_curves(table.assign(axis="layers", contender="ours")).axes]
    ['layers']
    """
    demand(table, *COLUMNS)
    names, contenders = (list(dict.fromkeys(table[column])) for column in ("axis", "contender"))
    columns = min(ABREAST, len(names))
    rows = -(-len(names) // columns)
    figure, axes = canvas(COLUMN * columns, ROW * rows + 0.5, rows=rows, columns=columns)
    for ax, name in zip(axes, names, strict=False):
        for number, contender in enumerate(contenders):
            part = table[(table["axis"] == name) & (table["contender"] == contender)].sort_values("x")
            _line(ax, part, str(contender), number)
        _dress(ax, table[table["axis"] == name], str(name))
    for ax in axes[len(names) :]:
        ax.set_visible(False)
    figure.supylabel(value, fontsize=9)
    if note:
        figure.supxlabel(note, fontsize=9)
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=3, frameon=False, fontsize=9)
    return figure


def _line(ax: Axes, part: pd.DataFrame, name: str, number: int) -> None:
    look = {**style(number), "linestyle": DASHES[number % len(DASHES)]}
    ax.plot(part["x"], part["value"], label=name, markersize=4.5, linewidth=1.6, **look)
    ax.fill_between(part["x"], part["low"], part["high"], color=look["color"], alpha=0.15, linewidth=0)


def _dress(ax: Axes, part: pd.DataFrame, name: str) -> None:
    plain = FuncFormatter(lambda number, _: f"{number:,.0f}")
    ax.set_xscale("log")
    ax.set_yscale("log")
    ax.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    ax.set_xticks(sorted(set(part["x"])))
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_formatter(plain)
        axis.set_minor_locator(NullLocator())
    ax.tick_params(axis="x", rotation=30, labelsize=8)
    ax.set_xlabel(name, fontsize=9, color=INK)
    ax.grid(color=LINE, linewidth=0.7)
    ax.set_axisbelow(True)
