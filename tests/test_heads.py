"""What each head's loss counts, which labels it takes, and which it refuses by name."""

import pytest
import torch
from jaxtyping import config as shape_checks
from small_models import HEADS, IDS, LABELS, SPAN_LABELS, answer, batch_for, build, words
from torch.nn import functional as F

from erniem_lab.errors import InputValueError
from erniem_lab.heads import (
    ErnieMForInformationExtraction,
    ErnieMForMaskedLM,
    ErnieMForMultipleChoice,
    ErnieMForQuestionAnswering,
    ErnieMForSequenceClassification,
    ErnieMForTokenClassification,
)

WITH_DROPOUT = [ErnieMForSequenceClassification, ErnieMForTokenClassification, ErnieMForMultipleChoice]


def nothing_counted(kind):
    return {name: torch.full_like(label, -100) for name, label in LABELS[kind.__name__].items()}


@pytest.mark.parametrize("kind", HEADS)
def test_a_batch_without_any_counted_label_has_loss_zero_and_no_gradient(kind):
    """Bugs D10 and D12, and case 111: the peer gives NaN, or counts -100 as a label of zero."""
    model = build(kind)
    output = model(**batch_for(model), **nothing_counted(kind))
    assert output.loss.item() == 0
    output.loss.backward()
    assert all(weight.grad is None or (weight.grad == 0).all() for weight in model.parameters())


@pytest.mark.parametrize("kind", [head for head in HEADS if head is not ErnieMForInformationExtraction])
def test_a_label_outside_the_classes_is_named(kind):
    model = build(kind)
    wrong = {name: torch.full_like(label, 77) for name, label in LABELS[kind.__name__].items()}
    if kind is ErnieMForQuestionAnswering:  # a position outside the text is not counted
        assert model(**batch_for(model), **wrong).loss == 0
        return
    with pytest.raises(InputValueError, match=r"labels hold 77: give 0 to .*-100"):
        model(**batch_for(model), **wrong)


@pytest.mark.parametrize("kind", WITH_DROPOUT)
def test_the_rate_before_a_classifier_is_its_own_or_the_hidden_one(kind):
    off = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    for rates, differs in [({}, False), ({"classifier_dropout": 0.5}, True)]:
        model = build(kind, **off, **rates)
        still = answer(model(**batch_for(model)))
        learning = answer(model.train()(**batch_for(model)))  # written-out attention, where evaluation fuses it
        assert torch.allclose(learning, still, atol=1e-5) != differs
    assert build(kind, hidden_dropout_prob=0.3).dropout.p == 0.3


# --- a text's label ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [torch.int8, torch.uint8, torch.int16, torch.int32, torch.int64])
def test_whole_numbers_of_any_width_are_classes(dtype):
    """Bug D13: the peer takes int8, uint8 and bool for yes/no labels."""
    model, labels = build(ErnieMForSequenceClassification, num_labels=3), torch.tensor([2, 0])
    output = model(IDS, labels=labels.to(dtype))
    assert torch.equal(output.loss, F.cross_entropy(output.logits, labels))


def test_booleans_are_two_classes():
    """Bug D13."""
    output = build(ErnieMForSequenceClassification)(IDS, labels=torch.tensor([True, False]))
    assert torch.equal(output.loss, F.cross_entropy(output.logits, torch.tensor([1, 0])))


@pytest.mark.parametrize("dtype", [torch.float32, torch.int64, torch.bool])
def test_a_yes_or_no_for_each_label_is_multi_label(dtype):
    labels = torch.tensor([[1, 0, 1], [0, 0, 1]])
    output = build(ErnieMForSequenceClassification, num_labels=3)(IDS, labels=labels.to(dtype))
    assert torch.equal(output.loss, F.binary_cross_entropy_with_logits(output.logits, labels.float()))


@pytest.mark.parametrize("labels", [torch.tensor([1.5, -2.0]), torch.tensor([[1.5], [-2.0]]), torch.tensor([3, 1])])
def test_one_label_is_regression(labels):
    output = build(ErnieMForSequenceClassification, num_labels=1)(IDS, labels=labels)
    assert torch.equal(output.loss, F.mse_loss(output.logits.flatten(), labels.flatten().float()))


