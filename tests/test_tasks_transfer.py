"""Zero-shot transfer: one language in, scores with intervals and gaps out; and the command that does it."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from task_samples import QUICK, small_checkpoint, texts

from erniem_lab import cli
from erniem_lab.corpora.examples import LabelledPair, LabelledText
from erniem_lab.errors import FileFaultError, InputValueError
from erniem_lab.tasks import Choice, ChoicePrediction, Evaluation, open_examples, task_for, transfer
from erniem_lab.tasks.transfer import Transfer


@pytest.fixture(scope="module")
def start(tmp_path_factory):
    return small_checkpoint(tmp_path_factory.mktemp("start"))


def evaluation(right: int, of: int = 100, language: str = "en") -> Evaluation:
    said = [ChoicePrediction(language, 0, int(n >= right), (0.5, 0.5)) for n in range(of)]
    return Evaluation(Choice(), tuple(said))


def test_the_score_is_the_mean_over_seeds_and_the_interval_holds_both_kinds_of_chance():
    calm = Transfer("en", (0, 1), {"en": (evaluation(80), evaluation(80))})
    torn = Transfer("en", (0, 1), {"en": (evaluation(60), evaluation(100))})
    assert calm.estimate("en").value == torn.estimate("en").value == pytest.approx(0.8)
    width = [found.estimate("en").high - found.estimate("en").low for found in (calm, torn)]
    assert width[0] == pytest.approx(2 * 1.96 * 0.04, rel=0.15)
    assert width[1] > 2 * width[0]


def test_the_gap_is_the_difference_and_its_interval_is_wider_than_either():
    found = Transfer("en", (0,), {"en": (evaluation(90),), "sw": (evaluation(60, language="sw"),)})
    gap = found.gap("sw")
    assert gap.value == pytest.approx(0.3)
    assert gap.low > 0
    assert gap.high - gap.low > found.estimate("sw").high - found.estimate("sw").low
    frame = found.to_frame().set_index("language")
    assert frame.loc["en", ["gap", "gap_low", "gap_high"]].tolist() == [0, 0, 0]
    assert frame["seeds"].tolist() == [1, 1]


def test_heads_of_all_seeds_are_scored_in_all_languages(start, tmp_path):
    tests = {"en": texts(), "sw": [replace(one, language="sw") for one in texts(6)]}
    found = transfer(
        texts(), tests, texts(), model=start, settings=QUICK, seeds=(0, 4), folder=tmp_path, progress=False
    )
    frame = found.to_frame()
    assert frame["language"].tolist() == ["en", "sw"]
    assert frame["n"].tolist() == [12, 6]
    assert {path.name for path in tmp_path.iterdir()} == {"seed-0", "seed-4"}
    assert found.metric == "accuracy"


def test_test_sets_are_checked_before_training_and_the_training_language_is_among_them(start):
    with pytest.raises(InputValueError, match="source='en', tests in sw"):
        transfer(texts(), {"sw": texts()}, model=start)
    unknown = {"en": texts(), "sw": [replace(texts()[0], label="sawa")]}
    with pytest.raises(InputValueError, match=r"tests\['sw'\]: 1 of 1 .* label 'sawa' is not one of bad, good"):
        transfer(texts(), unknown, model="not read before")
    with pytest.raises(InputValueError, match=r"seeds=\[\]"):
        transfer(texts(), {"en": texts()}, model=start, seeds=())


def test_a_table_becomes_a_heat_map_of_hundredths_and_counts():
    from erniem_lab.metrics import confusion
    from erniem_lab.visual.transfer import confusion_map, transfer_map

    tests = {"en": (evaluation(90),), "sw": (evaluation(60),), "de": (evaluation(88),)}
    frame = Transfer("en", (0,), tests).to_frame().assign(task="choice")
    texts = [text.get_text() for text in transfer_map(frame, by="task", value="accuracy", note="n = 100").axes[0].texts]
    assert [text.split("\n")[0] for text in texts] == ["90", "60", "88"]
    assert [len(text.split("\n")) for text in texts] == [2, 3, 3]  # the training language has no gap to itself
    assert [text.split("\n")[2] for text in texts[1:]] == ["−30", "(−2)"]  # 2 of 100 may be chance
    bare = frame[["task", "language", "value"]]
    assert transfer_map(bare, by="task", value="accuracy").axes[0].texts[0].get_text() == "90"
    counts = confusion_map(confusion(["a", "a", "b"], ["a", "b", "b"]))
    assert [text.get_text() for text in counts.axes[0].texts] == ["1", "1", "", "1"]
    with pytest.raises(InputValueError, match="table has no column task"):
        transfer_map(frame.drop(columns="task"), by="task", value="accuracy")
    with pytest.raises(InputValueError, match="no labels"):
        confusion_map(confusion([], []))


def command(monkeypatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["erniem-lab", *arguments])
    with pytest.raises(SystemExit) as ended:
        cli.app()
    return ended.value.code or 0


def rows(path: Path, count: int = 12) -> Path:
    path.write_text("text\tlabel\n" + "".join(f"{one.text}\t{one.label}\n" for one in texts(count)))
    return path


def test_a_head_is_trained_and_scored_by_command(start, tmp_path, monkeypatch, capsys):
    train, out = rows(tmp_path / "train.tsv"), tmp_path / "run"
    how = ["--set", "steps=4", "--set", "batch=4", "--language", "en", "--model", str(start)]
    assert (
        command(monkeypatch, "finetune", "texts", "--train", str(train), "--eval", str(train), "--out", str(out), *how)
        == 0
    )
    assert {"curve.png", "confusion.png", "scores.csv", "predictions.jsonl", "model"} <= {p.name for p in out.iterdir()}
    test, model = rows(tmp_path / "test-sw.tsv", 4), str(out / "model")
    assert (
        command(monkeypatch, "evaluate", "texts", "--data", str(test), "--model", model, "--out", str(tmp_path / "e"))
        == 0
    )
    assert "sw: accuracy " in capsys.readouterr().out
    assert (tmp_path / "e" / "confusion.png").stat().st_size > 1000


def test_a_folder_that_is_not_empty_needs_resume(start, tmp_path, monkeypatch, capsys):
    (tmp_path / "note").write_text("mine")
    arguments = ["finetune", "texts", "--train", "x.tsv", "--out", str(tmp_path)]
    assert command(monkeypatch, *arguments) == 1
    assert "not empty; pass --resume" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("kind", "place", "fault"),
    [
        ("riddles", "world:en", "'riddles': no such kind of examples; there are entailment"),
        ("pairs", "world:en", "the bundled world has no pairs; it has entailment, entities, choice, questions"),
        ("entities", "world:xx", "language: 'xx'; expected one of"),
    ],
)
def test_places_without_examples_are_refused(kind, place, fault):
    with pytest.raises(InputValueError, match=fault):
        open_examples(kind, place, "test")


def test_numbers_are_read_from_texts_and_what_is_none_is_named(tmp_path):
    path = tmp_path / "sw.tsv"
    path.write_text("text\tlabel\nmoja\t1.5\n")
    assert open_examples("numbers", str(path), "train") == [LabelledText("sw", "moja", 1.5)]
    assert task_for("numbers", open_examples("numbers", str(path), "train")).problem == "regression"
    pairs = tmp_path / "pairs-sw.tsv"
    pairs.write_text("sentence1\tsentence2\tlabel\nmoja\tmbili\t2.5\n")
    assert open_examples("pair-numbers", str(pairs), "train") == [LabelledPair("sw", "moja", "mbili", 2.5)]
    path.write_text("text\tlabel\nmoja\tone\n")
    with pytest.raises(InputValueError, match="example 1: label 'one' is no number"):
        open_examples("numbers", str(path), "train")
    with pytest.raises(FileFaultError, match="no such file"):
        open_examples("texts", str(tmp_path / "none.tsv"), "train")


def test_the_worlds_parts_do_not_mix():
    parts = [
        {repr(one) for one in open_examples("choice", "world:en", split)} for split in ("train", "validation", "test")
    ]
    assert not parts[0] & parts[2]
    assert not parts[0] & parts[1]
    assert np.all([len(part) > 100 for part in parts])
