"""The command: quick to start, one line for a fault, and a code that tells how it ended."""

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from notebook_samples import write_notebook
from parallel_samples import sentences

from erniem_lab import cli
from erniem_lab.report import build
from erniem_lab.report.workspace import copy_notebooks, lab_command

HEAVY = ("torch", "papermill", "matplotlib", "pandas", "jupyterlab", "IPython")


def run(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from erniem_lab.cli import app; app()", *arguments]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=240, check=False)


def command(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """The exit code of the command, run in this process."""
    monkeypatch.setattr(sys, "argv", ["erniem-lab", *arguments])
    with pytest.raises(SystemExit) as ended:
        cli.app()
    code = ended.value.code
    return code if isinstance(code, int) else 0


def test_help_loads_nothing_heavy(tmp_path: Path) -> None:
    code = "import sys; sys.argv = ['erniem-lab', '--help']\nimport atexit\nfrom erniem_lab.cli import app\n"
    code += f"atexit.register(lambda: print('LOADED', [name for name in {HEAVY} if name in sys.modules]))\napp()"
    ended = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert "LOADED []" in ended.stdout
    assert "report" in ended.stdout
    assert "convert" in ended.stdout


def test_a_passing_notebook_ends_in_zero_and_a_failing_one_in_one(tmp_path: Path) -> None:
    write_notebook(tmp_path, "good", ["assert n == 3"])
    write_notebook(tmp_path, "bad", ["1 / 0"])
    good = run("report", "good.ipynb", "-p", "n", "3", cwd=tmp_path)
    assert (good.returncode, "reports/index.html" in good.stdout) == (0, True), good.stderr
    both = run("report", "good.ipynb", "bad.ipynb", "--out", "o", "-p", "n=3", cwd=tmp_path)
    assert both.returncode == 1
    assert (tmp_path / "o" / "bad.html").is_file()
    last = both.stderr.replace("\r", "\n").rstrip().split("\n")[-1]
    assert last == "error: 1 of 2 notebooks failed: bad: cell 3: ZeroDivisionError: division by zero; open o/index.html"
    assert "Traceback" not in both.stderr
    assert "TCP" not in both.stderr


def test_a_fault_is_one_line_and_its_traceback_is_there_when_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(cli.TRACEBACK, "")
    assert command(monkeypatch, "report", str(tmp_path / "none.ipynb")) == 1
    quiet = capsys.readouterr().err
    assert quiet.startswith("error: notebook ")
    assert quiet.count("\n") == 1
    assert command(monkeypatch, "--traceback", "report", str(tmp_path / "none.ipynb")) == 1
    assert "Traceback (most recent call last)" in capsys.readouterr().err


def test_a_fault_of_a_file_is_one_line_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "taken").touch()
    arguments = ("pretrain", "recipe.toml", "--pairs", str(tmp_path), "--out", str(tmp_path / "taken"))
    assert command(monkeypatch, *arguments) == 1
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert error.count("\n") == 1
    assert "taken" in error


def test_wrong_usage_ends_in_two(monkeypatch: pytest.MonkeyPatch) -> None:
    assert command(monkeypatch, "report", "--jobs", "-1") == 2
    assert command(monkeypatch, "unheard-of") == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-p", "x=1\nimport os\ny=2", "a.ipynb"], "-p 'x': not a parameter"),
        (["-p", "steps", "3", "a.ipynb"], "-p 'steps': not a parameter; the chosen notebooks know: n"),
        (["-p", "n", "many", "a.ipynb"], "n='many': a value like 1 is expected"),
        (["--model", "base", "a.ipynb"], "-p 'model': not a parameter"),
        (["a.ipynb", "-p", "n"], "-p 'n': has no value"),
    ],
)
def test_a_wrong_parameter_stops_before_anything_runs(
    arguments: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    write_notebook(tmp_path, "a")
    assert command(monkeypatch, "report", *arguments) == 1
    assert message in capsys.readouterr().err
    assert not (tmp_path / "reports").exists()


def test_model_reaches_only_the_notebooks_that_take_one(tmp_path: Path) -> None:
    write_notebook(tmp_path, "with", ["assert model == 'base'"], parameters="model = 'mini'")
    write_notebook(tmp_path, "without", ["assert 'model' not in globals()"])
    ended = run("report", "with.ipynb", "without.ipynb", "--model", "base", cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr


@pytest.mark.parametrize(("steps", "installed"), [(2, True), (0, True), (2, False)])
def test_pretraining_leaves_a_picture_of_its_curve_if_there_is_one_to_draw(
    steps: int, installed: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cli.learning, "find_spec", lambda name: installed)
    shape = "hidden_size = 8\nnum_hidden_layers = 1\nnum_attention_heads = 1\nintermediate_size = 8\n"
    rest = f'[plan]\nsteps = {steps}\n[vocabulary]\npieces = 60\n[start]\nwords = "random"\n'
    (tmp_path / "tiny.toml").write_text(f"objectives = {{ MMLM = 1.0, TLM = 1.0 }}\n[model]\n{shape}{rest}")
    rows = [f"{one}\t{two}" for one, two in zip(sentences(50, 0), sentences(50, 1), strict=True)]
    (tmp_path / "fr.tsv").write_text("\n".join(["en\tfr", *rows]) + "\n")
    monkeypatch.chdir(tmp_path)
    assert command(monkeypatch, "pretrain", "tiny.toml", "--pairs", "fr.tsv", "--out", "runs") == 0
    picture = tmp_path / "runs" / "tiny" / "curve.png"
    assert picture.exists() == (steps > 0 and installed)
    assert not picture.exists() or picture.read_bytes().startswith(b"\x89PNG")


def test_pretraining_goes_on_in_a_folder_only_if_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "mine.txt").write_text("mine")
    arguments = ("pretrain", str(tmp_path / "no.toml"), "--pairs", str(tmp_path), "--out", str(tmp_path / "runs"))
    assert command(monkeypatch, *arguments) == 1
    assert "--resume" in capsys.readouterr().err
    assert command(monkeypatch, *arguments, "--resume") == 1
    assert "no.toml" in capsys.readouterr().err


def test_a_missing_extra_is_named_with_the_line_that_installs_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(build, "find_spec", lambda name: None)
    assert command(monkeypatch, "report") == 1
    assert "pip install 'erniem-lab[lab]'" in capsys.readouterr().err


def test_convert_is_wired_and_its_fault_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(monkeypatch, "convert", str(tmp_path / "nowhere"), str(tmp_path / "out")) == 1
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert error.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_lab_copies_what_is_missing_and_overwrites_nothing(tmp_path: Path) -> None:
    source, mine = tmp_path / "source", tmp_path / "mine"
    for folder in (source, mine):
        folder.mkdir()
    write_notebook(source, "01_a")
    write_notebook(source, "02_b")
    (mine / "01_a.ipynb").write_text("my work")
    assert [path.name for path in copy_notebooks(source, mine)] == ["02_b.ipynb"]
    assert (mine / "01_a.ipynb").read_text() == "my work"


def test_lab_serves_this_machine_alone_and_keeps_jupyters_token() -> None:
    made = lab_command(Path("notebooks"), port=None, browser=True)
    assert "--ServerApp.ip=127.0.0.1" in made
    assert "--no-browser" not in made
    assert not [word for word in made if "token" in word or "password" in word or "0.0.0.0" in word]


def test_lab_hands_on_what_follows_two_dashes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    started: list[list[str]] = []
    monkeypatch.setattr(subprocess, "run", lambda made, **_: started.append(made) or SimpleNamespace(returncode=3))
    assert command(monkeypatch, "lab", "--port", "8899", "--", "--allow-root") == 3
    assert started[0][-1] == "--allow-root"
