"""Parallel text in tab-separated files with a column for each of two languages."""

import re
from collections.abc import Iterator
from os import PathLike
from pathlib import Path

from erniem_lab.corpora.languages import language_code
from erniem_lab.corpora.lines import read_lines
from erniem_lab.corpora.text import TextPair
from erniem_lab.errors import InputValueError

CODE = re.compile(r"[a-zA-Z]{2,3}([-_][A-Za-z0-9]+)*")


def read_pairs(path: str | PathLike[str]) -> Iterator[TextPair]:
    """A pair for each line of a TSV file (or .gz) whose header names two languages.

    Further columns are ignored, nothing is unquoted, and lines with an empty side are left out.

    Raises:
        FileFaultError: no such file, damaged, or not UTF-8.
        InputValueError: a header without two languages, a line with more or fewer columns than the header (a tab
            within a sentence), each with its number; or no pair in the file.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "fr.tsv"
    >>> _ = path.write_text("en\\tfr\\tsource\\nGood day.\\tBonjour.\\tme\\n")
    >>> [(pair.first.text, pair.second.language) for pair in read_pairs(path)]
    [('Good day.', 'fr')]
    """
    path = Path(path)
    rows = ((number, line.split("\t")) for number, line in read_lines(path))
    header = next(rows, (1, [""]))[1]
    languages, empty = _languages(path, header), True
    for number, fields in rows:
        if len(fields) != len(header):
            raise InputValueError(
                f"{path}:{number}: columns: {len(fields)}, in the header {len(header)}; take out tabs within sentences"
            )
        if fields[0].strip() and fields[1].strip():
            empty = False
            yield TextPair.of(languages, fields[0], fields[1])
    if empty:
        raise InputValueError(f"{path}: no pair with text on both sides after the header; leave the file out")


def _languages(path: Path, header: list[str]) -> tuple[str, str]:
    codes = [name.strip() for name in header[:2]]
    if len(codes) < 2 or not all(map(CODE.fullmatch, codes)):
        raise InputValueError(f"{path}:1: the header has {header!r:.80}; its first two columns are language codes")
    return language_code(codes[0]), language_code(codes[1])
