"""Data sets by their names: the same examples from a folder of their files, and from the hub."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

from erniem_lab.corpora.conllu import ParsedSentence
from erniem_lab.corpora.examples import IntentExample, TaggedSentence
from erniem_lab.corpora.hub_rows import read_hub_rows
from erniem_lab.corpora.known import KNOWN, SPLITS, Example, HubForm, Layout, language_key
from erniem_lab.corpora.text import TextPair
from erniem_lab.errors import FileFaultError, InputValueError

SHOWN = 5  # files that an error lists


def load(
    name: str,
    *,
    languages: Sequence[str] | None = None,
    split: str = "test",
    folder: str | PathLike[str] | None = None,
    repository: str | None = None,
    revision: str | None = None,
) -> Iterator[Example]:
    r"""The examples of a data set of the field, language after language; `gather` makes a checked tuple of them.

    Files are looked for where the data set itself, or XTREME, puts them (`KNOWN`). What has no labels comes as an
    example of another type: `Sentence`, `Text`, `TextPair` or `OpenQuestion`.

    Args:
        name: such as "xnli", "panx" or "xquad": the keys of `KNOWN`.
        languages: in any code; None for all that are in the folder. The other language of parallel text is English.
            MLQA's questions in another language than the context are "de.en": context, then question.
        split: "train", "validation" (or "dev", "val", "valid") or "test"; "all" where the files name none.
        folder: of the files. Without it, the data set comes from the hub, which needs the extra `hub-data`.
        repository: another id of the hub with the same columns, or a local folder of the hub's form.
        revision: a commit of the hub, so that the rows cannot change.

    Raises:
        InputValueError: an unknown name, a language that is not there, or a file without examples.
        FileFaultError: no such folder, no files of this form in it, or a data set that cannot be had.
        MissingExtraError: a data set of the hub, without `datasets`.

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> _ = (folder / "dev-sw.tsv").write_text("Anna anaimba.\tAnna ni kimya.\tcontradiction\n")
    >>> [(example.language, example.label) for example in load("xnli", split="validation", folder=folder)]
    [('sw', 'contradiction')]
    """
    if name not in KNOWN:
        raise InputValueError(f"name={name!r}; known are {', '.join(sorted(KNOWN))}")
    part = next((part for part, names in SPLITS.items() if split in names), split)
    wanted = None if languages is None else [language_key(*language.split(".")) for language in languages]
    if wanted == []:
        raise InputValueError("languages: none; name some, such as ['en', 'sw'], or leave it out")
    if folder is not None:
        return _from_files(_choose(name, Path(folder), part, wanted))
    return _from_hub(name, repository, wanted, part, revision)


def language_of(example: Example) -> str:
    """The language of an example; of parallel text, the second one, as the first is English.

    >>> language_of(TextPair.of(("en", "sw"), "Thanks", "Asante"))
    'sw'
    """
    if isinstance(example, TextPair):
        return example.second.language
    if isinstance(example, TaggedSentence | IntentExample | ParsedSentence):
        return example.sentence.language
    return example.language


@dataclass(frozen=True)
class _File:
    """A file to read, its language or "" where it has several, and then the languages of which rows are kept."""

    path: Path
    language: str
    layout: Layout
    kept: frozenset[str]


def _choose(name: str, folder: Path, part: str, wanted: Sequence[str] | None) -> list[_File]:
    """The files to read, in the order of the languages; all are of the first layout that the folder has files of."""
    if not folder.is_dir():
        raise FileFaultError(f"folder={str(folder)!r}: no such folder; give the one that holds the files of {name}")
    files = {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*")) if path.is_file()}
    for layout in KNOWN[name].layouts:
        keys = {path: layout.find(file, part) for file, path in files.items()}
        found = [_File(path, key, layout, frozenset(wanted or ())) for path, key in keys.items() if key is not None]
        if found:
            return _order(found, wanted, f"folder={str(folder)!r}")
    patterns = " or ".join(layout.pattern for layout in KNOWN[name].layouts)
    listed = ", ".join(list(files)[:SHOWN]) + (", ..." if len(files) > SHOWN else "")
    raise FileFaultError(f"{folder}: no file such as {patterns} for split={part!r}; there are {listed or 'none'}")


def _order(found: Sequence[_File], wanted: Sequence[str] | None, place: str) -> list[_File]:
    there = {file.language for file in found}
    if missing := [key for key in wanted or () if key not in there and "" not in there]:
        raise InputValueError(f"languages: {place} has none of {', '.join(missing)}, but {', '.join(sorted(there))}")
    order = dict.fromkeys(["", *wanted] if wanted is not None else [file.language for file in found])
    return [file for key in order for file in found if file.language == key]


def _from_files(files: Sequence[_File]) -> Iterator[Example]:
    for file in files:
        found = set()
        for example in file.layout.read(file.path, file.language):
            found.add(language_of(example))
            if file.language or not file.kept or language_of(example) in file.kept:
                yield example
        if not found:
            raise InputValueError(f"{file.path}: no example in it; leave its language out, or fetch it again")
        if not file.language and file.kept - found:
            raise InputValueError(f"{file.path}: no example of {', '.join(sorted(file.kept - found))}; leave it out")


def _from_hub(
    name: str, repository: str | None, wanted: Sequence[str] | None, part: str, revision: str | None
) -> Iterator[Example]:
    hub = KNOWN[name].hub
    if hub is None:
        raise InputValueError(f"name={name!r}: not on the hub in a form known here; give folder= of its files")
    if wanted is None:
        raise InputValueError("languages: none given; name those to fetch from the hub, such as ['en', 'sw']")
    return _from_rows(hub, repository or hub.repository, wanted, part, revision)


def _from_rows(
    hub: HubForm, repository: str, wanted: Sequence[str], part: str, revision: str | None
) -> Iterator[Example]:
    for key in wanted:
        for row in read_hub_rows(repository, hub.config(key), hub.part(part), revision):
            yield hub.read(row, key)
