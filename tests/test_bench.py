"""The benchmark: fair to all, honest about who is missing, and its numbers are data."""

import json
import math
import sys
from pathlib import Path

import numpy as np
import pytest

from erniem_lab import MINI, ErnieMTokenizer, cli
from erniem_lab.bench import (
    CONTENDERS,
    GOALS,
    REFERENCE,
    Comparison,
    Conditions,
    Contender,
    Machine,
    Measurement,
    Skipped,
    Texts,
    checkpoint,
    choose,
    compare,
    cost_lines,
    gather,
    goal_table,
    judge,
    lines,
    measure_costs,
    random_checkpoint,
)
from erniem_lab.bench.peers import in_batches
from erniem_lab.bench.rounds import smallest_cosine
from erniem_lab.bench.workers import Worker, WorkerError
from erniem_lab.errors import FileFaultError, InputValueError

LOOK = Contender("look", "load", "read")
FAILING = Contender("failing", "load", "start", code="raise SystemExit(3)")
UNKNOWN = Contender("unknown", "load", "unheard-of")


def measured(name: str, *seconds: float, job: str = "embed", memory: int = 0, agreement: float = 1.0) -> Measurement:
    return Measurement(job, name, 100, seconds, seconds, memory, agreement, 0.999)


def comparison(*measurements: Measurement) -> Comparison:
    return Comparison("tiny", Machine.here(threads=1), measurements, (Skipped("hf-sorted", "not there"),))


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Conditions:
    folder = random_checkpoint(tmp_path_factory.mktemp("bench") / "tiny", MINI, 1, 16, 2)
    return Conditions(folder, Machine.here(threads=1), rounds=2)


@pytest.fixture(scope="module")
def few() -> Texts:
    where, texts = gather([], 6, languages=["en", "sw"])
    return Texts.of(where, texts, ErnieMTokenizer.from_pretrained(MINI), 64)


def test_all_contenders_have_names_of_their_own_and_the_reference_comes_first() -> None:
    names = [one.name for one in CONTENDERS]
    assert len(set(names)) == len(names)
    assert names[0] == REFERENCE


def test_contenders_of_one_process_have_one_python() -> None:
    for name in {one.process for one in CONTENDERS} - {""}:
        assert len({one.foreign for one in CONTENDERS if one.process == name}) == 1


def test_every_goal_names_contenders_that_there_are() -> None:
    for goal in GOALS:
        assert choose([goal.ours, goal.other])


def test_choosing_keeps_the_reference_and_refuses_unknown_names() -> None:
    assert [one.name for one in choose(["sentencepiece"])] == [REFERENCE, "sentencepiece"]
    with pytest.raises(InputValueError, match="only='gpu'"):
        choose(["gpu"])


def test_a_rate_counts_real_tokens_and_its_range_is_that_of_the_rounds() -> None:
    rate = measured("a", 1.0, 4.0, 2.0).rate()
    assert (rate.value, rate.low, rate.high, rate.n) == (50.0, 25.0, 100.0, 3)


def test_a_ratio_is_of_the_same_rounds_and_by_the_clock_that_is_asked_for() -> None:
    fast = Measurement("embed", "a", 100, (1.0, 2.0), (3.0, 3.0), 0, 1.0, 0.9)
    assert fast.speed_against(measured("b", 2.0, 2.0)).value == 1.5
    assert fast.speed_against(measured("b", 6.0, 6.0), "busy").value == 2.0
    with pytest.raises(InputValueError, match="rounds"):
        fast.speed_against(measured("b", 2.0))


def test_vectors_that_are_too_far_from_the_reference_are_marked() -> None:
    assert measured("a", 1.0, agreement=0.99).differs
    assert not measured("a", 1.0, agreement=math.nan).differs
    assert "(!)" in "\n".join(lines(comparison(measured(REFERENCE, 1.0), measured("b", 1.0, agreement=0.5))))


def test_the_smallest_cosine_is_that_of_the_worst_text() -> None:
    one = np.array([[1.0, 0.0], [1.0, 0.0]], dtype=np.float32)
    other = np.array([[2.0, 0.0], [1.0, 1.0]], dtype=np.float32)
    assert smallest_cosine(one, other) == pytest.approx(0.5**0.5)


