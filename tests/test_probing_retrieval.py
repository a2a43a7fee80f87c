"""Sentence retrieval: the same answers as a direct loop, its laws, and what each parameter does."""

import numpy as np
import pytest
from jaxtyping import config as shape_checks
from probing_textbook import retrieval_loop

from erniem_lab.errors import InputValueError
from erniem_lab.metrics import mean_with_interval
from erniem_lab.probing import PLAIN, RULES, XTREME, Protocol, Rule, find_translations, mean_retrieval, retrieve
from erniem_lab.probing import retrieval as module

TEXTS, WIDTH = 60, 12


@pytest.fixture
def sides():
    draw = np.random.default_rng(0)
    first = draw.normal(size=(2, TEXTS, WIDTH)) + 1
    return first, first + draw.normal(size=first.shape) * 1.2 + draw.normal(size=(2, 1, WIDTH))


EVERY = {**RULES, "all": Rule("margin", "language", "both languages", 3)}


@pytest.mark.parametrize("name", EVERY)
def test_retrieval_is_that_of_a_direct_loop(name, sides, monkeypatch):
    monkeypatch.setattr(module, "BLOCK", 17)
    first, second = (side[:, :25] for side in sides)
    (found,) = find_translations(first, second, rules={name: EVERY[name]})
    for layer in range(2):
        np.testing.assert_array_equal(found.hits[layer, 0], retrieval_loop(first[layer], second[layer], EVERY[name]))
        np.testing.assert_array_equal(found.hits[layer, 1], retrieval_loop(second[layer], first[layer], EVERY[name]))


@pytest.mark.parametrize("name", EVERY)
def test_scaling_all_vectors_changes_nothing(name, sides):
    rule = {name: EVERY[name]}
    plain, scaled = (find_translations(*(a * f for a in sides), rules=rule)[0].hits for f in (1.0, 8.0))
    np.testing.assert_array_equal(plain, scaled)


def test_turning_both_sides_together_changes_nothing(sides):
    turn = np.linalg.qr(np.random.default_rng(1).normal(size=(WIDTH, WIDTH)))[0]
    for before, after in zip(find_translations(*sides), find_translations(*(a @ turn for a in sides)), strict=True):
        np.testing.assert_array_equal(before.hits, after.hits)


def test_centring_undoes_moving_a_language(sides):
    first, second = sides
    moved = second + 5 * np.random.default_rng(2).normal(size=WIDTH)
    hits = {n: [find_translations(first, s, rules={n: RULES[n]})[0].hits for s in (second, moved)] for n in RULES}
    np.testing.assert_array_equal(*hits["centred"])
    assert hits["plain"][0].mean() > hits["plain"][1].mean() + 0.2


def test_a_margin_takes_hubs_down():
    draw = np.random.default_rng(0)
    first = draw.normal(size=(1, TEXTS, WIDTH))
    second = first + 0.8 * draw.normal(size=first.shape)
    second[0, 0] = first[0].mean(axis=0) * 50  # near everything
    first = first + second[:, :1] / 10
    plain, margin = (retrieve(first, second, RULES[name])[0].forward.value for name in ("plain", "margin"))
    assert margin > plain


def test_distractors_of_the_same_language_only_take_hits_away(sides):
    plain, strong = find_translations(*sides, rules={n: RULES[n] for n in ("plain", "distractors")})
    assert not (strong.hits & ~plain.hits).any()
    assert strong.hits.sum() < plain.hits.sum()


def test_a_sentence_is_never_its_own_distractor(sides):
    first, _ = sides
    (found,) = find_translations(first, 2 * first, rules={"distractors": RULES["distractors"]})
    assert found.hits.all()


@pytest.mark.parametrize("rule", [Rule("margin", neighbours=1), Rule("margin", neighbours=20)])
def test_the_number_of_neighbours_is_used(rule, sides):
    other = find_translations(*sides, rules={"": Rule("margin", neighbours=5)})[0]
    assert (find_translations(*sides, rules={"": rule})[0].hits != other.hits).any()


def test_unrelated_vectors_find_each_other_by_chance():
    draw = np.random.default_rng(0)
    first, second = draw.normal(size=(2, 40, 50, 24))
    found = find_translations(first, second, rules={"plain": PLAIN})[0].scores()
    assert np.mean([one.value for one in found.estimates]) == pytest.approx(found.chance[0], abs=0.006)


def test_forward_asks_with_the_first_language():
    hub = np.array([[[1.0, 0.0], [1.0, 0.1]]])  # both are nearest to the second document
    documents = np.array([[[0.0, 1.0], [1.0, 0.05]]])
    (found,) = retrieve(hub, documents)
    assert (found.forward.value, found.backward.value) == (0.5, 0.5)
    hits = find_translations(hub, documents, languages=("en", "de"), rules={"plain": PLAIN})[0]
    assert hits.hits[0, 0].tolist() == [False, True]
    assert [(s.first, s.second) for s in map(hits.scores, ("forward", "backward"))] == [("en", "de"), ("de", "en")]


