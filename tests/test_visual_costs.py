"""Pictures of costs: a field for each thing that grows, a line for each contender."""

import pandas as pd
import pytest

from erniem_lab.errors import InputValueError
from erniem_lab.visual import cost_curves


def table(axes: list[str], contenders: list[str]) -> pd.DataFrame:
    rows = [(axis, x, name, 100.0 * x) for axis in axes for name in contenders for x in (8, 64)]
    found = pd.DataFrame(rows, columns=["axis", "x", "contender", "value"])
    return found.assign(low=found["value"] / 2, high=found["value"] * 2)


def test_each_axis_has_a_field_with_every_contender() -> None:
    figure = cost_curves(table(["texts", "layers", "length"], ["ours", "theirs"]), note="3 rounds")
    shown = [ax for ax in figure.axes if ax.get_visible()]
    assert [ax.get_xlabel() for ax in shown] == ["texts", "layers", "length"]
    assert {len(ax.lines) for ax in shown} == {2}
    assert {ax.get_xscale() for ax in shown} == {"log"}


def test_a_line_is_the_values_and_its_band_the_range() -> None:
    (ax,) = cost_curves(table(["texts"], ["ours"])).axes
    assert ax.lines[0].get_ydata().tolist() == [800.0, 6400.0]
    assert ax.collections[0].get_datalim(ax.transData).bounds[1] == pytest.approx(400.0)


@pytest.mark.parametrize(("given", "said"), [(table([], []), "no row"), (pd.DataFrame({"x": [1]}), "no column axis")])
def test_a_table_of_something_else_is_refused(given: pd.DataFrame, said: str) -> None:
    with pytest.raises(InputValueError, match=said):
        cost_curves(given)
