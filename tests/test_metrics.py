"""Scores equal scikit-learn's, scipy's, seqeval's and the official answer scripts'; intervals are the bootstrap's."""

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from erniem_lab import metrics
from erniem_lab.errors import InputValueError

TAGS = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC"]
SENTENCES = st.lists(st.lists(st.tuples(*[st.sampled_from(TAGS)] * 2), min_size=1, max_size=8), min_size=1, max_size=6)
LABELS = st.lists(st.tuples(*[st.sampled_from("abc")] * 2), min_size=1, max_size=20)
NUMBERS = st.lists(st.tuples(*[st.integers(-20, 20)] * 2), min_size=3, max_size=20)
SETS = st.lists(st.tuples(*[st.sets(st.sampled_from("abc"))] * 2), min_size=1, max_size=12)


@settings(deadline=None)  # the first call imports the peer
@given(LABELS)
@pytest.mark.filterwarnings("ignore::Warning")
def test_label_scores_are_scikit_learns(pairs):
    from sklearn.metrics import accuracy_score, confusion_matrix, f1_score

    gold, said = map(list, zip(*pairs, strict=True))
    assert metrics.accuracy(gold, said).value == pytest.approx(accuracy_score(gold, said))
    assert metrics.macro_f1(gold, said).value == pytest.approx(f1_score(gold, said, average="macro", zero_division=0))
    assert np.array_equal(metrics.confusion(gold, said).counts, confusion_matrix(gold, said))


@settings(deadline=None)  # the first call imports the peer
@given(SETS)
def test_micro_f1_is_scikit_learns(pairs):
    from sklearn.metrics import f1_score
    from sklearn.preprocessing import MultiLabelBinarizer

    gold, said = map(list, zip(*pairs, strict=True))
    table = MultiLabelBinarizer(classes=list("abc")).fit([])
    wanted = f1_score(table.transform(gold), table.transform(said), average="micro", zero_division=0)
    assert metrics.micro_f1(gold, said).value == pytest.approx(wanted)


@settings(deadline=None)  # the first call imports the peer
@given(NUMBERS)
@pytest.mark.filterwarnings("ignore::Warning")
def test_correlations_are_scipys_and_zero_without_spread(pairs):
    from scipy.stats import pearsonr, spearmanr

    gold, said = ([float(number) for number in side] for side in zip(*pairs, strict=True))
    for own, peer in ((metrics.pearson, pearsonr), (metrics.spearman, spearmanr)):
        wanted = peer(gold, said).statistic
        assert own(gold, said).value == pytest.approx(0.0 if np.isnan(wanted) else wanted, abs=1e-9)


@settings(deadline=None)  # the first call imports the peer
@given(SENTENCES)
@pytest.mark.filterwarnings("ignore::Warning")
def test_entity_f1_is_seqevals(sentences):
    from seqeval.metrics import f1_score

    gold, said = ([[pair[side] for pair in sentence] for sentence in sentences] for side in (0, 1))
    assert metrics.entity_f1(gold, said).value == pytest.approx(f1_score(gold, said, zero_division=0))


def test_answers_of_seven_languages_are_normalised_as_mlqas_script_does():
    """Recorded from mlqa_evaluation_v1.py of facebookresearch/MLQA, commit 5ef5c731."""
    wanted = {
        "en": ("The “Eiffel-Tower”, an icon", "eiffeltower icon"),
        "es": ("¿La casa de los niños?", "casa de niños"),
        "de": ("Der Turm, den eines Mannes", "turm mannes"),
        "hi": ("दिल्ली, भारत।", "दिल्ली भारत"),
        "vi": ("của những cái nhà", "nhà"),
        "ar": ("في الكتاب والقلم", "في كتاب و قلم"),
        "zh": ("在 Paris的 3月。", "在 paris 的 3 月"),
    }
    assert {code: metrics.normalise(text, code) for code, (text, _) in wanted.items()} == {
        code: text for code, (_, text) in wanted.items()
    }


def test_answer_scores_are_those_of_the_official_scripts():
    """By hand, from SQuAD's definitions: the best gold answer counts, and no answer is the empty one."""
    golds, said = [["the black cat", "a dog"], ["Paris"], [], []], ["black cat sat", "in Paris!", "", "x"]
    languages = ["en"] * 4
    assert metrics.exact_match(golds, said, languages).value == pytest.approx((0 + 0 + 1 + 0) / 4)
    assert metrics.answer_f1(golds, said, languages).value == pytest.approx((2 * 2 / 5 + 2 / 3 + 1 + 0) / 4)


