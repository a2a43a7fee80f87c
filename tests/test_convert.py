"""Folders of every vintage of PaddleNLP become folders that Hugging Face's classes read, and nothing in them is run."""

import hashlib
import json
import os
import pickle
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from bridge_samples import TOKENIZER, VOCABULARY
from checkpoint_files import same
from safetensors.numpy import save_file as save_numpy
from small_models import IDS, small_config
from test_paddle import as_paddle

import erniem_lab as el
from erniem_lab import transformers_bridge as bridge
from erniem_lab.checkpoint import open_checkpoint
from erniem_lab.convert import convert
from erniem_lab.errors import FileFaultError

HEADS = {  # Hugging Face's class, and PaddleNLP's name of it
    "ErnieMModel": "ErnieMModel",
    "ErnieMForSequenceClassification": "ErnieMForSequenceClassification",
    "ErnieMForInformationExtraction": "UIEM",
}


def model_of(name: str) -> Any:
    torch.manual_seed(0)
    sizes = {"vocab_size": VOCABULARY, "intermediate_size": 64, "max_position_embeddings": 130}
    return getattr(el, name)(small_config(**sizes)).eval()


def new_config(model: Any, paddle_name: str) -> dict[str, Any]:
    values = {
        key: value for key, value in model.config.to_dict().items() if key not in ("architectures", "act_dropout")
    }
    return {**values, "architectures": [paddle_name], "paddlenlp_version": None, "type_vocab_size": 16}


def legacy_config(model: Any, paddle_name: str) -> dict[str, Any]:
    base = {
        key: value
        for key, value in new_config(model, paddle_name).items()
        if key not in ("architectures", "model_type")
    }
    del base["paddlenlp_version"], base["intermediate_size"]
    inner = {**base, "init_class": "ErnieMModel"}
    if paddle_name == "ErnieMModel":
        return inner
    return {"init_args": [inner], "init_class": paddle_name, "num_classes": 2, "dropout": None}


def paddle_folder(
    folder: Path, model: Any, *, legacy: bool = False, weights: str = "pdparams", bare: bool = False, prefix: str = ""
) -> Path:
    """A folder as some release of PaddleNLP left it."""
    folder.mkdir()
    name = type(model).__name__
    config = (legacy_config if legacy else new_config)(model, HEADS[name])
    (folder / ("model_config.json" if legacy else "config.json")).write_text(json.dumps(config))
    state = as_paddle({key.removeprefix("ernie_m.") if bare else key: part for key, part in model.state_dict().items()})
    if weights == "safetensors":
        save_numpy(state, folder / "model.safetensors", metadata={"format": "np"})
    else:
        content = {**state, "StructuredToParameterName@@": {key: f"{key}.w_0" for key in state}}
        (folder / "model_state.pdparams").write_bytes(pickle.dumps(content, 2 if weights == "old pdparams" else 4))
    for file in ("vocab.txt", "sentencepiece.bpe.model"):
        shutil.copy(TOKENIZER / file, folder / f"{prefix}{file}")
    (folder / "tokenizer_config.json").write_text('{"do_lower_case": false, "tokenizer_class": "ErnieMTokenizer"}')
    return folder


VINTAGES: list[dict[str, Any]] = [
    {"weights": "pdparams"},
    {"weights": "old pdparams", "legacy": True},
    {"weights": "safetensors"},
    {"weights": "safetensors", "legacy": True, "prefix": "ernie_m."},
    {"weights": "pdparams", "bare": True},
    {"weights": "pdparams", "prefix": "ernie_m."},
    {"weights": "old pdparams", "bare": True, "legacy": True, "prefix": "uie-m-"},
]


@pytest.mark.parametrize("vintage", VINTAGES, ids=str)
@pytest.mark.parametrize("name", HEADS)
def test_a_folder_of_every_vintage_is_read_by_both_libraries(
    name: str, vintage: dict[str, Any], tmp_path: Path
) -> None:
    model = model_of(name)
    out = tmp_path / "out"
    done = convert(paddle_folder(tmp_path / "in", model, **vintage), out)
    assert done.verified
    assert same(dict(done.weights), dict(model.state_dict()))
    expected = model(IDS).to_tuple()[0]
    assert torch.equal(getattr(el, name).from_pretrained(out)(IDS).to_tuple()[0], expected)
    assert torch.equal(getattr(bridge, name).from_pretrained(out).eval()(IDS).to_tuple()[0], expected)
    for tokenizer in (el.ErnieMTokenizer.from_pretrained(out), transformers.AutoTokenizer.from_pretrained(out)):
        assert tokenizer("this is", "a test")["input_ids"] == [0, 17, 95, 39, 2, 2, 11, 78, 96, 2]


