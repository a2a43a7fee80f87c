"""How a training went: the loss of each objective over the steps, and the learning rate under it."""

import pandas as pd
from matplotlib.figure import Figure

from erniem_lab.visual.canvas import DASHES, INK, LINE, canvas, style
from erniem_lab.visual.tables import demand

COLUMNS = ("step", "loss", "rate")
PART = "loss_"  # before the name of an objective, as a column
WINDOWS = 20  # a line's mean is over one in so many of its points


def loss_curve(curve: pd.DataFrame, *, value: str = "loss (nats)", note: str = "one run") -> Figure:
    """Each objective's loss, as faint points and as a line through their running mean; the learning rate below.

    Args:
        curve: the table `curve.csv` of a run's folder: columns `step`, `loss` and `rate`, and one column `loss_NAME`
            for each objective, empty at the steps that it had no part in. Without such columns, `loss` is drawn.
        value: what the losses are, with their unit.
        note: what was run, and how often.

    Raises:
        InputValueError: a column is missing, or there is no row.

    >>> curve = pd.DataFrame({"step": [0, 1], "loss": [3.0, 2.0], "rate": [0.1, 0.0], "loss_TLM": [3.0, 2.0]})
    >>> [ax.get_ylabel() for ax in loss_curve(curve).axes]
    ['loss (nats)', 'learning rate']
    """
    series = _series(curve)
    figure, (high, low) = canvas(7.0, 4.4, rows=2, heights=(3.0, 1.0))
    low.sharex(high)
    for number, (name, losses) in enumerate(series.items()):
        look = {"color": style(number)["color"], "linestyle": DASHES[number % len(DASHES)]}
        high.scatter(losses.index, losses, s=5, alpha=0.3, linewidth=0, color=look["color"])
        high.plot(losses.index, _smooth(losses), label=name, linewidth=1.8, **look)
    low.plot(curve["step"], curve["rate"], color=INK, linewidth=1.4)
    high.tick_params(labelbottom=False)
    high.set_ylabel(value, fontsize=9)
    low.set_ylabel("learning rate", fontsize=9)
    low.set_xlabel(f"step (update)\nlines: running mean over 1/{WINDOWS} of the points; {note}", fontsize=9)
    low.set_ylim(bottom=0)
    for ax in (high, low):
        ax.grid(axis="y", color=LINE, linewidth=0.7)
        ax.set_axisbelow(True)
    high.legend(frameon=False, fontsize=9, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return figure


def _series(curve: pd.DataFrame) -> dict[str, "pd.Series[float]"]:
    """The losses of each objective over the steps that it had a part in."""
    demand(curve, *COLUMNS, name="curve")
    steps = curve.set_index("step").sort_index()
    parts = [name for name in map(str, steps.columns) if name.startswith(PART)] or ["loss"]
    return {name.removeprefix(PART): steps[name].dropna() for name in parts}


def _smooth(losses: "pd.Series[float]") -> "pd.Series[float]":
    return losses.rolling(max(1, len(losses) // WINDOWS), center=True, min_periods=1).mean()
