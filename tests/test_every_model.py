"""What Hugging Face's common checks ask of every model class, and what every class gives beyond them (bug D24)."""

import inspect

import pytest
import torch
from small_models import CLASSES, HEADS, IDS, SPAN_LABELS, answer, batch_for, build, small_config, words

from erniem_lab import heads
from erniem_lab.config import ErnieMConfig
from erniem_lab.errors import InputTypeError
from erniem_lab.model import ErnieMModel
from erniem_lab.outputs import ModelOutput

EVERYTHING = {"output_hidden_states": True, "output_attentions": True}
WITH_MASK = "input_ids attention_mask position_ids head_mask inputs_embeds"
SPANS = f"{WITH_MASK} start_positions end_positions output_attentions output_hidden_states return_dict"
CHOICE = f"{WITH_MASK} labels output_attentions output_hidden_states return_dict"
SIGNATURES = {  # as transformers 4.40.2 has them; the masked LM is ours and follows the others
    "ErnieMModel": "input_ids position_ids attention_mask head_mask inputs_embeds past_key_values use_cache "
    "output_hidden_states output_attentions return_dict",
    "ErnieMForSequenceClassification": f"{WITH_MASK} past_key_values use_cache output_hidden_states "
    "output_attentions return_dict labels",
    "ErnieMForTokenClassification": f"{WITH_MASK} past_key_values output_hidden_states output_attentions "
    "return_dict labels",
    "ErnieMForMultipleChoice": CHOICE,
    "ErnieMForQuestionAnswering": SPANS,
    "ErnieMForInformationExtraction": SPANS,
    "ErnieMForMaskedLM": CHOICE,
}
UNREAD = {  # weights that no loss of the class reaches
    "ErnieMForInformationExtraction": {"ernie_m.pooler.dense.weight", "ernie_m.pooler.dense.bias"},  # bug D11
}


@pytest.fixture(params=CLASSES, ids=lambda kind: kind.__name__)
def kind(request):
    return request.param


def leaves(output):
    for part in output.to_tuple() if isinstance(output, ModelOutput) else output:
        if isinstance(part, tuple):
            yield from part
        elif part is not None:
            yield part


def test_arguments_come_in_hugging_faces_order(kind):
    """Bug D15 is kept: the order differs between encoder and heads, and callers rely on both."""
    parameters = inspect.signature(kind.forward).parameters
    assert list(parameters)[1:] == SIGNATURES[kind.__name__].split()
    assert parameters["return_dict"].default is (None if kind is ErnieMModel else True)


def test_the_same_input_gives_the_same_output(kind):
    model = build(kind)
    assert torch.equal(*(answer(model(**batch_for(model))) for _ in range(2)))


def test_a_text_alone_gives_what_it_gives_in_a_batch(kind):
    model = build(kind)
    together, given = model(**batch_for(model), **EVERYTHING), batch_for(model)["input_ids"]
    for row in range(2):
        alone = model(given[row : row + 1], **EVERYTHING)
        for part, whole in zip(leaves(alone), leaves(together), strict=True):
            expected = whole.unflatten(0, (2, -1))[row] if len(whole) > 2 else whole[row : row + 1]
            assert torch.allclose(part.reshape(expected.shape), expected, atol=1e-5)


@pytest.mark.parametrize("labelled", [False, True])
@pytest.mark.parametrize("extras", [{}, {"output_hidden_states": True}, {"output_attentions": True}, EVERYTHING])
def test_a_tuple_holds_the_fields_in_order(kind, labelled, extras):
    """Bug D7: the peer's span head fails on `return_dict=False`."""
    model = build(kind)
    given = {**batch_for(model, labelled), **extras}
    named, plain = model(**given, return_dict=True), model(**given, return_dict=False)
    assert isinstance(plain, tuple)
    assert len(plain) == len(named.to_tuple())
    assert all(torch.equal(*pair) for pair in zip(leaves(plain), leaves(named), strict=True))


def test_the_slot_of_a_missing_pooler_stays_in_the_tuple():
    model = ErnieMModel(small_config(), add_pooling_layer=False).eval()
    plain = model(IDS, return_dict=False, output_hidden_states=True)
    assert (len(plain), plain[1], len(plain[2])) == (3, None, 3)
    assert list(model(IDS)) == ["last_hidden_state"]


