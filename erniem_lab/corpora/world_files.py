"""The files of the bundled world, read and checked line by line: entries, patterns, relations, and each language."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from erniem_lab.errors import FileFaultError

NO_CLASS = "-"
BASE = "base"


@dataclass(frozen=True)
class Entry:
    """A thing that the world knows: its category (`thing.plain` is a kind of `thing`) and entity tag ("-" for none)."""

    id: str
    category: str
    tag: str


@dataclass(frozen=True)
class Slot:
    """A place of a pattern that takes any entry of a category."""

    role: str
    category: str


@dataclass(frozen=True)
class Pattern:
    """A kind of sentence, in no language: its slots, and the labels of its own words, by which languages are linked."""

    id: str
    kind: str
    slots: tuple[Slot, ...]
    labels: frozenset[str]


@dataclass(frozen=True)
class Rule:
    """How the patterns `first` and `second` bear on each other; `roles` is read by the kind of example that uses it."""

    kind: str
    first: str
    second: str
    roles: str


@dataclass(frozen=True)
class Word:
    """One word of a form: a head carries the meaning, others are articles and the like; `glued`: no space before."""

    text: str
    head: bool
    glued: bool


Form = tuple[Word, ...]


@dataclass(frozen=True)
class Wording:
    """Words that the pattern itself brings, chosen by the class of the filler of `agrees` ("" for no choice)."""

    label: str
    agrees: str
    forms: dict[str, Form]
    glued: bool


@dataclass(frozen=True)
class Filler:
    """The form `key` of the filler of `role`, chosen by the class of the filler of `agrees` ("" for no choice)."""

    role: str
    key: str
    agrees: str
    glued: bool


Template = tuple[Wording | Filler, ...]


@dataclass(frozen=True)
class Item:
    """An entry in one language: its class (gender, noun class, ...; "-" for none) and its forms by key."""

    noun_class: str
    forms: dict[str, Form]


@dataclass(frozen=True)
class Language:
    """One language's lexicon and templates."""

    code: str
    spaces: bool
    items: dict[str, Item]
    templates: dict[str, Template]


_PIECE = re.compile(r"\+?(?:\[[^\]]*\]|\{[^}]*\})|\S+")
_LITERAL = re.compile(r"\[(?P<label>[a-z_]*)(?:@(?P<agrees>[A-Z0-9]+) |:)(?P<body>.*)\]")
_FILLER = re.compile(r"\{(?P<role>[A-Z0-9]+)(?:\.(?P<key>[a-z0-9_.]+))?(?:@(?P<agrees>[A-Z0-9]+))?\}")
_CLOSING = frozenset(".,;:?!…。，？！、।؟،۔；：»)”")
_OPENING = frozenset("¿¡«(“")
STOP = "."  # the label of the mark that ends a sentence
_STOPS = frozenset(".?!。？！।؟۔;")  # the semicolon asks questions in Greek


def rows(file: Path, columns: int) -> Iterator[tuple[str, list[str]]]:
    """Each line's place (`file:line`) and its cells; the first line is the header, empty lines are passed over.

    Raises:
        FileFaultError: the file is missing, is not UTF-8, or a line has another number of cells.
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
    """`entries.tsv`: every entry by its id."""
    return {id: Entry(id, category, tag) for _, (id, category, tag) in rows(folder / "entries.tsv", 3)}


def read_patterns(folder: Path) -> dict[str, Pattern]:
    """`patterns.tsv`: every pattern by its id."""
    found: dict[str, Pattern] = {}
    for place, (id, kind, slots, labels) in rows(folder / "patterns.tsv", 4):
        if kind not in ("statement", "question"):
            raise FileFaultError(f"{place}: kind {kind!r}; expected statement or question")
        pairs = (slot.split(":") for slot in slots.split())
        words = frozenset(labels.split()) - {NO_CLASS}
        found[id] = Pattern(id, kind, tuple(Slot(role, category) for role, category in pairs), words)
    return found


def read_rules(folder: Path) -> tuple[Rule, ...]:
    """`relations.tsv`: how patterns answer, entail, contradict, cause and state."""
    return tuple(Rule(*cells) for _, cells in rows(folder / "relations.tsv", 4))


def read_spacing(folder: Path) -> dict[str, bool]:
    """`languages.tsv`: whether a language writes spaces between words, by language code."""
    return {code: spaces == "yes" for _, (code, _, _, spaces) in rows(folder / "languages.tsv", 4)}


def read_language(folder: Path, code: str) -> Language:
    """`{code}/lexicon.tsv` and `{code}/patterns.tsv`.

    Raises:
        FileFaultError: a file is missing, or a line is not of the format that README.md states.
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
        templates[id] = tuple(_pieces(template, place))
    return Language(code, read_spacing(folder)[code], items, templates)


