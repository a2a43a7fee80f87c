"""Sequence classification: labels, several labels and numbers, from text to score."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from task_samples import QUICK, TOKENIZER, pairs, small_checkpoint, texts

from erniem_lab.corpora.examples import EntailmentExample, IntentExample, LabelledText, Sentence
from erniem_lab.corpora.text import Text, TextPair
from erniem_lab.errors import InputTypeError, InputValueError
from erniem_lab.tasks import Classification, Reading, fit

READING = Reading(64)
SEVERAL = [LabelledText("en", "a b", ("x",)), LabelledText("en", "c", ("x", "y")), LabelledText("en", "d", ())]
NUMBERS = [LabelledText("en", f"{n} of ten", float(n)) for n in range(6)]
ENTAILS = EntailmentExample("en", "Anna sings.", "Nobody sings.", "contradiction")


@pytest.fixture(scope="module")
def start(tmp_path_factory):
    return small_checkpoint(tmp_path_factory.mktemp("start"))


def test_the_labels_decide_what_kind_of_problem_it_is():
    assert Classification.of(texts()) == Classification(("bad", "good"))
    assert Classification.of(SEVERAL) == Classification(("x", "y"), "multi_label_classification")
    assert Classification.of(NUMBERS) == Classification((), "regression")
    assert Classification.of([ENTAILS]).labels == ("entailment", "neutral", "contradiction")


def test_targets_are_numbers_of_the_labels_in_the_form_that_the_head_takes():
    several, numbers = Classification.of(SEVERAL), Classification.of(NUMBERS)
    found = several.inputs(several.features(SEVERAL, TOKENIZER, READING), 1)["labels"]
    assert found.tolist() == [[1, 0], [1, 1], [0, 0]]
    assert numbers.inputs(numbers.features(NUMBERS, TOKENIZER, READING), 1)["labels"].shape == (6, 1)


def test_pairs_are_read_as_pairs_and_entailment_is_one():
    task = Classification.of([ENTAILS])
    feature = task.features(task.labelled([ENTAILS]), TOKENIZER, READING)[0]
    assert list(feature.encodings[0].ids) == TOKENIZER("Anna sings.", "Nobody sings.").input_ids
    assert feature.target == 2


def test_intents_are_labels_of_their_sentences():
    intent = IntentExample("1", Sentence("de", "Weck mich", ((0, 4), (5, 9))), ("O", "O"), "alarm", "Wake me")
    task = Classification(("alarm", "weather"))
    assert task.labelled([intent]) == (LabelledText("de", "Weck mich", "alarm"),)


@pytest.mark.parametrize(
    ("examples", "scores", "said"),
    [
        (texts(2), [[2.0, 1.0], [0.0, 3.0]], ["bad", "good"]),
        (SEVERAL[:2], [[0.1, -0.1], [-1.0, -1.0]], [("x",), ()]),
        (NUMBERS[:2], [[0.25], [3.0]], [0.25, 3.0]),
    ],
)
def test_scores_become_the_answer_of_the_problem(examples, scores, said):
    task = Classification.of(SEVERAL if examples == SEVERAL[:2] else examples)
    found = task.predictions(examples, [], [np.array(row, dtype=np.float32) for row in scores])
    assert [one.said for one in found] == said
    assert [one.gold for one in found] == [example.label for example in examples]


def test_probabilities_of_one_label_add_up_to_one_and_those_of_several_need_not():
    one = Classification(("a", "b")).predictions(texts(1), [], [np.array([1.0, 1.0], dtype=np.float32)])
    assert one[0].probabilities == pytest.approx((0.5, 0.5))
    several = Classification(("a", "b"), "multi_label_classification")
    assert several.predictions(texts(1), [], [np.zeros(2, dtype=np.float32)])[0].probabilities == (0.5, 0.5)


@pytest.mark.parametrize(
    ("examples", "metrics"),
    [
        (texts(), ("accuracy", "macro F1")),
        (pairs(), ("accuracy", "macro F1")),
        (SEVERAL, ("micro F1", "exact sets")),
        (NUMBERS, ("pearson", "spearman")),
    ],
)
def test_every_problem_is_trained_and_scored_end_to_end(start, examples, metrics):
    found = fit(examples, examples, model=start, settings=QUICK, progress=False).evaluate(examples)
    assert found.metrics == metrics
    assert found.to_frame()[["language", "metric"]].to_numpy().tolist() == [["en", name] for name in metrics]


def test_a_head_learns_what_its_examples_show(start):
    settings = replace(QUICK, steps=60, peak_rate=0.02)
    assert fit(texts(), texts(), model=start, settings=settings, progress=False).evaluate(texts()).value > 0.9


def test_texts_without_labels_are_predicted_and_not_scored(start):
    found = fit(pairs(), model=start, settings=QUICK, progress=False)
    said = found.predict([TextPair.of(("sw", "sw"), "Anna ana", "Anna ana")])[0]
    assert (said.language, said.gold, said.said in ("no", "yes")) == ("sw", None, True)
    with pytest.raises(InputTypeError, match="no LabelledText"):
        found.evaluate([Text("en", "Anna sings.")])


@pytest.mark.parametrize(
    ("examples", "fault"),
    [
        ([], "examples: none"),
        ([*texts(2), LabelledText("en", "x", 1.0)], "labels of several kinds: str"),
        ([*texts(3), pairs(1)[0]], "1 of 4 are no LabelledText; example 3 is a LabelledPair"),
        ([LabelledText("en", "x", "a")] * 3, "all 3 examples have the same label 'a'"),
        ([LabelledText("en", "x", "")], "example 0: the label is ''"),
    ],
)
def test_unsound_examples_are_refused_with_their_numbers(examples, fault):
    with pytest.raises((InputValueError, InputTypeError), match=fault):
        Classification.of(examples)


def test_a_label_that_the_head_does_not_know_is_named():
    with pytest.raises(InputValueError, match="example 1: label 'fine' is not one of bad, good"):
        Classification(("bad", "good")).labelled([*texts(1), LabelledText("en", "x", "fine")])


def test_labels_of_another_problem_than_the_heads_are_refused():
    with pytest.raises(InputTypeError, match=r"such as 0.0 are of regression; the head is for single_label"):
        Classification(("bad", "good")).labelled(NUMBERS)


def test_a_text_longer_than_the_model_is_refused_or_cut():
    task, long = Classification(("bad", "good")), [*texts(1), LabelledText("en", "word " * 90, "good")]
    with pytest.raises(InputValueError, match=r"1 of 2 texts have more than 64 tokens, the first of them number 1"):
        task.features(long, TOKENIZER, READING)
    assert task.features(long, TOKENIZER, Reading(64, overlong="cut"))[1].length == 64


def test_text_and_pairs_do_not_mix():
    with pytest.raises(InputTypeError, match="some are texts and some are pairs"):
        Classification(("no", "yes")).features(
            [Text("en", "a"), TextPair.of(("en", "en"), "a", "b")], TOKENIZER, READING
        )


def test_the_loss_is_the_heads_own(start):
    """So it is the peer's, which the head's tests hold it to."""
    found = fit(texts(4), model=start, settings=replace(QUICK, steps=1), progress=False)
    inputs = found.task.inputs(found.task.features(texts(4), TOKENIZER, READING), 1)
    wanted = torch.nn.functional.cross_entropy(found.model(**inputs).logits, inputs["labels"])
    assert found.model(**inputs).loss.item() == pytest.approx(wanted.item())
