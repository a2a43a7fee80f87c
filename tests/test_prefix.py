"""Keys and values that stand before the sequence (`past_key_values`) act as tokens that were there."""

import pytest
import torch
from jaxtyping import config as shape_checks
from small_models import ENCODERS, IDS, answer, build

from erniem_lab.errors import InputValueError

PREFIX = 3
BATCH, FULL = IDS.shape
REST = FULL - PREFIX
NOT_PADDING = IDS != 1
READS = NOT_PADDING[:, None, :].expand(-1, FULL, -1).clone()
READS[:, :PREFIX, PREFIX:] = False  # the prefix does not read the rest, so the rest may be computed after it
FLOOR = torch.finfo(torch.float32).min
FORMS = {
    "none": None,
    "rest": NOT_PADDING[:, PREFIX:],
    "whole": NOT_PADDING.long(),
    "rest by rest": READS[:, PREFIX:, PREFIX:],
    "rest by whole": READS[:, PREFIX:],
    "heads": READS[:, None, PREFIX:],
    "heads, rest by rest": READS[:, None, PREFIX:, PREFIX:],
    "added": torch.zeros(BATCH, 1, REST, FULL).masked_fill(~READS[:, None, PREFIX:], FLOOR),
    "added, rest by rest": torch.zeros(BATCH, 1, REST, REST).masked_fill(~READS[:, None, PREFIX:, PREFIX:], FLOOR),
}


def keys_and_values(model, hidden_states):
    """What the layers themselves make of the first tokens."""
    past = []
    for layer, states in zip(model.base.encoder.layers, hidden_states, strict=False):
        attention = layer.self_attn.self_attn
        made = [proj(states[:, :PREFIX]).unflatten(-1, (-1, 4)) for proj in (attention.k_proj, attention.v_proj)]
        past.append(tuple(part.transpose(1, 2) for part in made))
    return past


@pytest.mark.parametrize("written", [False, True])
@pytest.mark.parametrize("kind", ["absolute", "relative_key", "relative_key_query"])
@pytest.mark.parametrize("form", FORMS)
def test_a_prefix_of_real_tokens_gives_what_the_whole_text_gives(form, kind, written):
    """Bug D5: the peer needs a mask of the whole length, and takes no other form."""
    model = build(position_embedding_type=kind)
    whole = model(IDS, attention_mask=READS, output_hidden_states=True)
    past = keys_and_values(model, whole.hidden_states)
    rest = model(IDS[:, PREFIX:], attention_mask=FORMS[form], past_key_values=past, output_attentions=written)
    assert torch.allclose(rest.last_hidden_state, whole.last_hidden_state[:, PREFIX:], atol=2e-6)


def test_attention_to_a_prefix_is_shown():
    model = build()
    past = [(torch.randn(BATCH, 4, PREFIX, 4), torch.randn(BATCH, 4, PREFIX, 4))] * 2
    maps = model(IDS, past_key_values=past, output_attentions=True).attentions
    assert [list(part.shape) for part in maps] == [[BATCH, 4, FULL, PREFIX + FULL]] * 2


@pytest.mark.parametrize("kind", ENCODERS)
def test_a_prefix_is_read_by_every_model_that_takes_one(kind):
    model, read = build(kind), torch.randn(BATCH, 4, PREFIX, 4)
    with_prefix = model(input_ids=IDS, past_key_values=[(read, read)] * 2)
    assert not torch.allclose(answer(with_prefix), answer(model(input_ids=IDS)))


@pytest.mark.parametrize("kind", ENCODERS[:2])
def test_asking_for_a_cache_changes_nothing(kind):
    """Bug D5: an encoder keeps none, and the argument is there for code written for Hugging Face's."""
    model = build(kind)
    assert torch.equal(answer(model(input_ids=IDS, use_cache=True)), answer(model(input_ids=IDS)))


def test_a_prefix_in_another_precision_is_read_in_the_models():
    past = [(torch.randn(BATCH, 4, PREFIX, 4), torch.randn(BATCH, 4, PREFIX, 4))] * 2
    assert build().half()(IDS, past_key_values=past).last_hidden_state.dtype == torch.float16


def test_a_pruned_layer_takes_a_prefix_for_the_heads_it_has():
    model = build(pruned_heads={0: [1, 2]})
    past = [(torch.randn(BATCH, heads, PREFIX, 4), torch.randn(BATCH, heads, PREFIX, 4)) for heads in (2, 4)]
    assert model(IDS, past_key_values=past).last_hidden_state.isfinite().all()


@pytest.mark.parametrize(
    "shapes", [[(2, 4, 3, 4)], [(2, 4, 3, 4), (2, 3, 3, 4)], [(1, 4, 3, 4)] * 2, [(2, 4, 3, 4), (2, 4, 2, 4)]]
)
def test_a_prefix_of_another_shape_is_refused(shapes, monkeypatch):
    monkeypatch.setattr(shape_checks, "jaxtyping_disable", True)  # as for users, who run without these checks
    with pytest.raises(InputValueError, match="past_key_values"):
        build()(IDS, past_key_values=[(torch.zeros(shape), torch.zeros(shape)) for shape in shapes])


def test_prefix_and_text_together_are_at_most_the_longest_text():
    past = [(torch.zeros(1, 4, 30, 4), torch.zeros(1, 4, 30, 4))] * 2
    with pytest.raises(InputValueError, match=r"33 tokens.*at most 32"):
        build()(torch.tensor([[0, 5, 2]]), past_key_values=past)
