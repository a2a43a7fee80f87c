"""Whole runs: what is written for notebooks that pass, fail, die, hang, or leave early."""

import json
import os
from collections.abc import Mapping
from pathlib import Path

import nbformat
import pytest
from nbformat.sign import NotebookNotary
from notebook_samples import HOSTILE, write_notebook

from erniem_lab.errors import FileFaultError, InputValueError
from erniem_lab.report import Report, build, choose, read_notebook, read_reports, write_reports

SECRET = "hf_0123456789abcdef"
CELLS = {
    "1_pass": [
        "import os\nprint(n, os.getcwd())",
        "from erniem_lab.report import record\nrecord('double', n * 2, n=5, low=1, high=90)",
        "print(os.environ['HF_TOKEN'])",
    ],
    "2_fail": ["print('before')", "raise ValueError('no such\\nlayer')", "print('never')"],
    "3_die": ["print('before')", "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)", "1"],
    "4_hang": ["print('before')", "import time\ntime.sleep(60)", "1"],
    "5_leave": ["print('before')", "import sys\nsys.exit(0)", "1"],
    "6_twice": ["from erniem_lab.report import record\nrecord('a', 1)\nrecord('a', 2)"],
}


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The reports on one notebook of each kind, run once for all the tests below."""
    folder = tmp_path_factory.mktemp("runs")
    chosen = [read_notebook(write_notebook(folder, name, cells)) for name, cells in CELLS.items()]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JUPYTER_DATA_DIR", str(folder / "jupyter"))
        patch.setenv("HF_TOKEN", SECRET)
        write_reports(chosen, folder / "out", {"n": 21}, jobs=2, timeout=10, progress=False)
    return folder / "out"


@pytest.fixture(scope="module")
def reports(out: Path) -> Mapping[str, Report]:
    return {report.name: report for report in read_reports(out)}


def test_a_run_gives_a_page_a_notebook_an_index_and_numbers(out: Path) -> None:
    assert sorted(path.name for path in out.iterdir()) == sorted(
        ["index.html", "numbers.json", *(f"{name}.{kind}" for name in CELLS for kind in ("html", "ipynb"))]
    )


def test_a_passing_run_has_its_question_answer_parameters_and_numbers(reports: Mapping[str, Report]) -> None:
    report = reports["1_pass"]
    assert (report.passed, report.question, report.answer) == (True, "What is it?", "It is a test.")
    assert report.parameters == {"n": "21"}
    assert report.seconds > 0
    assert [(number.name, number.value, number.n, number.high) for number in report.numbers] == [("double", 42, 5, 90)]


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("2_fail", "cell 4: ValueError: no such layer"),
        ("3_die", "cell 4: the kernel died"),
        ("4_hang", "cell 4: ran out of time"),
        ("5_leave", "cell 5: not reached"),
        ("6_twice", "'a' is recorded twice"),
    ],
)
def test_a_run_that_did_not_pass_is_marked_in_page_and_index(
    name: str, fault: str, out: Path, reports: Mapping[str, Report]
) -> None:
    assert fault in reports[name].fault
    assert "\n" not in reports[name].fault
    assert "FAILED" in (out / f"{name}.html").read_text()
    assert f'<article class="failed">\n<h2><a href="./{name}.html">' in (out / "index.html").read_text()


@pytest.mark.parametrize("name", ["2_fail", "3_die", "4_hang", "5_leave"])
def test_a_partial_report_keeps_what_ran_before(name: str, out: Path) -> None:
    assert "before\n" in (out / f"{name}.html").read_text()
    assert "papermill" not in (out / f"{name}.ipynb").read_text().replace("papermill.exceptions", "")


def test_no_secret_and_no_local_folder_reaches_a_report(out: Path) -> None:
    for path in out.iterdir():
        assert SECRET not in path.read_text(), path
    assert "[hidden]" in (out / "1_pass.html").read_text()


def test_notebooks_run_in_a_scratch_folder_that_is_gone(out: Path) -> None:
    assert os.getcwd() not in (out / "1_pass.html").read_text().split("<main>")[1]


def test_an_executed_notebook_is_signed_for_this_user(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(out.parent / "jupyter"))
    content = nbformat.read(out / "1_pass.ipynb", as_version=4)
    assert NotebookNotary().check_signature(content)


def test_a_later_run_keeps_the_other_reports_in_the_index(tmp_path: Path) -> None:
    for name in ("a", "b"):
        chosen = [read_notebook(write_notebook(tmp_path, name))]
        write_reports(chosen, tmp_path / "out", {}, progress=False)
    assert [report.name for report in read_reports(tmp_path / "out")] == ["a", "b"]
    assert json.loads((tmp_path / "out" / "numbers.json").read_text())["format"] == 1


def test_a_page_that_cannot_be_made_leaves_nothing_half_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(build, "write_ipynb", lambda *_: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        write_reports([read_notebook(write_notebook(tmp_path, "a"))], tmp_path / "out", {}, progress=False)
    assert list((tmp_path / "out").iterdir()) == []


def test_unknown_parameters_stop_everything_before_it_starts(tmp_path: Path) -> None:
    chosen = [read_notebook(write_notebook(tmp_path, "a"))]
    with pytest.raises(InputValueError, match="the chosen notebooks know: n"):
        write_reports(chosen, tmp_path / "out", {"m": 1}, progress=False)
    assert not (tmp_path / "out").exists()


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("")
    with pytest.raises(FileFaultError, match="cannot be made a folder"):
        write_reports([read_notebook(write_notebook(tmp_path, "a"))], tmp_path / "out", {}, progress=False)


def test_a_notebook_is_found_by_number_name_and_path(tmp_path: Path) -> None:
    for name in ("01_meet", "09_four", "10_small"):
        write_notebook(tmp_path, name)
    assert [found.name for found in choose([], tmp_path)] == ["01_meet", "09_four", "10_small"]
    for name in ("9", "09", "09_four", str(tmp_path / "09_four.ipynb")):
        assert [found.name for found in choose([name, "9"], tmp_path)] == ["09_four"]


def test_a_notebook_that_is_not_there_is_named_with_those_that_are(tmp_path: Path) -> None:
    write_notebook(tmp_path, "01_meet")
    with pytest.raises(InputValueError, match=r"notebook '7': .*01_meet"):
        choose(["7"], tmp_path)


def test_two_notebooks_of_one_name_are_refused(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    paths = [str(write_notebook(folder, "a")) for folder in (tmp_path, tmp_path / "other")]
    with pytest.raises(InputValueError, match="overwrite each other"):
        choose(paths, tmp_path)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"cells": 3}', "\x00", '{"nbformat": 99}'])
def test_a_file_that_is_no_notebook_is_refused_by_name(text: str, tmp_path: Path) -> None:
    (tmp_path / "x.ipynb").write_text(text)
    with pytest.raises(FileFaultError, match=r"x\.ipynb: "):
        read_notebook(tmp_path / "x.ipynb")


def test_a_hostile_file_name_stays_text(tmp_path: Path) -> None:
    name = HOSTILE.replace("/", "")
    chosen = [read_notebook(write_notebook(tmp_path, name, opening="prose without a heading"))]
    (report,) = write_reports(chosen, tmp_path / "out", {}, progress=False)
    assert report.passed
    assert report.question == name
    assert "<img" not in (tmp_path / "out" / "index.html").read_text()


def test_figures_are_in_the_report_whatever_the_environment_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MPLBACKEND", "agg")
    source = write_notebook(tmp_path, "01_figure", ["import matplotlib.pyplot as plt\nplt.plot([1, 2]);"])
    write_reports([read_notebook(source)], tmp_path / "out", {}, progress=False)
    assert "data:image/png;base64," in (tmp_path / "out" / "01_figure.html").read_text("utf-8")
    assert os.environ["MPLBACKEND"] == "agg"
