"""The benchmark: fair to all, honest about who is missing, and its numbers are data."""

import json
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from erniem_lab import MINI, cli
from erniem_lab.bench import (
    CONTENDERS,
    GOALS,
    REFERENCE,
    Comparison,
    Conditions,
    Contender,
    Measurement,
    Texts,
    checkpoint,
    choose,
    choose_axes,
    compare,
    gather,
    judge,
    measure_curves,
    random_checkpoint,
)
from erniem_lab.bench.foreign import in_batches
from erniem_lab.errors import FileFaultError, InputValueError

UNKNOWN = Contender("unknown", "load", "unheard-of")


def measured(
    name: str, *seconds: float, job: str = "embed", precision: str = "float32", memory: int = 0
) -> Measurement:
    return Measurement(Contender(name, job, name, precision), 100, seconds, memory)


def comparison(*measurements: Measurement) -> Comparison:
    return Comparison("tiny", "here", measurements, {"hf-sorted": "not there"})


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Conditions:
    folder = random_checkpoint(tmp_path_factory.mktemp("bench") / "tiny", MINI, 1, 16, 2)
    return Conditions(folder, threads=1, rounds=2)


@pytest.fixture(scope="module")
def few(tiny: Conditions) -> Texts:
    return gather(tiny.folder, [], 6, languages=["en", "sw"])


def test_contenders_have_names_of_their_own_the_reference_first_and_goals_name_them() -> None:
    names = [one.name for one in CONTENDERS]
    assert len(set(names)) == len(names)
    assert names[0] == REFERENCE
    assert {name for goal in GOALS for name in (goal.ours, goal.other)} <= set(names)


def test_choosing_keeps_the_reference_and_refuses_unknown_names() -> None:
    assert [one.name for one in choose(["sentencepiece"])] == [REFERENCE, "sentencepiece"]
    with pytest.raises(InputValueError, match="only='gpu'"):
        choose(["gpu"])


def test_axes_are_chosen_by_the_beginnings_of_their_names() -> None:
    assert list(choose_axes(["all"])) == ["texts", "length (tokens)", "layers", "batch (texts)"]
    for wrong in ("width", "texts=many"):
        with pytest.raises(InputValueError, match="curves="):
            choose_axes([wrong])


def test_a_rate_counts_real_tokens_and_its_range_is_that_of_the_rounds() -> None:
    rate = measured("a", 1.0, 4.0, 2.0).rate()
    assert (rate.value, rate.low, rate.high, rate.n) == (50.0, 25.0, 100.0, 3)


def test_a_ratio_is_of_the_same_rounds() -> None:
    assert measured("a", 1.0, 2.0, 1.0).speed_against(measured("b", 2.0, 6.0, 1.0)).value == 2.0


def test_each_is_held_against_the_limit_of_its_own_precision() -> None:
    limits = [measured(f"limit-{name}", 2.0, precision=name) for name in ("float32", "int8")]
    found = comparison(measured(REFERENCE, 8.0), measured("ours-int8", 4.0, precision="int8"), *limits)
    shares = found.to_frame().query("measure == 'share of limit'").set_index("contender")["value"]
    assert (shares[REFERENCE], shares["ours-int8"]) == (0.25, 0.5)


def test_what_is_printed_names_everybody_with_ranges_and_reasons() -> None:
    text = str(comparison(measured(REFERENCE, 1.0, 2.0), measured("torch-import", 1.0, 3.0, job="start")))
    assert all(
        part in text for part in (REFERENCE, "75.00 [50.00, 100.00]", "2.00 [1.00, 3.00]", "hf-sorted: not there")
    )


def test_goals_are_judged_by_medians_and_left_out_where_nothing_was_measured() -> None:
    found = comparison(
        measured("ours-float32", 1.0, 1.0, 9.0, memory=10),
        measured("hf-arrival", 3.0, 3.0, 3.0, memory=5),
        measured("torch-import", 1.0, 1.0, 1.0, job="start"),
        measured("ours-import", 1.2, 1.2, 1.2, job="start"),
    )
    reached = judge(found).set_index("goal")["reached"].to_dict()
    assert reached == {
        "embed float32, against HF 4.40.2 in arrival order": True,
        "peak memory of embed, against HF in arrival order": False,
        "import of the project over import of torch": True,
    }


@pytest.mark.parametrize(("sort", "read"), [(True, [[0, 3, 1], [2, 4]]), (False, [[0, 1, 2], [3, 4]])])
def test_batches_give_vectors_in_the_order_of_the_texts(sort: bool, read: list[list[int]]) -> None:
    seen = []

    def states(texts: Sequence[str], ids: Sequence[Sequence[int]]) -> tuple[torch.Tensor, torch.Tensor]:
        seen.append([int(text) for text in texts])
        return torch.tensor(seen[-1])[:, None, None].float(), torch.ones(len(texts), 1)

    found = in_batches(states, {"sort": sort})("01234", [[0] * length for length in (9, 7, 5, 8, 1)], 3)
    assert (seen, found[:, 0].tolist()) == (read, [0, 1, 2, 3, 4])