@pytest.mark.parametrize("place", ["argument", "config"])
def test_states_and_attentions_come_when_asked_for(kind, place):
    model = build(kind, **(EVERYTHING if place == "config" else {}))
    given = batch_for(model)
    output = model(**given, **(EVERYTHING if place == "argument" else {}))
    rows = given["input_ids"].numel() // 8
    assert [list(states.shape) for states in output.hidden_states] == [[rows, 8, 16]] * 3
    assert [list(maps.shape) for maps in output.attentions] == [[rows, 4, 8, 8]] * 2
    assert torch.allclose(output.attentions[0].sum(-1), torch.ones(rows, 4, 8))


def test_states_and_attentions_are_absent_unless_asked_for(kind):
    model = build(kind, **EVERYTHING)
    output = model(**batch_for(model), output_hidden_states=False, output_attentions=False)
    assert output.hidden_states is output.attentions is None


def test_layer_zero_is_the_embedding_and_the_last_one_the_answer():
    model = build()
    output = model(IDS, output_hidden_states=True)
    assert torch.equal(output.hidden_states[0], model.embeddings(words(model), torch.arange(8)[None]))
    assert torch.equal(output.hidden_states[-1], output.last_hidden_state)


@pytest.mark.parametrize("settings", [{"return_dict": False}, {"torchscript": True}])
def test_heads_follow_the_config_only_when_told_to(kind, settings):
    """Bug D14, kept: a head's default is `return_dict=True`, and None means what the config says."""
    model = build(kind, **settings)
    assert isinstance(model(**batch_for(model)), tuple) == (kind is ErnieMModel)
    assert isinstance(model(**batch_for(model), return_dict=None), tuple)


def test_without_a_say_in_the_config_none_means_fields(kind):
    """Bug D7: the peer's span head then gives a tuple."""
    model = build(kind)
    assert isinstance(model(**batch_for(model), return_dict=None), ModelOutput)


def test_gradients_reach_states_and_attentions(kind):
    model = build(kind)
    output = model(**batch_for(model), **EVERYTHING)
    kept = [output.hidden_states[0], output.attentions[0]]
    for part in kept:
        part.retain_grad()
    answer(output).pow(2).sum().backward()
    assert all(part.grad.norm() > 0 for part in kept)


@pytest.mark.parametrize("written", [False, True])
def test_gradients_reach_every_weight(written):
    """In every head; and in the encoder from its pooled vector."""
    for kind in CLASSES:
        model = build(kind, act_dropout=0.0).train()
        output = model(**batch_for(model, labelled=True), output_attentions=written)
        (output.pooler_output.sum() if kind is ErnieMModel else output.loss).backward()
        unread = {name for name, weight in model.named_parameters() if weight.grad is None}
        assert unread == UNREAD.get(kind.__name__, set())
        still = {name for name, weight in model.named_parameters() if name not in unread and not weight.grad.any()}
        assert still == set()


def test_a_silenced_head_is_silent_and_the_mask_has_a_gradient(kind):
    model = build(kind)
    mask = torch.ones(2, 4)
    mask[0, 0] = mask[1, 1:] = 0
    mask.requires_grad_()
    output = model(**batch_for(model), head_mask=mask, output_attentions=True)
    assert (output.attentions[0][:, 0] == 0).all()
    assert (output.attentions[0][:, 1:].sum(-1) > 0).all()
    assert (output.attentions[1][:, 1:] == 0).all()
    answer(output).pow(2).sum().backward()
    assert mask.grad.abs().sum() > 0


def test_one_row_of_a_head_mask_serves_all_layers(kind):
    model, row = build(kind), torch.tensor([1.0, 0.0, 0.5, 1.0])
    assert torch.equal(*(answer(model(**batch_for(model), head_mask=mask)) for mask in (row, row.expand(2, 4))))


def test_word_vectors_stand_for_ids(kind):
    """Bug D3: the peer crashes on word vectors without a mask; there is then no padding."""
    model = build(kind)
    ids = batch_for(model)["input_ids"]
    from_ids = model(ids, attention_mask=torch.ones_like(ids))
    assert torch.equal(answer(model(inputs_embeds=words(model, ids))), answer(from_ids))


def test_every_weight_is_drawn_by_the_config(kind):
    """With no spread, every weight is exactly 0 or, in a normalisation, 1."""
    for name, weight in kind(small_config(initializer_range=0.0)).named_parameters():
        one = "norm" in name and name.endswith("weight")
        assert torch.equal(weight, torch.full_like(weight, float(one))), name


