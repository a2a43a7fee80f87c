"""Texts in one row: each gets the states that it has alone, whatever the model; rows that cannot be are refused."""

import pytest
import torch
from small_models import build

from erniem_lab.errors import InputValueError
from erniem_lab.model import ErnieMModel
from erniem_lab.packing import Packing, packed

TEXTS = [[0, 5, 6, 7, 2], [0, 9, 2], [0, 8, 2], [0, 11, 12, 13, 14, 15, 2]]
EXACT = 1e-5  # the same sums in another order


def read(model, texts=TEXTS, **how):
    ids, places, packing = packed(texts)
    return model(torch.tensor([ids]), torch.tensor([places]), packing, return_dict=True, **how)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"hidden_act": "relu"},
        {"position_embedding_type": "relative_key"},
        {"position_embedding_type": "relative_key_query"},
        {"pruned_heads": {0: [1], 1: [0, 2]}},
    ],
    ids=str,
)
def test_states_are_those_of_each_text_alone(changes):
    model = build(**changes)
    row = read(model, output_hidden_states=True)
    for i, start in enumerate(packed(TEXTS)[2].starts()):
        alone = model(torch.tensor([TEXTS[i]]), output_hidden_states=True)
        for layer, states in enumerate(alone.hidden_states):
            part = row.hidden_states[layer][:, start : start + len(TEXTS[i])]
            torch.testing.assert_close(part, states, atol=EXACT, rtol=0)
    assert row.pooler_output is None


def test_a_row_may_be_longer_than_the_longest_text():
    model = build(position_embedding_type="relative_key")
    texts = [[0, *range(5, 35)], [0, *range(6, 36)]]
    states = read(model, texts).last_hidden_state
    torch.testing.assert_close(states[:, 31:], model(torch.tensor(texts[1:])).last_hidden_state, atol=EXACT, rtol=0)


def test_silenced_heads_are_silent_in_a_row():
    model, silent = build(), torch.tensor([[1.0, 0.0, 1.0, 1.0], [0.0, 1.0, 1.0, 1.0]])
    states = read(model, head_mask=silent).last_hidden_state
    alone = model(torch.tensor(TEXTS[:1]), head_mask=silent).last_hidden_state
    torch.testing.assert_close(states[:, : len(TEXTS[0])], alone, atol=EXACT, rtol=0)


def test_gradients_of_a_row_are_those_of_its_texts():
    model = build(hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0).train()
    read(model).last_hidden_state.square().sum().backward()
    found = {name: weight.grad.clone() for name, weight in model.named_parameters() if weight.grad is not None}
    model.zero_grad()
    for text in TEXTS:
        model(torch.tensor([text])).last_hidden_state.square().sum().backward()
    for name, gradient in found.items():
        torch.testing.assert_close(gradient, model.get_parameter(name).grad, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda ids, places, packing: (ids, None, packing), r"positions? from 0"),
        (lambda ids, places, packing: (ids[:, 1:], places[:, 1:], packing), r"\[1, 18\]"),
        (lambda ids, places, packing: (ids.repeat(2, 1), places, packing), r"\[2, 18\]"),
    ],
)
def test_a_row_that_is_not_the_packings_is_refused(change, message):
    ids, places, packing = packed(TEXTS)
    with pytest.raises(InputValueError, match=message):
        build()(*change(torch.tensor([ids]), torch.tensor([places]), packing))


def test_a_row_has_no_attentions_and_no_text_without_tokens():
    with pytest.raises(InputValueError, match="output_attentions"):
        read(build(), output_attentions=True)
    for lengths in ((), (3, 0)):
        with pytest.raises(InputValueError, match="at least one text"):
            Packing(lengths)


def test_the_model_takes_a_packing_by_name():
    ids, places, packing = packed(TEXTS)
    given = dict(input_ids=torch.tensor([ids]), position_ids=torch.tensor([places]), attention_mask=packing)
    assert build(ErnieMModel)(**given).last_hidden_state.shape[1] == packing.tokens
