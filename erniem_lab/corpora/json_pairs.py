"""Parallel text in JSON lines with a field for each of two languages, such as `{"en": "cat", "sw": "paka"}`."""

from collections.abc import Iterator, Mapping
from os import PathLike

from erniem_lab.corpora.rows import Row, read_objects
from erniem_lab.corpora.text import TextPair
from erniem_lab.errors import InputValueError


def read_json_pairs(path: str | PathLike[str], columns: Mapping[str, str]) -> Iterator[TextPair]:
    r"""A pair for each line; lines with an empty side are left out, and other fields ignored.

    Args:
        columns: language → field, the first sentence's first; `translation.en` is the field `en` within `translation`.

    Raises:
        FileFaultError: no such file, damaged, not UTF-8, or a line that is no JSON object.
        InputValueError: not two columns, a field that is missing, or no pair in the file.
        InputTypeError: a field that is no text.

    >>> import pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "pairs.jsonl"
    >>> _ = path.write_text('{"translation": {"en": "cat", "sw": "paka"}}\n')
    >>> [pair.second.text for pair in read_json_pairs(path, {"en": "translation.en", "sw": "translation.sw"})]
    ['paka']
    """
    if len(columns) != 2:
        raise InputValueError(f"columns={dict(columns)}: give two, such as {{'en': 'english', 'sw': 'swahili'}}")
    (first, one), (second, two) = columns.items()
    empty = True
    for row in read_objects(path):
        texts = _text(row, one), _text(row, two)
        if all(text.strip() for text in texts):
            empty = False
            yield TextPair.of((first, second), *texts)
    if empty:
        raise InputValueError(f"{path}: no pair with text on both sides; leave the file out")


def _text(row: Row, column: str) -> str:
    *outer, name = column.split(".")
    for part in outer:
        inner = row.value(part)
        row = Row(f"{row.place}: {part}", inner if isinstance(inner, Mapping) else {})
    return row.any_text(name)
