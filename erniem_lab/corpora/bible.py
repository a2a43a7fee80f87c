"""Bibles as parallel text: verses that have the same id in two translations.

Either two columns, `MAT.1.1` and the text, without a header; or the XML of christos-c/bible-corpus (CES), where a
verse is `<seg type="verse" id="b.MAT.1.1">`. Verses that a translation lacks are simply not there.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from xml.etree import ElementTree

from erniem_lab.corpora.languages import is_language, language_code
from erniem_lab.corpora.lines import read_lines
from erniem_lab.corpora.text import TextPair
from erniem_lab.errors import FileFaultError, InputValueError

VERSE = re.compile(r"[0-9A-Z]{3}\.\d+\.\d+")
BLANKS = re.compile(r"[ \t\r\n]+")


@dataclass(frozen=True, slots=True)
class Verse:
    """A verse: book, chapter and number in one id, and its text.

    >>> Verse("JOH.11.35", "Jesus wept.").id
    'JOH.11.35'
    """

    id: str
    text: str


def read_verses(path: str | PathLike[str]) -> Iterator[Verse]:
    """The verses of one translation, in the order of the file; empty ones are left out.

    Raises:
        FileFaultError: no such file, damaged, or XML that is not well-formed.
        InputValueError: a line without id and text, an id that occurs twice, or no verse at all.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "en.tsv"
    >>> _ = path.write_text("JOH.11.35\\tJesus wept.\\n")
    >>> list(read_verses(path))
    [Verse(id='JOH.11.35', text='Jesus wept.')]
    """
    path = Path(path)
    found: set[str] = set()
    for place, verse in _from_xml(path) if path.suffix == ".xml" else _from_lines(path):
        if verse.id in found:
            raise InputValueError(f"{place}: verse {verse.id} is there twice; keep one of them")
        found.add(verse.id)
        if verse.text.strip():
            yield verse
    if not found:
        raise InputValueError(f"{path}: no verse in it; expected lines such as MAT.1.1<tab>text, or CES XML")


def read_bible(first: str | PathLike[str], second: str | PathLike[str]) -> Iterator[TextPair]:
    """The verses that two translations share, in the order of the second; the first is held in memory.

    Raises:
        FileFaultError: as `read_verses`.
        InputValueError: as `read_verses`; or a file's language is not known, or no verse is shared.

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> written = [(folder / f"{name}.tsv").write_text(f"JOH.11.35\\t{text}\\n")
    ...            for name, text in (("eng", "Jesus wept."), ("est", "Jeesus nuttis."))]
    >>> next(read_bible(folder / "eng.tsv", folder / "est.tsv")).second
    Text(language='et', text='Jeesus nuttis.')
    """
    languages = bible_language(Path(first)), bible_language(Path(second))
    known = {verse.id: verse.text for verse in read_verses(first)}
    shared = False
    for verse in read_verses(second):
        if verse.id in known:
            shared = True
            yield TextPair.of(languages, known[verse.id], verse.text)
    if not shared:
        raise InputValueError(f"{first} and {second}: no verse in both; their ids are of different forms")


def bible_language(path: Path) -> str:
    """The language of a translation: from the file's name (`est.tsv.gz`), or from the header of an XML file.

    Raises:
        FileFaultError: no such file, or XML that is not well-formed.
        InputValueError: neither tells it.

    >>> bible_language(Path("est.tsv.gz"))
    'et'
    """
    tag = path.name.split(".")[0]
    if not is_language(tag) and path.suffix == ".xml":
        tag = next((element.get("id", "") for element in _elements(path) if element.tag == "language"), "")
    if not is_language(tag):
        raise InputValueError(f"{path}: language not known; name the file by its code, such as est.tsv.gz")
    return language_code(tag)


def _from_lines(path: Path) -> Iterator[tuple[str, Verse]]:
    for number, line in read_lines(path):
        name, _, text = line.partition("\t")
        if not VERSE.fullmatch(name) or "\t" in text or not _:
            raise InputValueError(f"{path}:{number}: {line!r:.60}; expected a verse such as MAT.1.1, a tab, its text")
        yield f"{path}:{number}", Verse(name, text)


def _from_xml(path: Path) -> Iterator[tuple[str, Verse]]:
    for element in _elements(path):
        if element.tag == "seg" and element.get("type") == "verse":
            text = BLANKS.sub(" ", "".join(element.itertext())).strip(" ")
            yield str(path), Verse(element.get("id", "").removeprefix("b."), text)
            element.clear()


def _elements(path: Path) -> Iterator[ElementTree.Element]:
    """Each element when it is complete. Entities of other files are never fetched; expat bounds the inner ones."""
    try:
        for _, element in ElementTree.iterparse(path):
            yield element
    except FileNotFoundError as fault:
        raise FileFaultError(f"{path}: no such file; give the path of an XML file of verses") from fault
    except ElementTree.ParseError as fault:
        raise FileFaultError(f"{path}:{fault.position[0]}: not well-formed XML ({fault}); fetch it again") from fault
