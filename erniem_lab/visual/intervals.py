"""Numbers with their intervals, drawn from a tidy table: by name as dots, by layer as lines."""

from collections.abc import Iterator

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from erniem_lab.visual.canvas import DASHES, INK, LINE, canvas, style
from erniem_lab.visual.fonts import labels, writing
from erniem_lab.visual.tables import demand

COLUMNS = ("value", "low", "high")
ROW = 0.27  # inches
SPREAD = 0.5  # of a row, over which the groups' dots are spread
Limits = tuple[float, float] | None
Mark = float | None


def dot_intervals(
    table: pd.DataFrame,
    *,
    by: str,
    value: str,
    group: str = "",
    note: str = "",
    limits: Limits = None,
    mark: Mark = None,
) -> Figure:
    """A row for each `by`, with a dot at the value and a bar over its interval; groups differ in colour and marker.

    Args:
        table: columns `value`, `low`, `high`, the one named by `by`, and the one named by `group` if given.
        value: what the values are, with their unit.
        note: what the intervals are, and n; written below the axis.
        limits: the ends of the axis, such as 0 and 1 for shares; as the values need if not given.
        mark: a value to compare with, such as chance, as a dotted line.

    Raises:
        InputValueError: a column is missing, or there is no row.

    >>> table = pd.DataFrame({"language": ["de", "th"], "value": [0.3, 0.6], "low": [0.2, 0.5], "high": [0.4, 0.7]})
    >>> dot_intervals(table, by="language", value="tokens per character").axes[0].get_xlabel()
    'tokens per character'
    """
    demand(table, *COLUMNS, *filter(None, (by, group)))
    names = list(dict.fromkeys(table[by].astype(str)))
    figure, (ax,) = canvas(7.0, 0.9 + ROW * len(names) * (1.35 if group else 1))
    parts = list(_groups(table, group))
    for number, (name, part) in enumerate(parts):
        shift = SPREAD * ((number + 0.5) / len(parts) - 0.5)
        places = [names.index(item) + shift for item in part[by].astype(str)]
        ax.hlines(places, part["low"], part["high"], color=style(number)["color"], linewidth=1.6)
        ax.scatter(part["value"], places, s=26, zorder=3, clip_on=False, label=name, **style(number))
    ax.set_yticks(range(len(names)), labels(names), **writing())
    ax.set_ylim(len(names) - 0.5, -0.5)
    ax.set_ylabel(by, fontsize=9)
    ax.set_xlim(limits)
    if mark is not None:
        ax.axvline(mark, color=INK, linestyle=":", linewidth=1.2)
    _finish(ax, "x", value, note, legend=bool(group))
    return figure


def layer_lines(
    table: pd.DataFrame, *, value: str, group: str = "", note: str = "", limits: Limits = None, mark: Mark = None
) -> Figure:
    """A line over the layers for each group, in a band that is its interval; layer 0 is the embedding output.

    Args:
        table: columns `layer`, `value`, `low`, `high`, and the one named by `group` if given.
        value: what the values are, with their unit.
        note: what the bands are, and n; written below the axis.
        limits: the ends of the upright axis; as the values need if not given.
        mark: a value to compare with, such as chance, as a dotted line.

    Raises:
        InputValueError: a column is missing, or there is no row.

    >>> table = pd.DataFrame({"layer": [0, 1], "value": [0.1, 0.4], "low": [0.0, 0.3], "high": [0.2, 0.5]})
    >>> layer_lines(table, value="accuracy (share)").axes[0].get_ylabel()
    'accuracy (share)'
    """
    demand(table, *COLUMNS, *filter(None, ("layer", group)))
    figure, (ax,) = canvas(7.0, 3.4)
    for number, (name, part) in enumerate(_groups(table.sort_values("layer", kind="stable"), group)):
        look = {**style(number), "linestyle": DASHES[number % len(DASHES)]}
        ax.plot(part["layer"], part["value"], label=name, markersize=5, linewidth=1.8, **look)
        ax.fill_between(part["layer"], part["low"], part["high"], color=look["color"], alpha=0.13, linewidth=0)
    ax.set_xticks(sorted(set(table["layer"])))
    ax.set_xlabel("layer (0: embedding output)" + (f"\n{note}" if note else ""), fontsize=9)
    ax.set_ylim(limits)
    if mark is not None:
        ax.axhline(mark, color=INK, linestyle=":", linewidth=1.2)
    _finish(ax, "y", value, "", legend=bool(group))
    return figure


def _groups(table: pd.DataFrame, group: str) -> Iterator[tuple[str, pd.DataFrame]]:
    """The parts of a table in the order in which their names first stand there."""
    if not group:
        yield "", table
        return
    for name in dict.fromkeys(table[group]):
        yield str(name), table[table[group] == name]


def _finish(ax: Axes, side: str, value: str, note: str, *, legend: bool) -> None:
    label = f"{value}\n{note}" if note else value
    (ax.set_xlabel if side == "x" else ax.set_ylabel)(label, fontsize=9)
    ax.grid(axis="x" if side == "x" else "y", color=LINE, linewidth=0.7)
    ax.set_axisbelow(True)
    if legend:
        ax.legend(frameon=False, fontsize=9, loc="upper left", bbox_to_anchor=(1.03, 1.0), prop=_font())


def _font() -> dict[str, object]:
    return {"family": writing()["fontfamily"], "size": 9}
