"""The checks that transformers runs on all of its models, by their names there, on the core and through the bridge."""

import inspect
import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from small_models import IDS, LABELS, answer, small_config

import erniem_lab as el
from erniem_lab import transformers_bridge as bridge

NAMES = ["ErnieMModel", *(name for name in bridge.__all__ if name.startswith("ErnieMFor"))]
SIDES: dict[str, Any] = {"core": el, "bridge": bridge}
EVERYWHERE = [(side, name) for side in SIDES for name in NAMES]
every_model = pytest.mark.parametrize(("side", "name"), EVERYWHERE)
every_side = pytest.mark.parametrize("side", SIDES)

BATCH, LENGTH = IDS.shape


def build(side: str, name: str, **changes: Any) -> Any:
    torch.manual_seed(0)
    return getattr(SIDES[side], name)(configured(side, **changes)).eval()


def configured(side: str, **changes: Any) -> Any:
    return SIDES[side].ErnieMConfig(**{**vars(small_config()), "label2id": None, "id2label": None, **changes})


def inputs(name: str, labelled: bool = False) -> dict[str, Any]:
    ids = torch.stack([IDS, IDS.flip(0), IDS], dim=1) if name == "ErnieMForMultipleChoice" else IDS
    return {"input_ids": ids, **(LABELS[name] if labelled else {})}


def loss(model: Any, name: str) -> torch.Tensor:
    output = model(**inputs(name, labelled=True))
    return output.loss if "loss" in output else output.last_hidden_state.sum() + output.pooler_output.sum()


@every_model
def test_determinism(side: str, name: str) -> None:
    model = build(side, name)
    assert torch.equal(answer(model(**inputs(name))), answer(model(**inputs(name))))


@every_model
def test_batching_equivalence(side: str, name: str) -> None:
    model, ids = build(side, name), inputs(name)["input_ids"]
    whole = model(input_ids=ids)
    for row in range(BATCH):
        alone = model(input_ids=ids[row : row + 1])
        for key in alone:
            torch.testing.assert_close(alone[key][0], whole[key][row], atol=1e-5, rtol=1e-5)


@every_model
def test_training(side: str, name: str) -> None:
    model = build(side, name).train()
    loss(model, name).backward()
    bare = [key for key, weight in model.named_parameters() if weight.grad is None]
    assert all("pooler" in key for key in bare), bare  # the extraction head has one that it does not use


@every_model
def test_training_gradient_checkpointing(side: str, name: str) -> None:
    model = build(side, name, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0).train()
    plain = loss(model, name)
    getattr(model, "activation_checkpointing_enable", model.gradient_checkpointing_enable)()
    again = loss(model, name)
    again.backward()
    torch.testing.assert_close(again, plain)


@pytest.mark.parametrize("asked_by", ["argument", "config"])
@every_model
def test_attention_outputs(side: str, name: str, asked_by: str) -> None:
    model = build(side, name, output_attentions=asked_by == "config")
    how = {"output_attentions": True} if asked_by == "argument" else {}
    maps = model(**inputs(name), output_hidden_states=True, **how).attentions
    assert len(maps) == model.config.num_hidden_layers
    heads = model.config.num_attention_heads
    assert all(tuple(found.shape[1:]) == (heads, LENGTH, LENGTH) for found in maps)
    torch.testing.assert_close(maps[0].sum(-1), torch.ones_like(maps[0].sum(-1)))


@pytest.mark.parametrize("asked_by", ["argument", "config"])
@every_model
def test_hidden_states_output(side: str, name: str, asked_by: str) -> None:
    model = build(side, name, output_hidden_states=asked_by == "config")
    states = model(**inputs(name), **({"output_hidden_states": True} if asked_by == "argument" else {})).hidden_states
    assert len(states) == model.config.num_hidden_layers + 1
    assert all(tuple(found.shape[1:]) == (LENGTH, model.config.hidden_size) for found in states)


@every_model
def test_retain_grad_hidden_states_attentions(side: str, name: str) -> None:
    output = build(side, name)(**inputs(name), output_hidden_states=True, output_attentions=True)
    kept = [output.hidden_states[0], output.attentions[0]]
    for tensor in kept:
        tensor.retain_grad()
    answer(output).sum().backward()
    assert all(tensor.grad is not None for tensor in kept)


@every_side
def test_headmasking(side: str) -> None:
    model = build(side, "ErnieMModel")
    layers, heads = model.config.num_hidden_layers, model.config.num_attention_heads
    mask = torch.ones(layers, heads)
    mask[0, 0] = mask[-1, :-1] = 0
    mask.requires_grad_()
    maps = model(IDS, head_mask=mask, output_attentions=True)
    maps.last_hidden_state.sum().backward()
    assert bool(mask.grad.abs().sum() > 0)
    assert not maps.attentions[0][:, 0].any()
    assert not maps.attentions[-1][:, :-1].any()
    assert bool(maps.attentions[0][:, 1:].any())
    assert bool(maps.attentions[-1][:, -1].any())


