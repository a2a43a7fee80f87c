"""A config keeps Hugging Face's names and defaults, refuses what no model can have, and survives a round trip."""

import inspect
import json

import pytest
import torch
from jaxtyping import config as type_checks
from small_models import build, small_config

from erniem_lab.config import ErnieMConfig
from erniem_lab.errors import FileFaultError, InputValueError

# transformers 4.40.2: ErnieMConfig's own fields, in order, with their defaults.
DEFAULTS = {
    "vocab_size": 250002,
    "hidden_size": 768,
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
    "intermediate_size": 3072,
    "hidden_act": "gelu",
    "hidden_dropout_prob": 0.1,
    "attention_probs_dropout_prob": 0.1,
    "max_position_embeddings": 514,
    "initializer_range": 0.02,
    "pad_token_id": 1,
    "layer_norm_eps": 1e-05,
    "classifier_dropout": None,
    "act_dropout": 0.0,
}


def test_arguments_order_and_defaults_are_hugging_faces():
    given = inspect.signature(ErnieMConfig).parameters
    assert {name: given[name].default for name in list(given)[: len(DEFAULTS)]} == DEFAULTS
    assert list(given)[: len(DEFAULTS)] == list(DEFAULTS)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("num_hidden_layers", -1),
        ("hidden_size", 0),
        ("vocab_size", "40"),
        ("vocab_size", True),
        ("num_attention_heads", 3),
        ("pad_token_id", 40),
        ("pad_token_id", None),
        ("max_position_embeddings", 2),
        ("hidden_dropout_prob", 1.5),
        ("hidden_dropout_prob", None),
        ("layer_norm_eps", -1.0),
        ("position_embedding_type", "rotary"),
        ("problem_type", "ranking"),
        ("num_labels", 0),
        ("id2label", ["yes", "no"]),
        ("id2label", {"first": "yes"}),
        ("label2id", ["yes", "no"]),
        ("pruned_heads", [0, 1]),
        ("pruned_heads", {"0": 1}),
        ("hidden_act", None),
    ],
)
def test_a_value_that_no_model_can_have_is_refused_with_its_field(field, value, monkeypatch):
    """Bugs D16 and D19 (no padding id, or no rate, is refused at once) and case 34."""
    monkeypatch.setattr(type_checks, "jaxtyping_disable", True)  # as for users, who run without these checks
    with pytest.raises(InputValueError, match=field):
        small_config(**{field: value})


def test_a_decoder_is_refused():
    """Bug D6: the peer takes it and fails while unpacking."""
    with pytest.raises(InputValueError, match=r"is_decoder=True.*encoder"):
        small_config(is_decoder=True)


def test_an_embedding_size_does_not_excuse_heads_that_do_not_divide():
    """Bug D20."""
    with pytest.raises(InputValueError, match="num_attention_heads=3"):
        small_config(num_attention_heads=3, embedding_size=16)


def test_dropout_is_classifier_dropout_in_every_form():
    """Bug D19: the peer loses the key."""
    assert small_config(dropout=0.3).classifier_dropout == 0.3
    assert ErnieMConfig.from_dict({"dropout": 0.3}).head_dropout == 0.3
    config = small_config(hidden_dropout_prob=0.25)
    assert config.head_dropout == 0.25
    config.dropout = 0.0
    assert config.classifier_dropout == config.head_dropout == 0.0


def test_number_and_names_of_labels_follow_each_other():
    config = small_config(num_classes=3)
    assert config.num_labels == len(config.id2label) == 3
    config.num_labels = 4
    assert config.num_classes == 4
    assert config.label2id["LABEL_3"] == 3
    named = small_config(id2label={"0": "no", "1": "maybe", "2": "yes"})
    assert (named.num_labels, named.id2label[1], named.label2id["yes"]) == (3, "maybe", 2)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"num_labels": 5},
        {"id2label": {0: "a", 1: "b", 2: "c"}},
        {"classifier_dropout": 0.3, "act_dropout": None},
        {"pruned_heads": {0: [1, 2]}},
        {"position_embedding_type": "relative_key", "problem_type": "regression"},
        {"return_dict": False, "output_attentions": True, "output_hidden_states": True},
        {"a_key_of_tomorrow": [1, 2], "type_vocab_size": 16},
    ],
)
def test_a_config_survives_json(changes):
    config = small_config(**changes)
    assert ErnieMConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config


def test_a_config_with_a_function_as_activation_cannot_be_written():
    with pytest.raises(InputValueError, match=r"hidden_act.*string"):
        small_config(hidden_act=torch.relu).to_dict()


def test_keys_that_clash_with_what_a_config_does_are_left_out():
    config = ErnieMConfig.from_dict({"to_dict": 1, "max_length": 20, "model_type": "ernie_m"})
    assert config.max_length == 512
    assert config.to_dict()["model_type"] == "ernie_m"


def test_a_file_and_overrides_make_a_config(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps(small_config(num_labels=3).to_dict()))
    config = ErnieMConfig.from_pretrained(tmp_path, num_labels=7, output_attentions=True)
    assert (config.hidden_size, config.num_labels, config.output_attentions) == (16, 7, True)


@pytest.mark.parametrize("content", ["[]", "null", "{}", "", "{oops"])
def test_a_file_that_is_no_config_is_named(tmp_path, content):
    """Case 33."""
    (tmp_path / "config.json").write_text(content)
    with pytest.raises(FileFaultError, match=r"config\.json"):
        ErnieMConfig.from_pretrained(tmp_path)


def test_another_kind_of_model_is_refused():
    """Case 35."""
    with pytest.raises(InputValueError, match=r"bert.*not an ERNIE-M"):
        ErnieMConfig.from_dict({"model_type": "bert"})


@pytest.mark.parametrize("changes", [{"architectures": "ErnieMModel"}, {"init_args": 3}, {"hidden_size": None}])
def test_a_value_of_another_kind_is_refused_in_paddles_forms_too(changes, monkeypatch):
    """Case 33."""
    monkeypatch.setattr(type_checks, "jaxtyping_disable", True)  # as for users, who run without these checks
    with pytest.raises(InputValueError, match=next(iter(changes))):
        ErnieMConfig.from_dict({"paddlenlp_version": None, **changes})


def test_paddles_old_form_fills_in_without_overriding():
    old = {
        "init_args": [{"hidden_size": 8, "num_attention_heads": 2, "dropout": 0.2, "init_class": "ErnieMModel"}],
        "init_class": "UIEM",
        "dropout": 0.4,
    }
    config = ErnieMConfig.from_dict(old)
    assert (config.hidden_size, config.intermediate_size, config.classifier_dropout) == (8, 32, 0.4)
    assert config.architectures == ["ErnieMForInformationExtraction"]


def test_a_model_leaves_the_callers_config_alone():
    """Bug D13, and case 108: one config may serve several models."""
    config = small_config(pruned_heads={1: [0]})
    before = config.to_dict()
    model = build(pruned_heads={1: [0]})
    one, two = type(model)(config), type(model)(config)
    one.resize_token_embeddings(50)
    one.prune_heads({0: [1]})
    assert config.to_dict() == two.config.to_dict() == before
    assert (one.config.vocab_size, one.config.pruned_heads) == (50, {0: [1], 1: [0]})
