"""What people say to devices, with intents and slots: the CoNLL form of xSID.

https://github.com/mainlp/xsid. The order of utterances differs between languages: `join_by_id` joins them.
"""

from collections.abc import Iterator, Sequence
from os import PathLike

from erniem_lab.corpora.check import sound
from erniem_lab.corpora.examples import IntentExample
from erniem_lab.corpora.tagging import to_bio
from erniem_lab.corpora.words import Line, find_words, read_blocks
from erniem_lab.errors import InputValueError

COMMENTS = ("id", "text", "text-en", "intent", "slots")


def read_intents(path: str | PathLike[str], language: str) -> Iterator[IntentExample]:
    r"""The utterances of a file: comments with `text` and `intent`, then lines of number, word, intent and slot tag.

    English files have no ids: an utterance's number there is the id that its translations have.

    Raises:
        FileFaultError: no such file, damaged, or not UTF-8.
        InputValueError: a comment that is missing, a line of another form, or words that are not in the text.

    >>> import pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "en.test.conll"
    >>> _ = path.write_text("# text = Wake me\n# intent = alarm/set\n1\tWake\talarm/set\tO\n2\tme\talarm/set\tO\n")
    >>> [(example.id, example.intent, example.tags) for example in read_intents(path, "en")]
    [('1', 'alarm/set', ('O', 'O'))]
    """
    for count, block in enumerate(read_blocks(path), start=1):
        place = f"{path}:{block[0][0]}"
        comments = _comments(block)
        if missing := [name for name in ("text", "intent") if not comments.get(name)]:
            raise InputValueError(f"{place}: no comment {missing[0]!r} before the words; write # {missing[0]} = ...")
        rows = [row for line in block if not _is_comment(line[1]) for row in _row(path, *line)]
        sentence = find_words(comments["text"], [word for _, word, _ in rows], language, place)
        example = IntentExample(
            comments.get("id", str(count)),
            sentence,
            to_bio([tag for _, _, tag in rows], [where for where, _, _ in rows]),
            comments["intent"],
            comments.get("text-en", comments["text"]),
        )
        yield sound(example, place)


def _is_comment(line: str) -> bool:
    """A word may be a `#`, but it has its number before it."""
    return line.startswith("#") and "\t" not in line


def _comments(block: Sequence[Line]) -> dict[str, str]:
    found: dict[str, str] = {}
    for _, line in block:
        name, _, value = line.lstrip("# ").partition(":" if line.startswith("# slots:") else "=")
        if _is_comment(line) and name.strip() in COMMENTS:
            found[name.strip()] = value.strip()
    return found


def _row(path: str | PathLike[str], number: int, line: str) -> Iterator[tuple[str, str, str]]:
    """Where a line stands, its word and its tag; nothing for an empty word: xSID's Chinese files have seven."""
    cells = line.split("\t")
    if len(cells) != 4 or (not cells[1] and cells[3] != "O"):
        raise InputValueError(f"{path}:{number}: {line!r:.60}; expected number, word, intent and tag, between tabs")
    if cells[1]:
        yield f"{path}:{number}", cells[1], cells[3]
