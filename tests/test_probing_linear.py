"""Linear probes agree with their formulas, and controls take away what the words alone give."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from jaxtyping import config as shape_checks
from scipy.optimize import minimize
from sklearn.linear_model import LogisticRegression

from erniem_lab.errors import InputValueError
from erniem_lab.metrics import RESAMPLES
from erniem_lab.probing.controls import PORTIONS, control_task, online_code, selectivity
from erniem_lab.probing.linear import Labelled, Readings, label_texts, label_words, read_layers
from erniem_lab.probing.probes import Probe
from erniem_lab.probing.questions import Annotated
from erniem_lab.word_states import WordVectors

WORDS = 5  # in each sentence
CLASSES = np.array(["NOUN", "VERB", "ADJ"])


def drawn(sentences: int = 60, width: int = 6, noise: float = 0.5, seed: int = 0, types: int = 30) -> Labelled:
    """Words of random classes; layer 0 is noise, layer 1 holds the class, and noise beside it."""
    draw = np.random.default_rng(seed)
    codes = draw.integers(3, size=sentences * WORDS)
    states = noise * draw.normal(size=(2, len(codes), width))
    states[1, :, :3] += np.eye(3)[codes]
    words = draw.integers(types, size=len(codes)).astype(str)
    return Labelled(states, CLASSES[codes], np.repeat(np.arange(sentences), WORDS), words)


def numbered(items: Labelled, seed: int = 0) -> Labelled:
    """The same with numbers to predict, which are a sum of states at layer 1."""
    weights = np.random.default_rng(seed).normal(size=items.states.shape[2])
    return replace(items, labels=items.states[1] @ weights + 0.1 * np.random.default_rng(seed + 1).normal(
        size=len(items.labels)))  # fmt: skip


def lexical(labels: Sequence[str], words: Sequence[int], seed: int = 0) -> Labelled:
    """States that are the word and nothing else."""
    return Labelled(np.eye(max(words) + 1)[None, words], np.array(labels), np.arange(len(words)), np.array(words, str))


ONE = WordVectors(np.array([0]), np.array([0]), np.zeros((1, 1, 1)))
TRAIN, TEST = drawn(seed=1), drawn(seed=2)


def value(readings: Sequence[Readings], layer: int = 1) -> float:
    return readings[0].scores().estimates[layer].value


def test_logistic_regression_is_the_minimum_of_its_penalised_loss() -> None:
    states, truth = TRAIN.states[1], np.eye(3)[np.searchsorted(np.sort(CLASSES), TRAIN.labels)]
    ready = (states - states.mean(axis=0)) / states.std(axis=0)

    def loss(flat: np.ndarray, penalty: float = 2.0) -> float:
        weights = flat.reshape(7, 3)
        scores = ready @ weights[:6] + weights[6]
        logs = scores - np.logaddexp.reduce(scores, axis=1, keepdims=True)
        return float(-(logs * truth).sum() + penalty / 2 * (weights[:6] ** 2).sum())

    best = minimize(loss, np.zeros(21)).x.reshape(7, 3)
    test = (TEST.states[1] - states.mean(axis=0)) / states.std(axis=0)
    chances = np.exp(test @ best[:6] + best[6])
    found = Probe(penalty=2.0).fit(states, TRAIN.labels).chances(TEST.states[1])
    np.testing.assert_allclose(
        found, chances / chances.sum(axis=1, keepdims=True), atol=2e-3
    )  # both solvers stop early


def test_ridge_regression_is_its_closed_form() -> None:
    train, test = numbered(TRAIN), numbered(TEST)
    mean, deviation = train.states[1].mean(axis=0), train.states[1].std(axis=0)
    ready, centred = (train.states[1] - mean) / deviation, train.labels - train.labels.mean()
    weights = np.linalg.solve(ready.T @ ready + 3.0 * np.eye(6), ready.T @ centred)
    expected = (test.states[1] - mean) / deviation @ weights + train.labels.mean()
    np.testing.assert_allclose(Probe(penalty=3.0).fit(train.states[1], train.labels).predict(test.states[1]), expected)


def test_accuracy_and_its_interval_agree_with_a_direct_loop() -> None:
    (found,) = read_layers(TRAIN, {"de": TEST}, language="en")
    hits = Probe().fit(TRAIN.states[1], TRAIN.labels).predict(TEST.states[1]) == TEST.labels
    by_sentence = hits.reshape(-1, WORDS).mean(axis=1)  # sentences are of one length
    draw = np.random.default_rng(5)
    means = [by_sentence[draw.integers(60, size=60)].mean() for _ in range(RESAMPLES)]
    estimate = found.scores().estimates[1]
    assert estimate.value == pytest.approx(hits.mean())
    assert (estimate.low, estimate.high) == pytest.approx(np.percentile(means, [2.5, 97.5]), abs=0.02)
    assert (found.first, found.second, estimate.n) == ("en", "de", 60)


def test_r2_agrees_with_its_formula() -> None:
    train, test = numbered(TRAIN), numbered(TEST)
    told = Probe().fit(train.states[1], train.labels).predict(test.states[1])
    expected = 1 - ((told - test.labels) ** 2).sum() / ((test.labels - test.labels.mean()) ** 2).sum()
    assert value(read_layers(train, {"de": test}, language="en")) == pytest.approx(expected)
    assert expected > 0.9
    assert value(read_layers(train, {"de": test}, language="en"), layer=0) < 0.2


def test_intervals_are_of_sentences_and_not_of_words() -> None:
    alike = replace(TEST, sentence=np.arange(len(TEST.labels)) // 50)
    narrow, wide = (read_layers(TRAIN, {"": test}, language="")[0].scores().estimates[1] for test in (TEST, alike))
    assert (narrow.n, wide.n) == (60, 6)
    assert narrow.value == wide.value
    by_word = replace(TEST, sentence=np.zeros(len(TEST.labels), dtype=np.int64))
    single = read_layers(TRAIN, {"": by_word}, language="")[0].scores().estimates[1]
    assert single.low == single.high == single.value  # one sentence, drawn again and again


def test_chance_is_what_the_most_frequent_class_of_the_training_gives() -> None:
    train = replace(TRAIN, labels=np.where(np.arange(len(TRAIN.labels)) < 200, "VERB", TRAIN.labels))
    found = read_layers(train, {"": TEST}, language="en")[0].scores()
    assert found.chance == (float((TEST.labels == "VERB").mean()),) * 2


def test_a_layer_without_the_answer_gives_chance() -> None:
    found = read_layers(drawn(400, seed=3), {"": drawn(400, seed=4)}, language="en")[0].scores()
    assert abs(found.estimates[0].value - 1 / 3) < 0.05
    assert found.estimates[1].value > 0.7


def test_centring_by_language_undoes_a_shift_between_languages() -> None:
    moved = replace(TEST, states=TEST.states + np.array([3.0, -3, 0, 0, 0, 0]))
    plain, centred = (
        value(read_layers(TRAIN, {"de": moved}, language="en", probe=Probe(centre=centre)))
        for centre in ("none", "language")
    )
    assert plain < 0.5 < value(read_layers(TRAIN, {"de": TEST}, language="en")) - 0.2 < centred


def test_the_penalty_is_used() -> None:
    heavy = read_layers(TRAIN, {"": TEST}, language="en", probe=Probe(penalty=1e9))
    assert value(heavy) == pytest.approx(heavy[0].chance)
    train, test = numbered(TRAIN), numbered(TEST)
    assert abs(value(read_layers(train, {"": test}, language="en", probe=Probe(penalty=1e9)))) < 0.05


def test_weights_count_items_as_often_as_they_say() -> None:
    states, labels = TRAIN.states[1][:40], TRAIN.labels[:40]
    times = np.random.default_rng(0).integers(1, 4, size=40)
    mean, deviation = states.mean(axis=0), states.std(axis=0)
    weighted = Probe().fit(states, labels, times.astype(float))
    repeated = LogisticRegression(max_iter=1000).fit(np.repeat((states - mean) / deviation, times, axis=0),
                                                     np.repeat(labels, times))  # fmt: skip
    expected = repeated.predict_proba((TEST.states[1] - mean) / deviation)
    np.testing.assert_allclose(weighted.chances(TEST.states[1]), expected, atol=0.01)
    assert not np.allclose(Probe().fit(states, labels).chances(TEST.states[1]), expected, atol=0.01)


def test_languages_name_what_was_trained_on_and_what_was_read() -> None:
    (found,) = read_layers(TRAIN, {"de": TEST}, language="en")
    assert (found.first, found.second) == ("en", "de")
    bits = online_code(TRAIN, language="sw")
    assert (bits.first, bits.second) == ("sw", "sw")


def test_scaling_a_state_changes_nothing() -> None:
    scale = np.array([1e-3, 1, 10, 1, 1, 100.0])
    one, other = ([replace(items, states=items.states * by) for items in (TRAIN, TEST)] for by in (1.0, scale))
    found = [read_layers(train, {"": test}, language="en") for train, test in (one, other)]
    assert value(found[0]) == pytest.approx(value(found[1]))


def test_control_labels_belong_to_types_in_training_and_test_alike() -> None:
    train, tests = control_task(TRAIN, {"de": TEST, "fr": drawn(seed=9, types=50)}, seed=3)
    known: dict[str, set[str]] = {}
    for items in (train, *tests.values()):
        for word, label in zip(items.types, items.labels, strict=True):
            known.setdefault(str(word), set()).add(str(label))
    assert len(known) == 50
    assert all(len(labels) == 1 for labels in known.values())
    assert not np.array_equal(train.labels, control_task(TRAIN, {}, seed=4)[0].labels)
    assert np.array_equal(tests["de"].states, TEST.states)


def test_control_labels_are_as_frequent_as_the_true_ones() -> None:
    many = replace(TRAIN, types=np.arange(len(TRAIN.types)).astype(str), labels=np.array(["A"] * 240 + ["B"] * 60))
    assert 0.7 < (control_task(many, {})[0].labels == "A").mean() < 0.9


def test_what_the_word_alone_gives_is_not_selective() -> None:
    """Of twelve words that always have one class, the control is learned as well as the task."""
    draw = np.random.default_rng(0)
    words = [draw.integers(12, size=200).tolist() + list(range(12)) for _ in range(2)]
    train, test = (lexical([CLASSES[word % 3] for word in side], side) for side in words)
    (task,) = read_layers(train, {"en": test}, language="en")
    (control,) = read_layers(control_task(train, {"en": test})[0], control_task(train, {"en": test})[1], language="en")
    assert task.scores().estimates[0].value == 1.0
    assert selectivity(task, control).estimates[0].value == 0.0


def test_what_the_word_does_not_give_is_selective() -> None:
    train, tests = control_task(drawn(200, seed=5), {"en": drawn(200, seed=6)})
    (task,) = read_layers(drawn(200, seed=5), {"en": drawn(200, seed=6)}, language="en")
    (control,) = read_layers(train, tests, language="en")
    found = selectivity(task, control)
    assert found.measure == "selectivity (accuracy)"
    assert found.estimates[1].low > 0.3
    difference = task.scores().estimates[1].value - control.scores().estimates[1].value
    assert found.estimates[1].value == pytest.approx(difference)


def test_selectivity_draws_the_same_sentences_for_both() -> None:
    task = read_layers(TRAIN, {"en": TEST}, language="en")[0]
    assert {(found.value, found.low, found.high) for found in selectivity(task, task).estimates} == {(0.0, 0.0, 0.0)}


def test_selectivity_needs_readings_of_one_kind() -> None:
    task, other = (read_layers(TRAIN, {code: TEST}, language="en")[0] for code in ("en", "de"))
    with pytest.raises(InputValueError, match="give those of one"):
        selectivity(task, other)


def test_states_that_say_nothing_are_coded_by_laplaces_rule() -> None:
    """Each portion's labels then have the chance (times seen + 1) / (all seen + classes)."""
    items = replace(TRAIN, states=np.zeros((1, len(TRAIN.labels), 2)))
    order = np.random.default_rng(0).permutation(60)
    ends = np.unique(np.ceil(np.array(PORTIONS) * 60).astype(int))
    labels = TRAIN.labels.reshape(60, WORDS)[order]
    bits = labels[: ends[0]].size * np.log2(3)
    for start, end in pairwise(ends.tolist()):
        seen = labels[:start].ravel()
        chance = {name: ((seen == name).sum() + 1) / (seen.size + 3) for name in CLASSES}
        bits -= sum(np.log2(chance[label]) for label in labels[start:end].ravel())
    found = online_code(items, language="en").estimates[0]
    assert found.value == pytest.approx(bits / TRAIN.labels.size, abs=1e-3)