def test_the_limit_is_the_engine_that_is_fastest_here() -> None:
    found = comparison(measured("ours-int8", 4.0), measured("limit-int8-a", 3.0), measured("limit-int8-b", 2.0))
    limit = found.limit("ours-int8")
    assert limit is not None
    assert limit.contender == "limit-int8-b"
    share = found.to_frame().query("contender == 'ours-int8' and unit == 'share'")
    assert share["value"].tolist() == [0.5]


def test_goals_are_judged_by_medians_and_what_is_missing_is_said() -> None:
    found = comparison(
        measured("ours-float32", 1.0, 1.0, 9.0, memory=10),
        measured("hf-arrival", 3.0, 3.0, 3.0, memory=5),
        measured("torch-import", 1.0, 1.0, 1.0, job="start"),
        measured("ours-import", 1.2, 1.2, 1.2, job="start"),
    )
    verdicts = {one.goal.what: one.verdict for one in judge(found)}
    assert verdicts["embed float32, against HF 4.40.2 in arrival order"] == "reached"
    assert verdicts["peak memory of embed, against HF in arrival order"] == "not reached"
    assert verdicts["import of the project over import of torch"] == "reached"
    assert verdicts["tokenizer, against HF 4.40.2"] == "not measured"
    assert "import of the project over import of torch" in "\n".join(lines(found))
    assert set(goal_table(judge(found))["verdict"]) == {"reached", "not reached", "not measured"}


def test_a_comparison_outlives_json() -> None:
    found = comparison(measured("a", 1.0, agreement=math.nan), measured("b", 2.0))
    again = Comparison.from_dict(json.loads(json.dumps(found.to_dict(), allow_nan=False)))
    assert again.measurements[1] == found.measurements[1]
    assert math.isnan(again.measurements[0].agreement)
    assert (again.machine, again.skipped) == (found.machine, found.skipped)


def test_who_was_not_measured_is_named_with_the_reason() -> None:
    with pytest.raises(InputValueError, match="not there"):
        comparison(measured("a", 1.0)).get("hf-sorted")
    assert "hf-sorted: not there" in list(lines(comparison(measured("a", 1.0))))


def test_batches_give_vectors_in_the_order_of_the_texts() -> None:
    import torch

    read = [[0, 3, 1], [2, 4]]
    seen: list[list[int]] = []

    def vectors(rows: list[int]) -> torch.Tensor:
        seen.append(rows)
        return torch.tensor(rows)[:, None].float()

    found = in_batches(vectors, [9, 7, 5, 8, 1], 3, True)
    assert (seen, found[:, 0].tolist()) == (read, [0, 1, 2, 3, 4])
    seen.clear()
    in_batches(vectors, [9, 7, 5, 8, 1], 3, False)
    assert seen == [[0, 1, 2], [3, 4]]


