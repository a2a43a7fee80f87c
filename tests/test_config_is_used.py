"""Every field of a config has its effect on the encoder; what heads use is tested with them."""

import pytest
import torch
from small_models import IDS, build
from torch import nn

from erniem_lab.config import ErnieMConfig
from erniem_lab.errors import InputValueError
from erniem_lab.model import SHORT, ErnieMModel

LONG = torch.arange(SHORT + 2)[None] % 38 + 2  # training on a CPU, too, fuses attention over more than SHORT keys
RATES = ("hidden_dropout_prob", "attention_probs_dropout_prob", "act_dropout")


@pytest.mark.parametrize("field", RATES)
@pytest.mark.parametrize("ids", [IDS, LONG], ids=["short", "long"])
@pytest.mark.parametrize("written", [False, True])
def test_each_dropout_rate_acts_in_training_alone(field, written, ids):
    off = {**dict.fromkeys(RATES, 0.0), "max_position_embeddings": SHORT + 4}
    model = build(**{**off, field: 0.5})
    still, again = (model(ids, output_attentions=written).last_hidden_state for _ in range(2))
    assert torch.equal(still, again)
    model.train()
    assert not torch.allclose(model(ids, output_attentions=written).last_hidden_state, still)
    calm = build(**off).train()
    found = calm(ids, output_attentions=written).last_hidden_state
    assert torch.allclose(found, still, atol=1e-5)  # training on a CPU writes attention out, evaluation fuses it


def test_without_a_rate_of_its_own_the_activation_takes_the_hidden_one():
    layer = build(act_dropout=None, hidden_dropout_prob=0.4).encoder.layers[0]
    assert layer.dropout.p == layer.dropout1.p == layer.dropout2.p == 0.4


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("hidden_act", "relu"),
        ("hidden_act", torch.sin),
        ("layer_norm_eps", 0.1),
        ("pad_token_id", 5),
        ("num_attention_heads", 2),
    ],
)
def test_fields_that_change_no_weight_change_the_states(field, value):
    one, other = build(), build(**{field: value})
    other.load_state_dict(one.state_dict())
    assert not torch.allclose(*(model(IDS).last_hidden_state for model in (one, other)), atol=1e-3)


def test_an_unknown_activation_is_refused_with_the_known_ones():
    with pytest.raises(InputValueError, match=r"hidden_act='gelo'.*gelu"):
        build(hidden_act="gelo")


def test_sizes_give_the_weights_their_shapes():
    changed = {"vocab_size": 41, "max_position_embeddings": 20, "hidden_size": 12, "intermediate_size": 7}
    model = build(**changed, num_hidden_layers=3)
    layer = model.encoder.layers[2]
    assert model.embeddings.word_embeddings.weight.shape == (41, 12)
    assert model.embeddings.position_embeddings.weight.shape == (20, 12)
    assert (layer.linear1.weight.shape, layer.self_attn.out_proj.weight.shape) == ((7, 12), (12, 12))
    assert len(model.encoder.layers) == 3


def test_base_and_large_have_the_released_numbers_of_weights():
    large = {"hidden_size": 1024, "num_hidden_layers": 24, "num_attention_heads": 16, "intermediate_size": 4096}
    for sizes, weights, tensors in [({}, 278_042_880, 198), (large, 559_889_408, 390)]:
        with torch.device("meta"):
            parameters = list(ErnieMModel(ErnieMConfig(**sizes)).parameters())
        assert (sum(part.numel() for part in parameters), len(parameters)) == (weights, tensors)


def test_initial_weights_have_the_configs_spread_and_a_silent_padding_vector():
    torch.manual_seed(0)
    model = ErnieMModel(ErnieMConfig(vocab_size=500, num_hidden_layers=1, initializer_range=0.05))
    for module in (part for part in model.modules() if isinstance(part, nn.Linear | nn.Embedding)):
        assert module.weight.std().item() == pytest.approx(0.05, rel=0.03)
    assert (model.embeddings.word_embeddings.weight[1] == 0).all()
