"""Weights reach the model whole, or the error lists every tensor; numbers are the cases of the reliability matrix."""

import json
import random
import stat
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest
import torch
from checkpoint_files import TINY, folder_with_config, refusal, same, tiny_classifier, tiny_encoder
from safetensors.torch import save_file
from torch import Tensor

from erniem_lab.checkpoint import load_weights, open_checkpoint, save_checkpoint
from erniem_lab.config import ErnieMConfig
from erniem_lab.errors import ErnieMLabError, FileFaultError, InputValueError
from erniem_lab.heads import ErnieMForMaskedLM, ErnieMForSequenceClassification, ErnieMForTokenClassification
from erniem_lab.model import ErnieMModel


def saved(folder: Path, state: dict[str, Tensor]) -> Path:
    save_file(state, folder_with_config(folder) / "model.safetensors")
    return folder


def test_missing_weights_are_all_listed(tmp_path: Path) -> None:
    """Case 21."""
    state = tiny_encoder().state_dict()
    gone = ["encoder.layers.0.linear1.bias", "pooler.dense.weight"]
    saved(tmp_path, {name: tensor for name, tensor in state.items() if name not in gone})
    with pytest.raises(FileFaultError, match=f"missing {gone[0]}; missing {gone[1]}"):
        ErnieMModel.from_pretrained(tmp_path)


def test_strict_false_initialises_what_is_missing_and_says_so(tmp_path: Path) -> None:
    """Case 21."""
    state = tiny_encoder().state_dict()
    del state["encoder.layers.0.linear1.weight"], state["encoder.layers.0.linear1.bias"]
    saved(tmp_path, state)
    with pytest.warns(
        UserWarning, match=r"missing encoder.layers.0.linear1.bias; missing encoder.layers.0.linear1.weight"
    ):
        model = ErnieMModel.from_pretrained(tmp_path, strict=False)
    assert same({**model.state_dict(), **state}, dict(model.state_dict()))
    assert bool((model.encoder.layers[0].linear1.weight != 0).any())


def test_a_pooler_that_the_file_lacks_is_initialised_and_named(tmp_path: Path) -> None:
    """A masked language model has none, and is a good encoder to start from."""
    ErnieMForMaskedLM(TINY).save_pretrained(tmp_path)
    with pytest.warns(UserWarning, match=r"initialised: pooler.dense.bias, pooler.dense.weight"):
        model = ErnieMModel.from_pretrained(tmp_path)
    assert model.pooler is not None
    assert bool((model.pooler.dense.weight != 0).any())


def test_a_head_that_the_file_lacks_is_named_in_one_warning(tmp_path: Path) -> None:
    """Case 21."""
    tiny_encoder().save_pretrained(tmp_path)
    with pytest.warns(UserWarning, match=r"classifier\.bias, classifier\.weight") as said:
        model = ErnieMForSequenceClassification.from_pretrained(tmp_path)
    assert len(said) == 1
    assert same(dict(model.ernie_m.state_dict()), dict(tiny_encoder().state_dict()))


def test_half_a_head_is_an_error(tmp_path: Path) -> None:
    state = tiny_classifier().state_dict()
    del state["classifier.bias"]
    with pytest.raises(FileFaultError, match=r"missing classifier\.bias"):
        ErnieMForSequenceClassification.from_pretrained(saved(tmp_path, state))


def test_a_file_whose_names_all_changed_never_gives_a_random_model(tmp_path: Path) -> None:
    """Case 22."""
    state = tiny_encoder().state_dict()
    saved(tmp_path, {f"model.{name}": tensor for name, tensor in state.items()})
    with pytest.raises(FileFaultError) as fault:
        ErnieMForSequenceClassification.from_pretrained(tmp_path)
    assert all(f"missing ernie_m.{name}" in str(fault.value) for name in state if "pooler" not in name)


def test_unexpected_weights_are_all_listed(tmp_path: Path) -> None:
    """Case 23."""
    extra = {"classifier.scale": torch.ones(1), "ernie_m.encoder.norm.bias": torch.ones(4)}
    saved(tmp_path, {**tiny_classifier().state_dict(), **extra})
    with pytest.raises(FileFaultError, match=r"unexpected classifier\.scale; unexpected ernie_m\.encoder\.norm\.bias"):
        ErnieMForSequenceClassification.from_pretrained(tmp_path)


def test_an_unexpected_weight_of_a_bare_encoder_is_an_error(tmp_path: Path) -> None:
    """Case 23."""
    saved(tmp_path, {**tiny_encoder().state_dict(), "other": torch.ones(1)})
    with pytest.raises(FileFaultError, match="unexpected other"):
        ErnieMModel.from_pretrained(tmp_path)