def test_the_card_names_the_source_and_the_hash_of_each_file(tmp_path: Path) -> None:
    source = paddle_folder(tmp_path / "uie-m-base", model_of("ErnieMForInformationExtraction"), prefix="ernie_m.")
    convert(source, tmp_path / "out")
    card = (tmp_path / "out" / "README.md").read_text(encoding="utf-8")
    assert str(source) in card
    assert "ErnieMForInformationExtraction" in card
    for path in source.iterdir():
        assert path.name in card
        assert hashlib.sha256(path.read_bytes()).hexdigest() in card


def test_the_card_can_be_edited_and_nothing_else(tmp_path: Path) -> None:
    convert(paddle_folder(tmp_path / "in", model_of("ErnieMModel")), tmp_path / "out")
    (tmp_path / "out" / "README.md").write_text("my own words")
    assert open_checkpoint(tmp_path / "out").verified
    (tmp_path / "out" / "vocab.txt").write_text("my own words")
    with pytest.raises(FileFaultError, match=r"vocab\.txt"):
        open_checkpoint(tmp_path / "out")


def test_two_vocabularies_are_not_guessed_between(tmp_path: Path) -> None:
    source = paddle_folder(tmp_path / "in", model_of("ErnieMModel"), prefix="ernie_m.")
    shutil.copy(source / "ernie_m.vocab.txt", source / "uie_m.vocab.txt")
    with pytest.raises(FileFaultError, match=r"ernie_m\.vocab\.txt, uie_m\.vocab\.txt"):
        convert(source, tmp_path / "out")
    assert not (tmp_path / "out").exists()


class Runs:
    """Calls a function when it is unpickled by an ordinary reader."""

    def __init__(self, function: Callable[[str], Any], argument: str) -> None:
        self.called = function, (argument,)

    def __reduce__(self) -> tuple[Any, ...]:
        return self.called


def touches(marker: Path) -> Runs:
    return Runs(os.system, f"touch {marker}")


def evaluates(marker: Path) -> Runs:
    """As Paddle itself writes tensors of uneven length, which is why its own reader runs what a file says."""
    return Runs(eval, f"open({str(marker)!r}, 'w')")


def hostile(folder: Path, name: str, content: Runs) -> Path:
    source = paddle_folder(folder, model_of("ErnieMModel"))
    (source / "model_state.pdparams").unlink()
    with (source / name).open("wb") as file:
        (torch.save if name.endswith(".bin") else pickle.dump)({"w": content}, file)
    return source


@pytest.mark.parametrize("made", [touches, evaluates])
@pytest.mark.parametrize("name", ["model_state.pdparams", "pytorch_model.bin"])
def test_a_hostile_file_is_refused_and_nothing_in_it_runs(
    name: str, made: Callable[[Path], Runs], tmp_path: Path
) -> None:
    marker = tmp_path / "marker"
    with pytest.raises(FileFaultError, match="refused"):
        convert(hostile(tmp_path / "in", name, made(marker)), tmp_path / "out")
    assert not marker.exists()
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("made", [touches, evaluates])
def test_the_hostile_file_would_have_run_elsewhere(made: Callable[[Path], Runs], tmp_path: Path) -> None:
    pickle.loads(pickle.dumps(made(tmp_path / "marker")))
    assert (tmp_path / "marker").exists()


def test_the_command_refuses_it_in_one_line(tmp_path: Path) -> None:
    source = hostile(tmp_path / "in", "model_state.pdparams", touches(tmp_path / "marker"))
    code = "from erniem_lab.cli import app; app()"
    run = subprocess.run(
        [sys.executable, "-c", code, "convert", str(source), str(tmp_path / "out")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 1
    assert run.stderr.startswith("error:")
    assert len(run.stderr.splitlines()) == 1
    assert "posix.system" in run.stderr
    assert not (tmp_path / "marker").exists()


@pytest.mark.parametrize("listed", ["../secret.safetensors", "/etc/passwd", "a/b.safetensors"])
def test_an_index_cannot_lead_out_of_its_folder(listed: str, tmp_path: Path) -> None:
    source = paddle_folder(tmp_path / "in", model_of("ErnieMModel"))
    (source / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {"w": listed}}))
    with pytest.raises(FileFaultError, match="plain file name"):
        convert(source, tmp_path / "out")
