"""The look that all figures share: sizes, colours that survive colour-blindness and grey, and empty axes."""

from collections.abc import Sequence
from typing import Any

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

INK, SOFT, LINE = "#1d2129", "#5b6472", "#d5d9e0"
BLUE, LIGHT, ORANGE = "#0b4f8a", "#a9cbe8", "#d55e00"

# After Okabe and Ito; the first three differ in lightness. Each has a marker and a dash of its own for readers of grey.
COLOURS = ("#0b4f8a", "#d55e00", "#56b4e9", "#9b4f7f", "#009e73", "#e69f00", "#1d2129", "#8a8f99")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
DASHES: tuple[Any, ...] = ("-", "--", "-.", ":", (0, (5, 1)), (0, (3, 1, 1, 1)), (0, (1, 1)), (0, (7, 2, 2, 2)))

RESOLUTION = 130  # dots per inch: sharp where a page shows the picture at its own size
FRAME = ("left", "right", "top", "bottom")


class Picture(Figure):
    """A figure that says in words what is drawn in it; reports take that as the picture's alternative text.

    >>> figure, (ax,) = canvas(3.0, 3.0)
    >>> ax.set(title="layer 1", xlabel="token read", ylabel="reading token") and figure
    figure: layer 1; reading token; token read
    """

    def __repr__(self) -> str:
        axes = [ax for ax in self.axes if ax.get_visible()]
        said = [text for ax in axes for text in (ax.get_title(), ax.get_ylabel(), ax.get_xlabel())]
        legends = [*self.legends, *(legend for ax in axes if (legend := ax.get_legend()))]
        keys = [text.get_text() for legend in legends for text in legend.get_texts()]
        said += [self.get_supylabel(), self.get_supxlabel(), *keys]
        return "figure: " + "; ".join(dict.fromkeys(", ".join(text.splitlines()) for text in said if text))


def canvas(
    width: float, height: float, *, rows: int = 1, columns: int = 1, heights: Sequence[float] | None = None
) -> tuple[Figure, list[Axes]]:
    """A figure of so many inches and its axes, row by row; `heights` are the rows' shares of it, equal by default.

    It is taken off pyplot's list, so that a notebook shows it once: where the cell ends with it.

    >>> figure, axes = canvas(6.0, 3.0, columns=2)
    >>> len(axes), plt.get_fignums()
    (2, [])
    """
    figure, grid = plt.subplots(
        rows,
        columns,
        FigureClass=Picture,
        figsize=(width, height),
        dpi=RESOLUTION,
        layout="constrained",
        squeeze=False,
        height_ratios=heights,
    )
    plt.close(figure)
    figure.set_facecolor("white")
    for ax in grid.flat:
        ax.set_facecolor("white")
        ax.spines[["top", "right"]].set_visible(False)
        ax.spines[["left", "bottom"]].set_color(SOFT)
        ax.tick_params(colors=INK, labelsize=9)
    return figure, list(grid.flat)


def bare(ax: Axes) -> None:
    """Take frame and tick marks away, for tables of cells.

    >>> bare(canvas(2.0, 2.0)[1][0])
    """
    ax.spines[[*FRAME]].set_visible(False)
    ax.tick_params(length=0)


def style(number: int) -> dict[str, Any]:
    """Colour and marker of the n-th series; after the eighth they begin again.

    >>> style(1)["marker"]
    's'
    """
    return {"color": COLOURS[number % len(COLOURS)], "marker": MARKERS[number % len(MARKERS)]}