WORDS = st.lists(st.sampled_from(["the", "A", "cat", "Cat!", "an-d", "sat.", "the,re", "x"]), max_size=5)


@given(st.lists(WORDS, max_size=3), WORDS)
def test_squads_scores_are_those_of_its_definition(golds, said):
    """Derived anew: words are compared as bags of letters and digits without articles; golds without words are none."""

    def words(text: list[str]) -> list[str]:
        plain = ("".join(letter for letter in word.lower() if letter.isalnum()) for word in text)
        return [word for word in plain if word not in ("a", "an", "the", "")]

    def f1(gold: list[str], said: list[str]) -> float:
        shared = sum(min(gold.count(word), said.count(word)) for word in set(gold))
        if not shared:
            return 0.0
        precision, recall = shared / len(said), shared / len(gold)
        return 2 * precision * recall / (precision + recall)

    own, wanted = words(said), [words(gold) for gold in golds if words(gold)]
    exact = max((gold == own for gold in wanted), default=not own)
    texts = [[" ".join(gold) for gold in golds]], [" ".join(said)], ["en"]
    assert metrics.exact_match(*texts, rules="squad").value == exact
    best = max((f1(gold, own) for gold in wanted), default=float(not own))
    assert metrics.answer_f1(*texts, rules="squad").value == pytest.approx(best)


def test_mlqas_script_finds_no_word_in_common_where_a_gold_answer_is_an_article():
    assert metrics.exact_match([["der"]], ["die"], ["de"]).value == 1
    assert metrics.answer_f1([["der"]], ["die"], ["de"]).value == 0


def test_squads_rules_keep_foreign_punctuation_and_drop_english_articles_everywhere():
    assert metrics.normalise("die «the» Katze!", "de", rules="squad") == "die « » katze"
    assert metrics.exact_match([["Katze"]], ["die Katze"], ["de"]).value == 1
    assert metrics.exact_match([["Katze"]], ["die Katze"], ["de"], rules="squad").value == 0
    assert metrics.answer_f1([["Katze"]], ["die Katze"], ["de"], rules="squad").value == pytest.approx(2 / 3)


def test_the_interval_covers_the_true_score_as_often_as_it_says():
    draw = random.Random(0)
    inside = 0
    for trial in range(100):
        hits = metrics.mean_of([int(draw.random() < 0.7) for _ in range(150)]).estimate(seed=trial)
        inside += hits.low <= 0.7 <= hits.high
    assert inside >= 88  # of 100: 95 expected, with a standard error of 2


def test_resamples_are_those_of_the_items_whatever_the_score():
    """The same draw of items, so that scores of two models on the same items can be set against each other."""
    gold, said = ["a", "b", "c"] * 40, ["a", "b", "a"] * 40
    assert np.array_equal(metrics.accuracy(gold, said).resampled(), metrics.accuracy(gold, said).resampled())
    assert metrics.accuracy(gold, said).resampled().mean() == pytest.approx(2 / 3, abs=0.01)
    assert not np.array_equal(metrics.accuracy(gold, said).resampled(seed=1), metrics.accuracy(gold, said).resampled())


def test_a_big_test_set_is_resampled_in_parts_of_bounded_size():
    estimate = metrics.mean_of([0, 1] * 5_000).estimate()
    assert estimate.value == 0.5
    assert estimate.high - estimate.low == pytest.approx(2 * 1.96 * 0.005, rel=0.1)


@pytest.mark.parametrize(
    ("score", "fault"),
    [
        (lambda: metrics.accuracy([], []), "nothing to score"),
        (lambda: metrics.accuracy(["a"], []), "gold has 1 items and said 0"),
        (lambda: metrics.entity_f1([["O"]], [["O", "O"]]), "differ in sentences or in their numbers of tags"),
        (lambda: metrics.exact_match([["a"]], ["a"], []), "have 1, 1 and 0 items"),
    ],
)
def test_scores_of_unequal_or_of_no_items_are_refused(score, fault):
    with pytest.raises(InputValueError, match=fault):
        score()


def test_a_confusion_is_a_tidy_table_with_shares_of_each_gold_label():
    found = metrics.confusion(["a", "a", "b"], ["a", "b", "b"], ["b", "a", "c"])
    assert found.labels == ("b", "a", "c")
    frame = found.to_frame()
    assert frame.query("gold == 'a' and said == 'b'")[["count", "share"]].to_numpy().tolist() == [[1, 0.5]]
    assert found.shares()[2].tolist() == [0, 0, 0]
