"""One import brings ERNIE-M back: Auto classes, folders that both sides read, the same numbers."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from bridge_samples import MODELS, NAMES, SENTENCE, checkpoint, loaded
from small_models import IDS, LABELS, answer

import erniem_lab as el
from erniem_lab import transformers_bridge as bridge
from erniem_lab.errors import FileFaultError, InputValueError

AUTO = [name for name in MODELS if name != "ErnieMForInformationExtraction"]  # which has no Auto class


def inputs(name: str, labelled: bool = False) -> dict[str, torch.Tensor]:
    ids = torch.stack([IDS, IDS.flip(0), IDS], dim=1) if name == "ErnieMForMultipleChoice" else IDS
    return {"input_ids": ids, **(LABELS[name] if labelled else {})}


@pytest.mark.parametrize("name", AUTO)
def test_an_auto_class_finds_the_model(tmp_path: Path, name: str) -> None:
    model = loaded(checkpoint(tmp_path, name), name)
    assert isinstance(model, getattr(bridge, name))
    assert isinstance(model, getattr(el, name))
    assert isinstance(model, transformers.PreTrainedModel)


def test_auto_config_and_auto_tokenizer_find_theirs(tmp_path: Path) -> None:
    checkpoint(tmp_path)
    assert isinstance(transformers.AutoConfig.from_pretrained(tmp_path), bridge.ErnieMConfig)
    assert isinstance(transformers.AutoTokenizer.from_pretrained(tmp_path), bridge.ErnieMTokenizer)


@pytest.mark.parametrize("labelled", [False, True])
@pytest.mark.parametrize("name", MODELS)
def test_outputs_and_losses_are_those_of_the_core(tmp_path: Path, name: str, labelled: bool) -> None:
    checkpoint(tmp_path, name)
    ours, theirs = getattr(el, name).from_pretrained(tmp_path), getattr(bridge, name).from_pretrained(tmp_path).eval()
    given = {**inputs(name, labelled), "output_hidden_states": True, "output_attentions": True}
    expected, found = ours(**given), theirs(**given)
    assert list(found) == list(expected)
    assert torch.equal(answer(found), answer(expected))
    assert all(torch.equal(a, b) for a, b in zip(found.attentions, expected.attentions, strict=True))
    assert not labelled or name == "ErnieMModel" or torch.equal(found.loss, expected.loss)


@pytest.mark.parametrize("name", MODELS)
def test_an_output_is_of_transformers_own_kind(tmp_path: Path, name: str) -> None:
    output = getattr(bridge, name).from_pretrained(checkpoint(tmp_path, name))(**inputs(name))
    assert isinstance(output, transformers.utils.ModelOutput)
    assert isinstance(output, dict)


@pytest.mark.parametrize("name", MODELS)
def test_each_side_reads_the_folder_that_the_other_wrote(tmp_path: Path, name: str) -> None:
    theirs = getattr(bridge, name).from_pretrained(checkpoint(tmp_path / "ours", name))
    theirs.save_pretrained(tmp_path / "theirs")
    ours = getattr(el, name).from_pretrained(tmp_path / "theirs")
    again = getattr(bridge, name).from_pretrained(tmp_path / "theirs")
    states = [model.state_dict() for model in (theirs, ours, again)]
    assert states[0].keys() == states[1].keys() == states[2].keys()
    assert all(torch.equal(state[key], states[0][key]) for state in states for key in state)
    assert ours.config.num_labels == theirs.config.num_labels


@pytest.mark.parametrize("part", ["model", "tokenizer"])
def test_a_folder_with_a_manifest_can_be_written_over(tmp_path: Path, part: str) -> None:
    model, tokenizer = loaded(checkpoint(tmp_path)), transformers.AutoTokenizer.from_pretrained(tmp_path)
    torch.nn.init.ones_(model.pooler.dense.bias)
    (model if part == "model" else tokenizer).save_pretrained(tmp_path)
    assert bool((el.ErnieMModel.from_pretrained(tmp_path).pooler.dense.bias == 1).all()) == (part == "model")


def test_a_shared_config_survives_both_sides(tmp_path: Path) -> None:
    checkpoint(tmp_path / "ours", "ErnieMForTokenClassification", num_labels=3, classifier_dropout=0.25)
    config = bridge.ErnieMConfig.from_pretrained(tmp_path / "ours", id2label={0: "O", 1: "B", 2: "I"})
    config.save_pretrained(tmp_path / "theirs")
    back = el.ErnieMConfig.from_pretrained(tmp_path / "theirs")
    assert (back.id2label, back.classifier_dropout) == ({0: "O", 1: "B", 2: "I"}, 0.25)
    assert back.hidden_size == config.hidden_size


def test_aliases_and_checks_of_the_config_are_the_cores() -> None:
    config = bridge.ErnieMConfig(dropout=0.3, num_classes=5)
    assert (config.classifier_dropout, config.dropout, config.num_labels, config.max_length) == (0.3, 0.3, 5, 512)
    with pytest.raises(InputValueError, match="hidden_size=10"):
        bridge.ErnieMConfig(hidden_size=10, num_attention_heads=4)


def test_a_head_that_the_file_lacks_is_drawn_and_the_rest_is_kept(tmp_path: Path) -> None:
    checkpoint(tmp_path, initializer_range=0.02)
    encoder = el.ErnieMModel.from_pretrained(tmp_path)
    head = loaded(tmp_path, "ErnieMForSequenceClassification", num_labels=3)
    assert head.classifier.bias.tolist() == [0, 0, 0]
    assert 0.01 < head.classifier.weight.std() < 0.03
    assert all(torch.equal(head.ernie_m.state_dict()[key], value) for key, value in encoder.state_dict().items())


def test_the_encoder_is_read_from_a_heads_folder(tmp_path: Path) -> None:
    checkpoint(tmp_path, "ErnieMForSequenceClassification")
    head = el.ErnieMForSequenceClassification.from_pretrained(tmp_path)
    assert torch.equal(loaded(tmp_path).pooler.dense.weight, head.ernie_m.pooler.dense.weight)


@pytest.mark.parametrize("name", MODELS)
def test_a_new_model_is_drawn_as_the_core_draws_it(name: str) -> None:
    sizes = {"vocab_size": 20, "hidden_size": 8, "num_hidden_layers": 2, "num_attention_heads": 2}
    torch.manual_seed(0)
    ours = getattr(el, name)(el.ErnieMConfig(**sizes)).state_dict()
    torch.manual_seed(0)
    theirs = getattr(bridge, name)(bridge.ErnieMConfig(**sizes)).state_dict()
    assert all(torch.equal(ours[key], theirs[key]) for key in ours)


def test_a_loaded_model_serves_the_rest_of_the_library(tmp_path: Path) -> None:
    model, tokenizer = loaded(checkpoint(tmp_path)), transformers.AutoTokenizer.from_pretrained(tmp_path)
    assert el.embed(model, tokenizer.core, [SENTENCE]).shape == (1, model.config.hidden_size)
    assert el.trace(model, tokenizer.core, SENTENCE).attention.shape[0] == model.config.num_hidden_layers


@pytest.mark.parametrize("name", ["ErnieMModel", "ErnieMForMaskedLM"])
def test_a_resized_vocabulary_keeps_its_rows_and_reaches_the_head(tmp_path: Path, name: str) -> None:
    model = getattr(bridge, name).from_pretrained(checkpoint(tmp_path, name))
    before = model.get_input_embeddings().weight.detach().clone()
    assert model.resize_token_embeddings(600, pad_to_multiple_of=64).num_embeddings == 640
    assert torch.equal(model.get_input_embeddings().weight[: len(before)], before)
    assert model.config.vocab_size == 640
    assert name == "ErnieMModel" or model(IDS).logits.shape[-1] == 640
    assert model.resize_token_embeddings() is model.get_input_embeddings()


def test_pruned_heads_are_saved_and_pruned_again(tmp_path: Path) -> None:
    model = loaded(checkpoint(tmp_path / "whole"))
    model.prune_heads({0: [1, 2]})
    model.save_pretrained(tmp_path / "pruned")
    assert torch.equal(loaded(tmp_path / "pruned")(IDS)[0], model(IDS)[0])
    assert el.ErnieMModel.from_pretrained(tmp_path / "pruned").config.pruned_heads == {0: [1, 2]}


def test_layers_are_computed_again_where_checkpointing_is_on(tmp_path: Path) -> None:
    name = "ErnieMForSequenceClassification"
    rates = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    model = loaded(checkpoint(tmp_path, name, **rates), name).train()
    plain = torch.autograd.grad(model(IDS, labels=torch.tensor([1, 0])).loss, model.classifier.weight)[0]
    getattr(model, "activation_checkpointing_enable", model.gradient_checkpointing_enable)()
    assert model.ernie_m.encoder.gradient_checkpointing
    again = torch.autograd.grad(model(IDS, labels=torch.tensor([1, 0])).loss, model.classifier.weight)[0]
    torch.testing.assert_close(again, plain)


def test_half_precision_is_asked_for_as_in_transformers(tmp_path: Path) -> None:
    model = loaded(checkpoint(tmp_path), dtype=torch.bfloat16)
    assert (model.dtype, model(IDS)[0].dtype) == (torch.bfloat16, torch.bfloat16)


def test_names_registered_twice_do_no_harm() -> None:
    bridge.register()
    assert transformers.AutoConfig.for_model("ernie_m").hidden_size == 768


@pytest.mark.parametrize("name", NAMES)
def test_tuples_are_given_where_asked_for(tmp_path: Path, name: str) -> None:
    model = getattr(bridge, name).from_pretrained(checkpoint(tmp_path, name))
    assert isinstance(model(**inputs(name), return_dict=False), tuple)


def test_a_tokenizer_without_its_vocabulary_is_refused_in_our_words(tmp_path: Path) -> None:
    (checkpoint(tmp_path) / "vocab.txt").unlink()
    with pytest.raises((OSError, ImportError)) as fault:  # transformers puts its own in front
        transformers.AutoTokenizer.from_pretrained(tmp_path)
    assert any(isinstance(part, FileFaultError) for part in (fault.value, fault.value.__context__))


def run(code: str) -> Any:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


def test_without_transformers_the_import_says_what_to_install() -> None:
    found = run("import sys; sys.modules['transformers'] = None; import erniem_lab.transformers_bridge")
    assert "pip install 'erniem-lab[bridge]'" in found.stderr
    assert "MissingExtraError" in found.stderr


def test_the_core_never_imports_transformers() -> None:
    names = "convert, heads, tokenizer, tracing, embedding, training"
    code = f"import sys; from erniem_lab import {names}; print('transformers' in sys.modules)"
    assert run(code).stdout.strip() == "False"
