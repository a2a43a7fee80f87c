"""Pictures say what the results say: values, names in their own script or a plain stand-in, and no leak unseen."""

import io
import re
import warnings

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from erniem_lab.errors import InputValueError
from erniem_lab.tracing import Trace
from erniem_lab.visual import Reading, attention_map, dot_intervals, layer_lines, number_grid, reading_grids
from erniem_lab.visual import fonts as fonts_module
from erniem_lab.visual.canvas import BLUE, COLOURS, LIGHT, SOFT
from erniem_lab.visual.fonts import drawable, labels, missing, writing

SCRIPTS = {
    "ar": "القطة", "el": "γάτα", "hi": "बिल्ली", "ja": "ねこ", "ko": "고양이", "ru": "кошка", "th": "แมว", "ur": "بلی",
    "vi": "mèo", "zh": "猫",
}  # fmt: skip
TABLE = pd.DataFrame({"layer": [0, 1], "value": [0.25, 0.5], "low": [0.125, 0.25], "high": [0.5, 0.75]})


def written(figure) -> str:
    """The figure as SVG with its text as text."""
    with plt.rc_context({"svg.fonttype": "none"}):
        figure.savefig(file := io.StringIO(), format="svg")
    return file.getvalue()


def a_trace(tokens: int = 3, layers: int = 2, heads: int = 4) -> Trace:
    attention = np.random.default_rng(0).dirichlet(np.ones(tokens), size=(layers, heads, tokens))
    return Trace(
        texts=("a b",),
        tokens=tuple(f"t{i}" for i in range(tokens)),
        words=(),
        sentence=np.zeros(tokens, dtype=int),
        special=(False,) * tokens,
        hidden=np.zeros((layers + 1, tokens, 2)),
        attention=attention,
    )


@pytest.mark.parametrize("language", SCRIPTS)
def test_a_script_is_drawn_without_a_box_or_named_instead(language):
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # matplotlib warns of each glyph that it lacks
        name = labels([SCRIPTS[language]])[0]
        assert name in written(number_grid(np.eye(1), [SCRIPTS[language]], ["x"], value="share"))


def test_without_fonts_a_name_says_script_and_place(monkeypatch):
    monkeypatch.setattr(fonts_module, "_glyphs", lambda: frozenset(range(0x250)))
    assert labels(["cat", SCRIPTS["th"], SCRIPTS["zh"]]) == ("cat", "thai 1", "cjk 2")
    assert missing(SCRIPTS.values()) >= ("arabic", "cjk", "cyrillic")


def test_a_matplotlib_that_cannot_shape_is_not_asked_to(monkeypatch):
    monkeypatch.setattr(fonts_module, "_shapes", lambda: False)
    assert not drawable(SCRIPTS["ar"])
    assert not drawable(SCRIPTS["hi"])
    assert drawable(SCRIPTS["ru"])


def test_a_dollar_in_a_token_is_no_formula():
    svg = written(number_grid(np.eye(2), ["$a_b$", "$"], ["x", "y"], value="share"))
    assert "$a_b$" in svg
    assert writing()["parse_math"] is False


def test_a_grid_shows_the_numbers_it_was_given():
    numbers = np.array([[0.1, 0.9], [0.4, 0.6]])
    figure = number_grid(numbers, ["a", "b"], ["c", "d"], value="share", limits=(0.0, 1.0))
    image = figure.axes[0].images[0]
    assert np.array_equal(image.get_array(), numbers)
    assert image.get_clim() == (0.0, 1.0)


def test_names_that_do_not_fit_the_numbers_are_refused():
    with pytest.raises(InputValueError, match="2 rows and 1 columns"):
        number_grid(np.eye(2), ["a", "b"], ["c"], value="share")


@pytest.mark.parametrize("head", [None, 2])
def test_an_attention_map_draws_its_layer_and_head(head):
    trace = a_trace()
    wanted = trace.attention[1].mean(axis=0) if head is None else trace.attention[1, head]
    image = attention_map(trace, 2, head).axes[0].images[0]
    assert np.allclose(image.get_array(), wanted)


@pytest.mark.parametrize(("layer", "head", "word"), [(0, None, "layer=0"), (3, None, "layer=3"), (1, 4, "head=4")])
def test_a_layer_or_head_that_is_not_there_is_refused(layer, head, word):
    with pytest.raises(InputValueError, match=word):
        attention_map(a_trace(), layer, head)