def test_a_wrong_shape_is_shown_beside_the_right_one(tmp_path: Path) -> None:
    """Case 24."""
    tiny_encoder().save_pretrained(tmp_path)
    with pytest.raises(FileFaultError, match=r"word_embeddings\.weight has shape \[8, 4\], the model needs \[9, 4\]"):
        ErnieMModel.from_pretrained(tmp_path, vocab_size=9)


def test_a_misshapen_head_is_initialised_only_when_not_strict(tmp_path: Path) -> None:
    """Case 24."""
    tiny_classifier().save_pretrained(tmp_path)
    with pytest.raises(FileFaultError, match=r"classifier\.bias has shape \[3\], the model needs \[5\]"):
        ErnieMForTokenClassification.from_pretrained(tmp_path, num_labels=5)
    with pytest.warns(UserWarning, match=r"classifier\.weight has shape \[3, 4\]"):
        model = ErnieMForTokenClassification.from_pretrained(tmp_path, num_labels=5, strict=False)
    assert model(torch.tensor([[0, 4, 2]])).logits.shape == (1, 3, 5)


def test_the_prefix_is_stripped_for_an_encoder_and_added_for_a_head(tmp_path: Path) -> None:
    tiny_classifier().save_pretrained(tmp_path)
    encoder = ErnieMModel.from_pretrained(tmp_path)
    assert same(dict(encoder.state_dict()), dict(tiny_classifier().ernie_m.state_dict()))


def test_a_weight_with_and_without_prefix_is_not_guessed(tmp_path: Path) -> None:
    state = tiny_classifier().state_dict()
    saved(tmp_path, {**state, "pooler.dense.bias": torch.ones(4)})
    for kind in (ErnieMModel, ErnieMForSequenceClassification):
        with pytest.raises(FileFaultError, match=r"pooler\.dense\.bias"):
            kind.from_pretrained(tmp_path)


def test_a_pooler_that_the_class_lacks_is_left_out_in_silence(tmp_path: Path) -> None:
    tiny_classifier().save_pretrained(tmp_path)
    model = ErnieMForTokenClassification.from_pretrained(tmp_path)
    assert torch.equal(model.classifier.weight, tiny_classifier().classifier.weight)


def test_the_head_of_another_class_is_named_and_left_out(tmp_path: Path) -> None:
    ErnieMForMaskedLM(TINY).save_pretrained(tmp_path)
    with pytest.warns(UserWarning, match="another head, left out"):
        ErnieMForTokenClassification.from_pretrained(tmp_path)


def test_a_model_off_the_meta_device_keeps_its_parameters_and_its_format(tmp_path: Path) -> None:
    tiny_encoder().save_pretrained(tmp_path)
    model = ErnieMModel(TINY).to(torch.bfloat16)
    before = dict(model.named_parameters())
    load_weights(model, open_checkpoint(tmp_path))
    assert all(before[name] is parameter for name, parameter in model.named_parameters())
    assert same(dict(model.state_dict()), dict(tiny_encoder().to(torch.bfloat16).state_dict()))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_a_save_keeps_every_bit_in_every_format(tmp_path: Path, dtype: torch.dtype) -> None:
    state = dict(tiny_encoder().to(dtype).state_dict())
    save_checkpoint(tmp_path, TINY.to_dict(), state)
    assert same(dict(open_checkpoint(tmp_path).weights), state)
    assert ErnieMConfig.from_dict(open_checkpoint(tmp_path).config) == TINY


def test_a_small_shard_limit_gives_shards_that_load_as_one(tmp_path: Path) -> None:
    state = dict(tiny_encoder().state_dict())
    save_checkpoint(tmp_path, TINY.to_dict(), state, max_shard_bytes=200)
    assert len(list(tmp_path.glob("model-*-of-*.safetensors"))) > 2
    assert json.loads((tmp_path / "model.safetensors.index.json").read_text())["metadata"]["total_size"] == sum(
        tensor.nbytes for tensor in state.values()
    )
    assert same(dict(open_checkpoint(tmp_path).weights), state)


@pytest.mark.parametrize(("first", "second"), [(200, 10**9), (10**9, 200), (200, 400)])
def test_a_save_leaves_no_weights_of_the_one_before(tmp_path: Path, first: int, second: int) -> None:
    save_checkpoint(tmp_path, TINY.to_dict(), tiny_encoder().state_dict(), max_shard_bytes=first)
    state = {name: tensor + 1 for name, tensor in tiny_encoder().state_dict().items()}
    save_checkpoint(tmp_path, TINY.to_dict(), state, max_shard_bytes=second)
    assert same(dict(open_checkpoint(tmp_path).weights), state)
    listed = json.loads((tmp_path / "manifest.json").read_text()).keys()
    assert {path.name for path in tmp_path.iterdir()} == {*listed, "manifest.json"}


