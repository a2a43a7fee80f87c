"""Parameters from a command line: known names, plain values, and nothing that becomes code."""

import ast

import nbformat
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nbformat.v4 import new_code_cell, new_notebook
from papermill.translators import translate_parameters

from erniem_lab.errors import FileFaultError, InputTypeError, InputValueError
from erniem_lab.report.parameters import check_plain, read_defaults, read_defaults_of, read_values, settings, shown

DEFAULTS = read_defaults_of("steps = 10\nrate: float = 0.5\nname = 'x'\nmodel = MINI\nlanguages = ['de']\nlimit = None")


def notebook(*tagged: str) -> nbformat.NotebookNode:
    cells = [new_code_cell(source, metadata={"tags": ["parameters"]}) for source in tagged]
    return new_notebook(cells=[new_code_cell("1", metadata={"tags": []}), *cells])


def test_a_notebook_has_exactly_one_cell_of_parameters() -> None:
    assert list(read_defaults(notebook("a = 1\nb: int = 2"), "x.ipynb")) == ["a", "b"]
    for tagged in ([], ["a = 1", "b = 2"]):
        with pytest.raises(FileFaultError, match=r"x\.ipynb: \d cells tagged 'parameters'"):
            read_defaults(notebook(*tagged), "x.ipynb")


def test_a_cell_of_parameters_that_is_not_python_is_refused() -> None:
    with pytest.raises(FileFaultError, match=r"x\.ipynb: .* is not Python"):
        read_defaults(notebook("a = = 1"), "x.ipynb")


@pytest.mark.parametrize("name", ["x=1\nimport os\ny", "class", "unknown", "", "os.path", "n m", "__import__('os')"])
def test_a_name_that_no_notebook_knows_is_refused_with_the_known_ones(name: str) -> None:
    with pytest.raises(InputValueError, match="the chosen notebooks know: languages, limit, model, name, rate, steps"):
        read_values([(name, "1")], [DEFAULTS])


def test_a_value_is_read_as_its_default_suggests() -> None:
    pairs = [
        ("steps", "20"),
        ("rate", "1e-3"),
        ("name", "7"),
        ("languages", '["hi"]'),
        ("limit", "null"),
        ("model", "a"),
    ]
    expected = {"steps": 20, "rate": 0.001, "name": "7", "languages": ["hi"], "limit": None, "model": "a"}
    assert read_values(pairs, [DEFAULTS]) == expected


def test_a_parameter_given_twice_is_refused() -> None:
    with pytest.raises(InputValueError, match="-p steps: given twice"):
        read_values([("steps", "1"), ("steps", "2")], [DEFAULTS])


@pytest.mark.parametrize(("name", "value"), [("steps", "many"), ("steps", 0.5), ("steps", True), ("languages", "de")])
def test_a_value_of_another_type_than_the_default_is_refused(name: str, value: object) -> None:
    with pytest.raises(InputValueError, match=f"{name}=.*a value like"):
        settings({name: value}, DEFAULTS)


@pytest.mark.parametrize("value", [b"x", {1}, (1, 2), np.int64(3), np.zeros(2), object(), [b"x"], {"a": {1}}])
def test_a_value_that_is_not_plain_python_is_refused(value: object) -> None:
    with pytest.raises(InputTypeError, match=r"model: .* is not a plain Python value"):
        settings({"model": value}, DEFAULTS)


def test_an_existing_relative_path_is_made_absolute(tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(str(tmp_path))
    assert read_values([("model", "./")], [DEFAULTS]) == {"model": str(tmp_path)}
    assert read_values([("model", "owner/name")], [DEFAULTS]) == {"model": "owner/name"}


def test_shown_parameters_read_as_python() -> None:
    assert shown({"name": 'a"b'}, read_defaults_of("name = 'x'; model = MINI")) == {"name": "'a\"b'", "model": "MINI"}


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@given(value=plain)
def test_any_plain_value_arrives_as_one_assignment_and_unchanged(value: object) -> None:
    check_plain("model", value)
    (statement,) = ast.parse(translate_parameters("python3", "python", {"model": value}, "Parameters")).body
    assert isinstance(statement, ast.Assign)
    names = {"float": float}
    assert eval(compile(ast.Expression(statement.value), "", "eval"), {"__builtins__": names}) == value
