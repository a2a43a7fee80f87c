"""Questions whose answers are spans of a context: the form of SQuAD, in which XQuAD, MLQA and TyDi QA come.

https://rajpurkar.github.io/SQuAD-explorer/. Offsets count characters of the context as it stands there.
"""

from collections.abc import Iterator
from os import PathLike

from erniem_lab.corpora.check import sound
from erniem_lab.corpora.examples import OpenQuestion, QuestionExample, Span
from erniem_lab.corpora.rows import Row, read_document
from erniem_lab.errors import InputValueError


def read_questions(
    path: str | PathLike[str], language: str, question_language: str = ""
) -> Iterator[QuestionExample | OpenQuestion]:
    r"""The questions of a file, in its order. JSON is one document, so the file is held in memory.

    A question whose answers are all empty text (TyDi's held-back ones) is open. Without answers, or with
    `is_impossible` (SQuAD 2), it is one that the context does not answer. Ids may repeat, as they do in TyDi.

    Args:
        language: of the contexts.
        question_language: where it is another one, as in some files of MLQA.

    Raises:
        FileFaultError: no such file, damaged, not UTF-8, or not JSON.
        InputValueError: a field that is missing, or an answer that is not where its offset says.
        InputTypeError: a field of another type.

    >>> import pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "xquad.en.json"
    >>> asked = '{"id": "1", "question": "Who sings?", "answers": [{"text": "Anna", "answer_start": 0}]}'
    >>> _ = path.write_text('{"data": [{"paragraphs": [{"context": "Anna sings.", "qas": [%s]}]}]}' % asked)
    >>> [(example.question, example.answers) for example in read_questions(path, "en")]
    [('Who sings?', (Span(start=0, end=4, text='Anna'),))]
    """
    empty = True
    for article in read_document(path).rows("data"):
        for paragraph in article.rows("paragraphs"):
            context = paragraph.text("context")
            for row in paragraph.rows("qas"):
                empty = False
                yield question_row(row, context, language, question_language)
    if empty:
        raise InputValueError(f"{path}: no question in it; fetch it again, or leave it out")


def question_row(row: Row, context: str, language: str, question_language: str = "") -> QuestionExample | OpenQuestion:
    """A question of SQuAD's form, or of the hub's, where `answers` has a list of texts and one of offsets.

    >>> fields = {"id": "1", "question": "Who sings?", "answers": {"text": ["Anna"], "answer_start": [0]}}
    >>> question_row(Row("rows: row 0", fields), "Anna sings.", "en").answers[0].text
    'Anna'
    """
    question, answers = row.text("question"), list(_answers(row))
    name = str(row.value("id"))
    other = question_language if question_language != language else ""
    if answers and not any(text for text, _ in answers):
        return OpenQuestion(language, question, context, name, other)
    impossible = row.has("is_impossible") and row.value("is_impossible")
    spans = () if impossible else tuple(Span(start, start + len(text), text) for text, start in answers)
    return sound(QuestionExample(language, question, context, spans, name, other), f"{row.place} (id {name})")


def _answers(row: Row) -> Iterator[tuple[str, int]]:
    """Texts and where they start; the empty text is let through, as it says that the answer is held back."""
    for answer in _pairs(row) if isinstance(row.value("answers"), dict) else row.rows("answers"):
        yield answer.any_text("text"), answer.integer("answer_start")


def _pairs(row: Row) -> Iterator[Row]:
    """The hub's two lists as the objects of SQuAD."""
    fields = Row(f"{row.place}: answers", row.value("answers"))
    texts, starts = fields.items("text"), fields.items("answer_start")
    if len(texts) != len(starts):
        raise InputValueError(f"{fields.place}: {len(texts)} texts, {len(starts)} offsets; give each text one")
    for number, (text, start) in enumerate(zip(texts, starts, strict=True)):
        yield Row(f"{fields.place}[{number}]", {"text": text, "answer_start": start})