def test_weights_can_be_saved_onto_the_file_they_were_read_from(tmp_path: Path) -> None:
    tiny_encoder().save_pretrained(tmp_path)
    model = ErnieMModel.from_pretrained(tmp_path)
    model.save_pretrained(tmp_path)
    assert same(dict(ErnieMModel.from_pretrained(tmp_path).state_dict()), dict(tiny_encoder().state_dict()))


def test_tensors_that_share_memory_are_saved_apart(tmp_path: Path) -> None:
    whole = torch.arange(6.0)
    save_checkpoint(tmp_path, TINY.to_dict(), {"a": whole, "b": whole, "c": whole[2:4]})
    assert same(dict(open_checkpoint(tmp_path).weights), {"a": whole, "b": whole, "c": whole[2:4]})


def test_a_failing_save_leaves_the_folder_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tiny_encoder().save_pretrained(tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    def full(*arguments: object, **options: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("erniem_lab.checkpoint.describe_files", full)
    with pytest.raises(FileFaultError, match="No space left"):
        save_checkpoint(tmp_path, TINY.to_dict(), {"a": torch.ones(2)})
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_an_interrupted_rename_is_noticed_when_loading(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tiny_encoder().save_pretrained(tmp_path)
    replace = Path.replace

    def stop_at_manifest(self: Path, target: Path) -> Path:
        if target.name == "manifest.json":
            raise KeyboardInterrupt
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", stop_at_manifest)
    with pytest.raises(KeyboardInterrupt):
        save_checkpoint(tmp_path, TINY.to_dict(), {"a": torch.ones(2)})
    refusal(tmp_path, "manifest.json")


SAVE_FOREVER = """
import sys, torch
from erniem_lab.checkpoint import save_checkpoint
print("ready", flush=True)
while True:
    for value in (0.0, 1.0):
        state = {f"w{i}": torch.full((10000,), value) for i in range(9)}
        save_checkpoint(sys.argv[1], {"model_type": "ernie_m"}, state)
"""


@pytest.mark.slow
def test_a_killed_save_leaves_one_of_the_two_states_or_an_error(tmp_path: Path) -> None:
    draw, whole = random.Random(0), 0
    for i in range(20):
        folder = tmp_path / str(i)
        save_checkpoint(folder, {"model_type": "ernie_m"}, {f"w{i}": torch.zeros(10000) for i in range(9)})
        process = subprocess.Popen([sys.executable, "-c", SAVE_FOREVER, folder], stdout=subprocess.PIPE)
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(draw.random() / 10)
        process.kill()
        process.wait()
        try:
            values = {
                value for tensor in open_checkpoint(folder).weights.values() for value in tensor.unique().tolist()
            }
        except FileFaultError:
            continue
        assert len(values) == 1
        whole += 1
    assert whole


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tiny_encoder().save_pretrained(tmp_path)

    def forbidden(path: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("erniem_lab.files.weights_files.read_safetensors", forbidden)
    refusal(tmp_path, "model.safetensors", "Permission denied")


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(FileFaultError, match="file"):
        save_checkpoint(tmp_path / "file", TINY.to_dict(), tiny_encoder().state_dict())


def test_weights_that_could_not_be_loaded_are_not_saved(tmp_path: Path) -> None:
    with pytest.raises(InputValueError, match="a has 1 value that is not finite; b has dtype int64"):
        save_checkpoint(tmp_path / "new", {}, {"a": torch.tensor([torch.nan]), "b": torch.tensor(1)})
    assert not (tmp_path / "new").exists()


def test_saved_files_have_the_rights_of_any_new_file(tmp_path: Path) -> None:
    save_checkpoint(tmp_path, TINY.to_dict(), tiny_encoder().state_dict())
    (tmp_path / "new").touch()
    rights = {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert len(rights) == 1


def test_a_reader_beside_a_writer_sees_a_whole_checkpoint_or_an_error(tmp_path: Path) -> None:
    states = [{name: tensor + i for name, tensor in tiny_encoder().state_dict().items()} for i in range(2)]
    save_checkpoint(tmp_path, TINY.to_dict(), states[0])
    stop = threading.Event()

    def write() -> None:
        while not stop.is_set():
            for state in states:
                save_checkpoint(tmp_path, TINY.to_dict(), state)

    writer, read = threading.Thread(target=write), []
    writer.start()
    for _ in range(100):
        with suppress(ErnieMLabError):
            read.append(dict(open_checkpoint(tmp_path).weights))
    stop.set()
    writer.join()
    assert read
    assert all(any(same(weights, state) for state in states) for weights in read)
