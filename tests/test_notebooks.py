"""The notebooks that ship: written to one form, and each runs to its end with its default parameters."""

import ast
import re
from pathlib import Path

import nbformat
import pytest

from erniem_lab.bundle import bundled
from erniem_lab.report import read_notebook, write_reports

NOTEBOOKS = sorted(bundled("notebooks").glob("*.ipynb"))
LONGEST_CELL = 10

every_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def sources(path: Path, kind: str = "code") -> list[str]:
    return [cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == kind]


@every_notebook
def test_a_notebook_is_stored_without_outputs(path: Path) -> None:
    content = nbformat.read(path, as_version=4)
    code = [cell for cell in content.cells if cell.cell_type == "code"]
    assert not [cell for cell in code if cell.outputs or cell.execution_count is not None]
    assert set(content.metadata) <= {"kernelspec", "language_info"}
    assert content.metadata.kernelspec.name == "python3"


@every_notebook
def test_a_notebook_opens_with_its_question_and_answer(path: Path) -> None:
    notebook = read_notebook(path)
    assert re.match(r"\d\d_[a-z_]+$", notebook.name)
    assert notebook.question.endswith("?")
    assert notebook.answer


@every_notebook
def test_a_notebook_starts_with_text_parameters_and_imports(path: Path) -> None:
    cells = nbformat.read(path, as_version=4).cells
    parameters, imports = [cell for cell in cells if cell.cell_type == "code"][:2]
    assert (cells[0].cell_type, parameters.metadata.get("tags")) == ("markdown", ["parameters"])
    assert {type(statement) for statement in ast.parse(imports.source).body} <= {ast.Import, ast.ImportFrom}


@every_notebook
def test_a_notebook_takes_a_model(path: Path) -> None:
    assert "model" in read_notebook(path).defaults


@every_notebook
def test_cells_are_short_and_define_nothing(path: Path) -> None:
    for source in sources(path):
        assert len(source.splitlines()) <= LONGEST_CELL, source
        assert not re.search(r"^\s*[!%]|sys\.path|os\.chdir", source, re.MULTILINE), source
        defined = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
        assert not [node for node in ast.walk(ast.parse(source)) if isinstance(node, defined)], source


@every_notebook
def test_imports_stand_in_one_cell(path: Path) -> None:
    assert len([source for source in sources(path) if re.search(r"^(import|from) ", source, re.MULTILINE)]) == 1


@every_notebook
def test_a_notebook_records_numbers_and_says_what_it_does_not_show(path: Path) -> None:
    assert [source for source in sources(path) if "record(" in source]
    assert [source for source in sources(path, "markdown") if "not show" in source]


@every_notebook
def test_a_notebook_stands_in_the_readme(path: Path) -> None:
    assert path.name in (path.parent / "README.md").read_text("utf-8")


@pytest.mark.slow
@every_notebook
def test_a_notebook_runs_to_its_end(path: Path, tmp_path: Path) -> None:
    (report,) = write_reports([read_notebook(path)], tmp_path, {}, timeout=600, progress=False)
    assert not report.fault
    assert report.numbers
