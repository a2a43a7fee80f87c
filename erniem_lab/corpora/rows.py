"""Rows of tables, of JSON lines and of data sets, as fields that are known by name and by the place they stand at."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

from erniem_lab.corpora.lines import read_lines
from erniem_lab.errors import FileFaultError, InputTypeError, InputValueError
from erniem_lab.files.json_file import parse_object

DIGITS = re.compile(r"-?[0-9]{1,18}")
LABEL_COLUMNS = ("label", "gold_label")
"""A first line with one of these in a cell is a header: no sentence is just that."""


@dataclass(frozen=True)
class Row:
    """A row: where it stands (`dev.tsv:7`), and its values by the names of its columns.

    >>> row = Row("dev.tsv:7", {"sentence1": "Anna sings.", "label": "1"})
    >>> row.text("premise", "sentence1"), row.has("label")
    ('Anna sings.', True)
    """

    place: str
    fields: Mapping[str, Any]

    def has(self, *names: str) -> bool:
        """Whether one of these columns is there."""
        return any(name in self.fields for name in names)

    def value(self, *names: str) -> Any:
        """What stands in the first of these columns that is there."""
        return self.fields[self._column(names)]

    def text(self, *names: str) -> str:
        """The value where it has to be text that is not empty."""
        value = self.any_text(*names)
        if not value.strip():
            raise InputValueError(f"{self.place}: {self._column(names)} is empty; fill it in, or leave the row out")
        return value

    def any_text(self, *names: str) -> str:
        """The value where it has to be text, which may be empty."""
        return str(self._expect(self._column(names), self.value(*names), str, "text"))

    def integer(self, *names: str) -> int:
        """The value where it has to be a whole number, as a number or in digits."""
        value = self.value(*names)
        if isinstance(value, str) and DIGITS.fullmatch(value):
            return int(value)
        return int(self._expect(self._column(names), value, int, "a whole number"))

    def texts(self, *names: str) -> tuple[str, ...]:
        """The value where it has to be a list of text."""
        name = self._column(names)
        return tuple(self._expect(name, item, str, "text in a list") for item in self.items(name))

    def rows(self, name: str) -> Iterator["Row"]:
        """The value where it has to be a list of objects: each is a row of its own, at `place: name[0]`."""
        for number, item in enumerate(self.items(name)):
            part = f"{name}[{number}]"
            yield Row(f"{self.place}: {part}", self._expect(part, item, Mapping, "an object"))

    def items(self, name: str) -> tuple[Any, ...]:
        """The value where it has to be a list, of anything."""
        return tuple(self._expect(name, self.value(name), list, "a list"))

    def _column(self, names: Sequence[str]) -> str:
        for name in names:
            if name in self.fields:
                return name
        raise InputValueError(f"{self.place}: no {' or '.join(names)}; there are {', '.join(self.fields) or 'none'}")

    def _expect(self, name: str, value: Any, kind: type, accepted: str) -> Any:
        if not isinstance(value, kind) or isinstance(value, bool):
            raise InputTypeError(f"{self.place}: {name} is {value!r:.60} ({type(value).__name__}); expected {accepted}")
        return value


def read_rows(path: str | PathLike[str], columns: Sequence[str]) -> Iterator[Row]:
    r"""The rows of a file, by its name: JSON lines (`.jsonl`, `.json`), else a table.

    Args:
        columns: the names of a table's columns where it has no header.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "rows.jsonl"
    >>> _ = path.write_text('{"text": "Anna sings.", "label": "good"}\n')
    >>> [row.text("label") for row in read_rows(path, ())]
    ['good']
    """
    name = Path(path).name.removesuffix(".gz")
    return read_objects(path) if name.endswith((".jsonl", ".json")) else read_table(path, columns)


def read_table(path: str | PathLike[str], columns: Sequence[str]) -> Iterator[Row]:
    r"""The rows of a tab-separated file, plain or packed; a quotation mark is a letter like any other.

    A first line with a cell `label` or `gold_label` is a header. A file without one has the given columns, or all
    but the last: the labels that a test set keeps back. Empty lines are left out.

    Raises:
        FileFaultError: no such file, damaged, not UTF-8, or empty.
        InputValueError: a row that has more or fewer cells than the first, with its number.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "dev.tsv"
    >>> _ = path.write_text('He said "no\tHe said no\t1\n')
    >>> [dict(row.fields) for row in read_table(path, ("first", "second", "label"))]
    [{'first': 'He said "no', 'second': 'He said no', 'label': '1'}]
    """
    lines = ((number, line.split("\t")) for number, line in read_lines(path) if line)
    number, cells = next(lines, (0, []))
    if not number:
        raise FileFaultError(f"{path}: empty; fetch it again")
    header = any(name in cells for name in LABEL_COLUMNS)
    names = cells if header else _named(f"{path}:{number}", cells, columns)
    if not header:
        yield Row(f"{path}:{number}", dict(zip(names, cells, strict=True)))
    for number, cells in lines:
        if len(cells) != len(names):
            raise InputValueError(
                f"{path}:{number}: cells: {len(cells)}, in the first line {len(names)}; take out tabs within sentences"
            )
        yield Row(f"{path}:{number}", dict(zip(names, cells, strict=True)))


def read_objects(path: str | PathLike[str]) -> Iterator[Row]:
    r"""The rows of a file with a JSON object on each line; empty lines are left out.

    Raises:
        FileFaultError: no such file, damaged, not UTF-8, without a row, or a line that is no JSON object.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "test.jsonl"
    >>> _ = path.write_text('{"premise": "Anna is tired.", "label": 0}\n')
    >>> [row.integer("label") for row in read_objects(path)]
    [0]
    """
    empty = True
    for number, line in read_lines(path):
        if line.strip():
            empty = False
            yield Row(f"{path}:{number}", parse_object(line, Path(f"{path}:{number}"), "row"))
    if empty:
        raise FileFaultError(f"{path}: empty; fetch it again")


def read_document(path: str | PathLike[str]) -> Row:
    r"""A file that is one JSON object.

    Raises:
        FileFaultError: no such file, damaged, not UTF-8, or no JSON object (with the line of the first fault).

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "squad.json"
    >>> _ = path.write_text('{"data":\n []}')
    >>> list(read_document(path).rows("data"))
    []
    """
    text = "\n".join(line for _, line in read_lines(path))
    try:
        return Row(str(path), parse_object(text, Path(path), "document"))
    except FileFaultError as fault:
        if isinstance(fault.__cause__, json.JSONDecodeError):
            line = fault.__cause__.lineno
            raise FileFaultError(f"{path}:{line}: not JSON ({fault.__cause__.msg}); fetch it again") from fault
        raise


def _named(place: str, cells: Sequence[str], columns: Sequence[str]) -> Sequence[str]:
    if len(cells) not in (len(columns), len(columns) - 1):
        raise InputValueError(
            f"{place}: cells: {len(cells)}; expected {', '.join(columns)}, with the last or without, between tabs; "
            "or a header with a column named label"
        )
    return columns[: len(cells)]
