"""Multiple choice: cause before effect, in every language, and choices scored one by one."""

import numpy as np
import pytest
from task_samples import QUICK, TOKENIZER, choices, small_checkpoint

from erniem_lab.corpora.examples import ChoiceExample
from erniem_lab.errors import InputTypeError, InputValueError
from erniem_lab.tasks import Choice, Reading, fit, task_of

READING = Reading(64)
THREE = ChoiceExample("en", "Anna is tired.", "effect", ("She sleeps.", "She sings.", "She runs."), 2)


def test_the_cause_is_read_before_its_effect():
    cause, effect = choices(2)
    features = Choice().features([cause, effect], TOKENIZER, READING)
    assert [list(one.ids) for one in features[0].encodings] == [
        TOKENIZER(choice, "Anna is tired.").input_ids for choice in cause.choices
    ]
    assert list(features[1].encodings[0].ids) == TOKENIZER("Anna is tired.", "She sleeps.").input_ids


def test_a_batch_has_an_axis_of_choices():
    inputs = Choice().inputs(Choice().features([THREE, THREE], TOKENIZER, READING), 1)
    assert inputs["input_ids"].shape[:2] == inputs["attention_mask"].shape[:2] == (2, 3)
    assert inputs["labels"].tolist() == [2, 2]


def test_the_choice_with_the_highest_score_is_taken():
    found = Choice().predictions([THREE], [], [np.array([0.0, 2.0, 1.0], dtype=np.float32)])[0]
    assert (found.said, found.gold) == (1, 2)
    assert sum(found.probabilities) == pytest.approx(1)
    assert Choice().tallies([found])["accuracy"].value == 0
    assert Choice().sides([found]) == (["choice 2"], ["choice 1"])


def test_a_head_is_trained_and_scored(tmp_path):
    found = fit(choices(), choices(), model=small_checkpoint(tmp_path), settings=QUICK, progress=False)
    assert found.evaluate(choices()).metrics == ("accuracy",)
    assert found.predict([THREE])[0].said in (0, 1, 2)  # another number of choices than it was trained on


@pytest.mark.parametrize(
    ("examples", "fault"),
    [
        ([*choices(1), THREE], r"choices of several kinds: 2 \(1\), 3 \(1\)"),
        ([ChoiceExample("en", "a", "cause", ("b", "c"), 2)], "example 0: label 2 for 2 options; count them from 0"),
        ([ChoiceExample("en", "a", "cause", ("b",), 0)], "example 0: 1 options; give two or more"),
    ],
)
def test_unsound_items_are_refused(examples, fault):
    with pytest.raises((InputValueError, InputTypeError), match=fault):
        task_of(examples)


def test_an_item_longer_than_the_model_is_refused():
    with pytest.raises(InputValueError, match="2 of 2 texts have more than 8 tokens"):
        Choice().features(choices(1), TOKENIZER, Reading(8))
