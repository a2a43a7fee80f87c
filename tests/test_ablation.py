"""Scores of several seeds are summed up honestly: paired, with intervals, and noise is called noise."""

import numpy as np
import pandas as pd
import pytest

from erniem_lab.errors import FileFaultError, InputValueError
from erniem_lab.pretraining.ablation import (
    COLUMNS,
    ROWS,
    best_layers,
    differences,
    mean_scores,
    over_seeds,
    read_scores,
)
from erniem_lab.pretraining.recipe import Recipe
from erniem_lab.training import Plan

SEEDS = 4


def made_up(gain: float, noise: float, measure: str = "tatoeba") -> pd.DataFrame:
    """Scores of two rows; what a seed does to both is large, what it does to one alone is `noise`."""
    draw = np.random.default_rng(0)
    shared, own = draw.normal(scale=0.2, size=SEEDS), draw.normal(scale=noise, size=(2, SEEDS))
    rows = []
    for number, row in enumerate(("MMLM", "all four")):
        for seed in range(SEEDS):
            for language, ease in (("fr", 0.1), ("sw", -0.1)):
                for layer in range(3):
                    value = 0.5 + gain * number + shared[seed] + own[number, seed] + ease - abs(layer - 1 - number)
                    rows.append((row, seed, measure, language, layer, value, 1000, "accuracy@1"))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def test_each_row_can_be_trained():
    for row, shares in ROWS.items():
        assert not shares or Recipe({}, shares, Plan(steps=1)).objectives == shares, row
        assert not shares or sum(shares.values()) == pytest.approx(1)


def test_a_mean_weighs_every_language_alike():
    means = mean_scores(made_up(0, 0).assign(value=lambda table: np.where(table["language"] == "fr", 0.8, 0.2)))
    assert means["value"].tolist() == pytest.approx([0.5] * len(means))
    assert len(means) == 2 * SEEDS * 3


def test_the_language_of_training_is_no_transfer():
    table = made_up(0, 0, "transfer")
    table.loc[table["language"] == "fr", ["language", "value"]] = ["en", 9.0]
    assert mean_scores(table)["value"].max() < 2
    assert mean_scores(table.assign(measure="tatoeba"))["value"].max() > 4


@pytest.mark.parametrize(("measure", "layers"), [("tatoeba", [1, 2]), ("aer", [0, 0])])
def test_each_row_is_shown_at_its_best_layer(measure, layers):
    table = made_up(0, 0.01, measure)
    if measure == "aer":
        table["value"] = 0.1 * table["layer"]
    chosen = best_layers(mean_scores(table))
    assert chosen.groupby("row", sort=False)["layer"].unique().map(list).tolist() == [[layer] for layer in layers]
    assert len(chosen) == 2 * SEEDS


def test_an_interval_over_seeds_is_students():
    found = over_seeds(pd.DataFrame({"row": "A", "measure": "m", "layer": 0, "seed": range(3), "value": [1.0, 2, 3]}))
    assert (found["value"].item(), found["n"].item()) == (2.0, 3)
    assert found["high"].item() == pytest.approx(2 + 4.302653 / np.sqrt(3))  # 97.5 % of t with two degrees of freedom
    assert found["low"].item() == pytest.approx(4 - found["high"].item())


def test_one_seed_has_no_interval_and_proves_nothing():
    means = best_layers(mean_scores(made_up(5, 0)))
    one = means[means["seed"] == 0]
    assert over_seeds(one)["low"].isna().all()
    assert differences(one, "MMLM")["verdict"].tolist() == ["within noise"]


@pytest.mark.parametrize(
    ("gain", "verdict", "fewer"), [(0.1, "better", "worse"), (-0.1, "worse", "better"), (0.0, *["within noise"] * 2)]
)
def test_what_seeds_share_is_no_noise(gain, verdict, fewer):
    """The seeds move both rows by 0.2, and their difference by about 0.01."""
    for measure, expected in (("tatoeba", verdict), ("aer", fewer)):
        means = mean_scores(made_up(gain, 0.01, measure))
        means = means[means["layer"] == means["row"].map({"MMLM": 1, "all four": 2})]  # where made_up has its peaks
        found = differences(means, "MMLM")
        assert (found["row"].item(), found["verdict"].item(), found["n"].item()) == ("all four", expected, SEEDS)
        assert abs(found["value"].item() - gain) < 0.03
        wide = over_seeds(means)
        assert (wide["high"] - wide["low"]).min() > 0.2


def test_only_seeds_that_both_rows_have_are_compared():
    means = best_layers(mean_scores(made_up(0.1, 0.01)))
    missing = means[(means["row"] == "MMLM") | (means["seed"] > 0)]
    assert differences(missing, "MMLM")["n"].item() == SEEDS - 1


def test_comparisons_that_make_no_sense_are_refused():
    means = mean_scores(made_up(0, 0))
    with pytest.raises(InputValueError, match="no such row; there are MMLM, all four"):
        differences(means, "TLM")
    with pytest.raises(InputValueError, match="several layers"):
        differences(means, "MMLM")


def test_scores_are_read_as_they_were_written(tmp_path):
    path, table = tmp_path / "ablation.csv", made_up(0.1, 0.01)
    table.to_csv(path, index=False)
    pd.testing.assert_frame_equal(read_scores(path), table)


def test_a_file_that_is_no_table_of_scores_is_named(tmp_path):
    path = tmp_path / "ablation.csv"
    with pytest.raises(FileFaultError, match=r"ablation\.csv"):
        read_scores(path)
    for text, message in (("", "cannot be read"), ("row,seed\nMMLM,0\n", "no column measure")):
        path.write_text(text)
        with pytest.raises(FileFaultError, match=message):
            read_scores(path)
