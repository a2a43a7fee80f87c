"""Outputs are reached by name, key and index, and hold only what was asked for."""

import dataclasses

import pytest
import torch

from erniem_lab.outputs import EncoderOutput, QuestionAnsweringModelOutput

LOGITS = torch.zeros(2, 3)


def test_attribute_key_and_index_reach_the_same_field():
    output = QuestionAnsweringModelOutput(start_logits=LOGITS, end_logits=LOGITS + 1)
    assert output.end_logits is output["end_logits"] is output[1] is output[-1]


def test_a_field_that_was_not_asked_for_is_none_and_skipped():
    output = QuestionAnsweringModelOutput(start_logits=LOGITS, end_logits=LOGITS)
    assert output.loss is None
    assert list(output) == list(output.keys()) == ["start_logits", "end_logits"]
    assert "loss" not in output
    assert len(output) == 2


def test_an_absent_key_names_the_keys_that_are_there():
    with pytest.raises(KeyError, match=r"loss.*start_logits, end_logits"):
        QuestionAnsweringModelOutput(start_logits=LOGITS, end_logits=LOGITS)["loss"]


def test_an_output_unpacks_as_a_mapping_and_slices_as_a_tuple():
    output = QuestionAnsweringModelOutput(torch.zeros(()), LOGITS, LOGITS)
    assert dict(**output).keys() == dict(output.items()).keys() == set(output.keys())
    assert [id(part) for part in output[1:]] == [id(LOGITS), id(LOGITS)]
    assert [id(part) for part in output.values()] == [id(part) for part in output.to_tuple()]


def test_an_output_cannot_be_changed():
    output = EncoderOutput(torch.zeros(1, 2, 4))
    with pytest.raises(dataclasses.FrozenInstanceError):
        output.last_hidden_state = torch.ones(1, 2, 4)
