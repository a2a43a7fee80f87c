"""Likeness of whole languages: the textbook formulas in double precision, and each measure's laws."""

import numpy as np
import pytest
from jaxtyping import config as shape_checks
from probing_textbook import TEXTBOOK, textbook_cka, textbook_debiased

from erniem_lab.errors import InputValueError
from erniem_lab.probing import compare, debiased_cka, linear_cka, neuron_correlation, svcca
from erniem_lab.probing.similarity import MEASURES, Measure

TEXTS, WIDTH = 200, 10
FUNCTIONS = {"cka": linear_cka, "debiased_cka": debiased_cka, "svcca": svcca, "anc": neuron_correlation}


@pytest.fixture
def sides():
    draw = np.random.default_rng(0)
    first = draw.normal(size=(TEXTS, WIDTH)) * np.linspace(0.3, 2, WIDTH) + 3
    return first, 0.7 * first @ draw.normal(size=(WIDTH, WIDTH)) + draw.normal(size=first.shape)


def rotation(seed=1):
    return np.linalg.qr(np.random.default_rng(seed).normal(size=(WIDTH, WIDTH)))[0]


@pytest.mark.parametrize("name", MEASURES)
def test_a_measure_is_its_textbook_formula(name: Measure, sides):
    exact = 1e-5 if name == "svcca" else 1e-10  # scikit-learn's CCA iterates
    assert FUNCTIONS[name](*sides) == pytest.approx(TEXTBOOK[name](*sides), abs=exact)
    (score,) = compare(sides[0][None], sides[1][None], measures=[name])
    assert score.estimates[0].value == pytest.approx(FUNCTIONS[name](*sides), abs=1e-12)


def test_sides_may_differ_in_width_where_neurons_are_not_paired(sides, monkeypatch):
    monkeypatch.setattr(shape_checks, "jaxtyping_disable", True)  # as for users, who run without these checks
    wide = np.column_stack([sides[0], sides[0] ** 2])
    assert linear_cka(wide, sides[1]) == pytest.approx(textbook_cka(wide, sides[1]), abs=1e-10)
    assert debiased_cka(wide, sides[1]) == pytest.approx(textbook_debiased(wide, sides[1]), abs=1e-10)
    with pytest.raises(InputValueError, match="20 and 10 numbers"):
        neuron_correlation(wide, sides[1])


@pytest.mark.parametrize("name", MEASURES)
def test_scaling_and_moving_a_side_changes_nothing(name: Measure, sides):
    changed = 7 * sides[1] - 4
    assert FUNCTIONS[name](sides[0], changed) == pytest.approx(FUNCTIONS[name](*sides), abs=1e-8)


@pytest.mark.parametrize("name", ["cka", "debiased_cka", "svcca"])
def test_turning_a_side_changes_nothing(name: Measure, sides):
    assert FUNCTIONS[name](sides[0], sides[1] @ rotation()) == pytest.approx(FUNCTIONS[name](*sides), abs=1e-8)


def test_neurons_are_compared_with_their_own():
    states = np.random.default_rng(0).normal(size=(TEXTS, WIDTH))
    assert neuron_correlation(states, states @ rotation()) < 0.7 < neuron_correlation(states, states)


@pytest.mark.parametrize("name", MEASURES)
def test_a_side_is_like_itself(name: Measure, sides):
    assert FUNCTIONS[name](sides[0], sides[0]) == pytest.approx(1, abs=1e-9)


def test_svcca_drops_axes_that_hold_almost_nothing(sides):
    draw = np.random.default_rng(3)
    noise = 1e-3 * draw.normal(size=(2, TEXTS, 5))
    one, two = (np.column_stack([side, part]) for side, part in zip(sides, noise, strict=True))
    assert svcca(one, two) == pytest.approx(svcca(*sides), abs=0.01)


def test_the_debiased_measure_alone_is_free_of_width():
    draw = np.random.default_rng(0)
    scores = compare(*draw.normal(size=(2, 5, 100, 80)), measures=["cka", "debiased_cka"])
    plain, debiased = (np.mean([one.value for one in score.estimates]) for score in scores)
    assert plain > 0.4
    assert abs(debiased) < 0.03


