"""Multiple choice: XCOPA's JSON lines, where one of two sentences is the cause or the effect of a premise."""

import re
from collections.abc import Iterator
from os import PathLike
from typing import Literal

from erniem_lab.corpora.check import sound
from erniem_lab.corpora.examples import ChoiceExample
from erniem_lab.corpora.rows import Row, read_objects
from erniem_lab.errors import InputValueError

ASKS: tuple[Literal["cause"], Literal["effect"]] = ("cause", "effect")
OPTION = re.compile(r"choice[1-9][0-9]*")


def read_choices(path: str | PathLike[str], language: str) -> Iterator[ChoiceExample]:
    r"""The items of a file with `premise`, `question` (cause or effect), `choice1`, `choice2` ... and `label`, from 0.

    Raises:
        FileFaultError: no such file, damaged, not UTF-8, or a line that is no JSON object.
        InputValueError: a field that is missing or empty, or a label without an option.
        InputTypeError: a field of another type.

    >>> import pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "val.en.jsonl"
    >>> fields = '"premise": "Anna is tired.", "choice1": "She sings.", "choice2": "She goes to bed."'
    >>> _ = path.write_text('{' + fields + ', "question": "effect", "label": 1}\n')
    >>> [example.choices[example.label] for example in read_choices(path, "en")]
    ['She goes to bed.']
    """
    yield from (choice_row(row, language) for row in read_objects(path))


def choice_row(row: Row, language: str) -> ChoiceExample:
    """A row with the fields of XCOPA.

    >>> fields = {"premise": "Anna is tired.", "choice1": "a", "choice2": "b", "question": "cause", "label": 0}
    >>> choice_row(Row("rows: row 0", fields), "en").asks
    'cause'
    """
    asked = row.text("question")
    options = tuple(row.text(name) for name in sorted(row.fields) if OPTION.fullmatch(name))
    for asks in ASKS:
        if asks == asked:
            example = ChoiceExample(language, row.text("premise"), asks, options, row.integer("label"))
            return sound(example, row.place)
    raise InputValueError(f"{row.place}: question {asked!r:.40}; expected cause or effect")
