"""Panels and grids over layers show what the table says."""

import numpy as np
import pandas as pd
import pytest

from erniem_lab.errors import InputValueError
from erniem_lab.visual import layer_grid, layer_panels


@pytest.fixture
def table():
    rows = [
        {"measure": measure, "of": of, "layer": layer, "value": v, "low": v - 0.1, "high": v + 0.1, "chance": 0.05}
        for v, (measure, of, layer) in enumerate((m, o, i) for m in ("CKA", "ANC") for o in "ab" for i in (1, 0))
    ]
    return pd.DataFrame(rows)


def test_each_panel_has_its_lines_over_sorted_layers(table):
    one, two = layer_panels(table, panel="measure", group="of", value="share").axes
    assert (one.get_title(), two.get_title()) == ("CKA", "ANC")
    assert [line.get_ydata().tolist() for line in one.lines[:2]] == [[1, 0], [3, 2]]
    assert one.lines[0].get_xdata().tolist() == [0, 1]


def test_groups_differ_in_more_than_colour(table):
    lines = layer_panels(table, panel="measure", group="of", value="share").axes[0].lines[:2]
    assert len({(line.get_marker(), line.get_linestyle()) for line in lines}) == 2


def test_chance_is_drawn_if_the_table_has_it(table):
    with_chance, without = (
        layer_panels(one, panel="measure", value="share").axes[0] for one in (table, table.drop(columns="chance"))
    )
    assert with_chance.lines[-1].get_ydata().tolist() == [0.05, 0.05]
    assert len(with_chance.lines) == len(without.lines) + 1


def test_panels_share_one_scale_and_name_it_once(table):
    one, two = layer_panels(table, panel="measure", value="share").axes
    assert one.get_ylim() == two.get_ylim()
    assert (one.get_ylabel(), two.get_ylabel()) == ("share", "")
    assert layer_panels(table, panel="measure", value="share", limits=(0.0, 9.0)).axes[0].get_ylim() == (0, 9)


def test_the_note_stands_below(table):
    figure = layer_panels(table, panel="measure", value="share", note="one run")
    assert figure.get_supxlabel().endswith("one run")


def test_a_grid_has_rows_in_the_tables_order_and_layers_in_theirs(table):
    figure = layer_grid(table[table["measure"] == "CKA"], by="of", value="CKA", title="n = 9", limits=(0.0, 4.0))
    image = figure.axes[0].images[0]
    np.testing.assert_array_equal(image.get_array(), [[1, 0], [3, 2]])
    assert (image.get_clim(), figure.axes[0].get_title()) == ((0, 4), "n = 9")


def test_tables_that_do_not_fit_are_refused(table):
    with pytest.raises(InputValueError, match="no column kind"):
        layer_panels(table, panel="kind", value="share")
    with pytest.raises(InputValueError, match="select one measure"):
        layer_grid(table, by="of", value="share")
    with pytest.raises(InputValueError, match="one row for each of and layer"):
        layer_grid(table.iloc[1:4], by="of", value="share")
