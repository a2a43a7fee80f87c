"""How the bundled world writes forms and templates: the small notation of data/world/README.md, read."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from erniem_lab.errors import FileFaultError

BASE = "base"  # the key of a form that has none
_PIECE = re.compile(r"\+?(?:\[[^\]]*\]|\{[^}]*\})|\S+")
_LITERAL = re.compile(r"\[(?P<label>[a-z_]*)(?:@(?P<agrees>[A-Z0-9]+) |:)(?P<body>.*)\]")
_FILLER = re.compile(r"\{(?P<role>[A-Z0-9]+)(?:\.(?P<key>[a-z0-9_.]+))?(?:@(?P<agrees>[A-Z0-9]+))?\}")
_CLOSING = frozenset(".,;:?!…。，？！、।؟،۔；：»)”")
_OPENING = frozenset("¿¡«(“")
STOP = "."  # the label of the mark that ends a sentence
_STOPS = frozenset(".?!。？！।؟۔;")  # the semicolon asks questions in Greek


@dataclass(frozen=True)
class Word:
    """One word of a form: a head carries the meaning, others are articles and the like; `glued`: no space before.

    >>> Word("the", head=False, glued=False).head
    False
    """

    text: str
    head: bool
    glued: bool


Form = tuple[Word, ...]


@dataclass(frozen=True)
class Wording:
    """Words that the pattern itself brings, chosen by the class of the filler of `agrees` ("" for no choice).

    >>> Wording("live", "", {"*": read_form("lives", "here")}, glued=False).label
    'live'
    """

    label: str
    agrees: str
    forms: dict[str, Form]
    glued: bool


@dataclass(frozen=True)
class Filler:
    """The form `key` of the filler of `role`, chosen by the class of the filler of `agrees` ("" for no choice).

    >>> Filler("PLACE", "at", "", glued=False).key
    'at'
    """

    role: str
    key: str
    agrees: str
    glued: bool


Template = tuple[Wording | Filler, ...]


@cache
def read_form(text: str, place: str) -> Form:
    """`(in the) +park`: words in round brackets are not heads, `+` writes a word onto the one before it.

    >>> [(word.text, word.head) for word in read_form("(in the) park", "lexicon.tsv:7")]
    [('in', False), ('the', False), ('park', True)]
    """
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


def read_template(template: str, place: str) -> Iterator[Wording | Filler]:
    """The slots, labelled words and plain words of a template, left to right; `place` is named in errors.

    >>> [piece.role for piece in read_template("{AGENT} in {CITY} .", "patterns.tsv:2") if isinstance(piece, Filler)]
    ['AGENT', 'CITY']
    """
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