def test_weights_survive_a_state_dict_and_a_folder(kind, tmp_path):
    model, other = build(kind), build(kind, seed=1)
    expected = answer(model(**batch_for(model)))
    assert not torch.allclose(answer(other(**batch_for(model))), expected)
    other.load_state_dict(model.state_dict())
    model.save_pretrained(tmp_path)
    loaded = kind.from_pretrained(tmp_path)
    assert loaded.config.architectures == [kind.__name__]
    assert not loaded.training
    for copy in (other, loaded):
        assert torch.equal(answer(copy(**batch_for(model))), expected)


@pytest.mark.parametrize("kind", HEADS)
def test_an_encoder_goes_into_a_head_and_comes_out_again(kind, tmp_path):
    encoder = build()
    encoder.save_pretrained(tmp_path / "encoder")
    with pytest.warns(UserWarning, match="initialised"):
        head = kind.from_pretrained(tmp_path / "encoder", initializer_range=0.1)
    assert torch.equal(head.ernie_m(IDS).last_hidden_state, encoder(IDS).last_hidden_state)
    assert all(weight.isfinite().all() for weight in head.parameters())
    build(kind).save_pretrained(tmp_path / "head")
    if build(kind).ernie_m.pooler is not None:
        again = ErnieMModel.from_pretrained(tmp_path / "head")
        assert torch.equal(again(IDS).last_hidden_state, build(kind).ernie_m(IDS).last_hidden_state)


def test_overrides_number_format_and_device_are_heeded(tmp_path):
    build(heads.ErnieMForTokenClassification).save_pretrained(tmp_path)
    given = {"dtype": torch.bfloat16, "output_attentions": True, "hidden_dropout_prob": 0.4}
    model = heads.ErnieMForTokenClassification.from_pretrained(tmp_path, **given)
    assert {weight.dtype for weight in model.parameters()} == {model.dtype} == {torch.bfloat16}
    assert (model.dropout.p, len(model(IDS).attentions)) == (0.4, 2)
    assert heads.ErnieMForTokenClassification.from_pretrained(tmp_path, device="meta").device.type == "meta"
    with pytest.raises(InputTypeError, match="write dtype="):
        heads.ErnieMForTokenClassification.from_pretrained(tmp_path, torch_dtype=torch.float16)


def test_number_and_names_of_labels_size_the_classifiers():
    for kind in (heads.ErnieMForSequenceClassification, heads.ErnieMForTokenClassification):
        assert build(kind, num_labels=5)(IDS).logits.shape[-1] == 5
        assert build(kind, id2label={0: "a", 1: "b", 2: "c"}).classifier.out_features == 3


def test_every_class_says_what_hugging_faces_says(kind):
    assert (kind.base_model_prefix, kind.main_input_name, kind.config_class) == ("ernie_m", "input_ids", ErnieMConfig)
    assert kind.supports_gradient_checkpointing
    assert build(kind).config.model_type == "ernie_m"


def test_a_head_trains_with_checkpointing_as_without(kind):
    """Bug D23."""
    model, losses = build(kind).train(), []
    for switch in (model.gradient_checkpointing_disable, model.gradient_checkpointing_enable):
        switch()
        torch.manual_seed(0)
        losses.append(answer(model(**batch_for(model))))
    assert torch.equal(*losses)


def test_a_head_and_its_encoder_share_one_config():
    model = build(heads.ErnieMForMaskedLM)
    assert model.config is model.ernie_m.config


def test_a_step_of_training_lowers_every_loss():
    for kind in HEADS:
        model = build(kind)
        given, optimizer = batch_for(model, labelled=True), torch.optim.SGD(model.parameters(), lr=1e-3)
        first = model(**given).loss
        first.backward()
        optimizer.step()
        assert model(**given).loss < first


def test_labels_of_tokens_do_not_count_where_they_are_minus_hundred():
    model, labels = build(heads.ErnieMForTokenClassification), SPAN_LABELS.clone()
    labels[:, 3:] = -100
    output = model(IDS, labels=labels)
    flat = torch.nn.functional.cross_entropy(output.logits[:, :3].flatten(0, 1), labels[:, :3].flatten())
    assert torch.allclose(output.loss, flat)
