"""The files of the bundled world, read and checked line by line: entries, patterns, relations, and each language."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from erniem_lab.corpora.world_template import BASE, Form, Template, read_form, read_template
from erniem_lab.errors import FileFaultError

NO_CLASS = "-"


@dataclass(frozen=True)
class Entry:
    """A thing that the world knows: its category (`thing.plain` is a kind of `thing`) and entity tag ("-" for none).

    >>> Entry("anna", "person", "PER").tag
    'PER'
    """

    id: str
    category: str
    tag: str


@dataclass(frozen=True)
class Slot:
    """A place of a pattern that takes any entry of a category.

    >>> Slot("AGENT", "person").role
    'AGENT'
    """

    role: str
    category: str


@dataclass(frozen=True)
class Pattern:
    """A kind of sentence, in no language: its slots, and the labels of its own words, by which languages are linked.

    >>> Pattern("lives", "statement", (Slot("AGENT", "person"),), frozenset({"live"})).slots[0].category
    'person'
    """

    id: str
    kind: str
    slots: tuple[Slot, ...]
    labels: frozenset[str]


@dataclass(frozen=True)
class Rule:
    """How the patterns `first` and `second` bear on each other; `roles` is read by the kind of example that uses it.

    >>> Rule("answers", "who_lives", "lives", "AGENT").second
    'lives'
    """

    kind: str
    first: str
    second: str
    roles: str


@dataclass(frozen=True)
class Item:
    """An entry in one language: its class (gender, noun class, ...; "-" for none) and its forms by key.

    >>> Item("f", {"base": read_form("Tasche", "here")}).noun_class
    'f'
    """

    noun_class: str
    forms: dict[str, Form]


@dataclass(frozen=True)
class Language:
    """One language's lexicon and templates.

    >>> Language("en", True, {}, {}).spaces
    True
    """

    code: str
    spaces: bool
    items: dict[str, Item]
    templates: dict[str, Template]


def rows(file: Path, columns: int) -> Iterator[tuple[str, list[str]]]:
    """Each line's place (`file:line`) and its cells; the first line is the header, empty lines are passed over.

    Raises:
        FileFaultError: the file is missing, is not UTF-8, or a line has another number of cells.

    >>> from erniem_lab.bundle import WORLD
    >>> next(rows(WORLD / "languages.tsv", 4))[1]
    ['ar', 'Arabic', 'Arab', 'yes']
    """
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as fault:
        raise FileFaultError(f"{file}: cannot be read as UTF-8 text ({fault}); see data/world/README.md") from fault
    for number, line in enumerate(lines[1:], start=2):
        if not line.strip():
            continue
        cells = [cell.strip() for cell in line.split("\t")]
        if len(cells) != columns:
            raise FileFaultError(f"{file}:{number}: {len(cells)} cells; expected {columns}, with a tab between")
        yield f"{file}:{number}", cells


def read_entries(folder: Path) -> dict[str, Entry]:
    """`entries.tsv`: every entry by its id.

    >>> from erniem_lab.bundle import WORLD
    >>> read_entries(WORLD)["paris"].tag
    'LOC'
    """
    return {id: Entry(id, category, tag) for _, (id, category, tag) in rows(folder / "entries.tsv", 3)}


def read_patterns(folder: Path) -> dict[str, Pattern]:
    """`patterns.tsv`: every pattern by its id.

    >>> from erniem_lab.bundle import WORLD
    >>> [slot.role for slot in read_patterns(WORLD)["lives"].slots]
    ['AGENT', 'CITY']
    """
    found: dict[str, Pattern] = {}
    for place, (id, kind, slots, labels) in rows(folder / "patterns.tsv", 4):
        if kind not in ("statement", "question"):
            raise FileFaultError(f"{place}: kind {kind!r}; expected statement or question")
        pairs = (slot.split(":") for slot in slots.split())
        words = frozenset(labels.split()) - {NO_CLASS}
        found[id] = Pattern(id, kind, tuple(Slot(role, category) for role, category in pairs), words)
    return found


def read_rules(folder: Path) -> tuple[Rule, ...]:
    """`relations.tsv`: how patterns answer, entail, contradict, cause and state.

    >>> from erniem_lab.bundle import WORLD
    >>> read_rules(WORLD)[0].kind
    'answers'
    """
    return tuple(Rule(*cells) for _, cells in rows(folder / "relations.tsv", 4))


def read_spacing(folder: Path) -> dict[str, bool]:
    """`languages.tsv`: whether a language writes spaces between words, by language code.

    >>> from erniem_lab.bundle import WORLD
    >>> read_spacing(WORLD)["zh"]
    False
    """
    return {code: spaces == "yes" for _, (code, _, _, spaces) in rows(folder / "languages.tsv", 4)}


def read_language(folder: Path, code: str) -> Language:
    """`{code}/lexicon.tsv` and `{code}/patterns.tsv`.

    Raises:
        FileFaultError: a file is missing, or a line is not of the format that README.md states.

    >>> from erniem_lab.bundle import WORLD
    >>> [word.text for word in read_language(WORLD, "en").items["park"].forms["at"]]
    ['in', 'the', 'park']
    """
    items: dict[str, Item] = {}
    for place, (id, noun_class, forms) in rows(folder / code / "lexicon.tsv", 3):
        if id in items:
            raise FileFaultError(f"{place}: {id} stands there twice; keep one line")
        items[id] = Item(noun_class, dict(_forms(forms, place)))
    templates: dict[str, Template] = {}
    for place, (id, template) in rows(folder / code / "patterns.tsv", 2):
        if id in templates:
            raise FileFaultError(f"{place}: {id} stands there twice; keep one line")
        templates[id] = tuple(read_template(template, place))
    return Language(code, read_spacing(folder)[code], items, templates)


def _forms(cell: str, place: str) -> Iterator[tuple[str, Form]]:
    """`bread|acc,gen=breads`: the first form may go without a key and is then `base`."""
    for number, part in enumerate(cell.split("|")):
        keys, equals, text = part.partition("=")
        if not equals and number:
            raise FileFaultError(f"{place}: form {part!r} has no key; expected key=form")
        for key in keys.split(",") if equals else [BASE]:
            yield key.strip(), read_form(text if equals else part, place)