def test_both_directions_are_a_mean(sides):
    (found,) = find_translations(*sides, rules={"plain": PLAIN})
    one, two, both = (found.scores(way).estimates[0] for way in ("forward", "backward", "both"))
    assert both.value == pytest.approx((one.value + two.value) / 2)
    assert both.high - both.low < one.high - one.low + two.high - two.low


def test_intervals_are_those_of_the_bootstrap(sides):
    (found,) = find_translations(*sides, rules={"plain": PLAIN})
    expected, got = mean_with_interval(found.hits[0, 0]), found.scores("forward").estimates[0]
    assert (got.value, got.n) == (pytest.approx(expected.value), expected.n)
    assert (got.low, got.high) == (pytest.approx(expected.low, abs=0.02), pytest.approx(expected.high, abs=0.02))


def test_the_seed_draws_the_interval(sides):
    (found,) = find_translations(*sides, rules={"plain": PLAIN})
    one, same, other = (found.scores(seed=seed).estimates for seed in (0, 0, 6))
    assert one == same
    assert one != other


def test_the_mean_of_languages_counts_each_the_same(sides):
    draw = np.random.default_rng(0)
    vectors = draw.normal(size=(1, 200, WIDTH))
    none = find_translations(vectors, vectors[:, ::-1], rules={"plain": PLAIN})
    every = find_translations(*(side[:1, :20] for side in (sides[0], sides[0])), rules={"plain": PLAIN})
    (score,) = mean_retrieval([*none, *every]).estimates
    assert (score.value, score.n) == (0.5, 220)
    assert mean_retrieval(none, "forward").estimates[0].high == 0.0


def test_results_of_several_rules_have_no_mean(sides):
    with pytest.raises(InputValueError, match=r"centred.*plain"):
        mean_retrieval(find_translations(*sides, rules={n: RULES[n] for n in ("plain", "centred")}))


def test_xtreme_reads_layer_8_of_12_with_english_asking():
    draw = np.random.default_rng(0)
    english = draw.normal(size=(13, 30, WIDTH))
    other = draw.normal(size=(13, 30, WIDTH))
    other[8] = english[8]
    assert XTREME.score(english, other).value == 1.0
    assert (XTREME.pooling, XTREME.rule, XTREME.direction) == ("mean", PLAIN, "forward")


def test_a_protocol_uses_its_rule_its_direction_and_its_layers(sides):
    hits = find_translations(*sides, rules=RULES)
    for found in hits:
        for way in ("forward", "backward"):
            protocol = Protocol("mean", RULES[found.rule], way, {1: 0})
            assert protocol.score(*sides) == found.scores(way).estimates[0]


def test_half_precision_finds_what_full_precision_finds(sides):
    first, second = (side.astype(np.float32) for side in sides)
    halves = find_translations(first.astype(np.float16), second.astype(np.float16))
    for full, half in zip(find_translations(first, second), halves, strict=True):
        assert (full.hits != half.hits).mean() <= 1 / TEXTS


@pytest.mark.parametrize("wrong", [{"score": "dot"}, {"centre": "all"}, {"among": "own"}, {"neighbours": 0}])
def test_a_rule_refuses_what_it_does_not_know(wrong, monkeypatch):
    monkeypatch.setattr(shape_checks, "jaxtyping_disable", True)  # as for users, who run without these checks
    with pytest.raises(InputValueError, match=next(iter(wrong))):
        Rule(**wrong)


def test_sides_that_do_not_fit_are_refused(sides, monkeypatch):
    monkeypatch.setattr(shape_checks, "jaxtyping_disable", True)  # as for users, who run without these checks
    with pytest.raises(InputValueError, match="same layers and texts"):
        retrieve(sides[0], sides[1][:, 1:])
    with pytest.raises(InputValueError, match="too few for the neighbours of rule 'margin'"):
        find_translations(*(side[:, :4] for side in sides), rules=RULES)
    with pytest.raises(InputValueError, match="direction='there'"):
        find_translations(*sides)[0].scores("there")  # type: ignore[arg-type]


def test_a_table_has_a_row_for_each_layer(sides):
    table = find_translations(*sides, languages=("en", "de"))[1].scores().to_frame()
    assert table[["measure", "first", "second", "layer", "n"]].to_numpy().tolist() == [
        ["centred", "en", "de", 0, TEXTS],
        ["centred", "en", "de", 1, TEXTS],
    ]
    assert (table["low"] <= table["value"]).all()
    assert table["chance"].tolist() == [1 / TEXTS] * 2


def test_retrieve_and_the_mean_of_languages_use_rule_direction_and_seed(sides):
    for name, rule in RULES.items():
        (found,) = find_translations(*sides, rules={name: rule})
        assert [one.backward for one in retrieve(*sides, rule)] == list(found.scores("backward").estimates)
        assert mean_retrieval([found], "backward").estimates[0].value == found.hits[0, 1].mean()
    found = find_translations(*sides, rules={"plain": PLAIN})
    assert len({mean_retrieval([*found, *found], seed=seed).estimates for seed in range(8)}) > 1