@every_model
def test_head_pruning(side: str, name: str) -> None:
    model = build(side, name)
    model.prune_heads({0: [0, 1, 2], 1: [3]})
    layers = getattr(model, "ernie_m", model).encoder.layers
    assert [layer.self_attn.self_attn.q_proj.out_features // 4 for layer in layers] == [1, 3]
    assert bool(answer(model(**inputs(name))).isfinite().all())


@every_model
def test_inputs_embeds(side: str, name: str) -> None:
    model = build(side, name)
    ids = inputs(name)["input_ids"].clamp(min=2)  # padding is told from ids, which vectors do not have
    found = model(inputs_embeds=model.get_input_embeddings()(ids))
    torch.testing.assert_close(answer(found), answer(model(input_ids=ids)))


@pytest.mark.parametrize("labelled", [False, True])
@every_model
def test_model_outputs_equivalence(side: str, name: str, labelled: bool) -> None:
    model = build(side, name)
    given = {**inputs(name, labelled), "output_hidden_states": True, "output_attentions": True}
    for one, other in zip(model(**given, return_dict=False), model(**given, return_dict=True).to_tuple(), strict=True):
        pairs = zip(one, other, strict=True) if isinstance(one, tuple) else [(one, other)]
        assert all(torch.equal(a, b) for a, b in pairs)


@every_model
def test_forward_signature(side: str, name: str) -> None:
    assert [*inspect.signature(build(side, name).forward).parameters][0] == "input_ids"  # noqa: RUF015


@every_model
def test_model_main_input_name(side: str, name: str) -> None:
    assert getattr(SIDES[side], name).main_input_name == "input_ids"


@every_model
def test_initialization(side: str, name: str) -> None:
    for weight in build(side, name, initializer_range=0.0).parameters():
        assert float(weight.mean()) in (0.0, 1.0)


PROBLEMS = [
    ("regression", 1, torch.tensor([0.5, 1.0])),
    ("single_label_classification", 3, torch.tensor([2, 0])),
    ("multi_label_classification", 3, torch.tensor([[1.0, 0, 1], [0, 1, 1]])),
]


@pytest.mark.parametrize(("problem", "count", "labels"), PROBLEMS)
@every_side
def test_problem_types(side: str, problem: str, count: int, labels: torch.Tensor) -> None:
    model = build(side, "ErnieMForSequenceClassification", num_labels=count, problem_type=problem)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # of sizes that were broadcast against each other
        model(IDS, labels=labels).loss.backward()


@pytest.mark.parametrize("change", [10, -4])
@every_model
def test_resize_tokens_embeddings(side: str, name: str, change: int) -> None:
    model = build(side, name)
    size = model.config.vocab_size + change
    before = model.get_input_embeddings().weight.detach().clone()
    assert model.resize_token_embeddings(size).num_embeddings == size == model.config.vocab_size
    kept = min(size, len(before))
    assert torch.equal(model.get_input_embeddings().weight[:kept], before[:kept])
    model(**inputs(name))


@every_model
def test_model_common_attributes(side: str, name: str) -> None:
    model = build(side, name)
    assert isinstance(model.get_input_embeddings(), torch.nn.Embedding)
    table = torch.nn.Embedding(40, 16)
    model.set_input_embeddings(table)
    assert model.get_input_embeddings() is table
    assert model.get_output_embeddings() is None


@every_model
def test_feed_forward_chunking(side: str, name: str) -> None:
    plain, chunked = build(side, name), build(side, name, chunk_size_feed_forward=1)
    assert torch.equal(answer(plain(**inputs(name))), answer(chunked(**inputs(name))))


@every_model
def test_torch_save_load(side: str, name: str, tmp_path: Path) -> None:
    model = build(side, name)
    torch.save(model, tmp_path / "whole.pt")
    again = torch.load(tmp_path / "whole.pt", weights_only=False)
    assert torch.equal(answer(again(**inputs(name))), answer(model(**inputs(name))))


@pytest.mark.parametrize("kind", ["absolute", "relative_key", "relative_key_query"])
@every_side
def test_model_various_embeddings(side: str, kind: str) -> None:
    output = build(side, "ErnieMModel", position_embedding_type=kind)(IDS)
    assert tuple(output.last_hidden_state.shape) == (BATCH, LENGTH, 16)


SHAPES = {
    "ErnieMModel": {"last_hidden_state": (BATCH, LENGTH, 16), "pooler_output": (BATCH, 16)},
    "ErnieMForSequenceClassification": {"logits": (BATCH, 2)},
    "ErnieMForMultipleChoice": {"logits": (BATCH, 3)},
    "ErnieMForTokenClassification": {"logits": (BATCH, LENGTH, 2)},
    "ErnieMForQuestionAnswering": {"start_logits": (BATCH, LENGTH), "end_logits": (BATCH, LENGTH)},
    "ErnieMForInformationExtraction": {"start_logits": (BATCH, LENGTH), "end_logits": (BATCH, LENGTH)},
    "ErnieMForMaskedLM": {"logits": (BATCH, LENGTH, 40)},
}


@every_model
def test_model_for_each_head(side: str, name: str) -> None:
    output = build(side, name)(**inputs(name))
    assert {key: tuple(output[key].shape) for key in output} == SHAPES[name]


@every_model
def test_model_is_small(side: str, name: str) -> None:
    assert sum(weight.numel() for weight in build(side, name).parameters()) < 1_000_000


@every_side
def test_config(side: str, tmp_path: Path) -> None:
    config = configured(side, num_labels=4, kept="as it is")
    assert (len(config.id2label), len(config.label2id), config.kept) == (4, 4, "as it is")
    config.num_labels = 5
    config.hidden_size = 32
    assert (len(config.id2label), config.hidden_size) == (5, 32)
    again = type(config).from_dict(config.to_dict())
    assert (again.hidden_size, again.num_labels, again.kept) == (32, 5, "as it is")


@every_model
def test_eager_matches_sdpa(side: str, name: str) -> None:
    model = build(side, name)
    fused = answer(model(**inputs(name)))
    written_out = answer(model(**inputs(name), output_attentions=True))
    torch.testing.assert_close(fused, written_out, atol=1e-5, rtol=1e-5)


@every_side
def test_torchscript(side: str) -> None:
    model = build(side, "ErnieMModel", return_dict=False)
    traced = torch.jit.trace(model, (IDS,), check_trace=False)  # type: ignore[no-untyped-call]
    shorter = IDS[:, :5]
    torch.testing.assert_close(traced(shorter)[0], model(shorter)[0])