def test_a_problem_type_overrides_the_form_of_labels():
    labels = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    output = build(ErnieMForSequenceClassification, problem_type="regression")(IDS, labels=labels)
    assert torch.equal(output.loss, F.mse_loss(output.logits, labels))


def test_a_label_seen_once_does_not_fix_the_problem():
    """Bug D13: the peer writes it into the config, and the next kind of label fails."""
    model = build(ErnieMForSequenceClassification)
    model(IDS, labels=torch.tensor([1, 0]))
    assert model.config.problem_type is None
    assert model(IDS, labels=torch.eye(2)).loss.isfinite()


@pytest.mark.parametrize("labels", [torch.tensor([1]), torch.tensor([[1, 0, 1]] * 2), torch.tensor([0.5, 0.5])])
def test_labels_of_another_form_are_refused_with_the_accepted_ones(labels):
    with pytest.raises(InputValueError, match=r"labels have shape .*\[batch\].*problem_type"):
        build(ErnieMForSequenceClassification)(IDS, labels=labels)


# --- choices and answers -----------------------------------------------------------------------------------------


def test_choices_may_lie_in_memory_in_any_order():
    """Bug D21: the peer's `view` fails."""
    model = build(ErnieMForMultipleChoice)
    ids = batch_for(model)["input_ids"]
    scattered = ids.transpose(0, 2).contiguous().transpose(0, 2)
    assert not scattered.is_contiguous()
    assert torch.equal(model(scattered).logits, model(ids).logits)


@pytest.mark.parametrize("given", [{"input_ids": IDS}, {"inputs_embeds": torch.zeros(2, 8, 16)}])
def test_choices_without_their_axis_are_refused(given):
    """Bug D21."""
    with pytest.raises(InputValueError, match=r"\[item, choice, seq\]"):
        build(ErnieMForMultipleChoice)(**given)


def test_each_choice_is_scored_as_if_alone_whatever_the_mask():
    model = build(ErnieMForMultipleChoice)
    ids = batch_for(model)["input_ids"]
    mask, places = (ids != 1), torch.arange(8).expand(2, 3, 8)
    together = model(ids, attention_mask=mask, position_ids=places).logits
    alone = [model(ids[:, i : i + 1], attention_mask=mask[:, i : i + 1]).logits for i in range(3)]
    assert torch.allclose(together, torch.cat(alone, dim=1), atol=1e-6)
    whole = mask[:, :, None, :].expand(-1, -1, 8, -1)
    assert torch.allclose(model(ids, attention_mask=whole).logits, together, atol=1e-6)
    assert torch.allclose(model(inputs_embeds=words(model, ids), attention_mask=mask).logits, together, atol=1e-6)


def test_positions_outside_the_text_are_not_counted():
    """Bug D12: the peer takes -1 and -100 for the first token."""
    model = build(ErnieMForQuestionAnswering)
    output = model(IDS, start_positions=torch.tensor([2, -1]), end_positions=torch.tensor([8, 5]))
    start = F.cross_entropy(output.start_logits[:1], torch.tensor([2]))
    end = F.cross_entropy(output.end_logits[1:], torch.tensor([5]))
    assert torch.allclose(output.loss, (start + end) / 2)


def test_positions_may_have_an_axis_of_one():
    model, start, end = build(ErnieMForQuestionAnswering), torch.tensor([1, 2]), torch.tensor([3, 4])
    flat, column = (
        model(IDS, start_positions=s, end_positions=e).loss for s, e in [(start, end), (start[:, None], end[:, None])]
    )
    assert torch.equal(flat, column)


def test_an_answer_has_two_ends():
    """Bug D12: the peer fails at the first batch."""
    with pytest.raises(InputValueError, match="num_labels=3: give 2"):
        build(ErnieMForQuestionAnswering, num_labels=3)


@pytest.mark.parametrize("kind", [ErnieMForQuestionAnswering, ErnieMForInformationExtraction])
@pytest.mark.parametrize("given", ["start_positions", "end_positions"])
def test_one_of_start_and_end_is_refused(kind, given):
    """Bug D12: the peer gives no loss, in silence."""
    missing = ({"start_positions", "end_positions"} - {given}).pop()
    with pytest.raises(InputValueError, match=f"{missing} is missing"):
        build(kind)(IDS, **{given: LABELS[kind.__name__][given]})