def _forms(cell: str, place: str) -> Iterator[tuple[str, Form]]:
    """`bread|acc,gen=breads`: the first form may go without a key and is then `base`."""
    for number, part in enumerate(cell.split("|")):
        keys, equals, text = part.partition("=")
        if not equals and number:
            raise FileFaultError(f"{place}: form {part!r} has no key; expected key=form")
        for key in keys.split(",") if equals else [BASE]:
            yield key.strip(), read_form(text if equals else part, place)


@cache
def read_form(text: str, place: str) -> Form:
    """`(in the) +park`: words in round brackets are not heads, `+` writes a word onto the one before it."""
    found: list[Word] = []
    inside = False
    for piece in text.split():
        opens, glued = piece.lstrip("+").startswith("("), piece.lstrip("(").startswith("+")
        closes = piece.endswith(")")
        if (opens and inside) or (closes and not (inside or opens)):
            raise FileFaultError(f"{place}: round brackets do not match in {text!r}")
        inside = inside or opens
        word = piece.strip("()").lstrip("+").lstrip("(")
        found.append(Word(word, not inside, glued or piece.startswith("+")))
        inside = inside and not closes
    if inside:
        raise FileFaultError(f"{place}: a round bracket stays open in {text!r}")
    return tuple(found)


def _pieces(template: str, place: str) -> Iterator[Wording | Filler]:
    """The slots, labelled words and plain words of a template, left to right."""
    glue_next = False
    for piece in _PIECE.findall(template):
        glued, body = glue_next or piece.startswith("+"), piece.removeprefix("+")
        glue_next = body in _OPENING
        if body.startswith("{"):
            yield _filler(body, glued, place)
        elif body.startswith("["):
            yield _literal(body, glued, place)
        else:
            yield _plain(body, glued, place)


def _filler(body: str, glued: bool, place: str) -> Filler:
    found = _FILLER.fullmatch(body)
    if not found:
        raise FileFaultError(f"{place}: slot {body!r}; expected {{ROLE}}, {{ROLE.key}} or {{ROLE.key@OTHER}}")
    return Filler(found["role"], found["key"] or BASE, found["agrees"] or "", glued)


def _literal(body: str, glued: bool, place: str) -> Wording:
    found = _LITERAL.fullmatch(body)
    if not found:
        raise FileFaultError(f"{place}: words {body!r}; expected [label:words] or [label@ROLE m=words|f=words]")
    if not found["agrees"]:
        return Wording(found["label"], "", {"*": read_form(found["body"], place)}, glued)
    forms: dict[str, Form] = {}
    for part in found["body"].split("|"):
        classes, _, text = part.partition("=")
        forms |= {name.strip(): read_form(text, place) for name in classes.split(",")}
    return Wording(found["label"], found["agrees"], forms, glued)


def _plain(text: str, glued: bool, place: str) -> Wording:
    if set(text) & set("{}[]()|"):
        raise FileFaultError(f"{place}: stray bracket in {text!r}; put spaces around bracketed words")
    label = STOP if text in _STOPS else ""
    return Wording(label, "", {"*": (Word(text, bool(label), False),)}, glued or text in _CLOSING)
