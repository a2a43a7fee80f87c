"""Whatever form a mask is given in, each query reads what it should, by either kernel, in every precision."""

import pytest
import torch
from small_models import IDS, build, words

from erniem_lab.errors import InputValueError
from erniem_lab.masks import reading_mask

BATCH, SEQ = IDS.shape
PADDING = IDS != 1
TRIANGLE = torch.ones(SEQ, SEQ, dtype=torch.bool).tril() & PADDING[:, None, :]
PER_HEAD = torch.stack([TRIANGLE, TRIANGLE.new_ones(TRIANGLE.shape), TRIANGLE, TRIANGLE], dim=1)
CLOSED = TRIANGLE & (torch.arange(SEQ) != 3)[:, None]  # query 3 may read nothing


def additive(keep: torch.Tensor, floor: float = torch.finfo(torch.float32).min) -> torch.Tensor:
    return torch.zeros(keep.shape).masked_fill(~keep, floor)


FORMS = {
    "none": None,
    "batch key": PADDING,
    "batch key, whole numbers": PADDING.long(),
    "batch query key": TRIANGLE,
    "batch head query key": PER_HEAD,
    "one head for all": TRIANGLE[:, None],
    "one query for all": PADDING[:, None, None],
    "added to scores": additive(PER_HEAD),
    "a closed row": CLOSED,
    "a closed text": torch.tensor([[False], [True]]) & PADDING,
}
# The relative error of states after two layers: some roundings of each format (2^-24, 2^-11, 2^-8).
BOUNDS = {torch.float64: 1e-14, torch.float32: 2e-6, torch.float16: 1e-2, torch.bfloat16: 5e-2}


def states(model, **given):
    with torch.no_grad():
        return model(IDS, **given).last_hidden_state


def distance(found, expected):
    return ((found.double() - expected.double()).norm() / expected.double().norm()).item()


@pytest.mark.parametrize("dtype", BOUNDS, ids=str)
@pytest.mark.parametrize("form", FORMS)
def test_the_fused_kernel_equals_the_written_out_one(form, dtype):
    """Bug D23, and case 102: also where a query may read nothing."""
    model = build().to(dtype)
    fused, written = (states(model, attention_mask=FORMS[form], output_attentions=way) for way in (False, True))
    assert fused.dtype == dtype
    assert fused.isfinite().all()
    assert distance(fused, written) <= BOUNDS[dtype]


@pytest.mark.parametrize("form", FORMS)
def test_both_kernels_give_the_same_gradients(form):
    """Bug D23; in evaluation mode, where texts of every length take the fused kernel."""
    model, gradients = build(), []
    for written in (False, True):
        model.zero_grad()
        model(IDS, attention_mask=FORMS[form], output_attentions=written).last_hidden_state.pow(2).sum().backward()
        gradients.append(torch.cat([weight.grad.flatten() for weight in model.encoder.parameters()]))
    assert distance(*gradients) <= 1e-5


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)
@pytest.mark.parametrize("device", ["cpu", "cuda"])
@pytest.mark.parametrize("written", [False, True])
def test_half_precisions_run_and_are_near_single_precision(device, dtype, written):
    """Bug D2, and case 103."""
    if device == "cuda" and not torch.cuda.is_available():
        pytest.skip("no GPU here")
    model = build()
    expected = states(model)
    with torch.no_grad():
        found = model.to(device, dtype)(IDS.to(device), output_attentions=written).last_hidden_state
    assert distance(found.cpu(), expected) <= 10 * BOUNDS[dtype]


def test_fused_attention_is_used_unless_attentions_are_asked_for(monkeypatch):
    """Bugs D6 and D23: the peer always makes and returns the weights."""
    calls, fused = [], torch.nn.functional.scaled_dot_product_attention
    spy = lambda *given, **named: calls.append(1) or fused(*given, **named)  # noqa: E731
    monkeypatch.setattr(torch.nn.functional, "scaled_dot_product_attention", spy)
    states(build())
    assert len(calls) == 2
    states(build(), output_attentions=True)
    assert len(calls) == 2


@pytest.mark.parametrize("written", [False, True])
@pytest.mark.parametrize(
    ("one", "other"),
    [
        (PADDING, PADDING.long()),
        (PADDING, PADDING.float()),
        (PADDING, PADDING[:, None, :].expand(-1, SEQ, -1)),
        (PADDING, PADDING[:, None, None, :]),
        (PADDING, None),
        (TRIANGLE, TRIANGLE.long()),
        (TRIANGLE, TRIANGLE[:, None].expand(-1, 4, -1, -1)),
        (PER_HEAD, PER_HEAD.int()),
    ],
)
def test_forms_that_say_the_same_do_the_same(one, other, written):
    """Bug D4, and case 110."""
    model = build()
    first, second = (states(model, attention_mask=mask, output_attentions=written) for mask in (one, other))
    assert torch.equal(first, second)


@pytest.mark.parametrize("floor", [torch.finfo(torch.float32).min, float("-inf"), -1e4])
def test_a_mask_added_to_scores_equals_a_boolean_one(floor):
    """Bug D4, and case 110: the peer's floor, minus infinity, and PaddleNLP's floor."""
    model = build()
    assert distance(*(states(model, attention_mask=mask) for mask in (additive(PER_HEAD, floor), PER_HEAD))) < 1e-6


