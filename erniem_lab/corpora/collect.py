"""One way in for parallel and for monolingual files: a file or a folder of any form becomes a corpus."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import chain
from os import PathLike
from pathlib import Path

from erniem_lab.corpora.bible import VERSE, bible_language, read_bible
from erniem_lab.corpora.hub_data import BUILDERS, DataSet
from erniem_lab.corpora.languages import is_language, language_code
from erniem_lab.corpora.line_files import find_line_files, match_line_files, read_line_pairs, read_texts
from erniem_lab.corpora.lines import read_lines
from erniem_lab.corpora.parallel import read_pairs
from erniem_lab.corpora.text import Corpus, Text, TextPair
from erniem_lab.errors import FileFaultError, InputValueError

FORMS = ("auto", "tsv", "lines", "verses")
Readers = Sequence[tuple[tuple[Path, ...], Callable[[], Iterator[TextPair]]]]


def open_parallel(path: str | PathLike[str], *, form: str = "auto", pivot: str = "en") -> Corpus[TextPair]:
    """The sentence pairs of a file, or of all files of a folder that are named after languages.

    Args:
        form: "tsv", a column for each of two languages and a header (`read_pairs`); "lines", files of one sentence a
            line (`read_line_pairs`); "verses", files of Bible verses (`read_bible`). "auto" looks at the names,
            and tells "tsv" from "verses" by the first line. A `.parquet` or `.arrow` file is read as
            `DataSet.parallel` reads it.
        pivot: for folders of "lines" and "verses", the language that each other language is paired with.

    Raises:
        FileFaultError: nothing there that fits. The files themselves are checked as they are read.
        InputValueError: a form that does not exist, or files that do not match each other.

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> written = [(folder / f"train.{code}").write_text(text) for code, text in (("en", "cat\\n"), ("de", "Katze\\n"))]
    >>> [(pair.first.text, pair.second.text) for pair in open_parallel(folder)]
    [('cat', 'Katze')]
    """
    if form not in FORMS:
        raise InputValueError(f"form={form!r}; expected one of {', '.join(FORMS)}")
    path = Path(path)
    if path.suffix in BUILDERS:
        return DataSet(path).parallel()
    chosen, pivot = _guess(path) if form == "auto" else form, language_code(pivot)
    readers = {"tsv": _tables, "lines": _lines, "verses": _verses}[chosen](path, pivot)
    files = list(dict.fromkeys(file for used, _ in readers for file in used))
    return Corpus(str(path), _fingerprint(files, chosen, pivot), lambda: chain.from_iterable(r() for _, r in readers))


def open_texts(path: str | PathLike[str], *, language: str | None = None) -> Corpus[Text]:
    """The sentences of a file with one on each line, or of all files of a folder that are named after languages.

    Args:
        language: of a file; without it, the one that its name tells (`news.sw.txt.gz`).

    Raises:
        FileFaultError: no such file or folder, or no file in it that fits.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "news.sw.txt"
    >>> _ = path.write_text("Habari.\\n")
    >>> list(open_texts(path)), list(open_texts(path, language="rw"))
    ([Text(language='sw', text='Habari.')], [Text(language='rw', text='Habari.')])
    """
    path = Path(path)
    files = [file.path for file in find_line_files(path)] if path.is_dir() else [path]
    read = [partial(read_texts, file, language) for file in files]
    return Corpus(str(path), _fingerprint(files, language), lambda: chain.from_iterable(r() for r in read))


def _guess(path: Path) -> str:
    tables = _named_tables(path) if path.is_dir() else [path]
    if not tables:
        return "lines"
    _, line = next(read_lines(tables[0]), (1, ""))
    return "verses" if VERSE.fullmatch(line.split("\t")[0]) else "tsv"


def _named_tables(folder: Path) -> list[Path]:
    """Files such as `sw.tsv.gz`, in the order of their names; other tables, such as indices, are not text."""
    names = {path: path.name.removesuffix(".gz") for path in sorted(folder.iterdir()) if path.is_file()}
    return [path for path, name in names.items() if name.endswith(".tsv") and is_language(name.removesuffix(".tsv"))]


def _tables(path: Path, pivot: str) -> Readers:
    files = _named_tables(path) if path.is_dir() else [path]
    if not files:
        raise FileFaultError(f"{path}: no files such as fr.tsv or fr.tsv.gz with the columns {pivot} and fr")
    return [((file,), partial(read_pairs, file)) for file in files]


def _lines(path: Path, pivot: str) -> Readers:
    pairs = match_line_files(find_line_files(path), pivot)
    return [
        ((one.path, two.path), partial(read_line_pairs, one.path, two.path, (one.language, two.language)))
        for one, two in pairs
    ]


def _verses(path: Path, pivot: str) -> Readers:
    if not path.is_dir():
        raise FileFaultError(f"{path}: verses of one translation; give the folder, with a file for each language")
    files = [*_named_tables(path), *sorted(path.glob("*.xml"))]
    languages = {file: bible_language(file) for file in files}
    pivots = [file for file in files if languages[file] == pivot]
    if len(pivots) != 1 or len(files) < 2:
        found = ", ".join(file.name for file in files) or "nothing"
        raise FileFaultError(f"{path}: has {found}; expected one file of verses in {pivot!r} and others beside it")
    others = [file for file in files if file != pivots[0]]
    return [((pivots[0], other), partial(read_bible, pivots[0], other)) for other in others]


def _fingerprint(files: Sequence[Path], *settings: str | None) -> str:
    """Of the files' names, which may tell a language, of their bytes, and of how they are read."""
    total = hashlib.sha256(repr(settings).encode())
    for path in files:
        if not path.is_file():
            raise FileFaultError(f"{path}: no such file or folder")
        with path.open("rb") as file:
            total.update(f"\n{path.name} {hashlib.file_digest(file, 'sha256').hexdigest()}".encode())
    return total.hexdigest()