def test_the_more_a_layer_tells_the_fewer_the_bits() -> None:
    found = online_code(drawn(200, seed=7), language="en")
    noise, told = found.estimates
    assert told.high < found.chance[0] < noise.value
    assert found.chance[0] == pytest.approx(np.log2(3), abs=0.01)
    assert online_code(drawn(200, noise=0.1, seed=7), language="en").estimates[1].high < told.low


def test_codes_use_their_seed_and_their_probe() -> None:
    plain = online_code(TRAIN, language="en").estimates[1].value
    assert online_code(TRAIN, language="en", seed=1).estimates[1].value != plain
    assert online_code(TRAIN, language="en", probe=Probe(penalty=1e6)).estimates[1].value > plain + 0.2


def test_seeds_of_scores_change_intervals_and_not_values() -> None:
    (found,) = read_layers(TRAIN, {"": TEST}, language="en")
    one, two = (found.scores(seed=seed).estimates[1] for seed in (0, 1))
    assert one.value == two.value
    assert one != two
    one, two = (selectivity(found, replace(found, sums=found.sums[::-1]), seed=seed).estimates[1] for seed in (0, 1))
    assert one.value == two.value
    assert one != two


def test_words_get_the_answers_of_their_place() -> None:
    sentences = [Annotated(("A", "b"), {"q": ("x", None)}), Annotated(("C", "d", "E"), {"q": (None, "y", "x")})]
    vectors = WordVectors(np.array([0, 0, 1, 1]), np.array([0, 1, 1, 2]), np.arange(8.0).reshape(1, 4, 2))
    found = label_words(vectors, sentences, "q")
    assert found.labels.tolist() == ["x", "y", "x"]
    assert found.types.tolist() == ["a", "d", "e"]
    assert found.sentence.tolist() == [0, 1, 1]
    assert found.states[0, :, 0].tolist() == [0.0, 4.0, 6.0]


