"""Intervals by layer: the bootstrap's and the jackknife's known values, and tables of them."""

import numpy as np
import pytest

from erniem_lab.errors import InputValueError
from erniem_lab.metrics import Estimate
from erniem_lab.probing import LayerScores, layer_table, mean_of_languages
from erniem_lab.probing.layer_scores import GROUPS, groups_of, jackknifed, resampled_means


def score(second: str, *values: float, measure: str = "cka") -> LayerScores:
    estimates = tuple(Estimate(value, value, value, 9) for value in values)
    return LayerScores(measure, "en", second, estimates, (0.25,) * len(values))


def test_resampled_means_spread_as_a_binomial_does():
    hits = np.array([[True] * 30 + [False] * 70])
    means = resampled_means(hits)[:, 0]
    assert means.mean() == pytest.approx(0.3, abs=0.005)
    assert means.std() == pytest.approx(np.sqrt(0.3 * 0.7 / 100), rel=0.08)


def test_the_jackknife_of_a_mean_is_students_interval():
    numbers = np.random.default_rng(0).normal(size=GROUPS)
    left_out = [(numbers.sum() - one) / (GROUPS - 1) for one in numbers]
    found = jackknifed(float(numbers.mean()), left_out, GROUPS)
    reach = 2.093 * numbers.std(ddof=1) / np.sqrt(GROUPS)
    assert (found.low, found.high) == pytest.approx((numbers.mean() - reach, numbers.mean() + reach))


def test_groups_are_of_one_size_and_drawn():
    one, same, other = (groups_of(100, seed) for seed in (0, 0, 1))
    assert np.bincount(one).tolist() == [5] * GROUPS
    assert one.tolist() == same.tolist() != other.tolist()


def test_the_mean_of_languages_resamples_languages():
    languages = [score("de", 0.2, 0.5), score("fr", 0.4, 0.5), score("th", 0.9, 0.5)]
    varied, constant = mean_of_languages(languages).estimates
    assert (varied.value, varied.n) == (pytest.approx(0.5), 3)
    assert varied.low < 0.3
    assert varied.high > 0.7
    assert (constant.low, constant.high) == (0.5, 0.5)
    assert mean_of_languages(languages).chance == (0.25, 0.25)


def test_the_seed_draws_languages():
    languages = [score(str(place), place / 7, place / 5) for place in range(8)]
    one, same, other = (mean_of_languages(languages, seed=seed) for seed in (0, 0, 3))
    assert one == same
    assert one != other


@pytest.mark.parametrize("given", [[], [score("de", 0.1), score("fr", 0.1, 0.2)], [
    score("de", 0.1), score("de", 0.1, measure="anc")]])  # fmt: skip
def test_what_has_no_mean_is_refused(given):
    with pytest.raises(InputValueError, match="give those of one"):
        mean_of_languages(given)


def test_a_table_has_a_row_for_each_score_and_layer():
    table = layer_table([score("de", 0.1, 0.2), score("fr", 0.3, 0.4)])
    assert table[["second", "layer", "value"]].to_numpy().tolist() == [
        ["de", 0, 0.1], ["de", 1, 0.2], ["fr", 0, 0.3], ["fr", 1, 0.4],
    ]  # fmt: skip
    assert score("de", 0.1, 0.3, 0.2).best() == 1
