"""Several measures over the layers side by side, and layers of many languages as one grid."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from erniem_lab.errors import InputValueError
from erniem_lab.visual.canvas import DASHES, INK, LINE, canvas, style
from erniem_lab.visual.fonts import labels, writing
from erniem_lab.visual.grids import number_grid
from erniem_lab.visual.tables import demand

COLUMNS = ("layer", "value", "low", "high")
WIDEST = 6.8  # inches: wider figures are shrunk by the page, and their letters with them
PANEL = 3.0
Limits = tuple[float, float] | None


def layer_panels(
    table: pd.DataFrame,
    *,
    panel: str,
    value: str,
    group: str = "",
    note: str = "",
    limits: Limits = None,
) -> Figure:
    """A field for each `panel` with lines over its layers, each in a band that is its interval; one scale for all.

    Args:
        table: columns `layer`, `value`, `low`, `high`, those named by `panel` and `group`, and `chance` if at hand, of
            which the mean over a panel is drawn as a dotted line at each layer.
        value: what the values are, with their unit.
        note: what the bands are, and n; written below.
        limits: the ends of the upright axes; as the values need if not given.

    Raises:
        InputValueError: a column is missing, or there is no row.

    >>> table = pd.DataFrame({"layer": [0, 1], "value": [0.1, 0.4], "low": [0.0, 0.3], "high": [0.2, 0.5]})
    >>> [ax.get_title() for ax in layer_panels(table.assign(measure="CKA"), panel="measure", value="likeness").axes]
    ['CKA']
    """
    demand(table, *COLUMNS, *filter(None, (panel, group)))
    names = list(dict.fromkeys(table[panel]))
    groups = list(dict.fromkeys(table[group])) if group else [""]
    figure, axes = canvas(min(WIDEST, PANEL * len(names) + 0.6), 3.0, columns=len(names))
    for ax, name in zip(axes, names, strict=True):
        part = table[table[panel] == name].sort_values("layer", kind="stable")
        for number, one in enumerate(groups):
            _line(ax, part[part[group] == one] if group else part, str(one), number)
        _dress(ax, part, str(name), limits)
    _share_scale(axes)
    axes[0].set_ylabel(value, fontsize=9)
    figure.supxlabel("layer (0: embedding output)" + (f"\n{note}" if note else ""), fontsize=9)
    if group:
        handles, texts = axes[0].get_legend_handles_labels()
        figure.legend(handles, labels(texts), loc="outside upper center", ncols=4, frameon=False, prop=_font())
    return figure


def layer_grid(table: pd.DataFrame, *, by: str, value: str, title: str = "", limits: Limits = None) -> Figure:
    """A row for each `by`, such as a language, and a column for each layer; the darker, the larger the value.

    Raises:
        InputValueError: a layer of one of them is missing, or there twice.

    >>> table = pd.DataFrame({"language": ["de", "th"], "layer": [0, 0], "value": [0.3, 0.6]})
    >>> layer_grid(table, by="language", value="CKA").axes[0].get_ylabel()
    'language'
    """
    cells = table.pivot_table(index=by, columns="layer", values="value", sort=False, aggfunc=["mean", "size"])
    if not len(table) or not (cells["size"] == 1).to_numpy().all():
        raise InputValueError(f"table needs one row for each {by} and layer; select one measure first")
    numbers = cells["mean"].sort_index(axis=1)
    rows, columns = (list(map(str, names)) for names in (numbers.index, numbers.columns))
    values = numbers.to_numpy(dtype=np.float64)
    return number_grid(values, rows, columns, value=value, title=title, axes=(by, "layer"), limits=limits)


def _line(ax: Axes, part: pd.DataFrame, name: str, number: int) -> None:
    look = {**style(number), "linestyle": DASHES[number % len(DASHES)]}
    ax.plot(part["layer"], part["value"], label=name, markersize=4.5, linewidth=1.6, **look)
    ax.fill_between(part["layer"], part["low"], part["high"], color=look["color"], alpha=0.15, linewidth=0)


def _dress(ax: Axes, part: pd.DataFrame, name: str, limits: Limits) -> None:
    if "chance" in part:
        chance = part.groupby("layer")["chance"].mean()
        ax.plot(chance.index, chance, color=INK, linestyle=":", linewidth=1.2)
    ax.set_xticks(sorted(set(part["layer"])))
    ax.set_title(labels([name])[0], fontsize=9, color=INK, **writing())
    ax.set_ylim(limits)
    ax.grid(axis="y", color=LINE, linewidth=0.7)
    ax.set_axisbelow(True)


def _share_scale(axes: Sequence[Axes]) -> None:
    """One scale, written at the first panel."""
    low, high = (pick(ax.get_ylim()[end] for ax in axes) for end, pick in ((0, min), (1, max)))
    for place, ax in enumerate(axes):
        ax.set_ylim(low, high)
        ax.tick_params(labelleft=place == 0)


def _font() -> dict[str, object]:
    return {"family": writing()["fontfamily"], "size": 9}
