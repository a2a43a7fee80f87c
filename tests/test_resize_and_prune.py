"""The vocabulary can grow and shrink, and heads can be cut out, without touching what stays."""

import pytest
import torch
from small_models import CLASSES, IDS, answer, batch_for, build

from erniem_lab.errors import InputValueError
from erniem_lab.heads import ErnieMForMaskedLM
from erniem_lab.model import ErnieMModel


@pytest.mark.parametrize("size", [60, 20])
@pytest.mark.parametrize("kind", CLASSES)
def test_another_size_of_vocabulary_keeps_what_was_known(kind, size):
    """Bug D22: the peer's new table forgets which row is padding."""
    model = build(kind)
    before, kept = answer(model(**batch_for(model))), model.get_input_embeddings().weight[:20].clone()
    table = model.resize_token_embeddings(size)
    assert table is model.get_input_embeddings()
    assert (table.num_embeddings, table.padding_idx, model.config.vocab_size) == (size, 1, size)
    assert torch.equal(table.weight[:20], kept)
    if kind is not ErnieMForMaskedLM:  # whose scores are as many as the vocabulary
        assert torch.equal(answer(model(**batch_for(model))), before)


@pytest.mark.parametrize("size", [60, 20])
def test_scores_of_the_masked_lm_follow_the_vocabulary(size):
    model = build(ErnieMForMaskedLM)
    before, bias = model(IDS).logits, model.lm_head.bias.clone()
    model.resize_token_embeddings(size)
    after = model(IDS).logits
    both = min(size, 40)
    assert after.shape == (2, 8, size)
    assert torch.allclose(after[..., :both], before[..., :both], atol=1e-6)
    assert torch.equal(model.lm_head.bias[:both], bias[:both])
    assert (model.lm_head.bias[both:] == 0).all()


def test_new_rows_can_be_used_and_are_trained():
    model = build()
    model.resize_token_embeddings(50)
    model(torch.tensor([[0, 49, 2]])).last_hidden_state.pow(2).sum().backward()
    assert model.get_input_embeddings().weight.grad[49].norm() > 0
    with pytest.raises(InputValueError, match="0 to 49"):
        model(torch.tensor([[0, 50, 2]]))


def test_a_vocabulary_without_its_padding_id_is_refused_and_nothing_changes():
    model = build(pad_token_id=39)
    with pytest.raises(InputValueError, match="pad_token_id=39"):
        model.resize_token_embeddings(30)
    assert (model.config.vocab_size, model.get_input_embeddings().num_embeddings) == (40, 40)


def test_a_vocabulary_can_be_resized_whatever_the_activation():
    assert build(hidden_act=torch.relu).resize_token_embeddings(41).num_embeddings == 41


def test_another_table_can_be_put_in_place():
    model, table = build(), torch.nn.Embedding(45, 16)
    model.set_input_embeddings(table)
    assert model.get_input_embeddings() is table
    assert model(torch.tensor([[0, 44, 2]])).last_hidden_state.shape == (1, 3, 16)
    assert model.get_output_embeddings() is None


@pytest.mark.parametrize("kind", CLASSES)
def test_a_pruned_head_is_a_silenced_head(kind):
    model = build(kind)
    silenced = torch.ones(2, 4)
    silenced[0, 1] = silenced[0, 3] = silenced[1, 0] = 0
    expected = answer(model(**batch_for(model), head_mask=silenced))
    model.prune_heads({0: [1, 3], 1: [0]})
    assert torch.allclose(answer(model(**batch_for(model))), expected, atol=1e-5)
    assert [attention.q_proj.out_features for attention in attentions(model)] == [8, 12]


def attentions(model):
    return [layer.self_attn.self_attn for layer in model.base.encoder.layers]


def test_pruning_twice_is_pruning_once():
    once, twice = build(), build()
    once.prune_heads({0: [0, 1, 2]})
    twice.prune_heads({0: [1]})
    twice.prune_heads({0: [1, 0, 2]})
    assert torch.equal(*(model(IDS).last_hidden_state for model in (once, twice)))
    assert once.config.pruned_heads == twice.config.pruned_heads == {0: [0, 1, 2]}


def test_heads_keep_their_old_numbers_in_a_head_mask():
    model, silent = build(), torch.tensor([1.0, 1.0, 0.0, 1.0])
    expected = model(IDS, head_mask=torch.tensor([[1.0, 0.0, 0.0, 1.0], [1.0, 1.0, 0.0, 1.0]])).last_hidden_state
    model.prune_heads({0: [1]})
    assert torch.allclose(model(IDS, head_mask=silent).last_hidden_state, expected, atol=1e-5)


@pytest.mark.parametrize("kind", ["absolute", "relative_key_query"])
def test_a_pruned_model_survives_saving(kind, tmp_path):
    model = build(position_embedding_type=kind)
    model.prune_heads({1: [2, 3]})
    model.save_pretrained(tmp_path)
    loaded = ErnieMModel.from_pretrained(tmp_path)
    assert loaded.config.pruned_heads == {1: [2, 3]}
    assert torch.equal(loaded(IDS).last_hidden_state, model(IDS).last_hidden_state)
    loaded.prune_heads({1: [0]})
    assert [attention.q_proj.out_features for attention in attentions(loaded)] == [16, 4]


@pytest.mark.parametrize("heads", [{2: [0]}, {0: [4]}, {0: [-1]}, {0: [0, 1, 2, 3]}, {1: [0], -1: [0]}])
def test_heads_that_are_not_there_or_all_of_them_are_refused(heads):
    model = build()
    with pytest.raises(InputValueError, match="layers are 0 to 1, heads 0 to 3, and one of each layer must stay"):
        model.prune_heads(heads)
    assert model.config.pruned_heads == {}


def test_pruning_draws_no_random_numbers_and_keeps_what_is_frozen():
    model = build().requires_grad_(False)
    state = torch.get_rng_state()
    model.prune_heads({0: [1]})
    assert torch.equal(torch.get_rng_state(), state)
    assert not any(weight.requires_grad for weight in model.parameters())
