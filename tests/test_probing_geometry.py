"""The shape of the space: independent computations of each measure, and what each parameter does."""

import numpy as np
import pytest
from probing_textbook import textbook_isoscore
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score

from erniem_lab.errors import InputValueError
from erniem_lab.probing import identify_language, isoscore, language_share, mean_cosine

WIDTH = 6


@pytest.fixture
def states():
    draw = np.random.default_rng(0)
    shape = (2, 60, WIDTH)
    return {code: draw.normal(size=shape) + place * np.eye(WIDTH)[0] for place, code in enumerate(("en", "de", "th"))}


def test_the_mean_cosine_is_that_of_all_pairs(states):
    texts = states["th"][1]
    pairs = [a @ b / np.sqrt((a @ a) * (b @ b)) for i, a in enumerate(texts) for b in texts[:i]]
    assert mean_cosine(states["th"]).estimates[1].value == pytest.approx(np.mean(pairs), abs=1e-12)


def test_the_isoscore_is_that_of_its_papers_algorithm(states):
    stretched = states["en"] * np.array([3, 1, 0.5, 2, 1, 1])
    for layer in range(2):
        found = isoscore(stretched).estimates[layer].value
        assert found == pytest.approx(textbook_isoscore(stretched[layer]), abs=1e-10)


def test_one_direction_is_not_isotropic_and_all_are(states):
    line = states["en"][:, :, :1] * np.arange(1.0, WIDTH + 1)
    assert isoscore(line).estimates[0].value == pytest.approx(0, abs=1e-9)
    assert isoscore(states["en"]).estimates[0].value > 0.8


def test_moving_all_states_changes_the_cosine_alone(states):
    moved = states["en"] + 10
    assert mean_cosine(moved).estimates[0].value > mean_cosine(states["en"]).estimates[0].value + 0.5
    assert isoscore(moved).estimates[0].value == pytest.approx(isoscore(states["en"]).estimates[0].value)


@pytest.mark.parametrize("measure", [mean_cosine, isoscore])
def test_turning_and_scaling_change_no_isotropy(measure, states):
    turn = np.linalg.qr(np.random.default_rng(1).normal(size=(WIDTH, WIDTH)))[0]
    before, after = (measure(one).estimates[0].value for one in (states["en"], 5 * states["en"] @ turn))
    assert before == pytest.approx(after, abs=1e-10)


@pytest.mark.parametrize("measure", [mean_cosine, isoscore])
def test_isotropy_intervals_cover_other_texts(measure):
    draw = np.random.default_rng(0)
    scale = np.array([2, 1, 1, 1, 1, 0.5])
    truth = np.mean([one.value for one in measure(scale * draw.normal(size=(300, 100, WIDTH)) + 0.5).estimates])
    scores = measure(scale * draw.normal(size=(80, 100, WIDTH)) + 0.5).estimates
    assert np.mean([one.low <= truth <= one.high for one in scores]) >= 0.85


@pytest.mark.parametrize("measure", [mean_cosine, isoscore])
def test_isotropy_names_its_language_and_uses_its_seed(measure, states):
    one, other = (measure(states["de"], language="de", seed=seed) for seed in (0, 3))
    assert (one.first, one.second) == ("de", "")
    assert one.estimates[0].low != other.estimates[0].low


def test_the_share_is_that_of_an_analysis_of_variance(states):
    before, _ = language_share(states)
    layer = {code: one[1] for code, one in states.items()}
    every = np.concatenate(list(layer.values()))
    total = ((every - every.mean(axis=0)) ** 2).sum()
    between = sum(len(one) * ((one.mean(axis=0) - every.mean(axis=0)) ** 2).sum() for one in layer.values())
    assert before.estimates[1].value == pytest.approx(between / total, abs=1e-12)


def test_languages_count_the_same_whatever_their_number_of_texts(states):
    twice = {**states, "th": np.concatenate([states["th"]] * 3, axis=1)}
    one, other = (language_share(given)[0].estimates[0].value for given in (states, twice))
    assert one == pytest.approx(other, abs=1e-12)


def test_centring_leaves_what_chance_gives(states):
    before, after = language_share(states)
    assert before.estimates[0].value > 0.05
    assert after.estimates[0].value < before.estimates[0].value / 2
    assert after.estimates[0].value == pytest.approx(after.chance[0], abs=0.02)


def test_chance_is_what_languages_without_difference_give():
    draw = np.random.default_rng(0)
    found = language_share({code: draw.normal(size=(40, 50, WIDTH)) for code in ("en", "de", "th")})
    for score in found:
        assert np.mean([one.value for one in score.estimates]) == pytest.approx(np.mean(score.chance), rel=0.15)


def test_the_seed_parts_the_texts(states):
    for one, other in zip(language_share(states), language_share(states, seed=3), strict=True):
        assert one.estimates[0].low != other.estimates[0].low


def test_the_probe_tells_languages_as_well_as_another_linear_one(states):
    together = np.concatenate([one[0] for one in states.values()])
    labels = np.repeat([0, 1, 2], 60)
    other = cross_val_score(LogisticRegression(), together, labels, cv=5).mean()
    assert identify_language(states).estimates[0].value == pytest.approx(other, abs=0.06)


def test_the_probe_finds_nothing_where_there_is_nothing():
    draw = np.random.default_rng(0)
    score = identify_language({code: draw.normal(size=(3, 80, WIDTH)) for code in ("en", "de", "th", "sw")})
    assert np.mean([one.value for one in score.estimates]) == pytest.approx(0.25, abs=0.05)
    assert score.chance == (0.25,) * 3


def test_the_probe_never_sees_a_translation_of_what_it_is_asked(states):
    """Sentences that are the same point in both languages would be told by the odd one out, if one were in training."""
    draw = np.random.default_rng(0)
    points = draw.normal(size=(1, 60, 100))
    score = identify_language({"en": points, "de": points + 1e-3 * draw.normal(size=points.shape)})
    assert score.estimates[0].value == pytest.approx(0.5, abs=0.15)


def test_chance_of_the_probe_is_the_most_frequent_language(states):
    assert identify_language({**states, "en": states["en"][:, :40]}).chance[0] == 60 / 160


def test_the_seed_draws_the_folds(states):
    assert identify_language(states).estimates != identify_language(states, seed=3).estimates


@pytest.mark.parametrize("measure", [language_share, identify_language])
def test_languages_that_do_not_fit_are_refused(measure, states):
    with pytest.raises(InputValueError, match="two or more"):
        measure({"en": states["en"]})
    with pytest.raises(InputValueError, match="two or more, all of one kind"):
        measure({"en": states["en"], "de": states["de"][:1]})
    with pytest.raises(InputValueError, match="fewer than 40 texts in de"):
        measure({"en": states["en"], "de": states["de"][:, :30]})


def test_states_of_one_number_have_no_isotropy(states):
    with pytest.raises(InputValueError, match="two numbers"):
        isoscore(states["en"][:, :, :1])