def test_texts_of_all_files_come_mixed_in_one_order(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.txt").write_text("".join(f"{name} {i}\n" for i in range(20)))
    places = [str(tmp_path / "a.txt"), str(tmp_path / "b.txt")]
    found = gather(MINI, places, 10)
    assert (found.where, sum(text.startswith("a") for text in found.texts)) == ("a.txt, b.txt (2 sources)", 5)
    assert gather(MINI, places, 10) == found
    with pytest.raises(InputValueError, match="sentences=0"):
        gather(MINI, places, 0)


def test_a_folder_of_parallel_text_gives_the_languages_that_are_asked_for(tmp_path: Path) -> None:
    for code in ("en", "de", "fr"):
        (tmp_path / f"train.{code}").write_text(f"{code} one\n{code} two\n")
    assert sorted(gather(MINI, [str(tmp_path)], 9, languages=["de"]).texts) == ["de one", "de two"]
    with pytest.raises(InputValueError, match="no text there in sw"):
        gather(MINI, [str(tmp_path)], 9, languages=["sw"])


def test_rounds_are_needed_and_a_peer_must_be_a_program() -> None:
    with pytest.raises(InputValueError, match="rounds=0"):
        Conditions(MINI, rounds=0)
    with pytest.raises(FileFaultError, match="no program there"):
        Conditions(MINI, peer=str(MINI / "none"))


def test_a_size_is_one_of_the_known_ones() -> None:
    with pytest.raises(InputValueError, match="size='tiny'"), checkpoint(size="tiny"):
        pass


def test_a_missing_or_broken_contender_is_named_and_stops_nobody(tiny: Conditions, few: Texts) -> None:
    found = compare([*choose(["hf-tokenizer", "read-file"]), UNKNOWN], few, tiny, progress=False)
    assert [one.name for one in found.measurements] == [REFERENCE, "read-file"]
    assert set(found.skipped) == {"hf-tokenizer", "unknown"}
    assert "--peer PYTHON" in found.skipped["hf-tokenizer"]
    assert "KeyError" in found.skipped["unknown"]
    assert all(len(one.seconds) == tiny.rounds for one in found.measurements)
    assert found.measurements[0].cosine == pytest.approx(1.0)


def test_a_peer_that_dies_is_skipped_with_its_last_words(tiny: Conditions, few: Texts, tmp_path: Path) -> None:
    broken = tmp_path / "python"
    broken.write_text("#!/bin/sh\necho no torch here >&2\nexit 3\n")
    broken.chmod(0o755)
    given = Conditions(tiny.folder, threads=1, rounds=1, peer=str(broken))
    found = compare(choose(["hf-sorted"])[1:], few, given, progress=False)
    assert found.skipped == {"hf-sorted": "its process ended with code 3: no torch here"}


@pytest.mark.slow
@pytest.mark.timeout(1800)  # every process loads a library of its own
def test_every_way_that_is_installed_gives_in_float32_the_vectors_of_ours(tiny: Conditions, few: Texts) -> None:
    peer = os.environ.get("ERNIEM_LAB_PEER", "")  # a python with transformers 4.40.2
    given = replace(tiny, peer=peer, rounds=1, alone=False)
    found = compare(CONTENDERS, few, given, progress=False)
    assert all("pip install" in why or "--peer" in why for why in found.skipped.values()), found.skipped
    plain = {one.name: one.cosine for one in found.measurements if one.contender.precision == "float32" and one.cosine}
    assert min(plain.values()) > 0.99999
    assert set(plain) >= {REFERENCE, "xlmr-float32-arrival", "xlmr-float32-sorted"}


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_curves_have_a_point_for_each_value_that_the_model_can_read(tiny: Conditions, few: Texts) -> None:
    axes = {"texts": (2, 8), "length (tokens)": (8, 4096), "layers": (1, 2), "batch (texts)": (1, 4)}
    found = measure_curves(axes, choose(["xlmr-float32"]), few, tiny, progress=False)
    assert not found.skipped
    places = [(axis, x) for axis, values in axes.items() for x in values if x < 4096]
    names = (REFERENCE, "xlmr-float32-sorted")
    assert [(one.axis, one.x, one.name) for one in found.measurements] == [
        (*place, n) for place in places for n in names
    ]
    assert "tokens/s by layers" in str(found)


def test_an_unknown_axis_is_refused(tiny: Conditions, few: Texts) -> None:
    with pytest.raises(InputValueError, match="axes: 'width'"):
        measure_curves({"width": [1]}, [], few, tiny)


def test_the_command_prints_the_table_and_writes_the_numbers(
    tiny: Conditions, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out, little = tmp_path / "bench.json", ["--sentences", "5", "--rounds", "1", "--threads", "1"]
    arguments = ["--model", str(tiny.folder), *little, "--only", REFERENCE, "--curves", "batch=1", "--out", str(out)]
    monkeypatch.setattr(sys, "argv", ["erniem-lab", "bench", *arguments])
    with pytest.raises(SystemExit) as ended:
        cli.app()
    assert not ended.value.code
    assert "tokens/s by batch (texts)" in capsys.readouterr().out
    compared, curves = json.loads(out.read_text())
    assert [one["contender"]["name"] for one in compared["measurements"]] == [REFERENCE]
    assert [one["axis"] for one in curves["measurements"]] == ["batch (texts)"]
