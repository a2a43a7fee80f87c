"""What ships is what README says: code that runs, commands and files that are there, a checkpoint that is whole."""

import re
import shlex
from pathlib import Path

import pytest
import typer
from conftest import ROOT

from erniem_lab import MINI
from erniem_lab.checkpoint import open_checkpoint
from erniem_lab.cli import commands

README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = [path for path in ROOT.rglob("README.md") if "golden" not in path.parts and ".git" not in path.parts]
TEXTS = "\n".join(path.read_text(encoding="utf-8") for path in PAGES)
IN_BLOCK = r"(?m)^ *(?:pip .*&& |torchrun .*--no-python )?erniem-lab (\w.*)"
LINES = sorted({*re.findall(IN_BLOCK, TEXTS), *re.findall(r"`erniem-lab (\w[^`]*)`", TEXTS)})


def test_the_ten_lines_run_as_they_stand(capsys: pytest.CaptureFixture[str]) -> None:
    (code,) = re.findall(r"(?s)```python\n(.*?)```", README)
    assert len(code.strip().splitlines()) <= 10
    exec(code, {})
    assert "tensor" in capsys.readouterr().out


@pytest.mark.parametrize("line", LINES)
def test_a_command_in_a_readme_is_one_that_there_is(line: str) -> None:
    name, *arguments = shlex.split(line)
    group = typer.main.get_command(commands)
    group.commands[name].make_context(name, arguments)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.parent.name)
def test_a_file_that_a_readme_names_is_there(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    linked = [page.parent / link for link in re.findall(r"\]\((?!https?:|#)([^)#]+)", text)]
    scripts = [ROOT / script for script in re.findall(r"tests/\w+\.py", text)]
    assert not [path for path in linked + scripts if not path.exists()]


def test_the_map_names_parts_that_are_there() -> None:
    rows = re.findall(r"(?m)^\| (`.*?) \|", README.partition("## The map")[2].partition("## ")[0])
    named = [name for row in rows for name in re.findall(r"`([\w/.]+)`", row)]
    assert len(named) > 30
    assert not [name for name in named if not ((ROOT / "erniem_lab" / name).exists() or (ROOT / name).exists())]


def test_the_bundled_checkpoint_is_whole_and_small() -> None:
    assert open_checkpoint(MINI).verified
    assert sum(path.stat().st_size for path in MINI.iterdir()) <= 16_000_000