# --- spans -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [torch.int64, torch.bool, torch.float32, torch.float64])
def test_span_labels_of_any_type_give_the_same_loss(dtype):
    """Bug D8: the peer takes floats alone."""
    model = build(ErnieMForInformationExtraction)
    for labels in (SPAN_LABELS.to(dtype), SPAN_LABELS[..., None].to(dtype)):
        output = model(IDS, start_positions=labels, end_positions=labels)
        ends = [
            F.binary_cross_entropy_with_logits(x, SPAN_LABELS.float()) for x in (output.start_logits, output.end_logits)
        ]
        assert torch.allclose(output.loss, sum(ends) / 2)


def test_a_text_of_one_token_has_span_labels():
    """Bug D9: the peer squeezes the only token away."""
    one = torch.ones(2, 1)
    output = build(ErnieMForInformationExtraction)(IDS[:, :1], start_positions=one, end_positions=one)
    assert output.start_logits.shape == (2, 1)
    assert output.loss.isfinite()


def test_span_labels_of_minus_hundred_are_not_counted():
    """Bug D10: in the peer they count as zeros."""
    model, labels = build(ErnieMForInformationExtraction), SPAN_LABELS.float()
    labels[0, 4:] = -100
    output, counted = model(IDS, start_positions=labels, end_positions=labels), labels != -100
    ends = [
        F.binary_cross_entropy_with_logits(logits[counted], labels[counted])
        for logits in (output.start_logits, output.end_logits)
    ]
    assert torch.allclose(output.loss, sum(ends) / 2)


@pytest.mark.parametrize("value", [5.0, -1.0, float("nan")])
def test_a_span_label_that_is_no_probability_is_refused(value):
    """Bug D10: the peer takes 5 and is driven by it."""
    labels = SPAN_LABELS.float()
    labels[1, 1] = value
    with pytest.raises(InputValueError, match=r"span labels hold .*0, 1 or a probability"):
        build(ErnieMForInformationExtraction)(IDS, start_positions=labels, end_positions=labels)


def test_span_heads_keep_the_released_weights_names_and_no_more():
    """Bug D11: the pooler is in every released checkpoint; scores are log-odds, as in Hugging Face's."""
    model = build(ErnieMForInformationExtraction)
    names = {name.split(".")[0] for name, _ in model.named_children()}
    assert names == {"ernie_m", "linear_start", "linear_end"}
    assert model.ernie_m.pooler is not None
    output = model(IDS)
    states = model.ernie_m(IDS).last_hidden_state
    assert torch.equal(output.end_logits, model.linear_end(states).squeeze(-1))


# --- masked LM, devices ------------------------------------------------------------------------------------------


def test_the_masked_lm_scores_by_agreement_with_word_vectors():
    model = build(ErnieMForMaskedLM)
    states, head = model.ernie_m(IDS).last_hidden_state, model.lm_head
    features = head.layer_norm(F.gelu(head.dense(states)))
    assert torch.allclose(model(IDS).logits, features @ words(model, torch.arange(40)).T + head.bias, atol=1e-5)
    assert torch.allclose(model.score(states[0, 2:4]), model(IDS).logits[0, 2:4], atol=1e-5)


def test_a_masked_lm_on_the_weights_of_an_encoder_starts_with_no_bias(tmp_path):
    build().save_pretrained(tmp_path)
    with pytest.warns(UserWarning, match=r"lm_head\.bias"):
        model = ErnieMForMaskedLM.from_pretrained(tmp_path)
    assert (model.lm_head.bias == 0).all()
    assert (model.lm_head.layer_norm.weight == 1).all()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
@pytest.mark.parametrize("kind", HEADS)
def test_labels_follow_the_scores_to_their_device(kind):
    """Bug D25."""
    model = build(kind).cuda()
    assert model(batch_for(model)["input_ids"].cuda(), **LABELS[kind.__name__]).loss.is_cuda


def test_labels_move_without_a_gpu_too(monkeypatch):
    """Bug D25, on the device that holds no numbers."""
    monkeypatch.setattr(shape_checks, "jaxtyping_disable", True)
    model = build(ErnieMForSequenceClassification, num_labels=1).to("meta")
    assert model(inputs_embeds=torch.zeros(2, 8, 16, device="meta"), labels=torch.zeros(2)).loss.is_meta