def test_a_trace_too_long_to_name_its_tokens_is_refused():
    with pytest.raises(InputValueError, match="65 tokens"):
        attention_map(a_trace(tokens=65), 1)


def test_lines_go_through_the_values_inside_their_band():
    ax = layer_lines(TABLE, value="accuracy", note="n = 3", mark=0.1, limits=(0.0, 1.0)).axes[0]
    assert ax.lines[0].get_xydata().tolist() == [[0, 0.25], [1, 0.5]]
    corners = ax.collections[0].get_paths()[0].vertices
    assert (corners[:, 1].min(), corners[:, 1].max()) == (0.125, 0.75)
    assert ax.lines[1].get_ydata()[0] == 0.1
    assert ax.get_ylim() == (0.0, 1.0)
    assert "n = 3" in ax.get_xlabel()


def test_layers_are_drawn_in_their_order_whatever_the_table_has():
    ax = layer_lines(TABLE[::-1], value="accuracy").axes[0]
    assert ax.lines[0].get_xdata().tolist() == [0, 1]


def test_dots_stand_at_the_values_and_bars_over_the_intervals():
    table = TABLE.assign(language=["de", "zh"])
    ax = dot_intervals(table, by="language", value="share", note="n = 3", mark=0.3).axes[0]
    bars, dots = ax.collections
    assert dots.get_offsets().tolist() == [[0.25, 0], [0.5, 1]]
    assert [segment[:, 0].tolist() for segment in bars.get_segments()] == [[0.125, 0.5], [0.25, 0.75]]
    assert ax.lines[-1].get_xdata()[0] == 0.3
    assert "n = 3" in ax.get_xlabel()


def test_a_figure_says_in_words_what_is_drawn_in_it():
    table = pd.concat([TABLE.assign(of="one"), TABLE.assign(of="two")])
    assert repr(dot_intervals(table, by="layer", group="of", value="share")) == "figure: layer; share; one; two"


@pytest.mark.parametrize("draw", [layer_lines, lambda table, **how: dot_intervals(table, by="layer", **how)])
def test_groups_are_told_apart_by_colour_and_marker_and_named(draw):
    table = pd.concat([TABLE.assign(of="one"), TABLE.assign(of="two")])
    ax = draw(table, group="of", value="share").axes[0]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["one", "two"]
    assert ax.get_legend_handles_labels()[1] == ["one", "two"]


@pytest.mark.parametrize("column", ["value", "low", "high", "layer"])
def test_a_table_without_its_columns_is_refused(column):
    with pytest.raises(InputValueError, match=column):
        layer_lines(TABLE.drop(columns=column), value="share")


@pytest.mark.parametrize("draw", [layer_lines, lambda table, **how: dot_intervals(table, by="layer", **how)])
def test_a_table_without_a_row_is_refused(draw):
    with pytest.raises(InputValueError, match="table has no row"):
        draw(TABLE[:0], value="share")


def test_a_grid_without_a_cell_is_refused():
    with pytest.raises(InputValueError, match="0 rows"):
        number_grid(np.zeros((0, 2)), [], ["x", "y"], value="share")


def test_colours_differ_in_lightness_too():
    light = sorted(sum(w * int(c[i : i + 2], 16) for w, i in ((0.3, 1), (0.59, 3), (0.11, 5))) for c in COLOURS[:3])
    assert min(np.diff(light)) > 15  # of 255
    assert len({BLUE, LIGHT, SOFT}) == 3


def test_a_leak_is_drawn_in_its_own_colour_and_named():
    eye, all_ones = np.eye(2, dtype=bool), np.ones((2, 2), dtype=bool)
    tight = Reading("tight", ("a", "b"), eye, eye, ~eye)
    leaky = Reading("leaky", ("a", "b"), eye, all_ones, ~eye)
    assert (tight.leaks, leaky.leaks) == (0, 2)
    assert "leaks" not in written(reading_grids([tight]))
    figure = reading_grids([tight, leaky])
    assert figure.axes[1].images[0].get_array().tolist() == [[2, 3], [3, 2]]
    assert "leaks" in written(figure)


def test_figures_are_left_to_the_notebook_to_show_once():
    number_grid(np.eye(1), ["a"], ["b"], value="share")
    assert plt.get_fignums() == []


def test_every_figure_names_its_axes():
    figure = attention_map(a_trace(), 1)
    assert re.search("query", figure.axes[0].get_ylabel())
    assert re.search("key", figure.axes[0].get_xlabel())
