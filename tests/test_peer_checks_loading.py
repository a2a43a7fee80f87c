"""transformers' checks of saving, loading and registration, by their names there, through the bridge."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from bridge_samples import MODELS, NAMES, SENTENCE, TOKENIZER, checkpoint
from small_models import IDS, answer
from transformers.utils import logging

import erniem_lab as el
from erniem_lab import transformers_bridge as bridge

every_model = pytest.mark.parametrize("name", MODELS)
every_head = pytest.mark.parametrize("name", NAMES)
HEAD = "ErnieMForSequenceClassification"


def inputs(name: str) -> dict[str, torch.Tensor]:
    ids = torch.stack([IDS, IDS.flip(0), IDS], dim=1) if name == "ErnieMForMultipleChoice" else IDS
    return {"input_ids": ids}


def read(folder: Path, name: str, **how: Any) -> Any:
    return getattr(bridge, name).from_pretrained(folder, **how).eval()


def loaded(folder: Path, name: str, **how: Any) -> tuple[Any, dict[str, Any]]:
    model, info = getattr(bridge, name).from_pretrained(folder, output_loading_info=True, **how)
    return model.eval(), info


@every_model
def test_save_load(name: str, tmp_path: Path) -> None:
    model = read(checkpoint(tmp_path / "a", name), name)
    model.save_pretrained(tmp_path / "b")
    assert torch.equal(answer(read(tmp_path / "b", name)(**inputs(name))), answer(model(**inputs(name))))


@every_head
def test_save_load_fast_init_from_base(name: str, tmp_path: Path) -> None:
    checkpoint(tmp_path)
    model, info = loaded(tmp_path, name)
    base = el.ErnieMModel.from_pretrained(tmp_path).state_dict()
    assert all(torch.equal(weight, base[key]) for key, weight in model.ernie_m.state_dict().items())
    own = {key for key in model.state_dict() if not key.startswith("ernie_m.")}
    assert {*info["missing_keys"]} == own
    assert all(bool(weight.isfinite().all()) for weight in model.parameters())


@every_head
def test_save_load_fast_init_to_base(name: str, tmp_path: Path) -> None:
    head = read(checkpoint(tmp_path, name), name)
    base, info = loaded(tmp_path, "ErnieMModel")
    assert all(torch.equal(weight, base.state_dict()[key]) for key, weight in head.ernie_m.state_dict().items())
    assert {*info["missing_keys"]} <= {"pooler.dense.weight", "pooler.dense.bias"}


@every_head
def test_correct_missing_keys(name: str, tmp_path: Path) -> None:
    checkpoint(tmp_path, name)
    _, info = loaded(tmp_path, name)
    assert not info["missing_keys"]
    assert not info["unexpected_keys"]


def test_load_with_mismatched_shapes(tmp_path: Path) -> None:
    checkpoint(tmp_path, HEAD)
    with pytest.raises(RuntimeError, match=r"size mismatch|ignore_mismatched_sizes"):
        read(tmp_path, HEAD, num_labels=7)
    assert read(tmp_path, HEAD, num_labels=7, ignore_mismatched_sizes=True).classifier.out_features == 7


def test_mismatched_shapes_have_properly_initialized_weights(tmp_path: Path) -> None:
    model = read(checkpoint(tmp_path, HEAD), HEAD, num_labels=7, ignore_mismatched_sizes=True)
    assert model.classifier.bias.tolist() == [0] * 7
    assert 0.2 < float(model.classifier.weight.std()) < 0.6  # drawn with the config's 0.4


def test_matched_shapes_have_loaded_weights_when_some_mismatched_shapes_exist(tmp_path: Path) -> None:
    model = read(checkpoint(tmp_path, HEAD), HEAD, num_labels=7, ignore_mismatched_sizes=True)
    kept = el.ErnieMForSequenceClassification.from_pretrained(tmp_path).ernie_m.state_dict()
    assert all(torch.equal(weight, kept[key]) for key, weight in model.ernie_m.state_dict().items())


@every_model
def test_can_use_safetensors(name: str, tmp_path: Path) -> None:
    read(checkpoint(tmp_path / "a", name), name).save_pretrained(tmp_path / "b")
    assert {path.suffix for path in (tmp_path / "b").iterdir()} == {".safetensors", ".json"}


def test_load_save_without_tied_weights_and_in_shards(tmp_path: Path) -> None:
    model = read(checkpoint(tmp_path / "a", "ErnieMForMaskedLM"), "ErnieMForMaskedLM")
    model.save_pretrained(tmp_path / "b", max_shard_size="10KB")
    assert (tmp_path / "b" / "model.safetensors.index.json").is_file()
    for kind in (el.ErnieMForMaskedLM, bridge.ErnieMForMaskedLM):
        again = kind.from_pretrained(tmp_path / "b")
        assert torch.equal(again.lm_head.bias, model.lm_head.bias)
        assert torch.equal(again.get_input_embeddings().weight, model.get_input_embeddings().weight)


def test_save_load_keys_to_ignore_on_save(tmp_path: Path) -> None:
    model = read(checkpoint(tmp_path / "a", HEAD), HEAD)
    model._keys_to_ignore_on_save = {"classifier.bias"}
    model.save_pretrained(tmp_path / "b")
    assert {*loaded(tmp_path / "b", HEAD)[1]["missing_keys"]} == {"classifier.bias"}


def test_head_pruning_save_load_from_pretrained(tmp_path: Path) -> None:
    model = read(checkpoint(tmp_path / "a"), "ErnieMModel")
    model.prune_heads({0: [0, 1, 2], 1: [3]})
    model.save_pretrained(tmp_path / "b")
    assert torch.equal(read(tmp_path / "b", "ErnieMModel")(IDS)[0], model(IDS)[0])


def test_head_pruning_save_load_from_config_init(tmp_path: Path) -> None:
    config = bridge.ErnieMConfig.from_pretrained(checkpoint(tmp_path / "a"))
    config.pruned_heads = {0: [0], 1: [1, 2]}
    model = bridge.ErnieMModel(config).eval()
    model.save_pretrained(tmp_path / "b")
    again = read(tmp_path / "b", "ErnieMModel")
    assert {int(layer): heads for layer, heads in again.config.pruned_heads.items()} == {0: [0], 1: [1, 2]}
    assert torch.equal(again(IDS)[0], model(IDS)[0])


@every_model
def test_from_pretrained_no_checkpoint(name: str, tmp_path: Path) -> None:
    model = read(checkpoint(tmp_path, name), name)
    again = getattr(bridge, name).from_pretrained(None, config=model.config, state_dict=model.state_dict())
    assert all(torch.equal(weight, model.state_dict()[key]) for key, weight in again.state_dict().items())


@every_model
def test_tied_weights_keys(name: str, tmp_path: Path) -> None:
    model = read(checkpoint(tmp_path, name), name)
    model.tie_weights()
    places = [weight.data_ptr() for weight in model.parameters()]
    assert len(places) == len({*places})


@every_model
def test_resize_embeddings_untied(name: str, tmp_path: Path) -> None:
    model = read(checkpoint(tmp_path, name, tie_word_embeddings=False), name)
    model.resize_token_embeddings(model.config.vocab_size + 10)
    model(**inputs(name))


def test_resize_position_vector_embeddings(tmp_path: Path) -> None:
    """Not offered, as in 4.40.2: transformers says so itself."""
    with pytest.raises(NotImplementedError):
        read(checkpoint(tmp_path), "ErnieMModel").resize_position_embeddings(10)


@every_model
def test_a_device_map_of_one_device(name: str, tmp_path: Path) -> None:
    model = read(checkpoint(tmp_path, name), name, device_map={"": "cpu"})
    assert torch.equal(answer(model(**inputs(name))), answer(read(tmp_path, name)(**inputs(name))))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@every_model
def test_torch_dtype_of_loaded_weights(name: str, dtype: torch.dtype, tmp_path: Path) -> None:
    model = read(checkpoint(tmp_path, name), name, dtype=dtype)
    assert {weight.dtype for weight in model.parameters()} == {dtype}
    assert bool(answer(model(**inputs(name))).isfinite().all())


def test_sdpa_can_dispatch(tmp_path: Path) -> None:
    checkpoint(tmp_path)
    found = [read(tmp_path, "ErnieMModel", attn_implementation=kind)(IDS)[0] for kind in ("sdpa", "eager")]
    torch.testing.assert_close(*found)


def test_loading_says_nothing_that_is_not_so(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    logging.enable_propagation()
    read(checkpoint(tmp_path, HEAD), HEAD)
    logging.disable_propagation()
    assert not [record for record in caplog.records if record.levelname in ("WARNING", "ERROR")]


def test_tokenizer_from_pretrained(tmp_path: Path) -> None:
    checkpoint(tmp_path)
    for folder in (tmp_path, TOKENIZER):
        tokenizer = bridge.ErnieMTokenizer.from_pretrained(folder)
        assert tokenizer(SENTENCE)["input_ids"] == el.ErnieMTokenizer.from_pretrained(folder)(SENTENCE)["input_ids"]


def test_added_tokens_serialization(tmp_path: Path) -> None:
    tokenizer = transformers.AutoTokenizer.from_pretrained(checkpoint(tmp_path / "a"))
    tokenizer.add_tokens(["<one>"])
    tokenizer.save_pretrained(tmp_path / "b")
    written = json.loads((tmp_path / "b" / "tokenizer_config.json").read_text(encoding="utf-8"))
    assert written["added_tokens_decoder"][str(len(tokenizer) - 1)]["content"] == "<one>"
    assert transformers.AutoTokenizer.from_pretrained(tmp_path / "b").get_vocab() == tokenizer.get_vocab()


def test_chat_template(tmp_path: Path) -> None:
    tokenizer = transformers.AutoTokenizer.from_pretrained(checkpoint(tmp_path))
    template = "{% for m in messages %}{{ m['content'] }} {% endfor %}"
    chat = [{"role": "user", "content": "this is"}, {"role": "user", "content": "a test"}]
    assert tokenizer.apply_chat_template(chat, chat_template=template, tokenize=False) == "this is a test "
