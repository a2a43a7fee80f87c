"""Parallel and monolingual text in Arrow and Parquet files or on the hub, through the `datasets` package."""

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

from erniem_lab.corpora.languages import is_language, language_code
from erniem_lab.corpora.text import Corpus, Text, TextPair
from erniem_lab.errors import FileFaultError, InputTypeError, InputValueError, MissingExtraError

BUILDERS = {".parquet": "parquet", ".arrow": "arrow"}
COMMIT = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True)
class DataSet:
    """A `.parquet` or `.arrow` file, or a data set on the hub by its id; rows are streamed one after another.

    A column is named by its path: `translation.en` is the field `en` of the column `translation`. Rows in which a
    wanted column has no text are left out.

    Args:
        config: a hub data set's configuration, where it has several.
        split: a part of a hub data set; a file has one part only.
        revision: the commit of a hub data set, 40 hexadecimal digits, so that the text cannot change; files need none.

    Raises:
        FileFaultError: a file is missing or damaged, or the data set cannot be had.
        InputValueError: a hub data set without its commit, or a column that is not there.
        InputTypeError: a column that holds something else than text.
        MissingExtraError: `datasets` is not installed.

    >>> data = DataSet("someone/pairs", revision="1c" * 20)
    >>> data.pairs({"en": "translation.en", "fr": "translation.fr"}).name
    'someone/pairs'
    """

    source: str | PathLike[str]
    config: str | None = None
    split: str = "train"
    revision: str | None = None

    def pairs(self, columns: Mapping[str, str]) -> Corpus[TextPair]:
        """The pairs of two columns; `columns` is language → column, the first sentence's first."""
        if len(columns) != 2:
            raise InputValueError(f"columns={dict(columns)}: give two, such as {{'en': 'english', 'fr': 'french'}}")
        first, second = columns
        wanted = dict(columns)
        return Corpus(
            str(self.source),
            self._fingerprint(wanted),
            lambda: (TextPair.of((first, second), one, two) for one, two in self._texts(tuple(wanted.values()))),
        )

    def parallel(self) -> Corpus[TextPair]:
        """The pairs of the two columns that are named after languages, or of `translation`, if there is one.

        Raises:
            InputValueError: fewer such columns than two, or more.
        """
        row: Mapping[str, Any] = next(self._rows(), {})
        inner = row.get("translation")
        names = [f"translation.{name}" for name in inner] if isinstance(inner, Mapping) else [*row]
        columns = {language_code(end): name for name in names if is_language(end := name.rpartition(".")[2])}
        if len(columns) != 2:
            raise InputValueError(
                f"{self.source}: columns are {', '.join(names)}: two are to be named after languages, such as en and fr"
            )
        return self.pairs(columns)

    def texts(self, language: str, column: str) -> Corpus[Text]:
        """The sentences of one column."""
        read = lambda: (Text(language, text) for (text,) in self._texts((column,)))  # noqa: E731
        return Corpus(str(self.source), self._fingerprint({language: column}), read)

    @property
    def _file(self) -> Path | None:
        path = Path(self.source)
        return path if path.suffix in BUILDERS else None

    def _texts(self, columns: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
        for number, row in enumerate(self._rows()):
            texts = tuple(_field(row, column, f"{self.source}: row {number}") for column in columns)
            if all(text.strip() for text in texts):
                yield texts

    def _rows(self) -> Iterator[Any]:
        """Rows as dictionaries; whatever goes wrong while they are fetched is the file's fault."""
        try:
            yield from self._load()
        except (OSError, ValueError, RuntimeError) as fault:
            raise FileFaultError(f"{self.source}: cannot be read as a data set ({fault}); fetch it again") from fault

    def _load(self) -> Iterable[Any]:
        try:
            from datasets import load_dataset
        except ImportError as fault:
            raise MissingExtraError("Arrow, Parquet and hub data need: pip install 'erniem-lab[hub-data]'") from fault
        if self._file:
            return load_dataset(BUILDERS[self._file.suffix], data_files=str(self._file), split="train", streaming=True)
        return load_dataset(str(self.source), self.config, split=self.split, revision=self.revision, streaming=True)

    def _fingerprint(self, columns: Mapping[str, str]) -> str:
        content = (self._content(), list(columns.items()), self.config, self.split)
        return hashlib.sha256(repr(content).encode()).hexdigest()

    def _content(self) -> str:
        if self._file is None:
            if self.revision is None or not COMMIT.fullmatch(self.revision):
                raise InputValueError(f"revision={self.revision!r}: give the commit of {self.source}, 40 hex digits")
            return f"{self.source} {self.revision}"
        if not self._file.is_file():
            raise FileFaultError(f"{self._file}: no such file; give a .parquet or .arrow file, or an id of the hub")
        with self._file.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()


def _field(row: Any, column: str, place: str) -> str:
    value = row
    for name in column.split("."):
        if not isinstance(value, Mapping) or name not in value:
            has = ", ".join(map(str, value)) if isinstance(value, Mapping) else type(value).__name__
            raise InputValueError(f"{place}: no column {column!r}; there are {has}")
        value = value[name]
    if value is not None and not isinstance(value, str):
        raise InputTypeError(f"{place}: column {column!r} has a value of type {type(value).__name__}; expected text")
    return value or ""
