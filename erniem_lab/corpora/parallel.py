"""Parallel text: tab-separated files with a column for each of two languages."""

import gzip
from collections.abc import Iterator
from os import PathLike
from pathlib import Path
from typing import IO, cast

from erniem_lab.errors import FileFaultError, InputValueError


def read_pairs(path: str | PathLike[str]) -> Iterator[tuple[str, str, str]]:
    """`(language, first, second)` for each line of a TSV file (or .gz) whose header names two languages.

    The language is that of the second column; further columns are ignored, and nothing is unquoted.

    Raises:
        FileFaultError: no such file, or not UTF-8.
        InputValueError: a line without its two sentences, with its number.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "fr.tsv"
    >>> _ = path.write_text("en\\tfr\\tsource\\nGood day.\\tBonjour.\\tme\\n")
    >>> list(read_pairs(path))
    [('fr', 'Good day.', 'Bonjour.')]
    """
    path = Path(path)
    if not path.is_file():
        raise FileFaultError(f"{path}: no such file")
    opening = gzip.open if path.suffix == ".gz" else open
    with cast(IO[bytes], opening(path, "rb")) as file:
        header = _fields(path, 1, file.readline())
        for number, line in enumerate(file, start=2):
            first, second, *_ = _fields(path, number, line)
            yield header[1], first, second


def _fields(path: Path, number: int, line: bytes) -> list[str]:
    try:
        fields = line.decode("utf-8").rstrip("\r\n").split("\t")
    except UnicodeDecodeError as fault:
        raise FileFaultError(f"{path}:{number}: not UTF-8 at byte {fault.start}; save the file as UTF-8") from fault
    if len(fields) < 2:
        raise InputValueError(f"{path}:{number}: {len(fields)} column; a line has a sentence in each of two languages")
    return fields
