"""Facts of the bundled world written out in a language: the text, its words, and what each word stands for."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from erniem_lab.corpora.examples import AlignedPair, Link, Sentence, Span
from erniem_lab.corpora.world_files import Item, Language
from erniem_lab.corpora.world_template import BASE, Filler, Form, Word, Wording
from erniem_lab.errors import FileFaultError, InputValueError

SPACE = "_"  # a template's word for a space in a language that is written without


@dataclass(frozen=True)
class Fact:
    """What a sentence says, in no language: a pattern and the entry that fills each of its slots.

    >>> Fact("lives", (("AGENT", "anna"), ("CITY", "paris"))).fillers["CITY"]
    'paris'
    """

    pattern: str
    roles: tuple[tuple[str, str], ...]

    @property
    def fillers(self) -> dict[str, str]:
        """The entries by role."""
        return dict(self.roles)


@dataclass(frozen=True)
class Writing:
    """A fact in one language: for each word of the sentence, its owner (a role, a label or "") and if it is a head.

    >>> from erniem_lab.corpora.world import World
    >>> fact = Fact("lives", (("AGENT", "anna"), ("CITY", "rome")))
    >>> write(World.load().language("en"), fact).span("CITY")
    Span(start=14, end=18, text='Rome')
    """

    sentence: Sentence
    owners: tuple[str, ...]
    heads: tuple[bool, ...]

    def head_words(self, role: str) -> list[int]:
        """The words that carry the filler of a role (or the words with a label), without articles and the like."""
        return [word for word, owner in enumerate(self.owners) if owner == role and self.heads[word]]

    def span(self, role: str) -> Span:
        """Where the filler of a role stands (its first mention), without articles and the like."""
        words = self.head_words(role)
        last = words[0]
        while last + 1 in words:
            last += 1
        return Span.of(self.sentence.text, self.sentence.words[words[0]][0], self.sentence.words[last][1])


def write(language: Language, fact: Fact) -> Writing:
    """The sentence that says `fact`.

    Raises:
        FileFaultError: the language's files lack the pattern, an entry or a form.

    >>> from erniem_lab.corpora.world import World
    >>> fact = Fact("lives", (("AGENT", "anna"), ("CITY", "rome")))
    >>> write(World.load().language("de"), fact).sentence.text
    'Anna wohnt in Rom.'
    """
    text = ""
    words: list[tuple[int, int]] = []
    owners: list[str] = []
    heads: list[bool] = []
    glue = True
    for owner, word, glued in _words(language, fact):
        if word.text == SPACE and not language.spaces:
            text += " "
            continue
        text += "" if glue or glued or not language.spaces else " "
        words.append((len(text), len(text) + len(word.text)))
        text += word.text
        owners.append(owner)
        heads.append(word.head)
        glue = False
    sentence = Sentence(language.code, _capitalised(text, language.code), tuple(words))
    return Writing(sentence, tuple(owners), tuple(heads))


def align(first: Writing, second: Writing) -> AlignedPair:
    """The gold links of a fact written twice: heads of one owner are sure, their articles and the like possible.

    >>> from erniem_lab.corpora.world import World
    >>> fact = Fact("lives", (("AGENT", "anna"), ("CITY", "rome")))
    >>> english, german = (write(World.load().language(code), fact) for code in ("en", "de"))
    >>> sorted(align(english, german).sure)
    [(0, 0), (1, 1), (3, 3), (4, 4)]
    """
    sure: set[Link] = set()
    possible: set[Link] = set()
    for left, owner in enumerate(first.owners):
        for right, other in enumerate(second.owners):
            if owner and owner == other:
                possible.add((left, right))
                if first.heads[left] and second.heads[right]:
                    sure.add((left, right))
    return AlignedPair(first.sentence, second.sentence, frozenset(sure), frozenset(possible))


def forms_of(item: Item, key: str, noun_class: str) -> Form | None:
    """The form `key` that agrees with a class: `key.class`, else `class` (for the base form), else `key`.

    >>> from erniem_lab.corpora.world import World
    >>> german = World.load().language("de")
    >>> [word.text for word in forms_of(german.items["red"], "acc", "m") or ()]
    ['einen', 'roten']
    """
    forms = item.forms
    if noun_class and (found := forms.get(noun_class if key == BASE else f"{key}.{noun_class}")):
        return found
    return forms.get(key)


def choose(wording: Wording, noun_class: str) -> Form | None:
    """The words that agree with a class, else those marked `*`.

    >>> from erniem_lab.corpora.world_template import read_form
    >>> er_sie = Wording("", "AGENT", {"m": read_form("er", "here"), "f": read_form("sie", "here")}, glued=False)
    >>> [word.text for word in choose(er_sie, "f") or ()]
    ['sie']
    """
    return wording.forms.get(noun_class, wording.forms.get("*"))


def _words(language: Language, fact: Fact) -> Iterator[tuple[str, Word, bool]]:
    """Owner, word, and whether it is written onto the one before."""
    fillers = fact.fillers
    template = language.templates.get(fact.pattern)
    if template is None:
        raise FileFaultError(f"{language.code}/patterns.tsv: no pattern {fact.pattern}; add its line")
    for piece in template:
        owner = piece.role if isinstance(piece, Filler) else piece.label
        for number, word in enumerate(_form(language, piece, fillers)):
            yield owner, word, word.glued or (piece.glued and number == 0)


def _form(language: Language, piece: Filler | Wording, fillers: Mapping[str, str]) -> Form:
    noun_class = _item(language, fillers[piece.agrees]).noun_class if piece.agrees else ""
    if isinstance(piece, Wording):
        form, wanted = choose(piece, noun_class), f"words [{piece.label}@{piece.agrees}]"
    else:
        form = forms_of(_item(language, fillers[piece.role]), piece.key, noun_class)
        wanted = f"form {piece.key!r} of {fillers[piece.role]}"
    if form is None:
        raise FileFaultError(f"{language.code}: no {wanted} for class {noun_class or '-'}; add it")
    return form


def _item(language: Language, id: str) -> Item:
    if id not in language.items:
        raise FileFaultError(f"{language.code}/lexicon.tsv: no entry {id}; add its line")
    return language.items[id]


def _capitalised(text: str, code: str) -> str:
    """The first letter in upper case; the length stays."""
    for place, letter in enumerate(text):
        if letter.isalpha():
            large = "İ" if code == "tr" and letter == "i" else letter.upper()
            return text[:place] + large + text[place + 1 :] if len(large) == 1 else text
    raise InputValueError(f"{text!r}: a sentence without letters")