def test_texts_of_all_languages_come_mixed_and_the_same_for_a_seed(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.txt").write_text("".join(f"{name} {i}\n" for i in range(20)))
    places = [str(tmp_path / "a.txt"), str(tmp_path / "b.txt")]
    where, texts = gather(places, 10)
    assert (where, sum(text.startswith("a") for text in texts)) == ("a.txt, b.txt in 2 files", 5)
    assert gather(places, 10)[1] == texts
    assert gather(places, 10, seed=1)[1] != texts
    with pytest.raises(InputValueError, match="sentences=0"):
        gather(places, 0)


def test_a_folder_of_parallel_text_gives_the_languages_that_are_asked_for(tmp_path: Path) -> None:
    for code in ("en", "de", "fr"):
        (tmp_path / f"train.{code}").write_text(f"{code} one\n{code} two\n")
    assert sorted(gather([str(tmp_path)], 9, languages=["de"])[1]) == ["de one", "de two"]
    with pytest.raises(InputValueError, match="no text there in sw"):
        gather([str(tmp_path)], 9, languages=["sw"])


def test_rounds_are_needed_and_a_peer_must_be_a_program() -> None:
    with pytest.raises(InputValueError, match="rounds=0"):
        Conditions(MINI, Machine.here(), rounds=0)
    with pytest.raises(FileFaultError, match="no program there"):
        Conditions(MINI, Machine.here(), peer=str(MINI / "none"))


def test_a_size_is_one_of_the_known_ones() -> None:
    with pytest.raises(InputValueError, match="size='tiny'"), checkpoint(size="tiny"):
        pass


def test_contenders_are_measured_and_a_missing_or_broken_one_stops_nobody(tiny: Conditions, few: Texts) -> None:
    found = compare([*choose(["hf-load", "read-file"]), FAILING], few, tiny, progress=False)
    assert [one.contender for one in found.measurements] == [REFERENCE, "read-file"]
    assert {one.contender for one in found.skipped} == {"hf-load", "failing"}
    assert "--peer PYTHON" in found.skipped[0].why
    assert "CalledProcessError" in found.skipped[1].why
    assert all(len(one.seconds) == tiny.rounds for one in found.measurements)
    assert found.measurements[0].agreement == pytest.approx(1.0)


def test_a_worker_that_cannot_load_says_why(tiny: Conditions) -> None:
    with Worker([UNKNOWN], tiny) as worker, pytest.raises(WorkerError, match="KeyError: 'unheard-of'"):
        worker.wait()


@pytest.mark.slow
@pytest.mark.timeout(1800)  # every process loads a library of its own
def test_every_way_that_is_installed_gives_in_float32_the_vectors_of_ours(tiny: Conditions, few: Texts) -> None:
    some = [one for one in CONTENDERS if one.job == "embed" and not one.foreign]
    found = compare(some, few, tiny, progress=False)
    assert not [one.contender for one in found.measurements if one.differs and "float32" in one.contender]
    assert {one.contender for one in found.measurements} >= {"ours-float32", "limit-float32-mm"}


@pytest.mark.slow
@pytest.mark.timeout(1800)  # every process loads a library of its own
def test_costs_have_a_point_for_each_value(tiny: Conditions, few: Texts) -> None:
    axes = {"texts": (2, 8), "length (tokens)": (8, 16), "layers": (1, 2), "batch (texts)": (1, 4)}
    found = measure_costs(axes, choose(["xlmr-float32-sorted"]), few.texts, tiny, progress=False)
    assert not found.skipped
    points = {(one.axis, one.x, one.contender) for one in found.points}
    assert points == {
        (axis, x, name) for axis in axes for x in axes[axis] for name in (REFERENCE, "xlmr-float32-sorted")
    }
    assert (found.to_frame()["n"] == tiny.rounds).all()
    assert len(list(cost_lines(found))) == 4 * 2 + 8


def test_costs_leave_out_who_is_missing_and_lengths_that_the_model_cannot_read(tiny: Conditions, few: Texts) -> None:
    found = measure_costs({"length (tokens)": (8, 4096)}, choose(["hf-sorted"])[1:], few.texts, tiny, progress=False)
    assert (found.points, [one.contender for one in found.skipped]) == ((), ["hf-sorted"])


def test_an_unknown_axis_is_refused(tiny: Conditions) -> None:
    with pytest.raises(InputValueError, match="axes: 'width'"):
        measure_costs({"width": [1]}, [LOOK], ["a"], tiny)


def test_the_command_prints_the_table_and_writes_the_numbers(
    tiny: Conditions, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out, few = tmp_path / "bench.json", ["--sentences", "5", "--rounds", "1", "--threads", "1"]
    arguments = ["bench", "--model", str(tiny.folder), *few, "--only", "read-file", "--out", str(out)]
    monkeypatch.setattr(sys, "argv", ["erniem-lab", *arguments])
    with pytest.raises(SystemExit) as ended:
        cli.app()
    assert not ended.value.code
    assert "read-file" in capsys.readouterr().out
    assert Comparison.from_dict(json.loads(out.read_text())).get("ours-float32").tokens > 0


def test_a_file_of_no_known_form_is_refused_before_anything_runs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["erniem-lab", "bench", "--out", "bench.xls"])
    with pytest.raises(SystemExit):
        cli.app()
    assert "out=bench.xls" in capsys.readouterr().err
