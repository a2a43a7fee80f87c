"""A run's picture says what its curve.csv says: each objective by itself, smoothed, with the rate under it."""

import numpy as np
import pandas as pd
import pytest
from training_samples import trained

from erniem_lab.errors import InputValueError
from erniem_lab.visual import loss_curve

STEPS = 100


def a_curve() -> pd.DataFrame:
    """Two objectives in turn, both falling."""
    step = np.arange(STEPS)
    loss = 8.0 - step / 20
    parts = {"loss_TLM": np.where(step % 2 == 0, loss, np.nan), "loss_CAMLM": np.where(step % 2 == 1, loss, np.nan)}
    return pd.DataFrame({"step": step, "loss": loss, "rate": np.linspace(1e-3, 0, STEPS), **parts})


def test_each_objective_has_its_points_and_a_line_of_its_name():
    high = loss_curve(a_curve()).axes[0]
    assert [line.get_label() for line in high.lines] == ["TLM", "CAMLM"]
    assert [text.get_text() for text in high.get_legend().get_texts()] == ["TLM", "CAMLM"]
    even = high.collections[0].get_offsets().tolist()
    assert even == [[step, 8.0 - step / 20] for step in range(0, STEPS, 2)]


def test_objectives_are_told_apart_without_colour():
    lines = loss_curve(a_curve()).axes[0].lines
    assert len({line.get_linestyle() for line in lines}) == 2


def test_the_line_is_a_running_mean():
    curve = a_curve().drop(columns=["loss_TLM", "loss_CAMLM"])
    noise = np.random.default_rng(0).normal(size=STEPS)
    line = loss_curve(curve.assign(loss=5 + noise)).axes[0].lines[0].get_ydata()
    assert line[50] == pytest.approx(5 + noise[48:53].mean())
    assert line.std() < noise.std()


def test_the_rate_stands_under_the_loss_on_the_same_steps():
    high, low = loss_curve(a_curve()).axes
    assert low.lines[0].get_ydata()[0] == 1e-3
    assert high.get_xlim() == low.get_xlim()
    assert (high.get_ylabel(), low.get_ylabel()) == ("loss (nats)", "learning rate")
    assert "step" in low.get_xlabel()


def test_what_the_values_are_and_a_note_can_be_said():
    high, low = loss_curve(a_curve(), value="loss (bits)", note="seed 3").axes
    assert high.get_ylabel() == "loss (bits)"
    assert low.get_xlabel().endswith("seed 3")


def test_the_curve_of_a_run_can_be_drawn(tmp_path):
    _, steps = trained(folder=tmp_path / "run")
    drawn = loss_curve(pd.read_csv(tmp_path / "run" / "curve.csv")).axes[0].collections[0].get_offsets()
    assert drawn[:, 1].tolist() == pytest.approx([step.loss for step in steps])


@pytest.mark.parametrize("column", ["step", "loss", "rate"])
def test_a_curve_without_its_columns_is_refused(column):
    with pytest.raises(InputValueError, match=f"no column {column}"):
        loss_curve(a_curve().drop(columns=column))


def test_a_run_that_has_not_begun_is_refused():
    with pytest.raises(InputValueError, match="curve has no row"):
        loss_curve(a_curve()[:0])