def test_texts_are_numbered_from_the_start_that_is_given() -> None:
    found = label_texts(np.zeros((1, 2, 3)), [4.0, 5.0], start=7)
    assert found.sentence.tolist() == [7, 8]
    assert found.labels.tolist() == [4.0, 5.0]


def test_half_precision_is_widened_before_use() -> None:
    far = Labelled(np.full((1, 300, 2), 60000, dtype=np.float16), TRAIN.labels, TRAIN.sentence, TRAIN.types)
    assert np.isfinite(online_code(far, language="en").estimates[0].value)
    small = [replace(items, states=items.states.astype(np.float16)) for items in (TRAIN, TEST)]
    exact, found = (value(read_layers(one, {"": two}, language="")) for one, two in ((TRAIN, TEST), small))
    assert found == pytest.approx(exact, abs=0.01)


def test_an_unknown_way_to_centre_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shape_checks, "jaxtyping_disable", True)  # as for users, who run without these checks
    with pytest.raises(InputValueError, match="give one of none, language"):
        Probe(centre="word")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Probe(penalty=0.0), "penalty=0"),
        (lambda: Probe().fit(np.zeros((2, 1)), np.array(["a", "a"])), "two classes"),
        (lambda: read_layers(TRAIN, {}, language="en"), "0 tests"),
        (lambda: read_layers(TRAIN, {"de": numbered(TEST)}, language="en"), "all of one kind"),
        (lambda: read_layers(TRAIN, {"de": drawn(width=7)}, language="en"), "all of one kind"),
        (lambda: online_code(numbered(TRAIN), language="en"), "two classes"),
        (lambda: label_texts(np.zeros((1, 2, 3)), ["en"]), "1 labels for 2 texts"),
        (lambda: label_words(ONE, [Annotated(("a",), {})], "pos"), "pos"),
        (lambda: label_words(ONE, [Annotated(("a",), {"pos": (None,)})], "pos"), "asked of none"),
    ],
)  # fmt: skip
def test_what_cannot_be_probed_is_refused(call, message) -> None:
    with pytest.raises(InputValueError, match=message):
        call()
