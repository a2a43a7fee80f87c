"""A notebook's parameters: their names and defaults as written, and values that are safe to put in their place."""

import ast
import json
import keyword
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from erniem_lab.errors import FileFaultError, InputTypeError, InputValueError

TAG = "parameters"

Defaults = Mapping[str, ast.expr]
"""Each parameter's default as an expression, by name."""


def read_defaults(content: Any, where: str) -> Defaults:
    """The parameters that the notebook's one cell tagged ``parameters`` assigns.

    Raises:
        FileFaultError: there is no such cell, or more than one, or it is not plain assignments.
    """
    cells = [cell for cell in content.cells if TAG in cell.metadata.get("tags", [])]
    if len(cells) != 1 or cells[0].cell_type != "code":
        raise FileFaultError(f"{where}: {len(cells)} cells tagged {TAG!r}; tag exactly one code cell")
    try:
        statements = ast.parse(cells[0].source).body
    except (SyntaxError, ValueError) as fault:
        raise FileFaultError(f"{where}: the cell tagged {TAG!r} is not Python: {fault}") from fault
    return dict(pair for statement in statements for pair in _assigned(statement))


def _assigned(statement: ast.stmt) -> list[tuple[str, ast.expr]]:
    if isinstance(statement, ast.Assign):
        return [(target.id, statement.value) for target in statement.targets if isinstance(target, ast.Name)]
    if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name) and statement.value:
        return [(statement.target.id, statement.value)]
    return []


def read_values(pairs: Sequence[tuple[str, str]], notebooks: Sequence[Defaults]) -> dict[str, object]:
    """The values written on a command line, each read as its parameter's default suggests.

    JSON (``3``, ``0.5``, ``true``, ``null``, ``["de", "fr"]``) is read as such, anything else is a string;
    where the default is a string the text stays one.

    >>> steps = read_defaults_of("steps = 10; name = 'x'")
    >>> read_values([("steps", "20"), ("name", "7")], [steps])
    {'steps': 20, 'name': '7'}
    """
    values: dict[str, object] = {}
    for name, text in pairs:
        if name in values:
            raise InputValueError(f"-p {name}: given twice; give each parameter once")
        check_name(name, notebooks)
        default = next(known[name] for known in notebooks if name in known)
        values[name] = _read_value(name, text, default)
    return values


def read_defaults_of(source: str) -> Defaults:
    """The parameters that one cell's source assigns.

    >>> list(read_defaults_of("steps = 10; seed: int = 0"))
    ['steps', 'seed']
    """
    return dict(pair for statement in ast.parse(source).body for pair in _assigned(statement))


def check_name(name: str, notebooks: Sequence[Defaults]) -> None:
    """Refuse a name that no notebook knows, code posing as a name among them."""
    known = sorted({known for defaults in notebooks for known in defaults})
    if not name.isidentifier() or keyword.iskeyword(name) or name not in known:
        raise InputValueError(f"-p {name!r}: not a parameter; the chosen notebooks know: {', '.join(known) or 'none'}")


def _read_value(name: str, text: str, default: ast.expr) -> object:
    try:
        text.encode()
        value = json.loads(text)
    except UnicodeEncodeError as fault:
        raise InputValueError(f"-p {name}: the value {text!a} is not UTF-8 text") from fault
    except (ValueError, RecursionError):
        return _from_here(text)
    written_as_text = isinstance(default, ast.Constant) and isinstance(default.value, str)
    return text if written_as_text and not isinstance(value, str) else value


def _from_here(text: str) -> str:
    """A relative path that exists, made absolute, as notebooks run in a folder of their own."""
    looks_like_a_path = "/" in text or "\\" in text or text.startswith(".")
    return str(Path(text).resolve()) if looks_like_a_path and Path(text).exists() else text


def settings(values: Mapping[str, object], defaults: Defaults) -> dict[str, object]:
    """Those of ``values`` that a notebook takes, each of its default's type and plain Python throughout.

    >>> settings({"steps": 20, "model": "base"}, read_defaults_of("steps = 10"))
    {'steps': 20}
    """
    own = {name: value for name, value in values.items() if name in defaults}
    for name, value in own.items():
        check_plain(name, value)
        _check_type(name, value, defaults[name])
    return own


def check_plain(name: str, value: object) -> None:
    """Refuse what would not arrive in the notebook as it was given: bytes, sets, tuples, numpy's scalars.

    >>> check_plain("seed", {1, 2})
    Traceback (most recent call last):
    erniem_lab.errors.InputTypeError: seed: set is not ...
    """
    if type(value) is list:
        for item in value:
            check_plain(name, item)
    elif type(value) is dict:
        for key, item in value.items():
            check_plain(name, key)
            check_plain(name, item)
    elif value is not None and type(value) not in (bool, int, float, str):
        accepted = "None, bool, int, float, str, and lists and dicts of them"
        raise InputTypeError(f"{name}: {type(value).__name__} is not a plain Python value; give {accepted}")


def _check_type(name: str, value: object, default: ast.expr) -> None:
    try:
        example = ast.literal_eval(default)
    except (ValueError, TypeError):  # a default such as MINI says nothing of its type
        return
    kinds = {float: (int, float), tuple: (list,)}.get(type(example), (type(example),))
    if example is None or value is None or type(value) in kinds:
        return
    how = "; on a command line as JSON, in quotes" if isinstance(example, list | dict) else ""
    raise InputValueError(f"{name}={value!r}: a value like {example!r} is expected ({type(example).__name__}){how}")


def shown(values: Mapping[str, object], defaults: Defaults) -> dict[str, str]:
    """Every parameter of a run as it reads in Python, given or default."""
    return {name: _source(values[name]) if name in values else ast.unparse(defaults[name]) for name in defaults}


def _source(value: object) -> str:
    return str(value) if isinstance(value, float) and not math.isfinite(value) else repr(value)
