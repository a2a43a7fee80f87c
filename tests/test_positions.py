"""Where a token stands: positions by default and by hand, absolute and relative."""

import pytest
import torch
from small_models import IDS, build

from erniem_lab.errors import InputValueError

RELATIVE = ["relative_key", "relative_key_query"]


def test_positions_count_columns_from_zero():
    model = build()
    assert torch.equal(*(model(IDS, position_ids=p).last_hidden_state for p in (None, torch.arange(8)[None])))


def test_the_position_of_padding_is_trained():
    """Bug D16: in the peer, the row of the position table that has the padding id's number is frozen."""
    model = build(pad_token_id=3)
    model(IDS).last_hidden_state.pow(2).sum().backward()
    rows = model.embeddings.position_embeddings.weight.grad.norm(dim=1)
    assert (rows[2:10] > 0).all()
    assert (rows[:2] == 0).all()  # never read: positions start at row 2


def test_the_padding_id_may_be_larger_than_the_position_table():
    """Bug D16."""
    assert build(pad_token_id=39)(IDS).last_hidden_state.isfinite().all()


def test_left_padding_with_positions_of_its_own_changes_nothing():
    """Bug D17: by default positions count padding, as in the released weights; the caller can say otherwise."""
    model, text = build(), torch.tensor([[0, 5, 6, 2]])
    padded = torch.cat([torch.ones(1, 3, dtype=torch.long), text], dim=1)
    places = torch.tensor([[0, 0, 0, 0, 1, 2, 3]])
    found = model(padded, position_ids=places).last_hidden_state[:, 3:]
    assert torch.allclose(found, model(text).last_hidden_state, atol=1e-6)


@pytest.mark.parametrize("kind", RELATIVE)
def test_relative_positions_equal_a_direct_loop(kind):
    """The score of query i and key j gains the agreement of the query (and key) with a vector for i - j."""
    model = build(position_embedding_type=kind, num_hidden_layers=1)
    output = model(IDS, output_hidden_states=True, output_attentions=True)
    attention = model.encoder.layers[0].self_attn.self_attn
    query, key = (p(output.hidden_states[0]).unflatten(-1, (4, 4)) for p in (attention.q_proj, attention.k_proj))
    scores = torch.full((2, 4, 8, 8), float("-inf"))
    for i in range(8):
        for j in range(8):
            vector = attention.distance_embedding.weight[i - j + 33]  # 33: the longest distance, a zero distance's row
            score = (query[:, i] * key[:, j]).sum(-1) + query[:, i] @ vector
            score = score + key[:, j] @ vector if kind == "relative_key_query" else score
            scores[:, :, i, j] = torch.where(IDS[:, j, None] == 1, float("-inf"), score / 2)
    assert torch.allclose(output.attentions[0], scores.softmax(-1), atol=1e-6)


@pytest.mark.parametrize("kind", RELATIVE)
def test_distances_beyond_the_table_are_refused(kind):
    with pytest.raises(InputValueError, match=r"40 tokens.*at most 32"):
        build(position_embedding_type=kind)(torch.full((1, 40), 5), position_ids=torch.zeros(1, 40, dtype=torch.long))
