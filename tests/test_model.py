"""The encoder: recorded numbers, what it refuses, and laws that hold for any weights."""

import math
import weakref

import pytest
import torch
from jaxtyping import config as shape_checks
from small_models import IDS, build, words

from erniem_lab.config import ErnieMConfig
from erniem_lab.errors import InputValueError
from erniem_lab.model import ErnieMModel

KINDS = ["absolute", "relative_key", "relative_key_query"]


def closed_form_model() -> ErnieMModel:
    """Weights that anybody can compute: the n-th tensor, by sorted name, holds 0.3 sin(0.37 j + n), norms around 1."""
    sizes = {"vocab_size": 20, "hidden_size": 8, "num_attention_heads": 2, "intermediate_size": 16}
    model = ErnieMModel(ErnieMConfig(**sizes, num_hidden_layers=2, max_position_embeddings=16)).eval()
    state = model.state_dict()
    for n, name in enumerate(sorted(state)):
        centre = 1.0 if "norm" in name and name.endswith("weight") else 0.0
        values = [math.sin(0.37 * j + n) * 0.3 + centre for j in range(state[name].numel())]
        state[name] = torch.tensor(values, dtype=torch.float64).float().reshape(state[name].shape)
    model.load_state_dict(state)
    return model


def test_weights_in_closed_form_give_the_peers_numbers():
    """Case 114: numbers of transformers 4.40.2, to their printed precision; `test_parity` compares all layers."""
    ids = torch.tensor([[0, 5, 6, 7, 2, 1, 1], [0, 8, 9, 10, 11, 12, 2]])
    output = closed_form_model()(ids, output_hidden_states=True, output_attentions=True)
    last = output.last_hidden_state
    for found, expected in [
        (last[0, 0, :4], [1.801254, 1.234486, 0.670808, -0.825441]),
        (last[1, 6, :4], [1.191527, 1.029956, 1.447469, -0.018431]),
        (output.pooler_output[0, :4], [-0.791138, 0.533683, -0.837469, 0.690557]),
        (output.hidden_states[0][0, 0, :4], [2.095283, 1.658728, 1.015865, 0.318597]),
        (output.attentions[0][0, 0, 0], [7.1e-05, 0.562486, 9.4e-05, 0.437265, 8.5e-05, 0, 0]),
    ]:
        assert torch.allclose(found, torch.tensor(expected), atol=1e-6)
    assert torch.allclose(torch.stack([last.sum(), last.abs().sum()]), torch.tensor([16.38079, 95.28867]), atol=1e-4)


@pytest.mark.parametrize("wrong", [-1, 40, 250001])
def test_an_id_outside_the_vocabulary_is_named_with_its_place(wrong):
    """Case 104."""
    ids = IDS.clone()
    ids[1, 3] = wrong
    with pytest.raises(InputValueError, match=rf"input_ids holds {wrong} at \[1, 3\].*0 to 39 \(vocab_size is 40\)"):
        build()(ids)


def test_a_text_that_is_too_long_is_told_the_longest():
    """Case 105, at the released size: 513 tokens, of which 512 are accepted."""
    config = ErnieMConfig(vocab_size=9, hidden_size=4, num_attention_heads=1, num_hidden_layers=1, intermediate_size=4)
    model, ids = ErnieMModel(config), torch.full((1, 513), 5)
    with pytest.raises(InputValueError, match=r"513 tokens.*at most 512.*truncate"):
        model(ids)
    assert model(ids[:, :512]).last_hidden_state.shape == (1, 512, 4)


@pytest.mark.parametrize("given", [{"input_ids": IDS[:, :0]}, {"inputs_embeds": torch.zeros(2, 0, 16)}])
def test_a_text_of_no_tokens_is_refused(given):
    """Case 106."""
    with pytest.raises(InputValueError, match="at least one token"):
        build()(**given)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"input_ids": IDS[0]}, r"input_ids has shape \[8\].*\[batch, seq\]"),
        ({"input_ids": IDS.float()}, r"input_ids has shape .*float32: give whole numbers"),
        ({"inputs_embeds": torch.zeros(2, 8, 15)}, r"inputs_embeds has shape .*\[batch, seq, 16\]"),
        ({"input_ids": IDS, "position_ids": torch.arange(8)}, r"position_ids has shape \[8\].*\[1, 8\]"),
        ({"input_ids": IDS, "position_ids": torch.arange(7)[None]}, r"position_ids has shape \[1, 7\]"),
        ({"input_ids": IDS, "head_mask": torch.ones(3, 4)}, r"head_mask has shape \[3, 4\].*\[2, 4\]"),
    ],
)
def test_an_input_of_another_form_is_refused_by_name(given, message, monkeypatch):
    monkeypatch.setattr(shape_checks, "jaxtyping_disable", True)  # as for users, who run without these checks
    with pytest.raises(InputValueError, match=message):
        build()(**given)


