"""Texts and pairs of texts with labels: XNLI, AmericasNLI, PAWS-X, AfriSenti, doccano, and files of one's own."""

from collections.abc import Iterator
from os import PathLike
from typing import Any

from erniem_lab.corpora.check import sound
from erniem_lab.corpora.examples import (
    ENTAILMENT_LABELS,
    EntailmentExample,
    Label,
    LabelledPair,
    LabelledText,
)
from erniem_lab.corpora.languages import language_code
from erniem_lab.corpora.rows import LABEL_COLUMNS, Row, read_rows
from erniem_lab.corpora.text import Text, TextPair
from erniem_lab.errors import InputTypeError, InputValueError

SPELLINGS = {"contradictory": "contradiction"}  # as MultiNLI's machine translations write it
NO_CONSENSUS = "-"  # MultiNLI's gold label where the annotators did not agree; such rows are left out, as usual
TEXT = ("text", "tweet", "data", "sentence", "first", "sentence1", "premise")
SECOND = ("text_pair", "second", "sentence2", "hypothesis", "hypo")


def read_entailment(path: str | PathLike[str], language: str) -> Iterator[EntailmentExample | TextPair]:
    r"""Premises and hypotheses: XNLI (its own table or XTREME's), its training data, AmericasNLI, or JSON lines.

    Where a column tells the language of each row (XNLI's own table), that is taken. A file without labels gives pairs
    of texts.

    Raises:
        FileFaultError: no such file, damaged, empty, or not UTF-8.
        InputValueError: a row with too many or too few cells, an empty sentence, or an unknown label.

    >>> import pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "dev-en.tsv"
    >>> _ = path.write_text("Anna sings.\tNobody sings.\tcontradiction\r\n")
    >>> list(read_entailment(path, "en"))
    [EntailmentExample(language='en', premise='Anna sings.', hypothesis='Nobody sings.', label='contradiction')]
    """
    for row in read_rows(path, ("premise", "hypothesis", "label")):
        if not row.has(*LABEL_COLUMNS) or row.value(*LABEL_COLUMNS) != NO_CONSENSUS:
            yield entailment_row(row, language)


def read_pairs_labelled(path: str | PathLike[str], language: str) -> Iterator[LabelledPair | TextPair]:
    r"""Pairs of sentences with a label: PAWS-X (its own table or XTREME's), "1" where both say the same, or any such.

    Sentences that are only `NS`, which PAWS-X has where a translation is missing, are kept, as XTREME does. A file
    without labels gives pairs of texts.

    Raises:
        FileFaultError: no such file, damaged, empty, or not UTF-8.
        InputValueError: a row with too many or too few cells, or an empty one.

    >>> import pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "dev-en.tsv"
    >>> _ = path.write_text('The "cat" sleeps.\tThe cat is asleep.\t1\n')
    >>> list(read_pairs_labelled(path, "en"))
    [LabelledPair(language='en', first='The "cat" sleeps.', second='The cat is asleep.', label='1')]
    """
    yield from (pair_row(row, language) for row in read_rows(path, ("sentence1", "sentence2", "label")))


def read_labelled(path: str | PathLike[str], language: str) -> Iterator[LabelledText | Text]:
    r"""Texts with a label: AfriSenti, doccano's classification, or a table or JSON lines of one's own.

    The columns are `text` (or `tweet`, `data`, `sentence`) and `label`; others are ignored. In JSON lines a label is
    a name, a number, or a list of names. A file that is only a header gives nothing.

    Raises:
        FileFaultError: no such file, damaged, empty, or not UTF-8.
        InputValueError: a row with too many or too few cells, or an empty one.
        InputTypeError: a label of another type.

    >>> import pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "dev.tsv"
    >>> _ = path.write_text("tweet\tlabel\nAsante sana\tpositive\n")
    >>> list(read_labelled(path, "sw"))
    [LabelledText(language='sw', text='Asante sana', label='positive')]
    """
    yield from (text_row(row, language) for row in read_rows(path, ("text", "label")))


def entailment_row(row: Row, language: str) -> EntailmentExample | TextPair:
    """A row with `premise`, `hypothesis` and `label`, or the names that XNLI's tables use for them.

    >>> row = Row("rows: row 0", {"premise": "Anna sings.", "hypothesis": "Nobody sings.", "label": "contradictory"})
    >>> entailment_row(row, "en").label
    'contradiction'
    """
    code, premise, hypothesis = _language(row, language), row.text(*TEXT), row.text(*SECOND)
    if not row.has(*LABEL_COLUMNS):
        return TextPair.of((code, code), premise, hypothesis)
    name = row.text(*LABEL_COLUMNS)
    for label in ENTAILMENT_LABELS:
        if SPELLINGS.get(name, name) == label:
            return EntailmentExample(code, premise, hypothesis, label)
    raise InputValueError(f"{row.place}: label {name!r:.40}; expected one of {', '.join(ENTAILMENT_LABELS)}")


def pair_row(row: Row, language: str) -> LabelledPair | TextPair:
    """A row with `sentence1`, `sentence2` and `label`.

    >>> pair_row(Row("rows: row 0", {"sentence1": "NS", "sentence2": "NS", "label": "0"}), "de").label
    '0'
    """
    code, first, second = _language(row, language), row.text(*TEXT), row.text(*SECOND)
    if not row.has(*LABEL_COLUMNS):
        return TextPair.of((code, code), first, second)
    return sound(LabelledPair(code, first, second, _label(row)), row.place)


def text_row(row: Row, language: str) -> LabelledText | Text:
    """A row with `text` and `label`.

    >>> text_row(Row("rows: row 0", {"text": "Anna sings.", "label": ["music", "people"]}), "en").label
    ('music', 'people')
    """
    code, text = _language(row, language), row.text(*TEXT)
    if not row.has(*LABEL_COLUMNS):
        return Text(code, text)
    return sound(LabelledText(code, text, _label(row)), row.place)


def _language(row: Row, language: str) -> str:
    return language_code(row.text("language")) if row.has("language") else language


def _label(row: Row) -> Label:
    value: Any = row.value(*LABEL_COLUMNS)
    if isinstance(value, str):
        return row.text(*LABEL_COLUMNS)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    if isinstance(value, list):
        return row.texts(*LABEL_COLUMNS)
    raise InputTypeError(f"{row.place}: label {value!r:.40}; expected a name, a number, or a list of names")
