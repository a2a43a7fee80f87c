"""Parallel text in files of one sentence a line, where line i says the same in each: LASER, NTREX, Multi30k, XNLI.

The files' names tell which belong together and their languages: `tatoeba.deu-eng.deu` and `tatoeba.deu-eng.eng`
(LASER's Tatoeba sets), `newstest2019-src.eng.txt` and `newstest2019-ref.deu.txt` (NTREX), `train.en.gz` and
`train.de.gz`. Read https://github.com/facebookresearch/LASER and https://github.com/MicrosoftTranslator/NTREX.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest
from os import PathLike
from pathlib import Path

from erniem_lab.corpora.languages import is_language, language_code
from erniem_lab.corpora.lines import read_lines
from erniem_lab.corpora.text import Text, TextPair
from erniem_lab.errors import FileFaultError, InputValueError


@dataclass(frozen=True)
class LineFile:
    """A file of one sentence a line; those of one `name` are translations of each other."""

    path: Path
    name: str
    language: str


def read_line_pairs(
    first: str | PathLike[str], second: str | PathLike[str], languages: tuple[str, str]
) -> Iterator[TextPair]:
    """A pair for each line that two files share; lines that are empty in one of them are left out.

    Raises:
        FileFaultError: a file is missing or damaged.
        InputValueError: the files have not as many lines as each other, or no line with text in both.

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> written = [(folder / "a.de").write_text("Katze\\nHund\\n"), (folder / "a.en").write_text("cat\\n\\n")]
    >>> list(read_line_pairs(folder / "a.en", folder / "a.de", ("en", "de")))
    [TextPair(first=Text(language='en', text='cat'), second=Text(language='de', text='Katze'))]
    """
    empty = True
    for one, two in zip_longest(read_lines(first), read_lines(second)):
        if one is None or two is None:
            counts = [sum(1 for _ in read_lines(path)) for path in (first, second)]
            raise InputValueError(
                f"{first} has {counts[0]} lines, {second} has {counts[1]}: line i of one must translate line i of the "
                "other; restore the lines that are missing"
            )
        if one[1].strip() and two[1].strip():
            empty = False
            yield TextPair.of(languages, one[1], two[1])
    if empty:
        raise InputValueError(f"{first} and {second}: no line with text in both; leave the files out")


def read_texts(path: str | PathLike[str], language: str | None = None) -> Iterator[Text]:
    """Each line of a file that is not empty, with its language: the one given, or the one in the file's name.

    Raises:
        FileFaultError: the file is missing or damaged.
        InputValueError: its name tells no language and none is given, or it has no text.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "news.swh.txt"
    >>> _ = path.write_text("Habari.\\n\\n")
    >>> list(read_texts(path))
    [Text(language='sw', text='Habari.')]
    """
    named = line_file(Path(path))
    if language is None and named is None:
        raise InputValueError(f"{path}: its name tells no language, as news.sw.txt would; give language='sw' or such")
    code, empty = language or (named.language if named else ""), True
    for _, line in read_lines(path):
        if line.strip():
            empty = False
            yield Text(code, line)
    if empty:
        raise InputValueError(f"{path}: no line with text; leave the file out")


def line_file(path: Path) -> LineFile | None:
    """What a file's name says, or None where it tells no language.

    >>> [line_file(Path(name)) for name in ("newstest2019-ref.zho-CN.txt", "README.md")]
    [LineFile(path=...Path('newstest2019-ref.zho-CN.txt'), name='newstest2019', language='zh'), None]
    """
    *name, tag = path.name.removesuffix(".gz").removesuffix(".txt").split(".")
    if not is_language(tag):
        return None
    return LineFile(path, ".".join(name).removesuffix("-src").removesuffix("-ref"), language_code(tag))


def find_line_files(folder: Path) -> list[LineFile]:
    """The files of a folder whose names tell a language, in the order of their names.

    Raises:
        FileFaultError: there is none.

    >>> find_line_files(Path("tests"))
    Traceback (most recent call last):
    erniem_lab.errors.FileFaultError: tests: no file whose name tells a language, such as train.en.gz or ...
    """
    found = [line_file(path) for path in sorted(folder.iterdir()) if path.is_file()] if folder.is_dir() else []
    files = [file for file in found if file]
    if not files:
        raise FileFaultError(f"{folder}: no file whose name tells a language, such as train.en.gz or news.sw.txt")
    return files


def match_line_files(files: list[LineFile], pivot: str) -> list[tuple[LineFile, LineFile]]:
    """Each file with the one of the same name in the pivot language, which comes first.

    Raises:
        InputValueError: the files of one name have no file, or two, of the pivot language, or nothing beside it.

    >>> files = [line_file(Path(name)) for name in ("train.de.gz", "train.en.gz", "train.fr.gz")]
    >>> [(one.language, two.language) for one, two in match_line_files(files, "en")]
    [('en', 'de'), ('en', 'fr')]
    """
    pairs = []
    for name in dict.fromkeys(file.name for file in files):
        group = [file for file in files if file.name == name]
        pivots = [file for file in group if file.language == pivot]
        others = [file for file in group if file.language != pivot]
        if len(pivots) != 1 or not others:
            listed = ", ".join(str(file.path) for file in group)
            raise InputValueError(f"{listed}: expected one file of {pivot!r} and one or more of other languages")
        pairs += [(pivots[0], other) for other in others]
    return pairs
