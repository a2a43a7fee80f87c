"""Treebanks in CoNLL-U (Universal Dependencies): words with part of speech, morphology and heads, for probes.

https://universaldependencies.org/format.html. A sentence's `sent_id` is the same in every treebank of PUD.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from os import PathLike

from erniem_lab.corpora.examples import Sentence
from erniem_lab.corpora.words import find_words, join_words, read_blocks
from erniem_lab.errors import InputValueError

COLUMNS = 10
NUMBER = re.compile(r"[1-9][0-9]{0,5}")
RANGE = re.compile(r"([1-9][0-9]{0,5})-([1-9][0-9]{0,5})")
EMPTY_NODE = re.compile(r"[0-9]+\.[1-9][0-9]*")
ROOT = -1


@dataclass(frozen=True)
class ParsedWord:
    """A syntactic word: German "im" is one token and two words, "in" and "dem".

    `token` is its place in the sentence's `words`, `head` the place of the word that it hangs on in `words` of the
    `ParsedSentence`, or -1 at the root; `feats` are names and values of morphology, and `upos` is "" if not given.

    >>> word = ParsedWord("cats", "cat", "NOUN", (("Number", "Plur"),), head=1, relation="nsubj", token=0)
    >>> word.feature("Number"), word.feature("Case")
    ('Plur', '')
    """

    form: str
    lemma: str
    upos: str
    feats: tuple[tuple[str, str], ...]
    head: int
    relation: str
    token: int

    def feature(self, name: str) -> str:
        """The value of a feature of morphology, or "" where the word has none."""
        return dict(self.feats).get(name, "")


@dataclass(frozen=True)
class ParsedSentence:
    """A sentence of a treebank: its id, its text with the tokens in it, and its syntactic words.

    >>> cats = ParsedWord("Cats", "cat", "NOUN", (), head=1, relation="nsubj", token=0)
    >>> sleep = ParsedWord("sleep", "sleep", "VERB", (), head=-1, relation="root", token=1)
    >>> ParsedSentence("s1", Sentence("en", "Cats sleep", ((0, 4), (5, 10))), (cats, sleep)).depths
    (1, 0)
    """

    id: str
    sentence: Sentence
    words: tuple[ParsedWord, ...]

    @property
    def depths(self) -> tuple[int, ...]:
        """For each word, how many heads are above it: 0 at the root."""
        return tuple(len(_above(place, [word.head for word in self.words])) - 1 for place in range(len(self.words)))


def read_conllu(path: str | PathLike[str], language: str) -> Iterator[ParsedSentence]:
    r"""The sentences of a treebank. Empty nodes (`8.1`) are left out, as they stand nowhere in the text.

    Without a line `# text`, the words make the text; without `# sent_id`, the id is "".

    Raises:
        FileFaultError: no such file, damaged, or not UTF-8.
        InputValueError: a line that is not CoNLL-U, words that are not in the text, or heads that are no tree.

    >>> import tempfile, pathlib
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "de.conllu"
    >>> rows = ("1-2 Im _ _ _ _ _ _ _ _", "1 in in ADP _ _ 3 case _ _", "2 dem der DET _ Case=Dat 3 det _ _",
    ...         "3 Haus Haus NOUN _ _ 0 root _ _")
    >>> _ = path.write_text("# sent_id = n1\n# text = Im Haus\n" + "\n".join(rows).replace(" ", "\t") + "\n")
    >>> [(s.sentence.surfaces, [(w.form, w.token) for w in s.words]) for s in read_conllu(path, "de")]
    [(('Im', 'Haus'), [('in', 0), ('dem', 0), ('Haus', 1)])]
    """
    for block in read_blocks(path):
        comments = dict(_comment(line) for _, line in block if line.startswith("#"))
        rows = [_row(path, number, line) for number, line in block if not line.startswith("#")]
        if rows:
            yield _sentence(language, comments, rows)


Cells = tuple[str, list[str]]  # where a line stands, and its cells


def _comment(line: str) -> tuple[str, str]:
    name, _, value = line.lstrip("# ").partition("=")
    return name.strip(), value.strip()


def _row(path: str | PathLike[str], number: int, line: str) -> Cells:
    cells = line.split("\t")
    if len(cells) != COLUMNS or not cells[1]:
        raise InputValueError(
            f"{path}:{number}: cells: {len(cells)}; expected {COLUMNS} between tabs, the second a word"
        )
    if not any(form.fullmatch(cells[0]) for form in (NUMBER, RANGE, EMPTY_NODE)):
        raise InputValueError(
            f"{path}:{number}: id {cells[0]!r:.20}; expected a number, a range 3-4 or an empty node 8.1"
        )
    return f"{path}:{number}", cells


def _sentence(language: str, comments: dict[str, str], rows: Sequence[Cells]) -> ParsedSentence:
    place = rows[0][0]
    forms, token_of = _tokens([row for row in rows if not EMPTY_NODE.fullmatch(row[1][0])])
    own = [row for row in rows if NUMBER.fullmatch(row[1][0])]
    if not own:
        raise InputValueError(f"{place}: a sentence without words; add them, or leave it out")
    words = tuple(_word(number, *row, len(own), token_of[int(row[1][0])]) for number, row in enumerate(own, start=1))
    _check_tree(own, words)
    text = comments.get("text", "")
    sentence = find_words(text, forms, language, place) if text else join_words(forms, language)
    return ParsedSentence(comments.get("sent_id", ""), sentence, words)


def _tokens(rows: Sequence[Cells]) -> tuple[list[str], dict[int, int]]:
    """The tokens as written, and for the number of each word the place of its token."""
    forms: list[str] = []
    token_of: dict[int, int] = {}
    for place, cells in rows:
        if found := RANGE.fullmatch(cells[0]):
            first, last = int(found[1]), int(found[2])
            if first in token_of or last <= first:
                raise InputValueError(f"{place}: range {cells[0]}; expected it before its words, and of two or more")
            token_of |= dict.fromkeys(range(first, last + 1), len(forms))
            forms.append(cells[1])
        elif int(cells[0]) not in token_of:
            token_of[int(cells[0])] = len(forms)
            forms.append(cells[1])
    return forms, token_of


def _word(number: int, place: str, cells: Sequence[str], count: int, token: int) -> ParsedWord:
    name, form, lemma, upos, _, feats, head, relation = cells[:8]
    if int(name) != number:
        raise InputValueError(f"{place}: word {name} after word {number - 1}; number words from 1, without gaps")
    if not (head == "0" or NUMBER.fullmatch(head)) or int(head) > count or int(head) == number:
        raise InputValueError(f"{place}: head {head!r:.20} of word {number}; expected another word up to {count}, or 0")
    pairs = () if feats == "_" else tuple(feats.split("|"))
    if not all("=" in pair for pair in pairs):
        raise InputValueError(f"{place}: feats {feats!r:.60}; expected such as Case=Dat|Number=Sing, or _")
    split = tuple((pair.split("=", 1)[0], pair.split("=", 1)[1]) for pair in pairs)
    return ParsedWord(form, lemma, "" if upos == "_" else upos, split, int(head) - 1, relation, token)


def _check_tree(rows: Sequence[Cells], words: Sequence[ParsedWord]) -> None:
    heads = [word.head for word in words]
    if heads.count(ROOT) != 1:
        raise InputValueError(f"{rows[0][0]}: {heads.count(ROOT)} words have the head 0; expected one root")
    for place, (line, _) in enumerate(rows):
        if _above(place, heads)[-1] != heads.index(ROOT):
            raise InputValueError(f"{line}: the heads above word {place + 1} run in a circle; mend the tree")


def _above(place: int, heads: Sequence[int]) -> list[int]:
    """A word and all heads above it; cut at the second visit, so that a circle does not end at the root."""
    path = [place]
    while heads[path[-1]] != ROOT and heads[path[-1]] not in path:
        path.append(heads[path[-1]])
    return path