@pytest.mark.parametrize("name", MEASURES)
def test_chance_is_what_unrelated_sides_give(name: Measure):
    draw = np.random.default_rng(0)
    (score,) = compare(*draw.normal(size=(2, 6, 100, 30)), measures=[name])
    assert np.mean(score.chance) == pytest.approx(np.mean([one.value for one in score.estimates]), abs=0.03)


def test_chance_is_of_the_same_states_shuffled(sides):
    (score,) = compare(sides[0][None], sides[0][None], measures=["anc"])
    assert score.estimates[0].value == pytest.approx(1)
    assert score.chance[0] < 0.2


@pytest.mark.parametrize("name", MEASURES)
def test_intervals_cover_what_other_texts_of_the_kind_give(name: Measure):
    """Of 60 draws of 200 texts, most must cover the value that 20,000 texts give (SVCCA's falls with n: 2,000)."""
    draw = np.random.default_rng(0)
    mixing = draw.normal(size=(WIDTH, WIDTH))

    def drawn(count):
        first = draw.normal(size=(count, WIDTH))
        return first, first @ mixing + 3 * draw.normal(size=(count, WIDTH))

    if name in ("svcca", "cka", "anc"):  # few texts raise these: the truth is that of as many texts
        truth = np.mean([FUNCTIONS[name](*drawn(TEXTS)) for _ in range(300)])
    else:
        truth = FUNCTIONS[name](*drawn(20_000))
    firsts, seconds = (np.stack(side) for side in zip(*(drawn(TEXTS) for _ in range(60)), strict=True))
    (score,) = compare(firsts, seconds, measures=[name])
    covered = np.mean([one.low <= truth <= one.high for one in score.estimates])
    assert covered >= 0.85
    assert np.mean([one.high - one.low for one in score.estimates]) < 0.25


def test_the_seed_draws_groups_and_shuffles(sides):
    one, same, other = (compare(sides[0][None], sides[1][None], measures=["cka"], seed=s)[0] for s in (0, 0, 5))
    assert one == same
    assert one.estimates[0].value == other.estimates[0].value
    assert one.chance != other.chance
    assert one.estimates[0].low != other.estimates[0].low


def test_states_that_differ_by_rounding_alone_are_like_nothing():
    draw = np.random.default_rng(0)
    same = np.ones((1, 60, WIDTH)) + 1e-7 * draw.normal(size=(1, 60, WIDTH))
    for score in compare(same, draw.normal(size=(1, 60, WIDTH))):
        assert (score.estimates[0].value, score.chance[0]) == (0, 0)


@pytest.mark.parametrize("kind", [np.float16, np.float32])
def test_narrow_numbers_are_summed_in_double(kind, sides):
    one, two = (side.astype(kind) for side in sides)
    assert linear_cka(one, two) == pytest.approx(textbook_cka(one.astype(float), two.astype(float)), abs=1e-10)


def test_what_does_not_fit_is_refused(sides, monkeypatch):
    monkeypatch.setattr(shape_checks, "jaxtyping_disable", True)  # as for users, who run without these checks
    one, two = sides
    with pytest.raises(InputValueError, match="measures="):
        compare(one[None], two[None], measures=["rsa"])  # type: ignore[list-item]
    with pytest.raises(InputValueError, match="layers"):
        compare(np.stack([one, one]), two[None])
    with pytest.raises(InputValueError, match="as many on both sides"):
        linear_cka(one, two[1:])
    with pytest.raises(InputValueError, match="give 20"):
        compare(one[None, :10], two[None, :10])


def test_languages_and_measures_name_the_rows(sides):
    scores = compare(sides[0][None], sides[1][None], languages=("en", "sw"), measures=["anc", "cka"])
    assert [(one.measure, one.first, one.second) for one in scores] == [("anc", "en", "sw"), ("cka", "en", "sw")]
