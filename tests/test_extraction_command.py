"""`erniem-lab extract` finds in each line of a file what the library finds, or says in one line what is wrong."""

import json
import sys
from pathlib import Path

import pytest
from extraction_samples import spotter, tokenizer

from erniem_lab import MINI, cli
from erniem_lab.tasks.extraction import InformationExtractor

CUT = tokenizer()
LINES = ["this is ! a test", "a test", "! !", "is " * 60 + "!"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An extractor, and a file of texts."""
    folder = tmp_path_factory.mktemp("extract")
    spotter(CUT).save_pretrained(folder / "model")
    CUT.save_pretrained(folder / "model")
    (folder / "texts.txt").write_text("\n".join(LINES) + "\n")
    return folder


def command(monkeypatch: pytest.MonkeyPatch, folder: Path, *options: str, model: str = "") -> int:
    arguments = ["extract", str(folder / "texts.txt"), "--model", model or str(folder / "model"), *options]
    monkeypatch.setattr(sys, "argv", ["erniem-lab", *arguments])
    with pytest.raises(SystemExit) as ended:
        cli.app()
    return ended.value.code if isinstance(ended.value.code, int) else 0


def test_each_line_gives_an_object_with_what_the_library_finds(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    schema = {"mark": ["part"], "mood[!, a]": []}
    assert command(monkeypatch, folder, "--schema", json.dumps(schema)) == 0
    printed = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    found = InformationExtractor.from_pretrained(folder / "model", schema)(LINES)
    assert [one["text"] for one in printed] == LINES
    assert [one["found"] for one in printed] == [one.to_dict() for one in found]
    assert printed[2]["found"]["mark"][1]["start"] == 2
    assert printed[0]["found"]["mark"][0]["relations"]["part"][0]["text"] == "!"


def test_results_go_to_a_file_where_one_is_named(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "schema.json").write_text('["mark"]')
    out = tmp_path / "found.jsonl"
    assert command(monkeypatch, folder, "--schema", str(tmp_path / "schema.json"), "--out", str(out)) == 0
    assert len([json.loads(line) for line in out.read_text().splitlines()]) == len(LINES)


def test_the_threshold_decides_what_is_found(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(monkeypatch, folder, "--schema", "mark", "--threshold", "0.9999999") == 0
    assert all(json.loads(line)["found"] == {} for line in capsys.readouterr().out.splitlines())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--schema", "{"], "schema '{': begins as JSON and is none"),
        (["--schema", "none.json"], "none.json: no schema can be read from it"),
        (["--schema", "a,,b"], "schema has an empty name"),
        (["--schema", "a", "--threshold", "1.5"], "threshold=1.5: give a probability"),
    ],
)
def test_a_fault_is_told_in_one_line(
    options: list[str],
    message: str,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert command(monkeypatch, folder, *options) == 1
    [told] = capsys.readouterr().err.strip().splitlines()
    assert message in told


def test_a_checkpoint_that_cannot_extract_is_refused(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(monkeypatch, folder, "--schema", "a", model=str(MINI)) == 1
    assert "was not taught to extract; teach it with fit_extraction" in capsys.readouterr().err


def test_an_extractor_is_trained_and_scored_by_command(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    prompts = [{"content": line, "prompt": "mark", "result_list": []} for line in LINES[:3]]
    prompts[2]["result_list"] = [{"text": "!", "start": 0, "end": 1}]
    (tmp_path / "prompts.txt").write_text("".join(json.dumps(one) + "\n" for one in prompts))
    run, data = tmp_path / "run", str(tmp_path / "prompts.txt")
    how = ["--model", str(folder / "model"), "--set", "steps=2", "--set", "batch=2", "--language", "en"]
    train = ["finetune", "prompts", "--train", data, "--eval", data, "--out", str(run), *how]
    score = ["evaluate", "prompts", "--data", data, "--model", str(run / "model"), "--language", "en"]
    for arguments in (train, score):
        monkeypatch.setattr(sys, "argv", ["erniem-lab", *arguments])
        with pytest.raises(SystemExit) as ended:
            cli.app()
        assert not ended.value.code
    assert "en: span F1 " in capsys.readouterr().out
    assert len(InformationExtractor.from_pretrained(run / "model", ["mark"])(LINES)) == len(LINES)