@pytest.mark.parametrize("wrong", [-1, 32])
def test_a_position_outside_the_table_is_named(wrong):
    with pytest.raises(InputValueError, match=rf"position_ids holds {wrong} at \[0, 0\].*0 to 31"):
        build()(IDS, position_ids=torch.full((1, 8), wrong))


@pytest.mark.parametrize("mask", [IDS != 1, (IDS != 1).long(), (IDS != 1).float()])
def test_a_mask_in_the_place_of_positions_is_refused(mask):
    """Bug D15: positions come second here and third in the heads; the peer takes the mask for positions."""
    with pytest.raises(InputValueError, match="pass attention_mask by name"):
        build()(IDS, mask)


@pytest.mark.parametrize("expanded", [False, True])
def test_nothing_that_is_passed_in_is_changed(expanded):
    """Bug D1, and case 108: the peer adds 2 to the caller's positions at every call."""
    places = torch.arange(8)[None].expand(2, -1) if expanded else torch.arange(8).repeat(2, 1)
    past = [(torch.randn(2, 4, 3, 4), torch.randn(2, 4, 3, 4))] * 2
    given = [IDS.clone(), places, (IDS != 1).long(), torch.rand(2, 4)]
    copies, past_copies = [part.clone() for part in given], [(k.clone(), v.clone()) for k, v in past]
    model = build()
    first, second = (model(*given, past_key_values=past).last_hidden_state for _ in range(2))
    assert torch.equal(first, second)
    assert all(torch.equal(part, copy) for part, copy in zip(given, copies, strict=True))
    pairs = zip(past, past_copies, strict=True)
    assert all(torch.equal(part, copy) for pair, copies in pairs for part, copy in zip(pair, copies, strict=True))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("written", [False, True])
def test_order_and_repetition_of_texts_change_no_bit(kind, written):
    """Case 113."""
    model, ids = build(position_embedding_type=kind), torch.randint(2, 40, (6, 9))
    order = torch.tensor([3, 1, 5, 0, 2, 4])
    first, again, shuffled = (
        model(rows, output_attentions=written).last_hidden_state for rows in (ids, ids, ids[order])
    )
    assert torch.equal(first, again)
    assert torch.equal(first[order], shuffled)


@pytest.mark.parametrize("kind", KINDS)
def test_gradient_checkpointing_gives_the_same_gradients(kind):
    """Bug D23; with dropout, which must fall alike in the second pass."""
    model, gradients = build(position_embedding_type=kind).train(), []
    for switch in (model.gradient_checkpointing_disable, model.gradient_checkpointing_enable):
        switch()
        model.zero_grad()
        torch.manual_seed(0)
        model(IDS).pooler_output.sum().backward()
        gradients.append([weight.grad.clone() for weight in model.parameters()])
    assert all(torch.equal(*pair) for pair in zip(*gradients, strict=True))


def test_states_that_nobody_asked_for_are_let_go():
    model, first, alive = build(ErnieMModel, num_hidden_layers=3), [], []
    layers = model.encoder.layers
    layers[0].register_forward_hook(lambda *given: first.append(weakref.ref(given[2][0])))
    layers[2].register_forward_hook(lambda *given: alive.append(first[-1]() is not None))
    with torch.inference_mode():
        model(IDS)
        model(IDS, output_hidden_states=True)
    assert alive == [False, True]


def test_gradient_checkpointing_runs_layers_again():
    model, runs = build().train(), []
    model.encoder.layers[0].register_forward_pre_hook(lambda *_: runs.append(1))
    model.gradient_checkpointing_enable()
    model(IDS).last_hidden_state.sum().backward()
    assert len(runs) == 2


def test_a_mask_and_word_vectors_of_padding_equal_ids():
    model = build()
    found = model(inputs_embeds=words(model), attention_mask=IDS != 1).last_hidden_state
    assert torch.equal(found, model(IDS).last_hidden_state)


@pytest.mark.parametrize("given", [{}, {"input_ids": IDS, "inputs_embeds": torch.zeros(2, 8, 16)}])
def test_ids_and_word_vectors_exclude_each_other(given):
    """Bug D3: the peer crashes obscurely when it gets neither."""
    with pytest.raises(InputValueError, match="of input_ids and inputs_embeds given: give one"):
        build()(**given)


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::torch.jit.TracerWarning")
def test_a_model_can_be_traced_as_tuples():
    """Bug D14: `torchscript=True` makes tuples, and the trace serves other lengths."""
    model = build(torchscript=True)
    traced = torch.jit.trace(model, (IDS,), check_trace=False)
    other = torch.tensor([[0, 5, 6, 2]])
    assert all(torch.allclose(*pair, atol=1e-6) for pair in zip(traced(other), model(other), strict=True))