def test_minus_infinity_over_a_whole_row_is_not_nan():
    """Cases 101 and 102."""
    model = build()
    found = states(model, attention_mask=additive(CLOSED, float("-inf"))[:, None])
    assert distance(found, states(model, attention_mask=CLOSED)) < 1e-6


def test_small_numbers_added_to_scores_are_added():
    model, mask = build(num_hidden_layers=1), additive(PADDING[:, None, None])
    mask[..., 2] = -1.0
    plain = model(IDS, output_attentions=True).attentions[0]
    shifted = model(IDS, attention_mask=mask, output_attentions=True).attentions[0]
    weights = plain * torch.where(torch.arange(SEQ) == 2, torch.tensor(-1.0).exp(), 1.0)
    assert torch.allclose(shifted, weights / weights.sum(-1, keepdim=True), atol=1e-6)


@pytest.mark.parametrize("mask", [TRIANGLE, PER_HEAD])
def test_no_query_reads_a_key_that_is_forbidden(mask):
    maps = build()(IDS, attention_mask=mask, output_attentions=True).attentions
    shown = mask if mask.ndim == 4 else mask[:, None]
    for weights in maps:
        assert (weights.masked_select(~shown.expand_as(weights)) == 0).all()
        assert (weights.masked_select(shown.expand_as(weights)) > 0).all()


def test_groups_that_do_not_read_each_other_are_texts_of_their_own():
    """Two texts packed into one row, by a [batch, query, key] mask."""
    model, text = build(), torch.tensor([[0, 5, 6, 2], [0, 7, 8, 2]])
    group = torch.tensor([[0, 0, 0, 0, 1, 1, 1, 1]])
    mask, places = group[:, :, None] == group[:, None, :], torch.arange(4).repeat(2)[None]
    packed = model(text.reshape(1, 8), attention_mask=mask, position_ids=places).last_hidden_state
    assert torch.allclose(packed.reshape(2, 4, -1), model(text).last_hidden_state, atol=1e-6)


def test_a_query_that_may_read_nothing_reads_all_keys_equally():
    """Cases 101 and 102: the peer's answer to a text of padding alone, and never NaN."""
    model = build()
    output = model(torch.ones(1, 5, dtype=torch.long), output_attentions=True)
    assert torch.allclose(output.attentions[0], torch.full((1, 4, 5, 5), 0.2))
    fused = model(torch.ones(1, 5, dtype=torch.long)).last_hidden_state
    assert torch.allclose(fused, output.last_hidden_state, atol=1e-6)


@pytest.mark.parametrize("written", [False, True])
def test_a_closed_row_has_finite_gradients(written):
    model = build()
    model(IDS, attention_mask=CLOSED, output_attentions=written).last_hidden_state.pow(2).sum().backward()
    assert all(weight.grad.isfinite().all() for weight in model.encoder.parameters())


@pytest.mark.parametrize("value", [2.0, 0.5, -1.0, float("nan")])
@pytest.mark.parametrize("axes", [2, 3])
def test_values_other_than_zero_and_one_are_refused(value, axes):
    """Bug D18, and case 109."""
    mask = torch.ones(BATCH, SEQ) if axes == 2 else torch.ones(BATCH, SEQ, SEQ)
    mask[0, 0] = value
    with pytest.raises(InputValueError, match=r"attention_mask holds .*give 1"):
        build()(IDS, attention_mask=mask)


def test_ones_and_zeros_as_four_axes_of_floats_are_refused_not_added():
    with pytest.raises(InputValueError, match="attention_mask with four axes of floats is added"):
        build()(IDS, attention_mask=PER_HEAD.float())


@pytest.mark.parametrize(
    "shape",
    [
        (SEQ,),
        (BATCH, SEQ + 1),
        (3, SEQ),
        (BATCH, SEQ - 1, SEQ),
        (BATCH, 1, SEQ, 2),
        (BATCH, 3, SEQ, SEQ),
        (1, 1, 1, SEQ, SEQ),
    ],
)
def test_other_shapes_are_refused_with_the_accepted_ones(shape):
    with pytest.raises(InputValueError, match=r"attention_mask has shape .*batch"):
        reading_mask(torch.ones(shape, dtype=torch.bool), PADDING, heads=4)


@pytest.mark.parametrize("written", [False, True])
def test_padding_does_not_change_a_text(written):
    """Case 112: texts of many lengths, alone and padded to the longest; at most 1e-5 in single precision."""
    model, lengths = build(), [1, 2, 3, 7, 17, 32]
    ids = torch.randint(2, 40, (len(lengths), 32))
    padded = ids.masked_fill(torch.arange(32) >= torch.tensor(lengths)[:, None], 1)
    together = model(padded, output_attentions=written)
    for row, length in enumerate(lengths):
        alone = model(ids[row : row + 1, :length], output_attentions=written)
        assert (together.last_hidden_state[row, :length] - alone.last_hidden_state[0]).abs().max() <= 1e-5
        assert (together.pooler_output[row] - alone.pooler_output[0]).abs().max() <= 1e-5


def test_word_vectors_without_a_mask_are_all_read():
    """Bug D3, and case 107: the peer crashes."""
    model = build()
    found = model(inputs_embeds=words(model)).last_hidden_state
    assert torch.equal(found, states(model, attention_mask=torch.ones_like(IDS)))
