"""Text and what is to be extracted from it: doccano's exports, and the prompts of Universal Information Extraction.

The forms are those of PaddleNLP's `model_zoo/uie`: JSON lines with entities and relations, which its `doccano.py`
turns into JSON lines with `content`, `prompt` and `result_list`.
"""

from collections.abc import Iterator
from os import PathLike

from erniem_lab.corpora.check import sound
from erniem_lab.corpora.examples import ExtractionExample, Mention, PromptExample, Relation, Span
from erniem_lab.corpora.rows import Row, read_objects
from erniem_lab.errors import InputValueError


def read_doccano(path: str | PathLike[str], language: str) -> Iterator[ExtractionExample]:
    r"""Texts with entities and relations, as doccano exports them; ids hold within a line.

    Both of its forms are read: "JSONL(relation)" with `entities` and `relations`, and JSONL with `label`, a list of
    start, end and label.

    Raises:
        FileFaultError: no such file, damaged, not UTF-8, or a line that is no JSON object.
        InputValueError: a field that is missing, a span that is not in the text, or a relation between unknown ids.
        InputTypeError: a field of another type.

    >>> import pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "doccano_ext.json"
    >>> entity = '{"id": 7, "start_offset": 0, "end_offset": 4, "label": "person"}'
    >>> _ = path.write_text('{"text": "Anna sings.", "entities": [%s], "relations": []}\n' % entity)
    >>> [example.mentions for example in read_doccano(path, "en")]
    [(Mention(kind='person', span=Span(start=0, end=4, text='Anna')),)]
    """
    for row in read_objects(path):
        text = row.text("text", "data")
        entities = list(row.rows("entities") if row.has("entities") else _triples(row))
        spans = {part.integer("id"): _span(part, text, "start_offset", "end_offset") for part in entities}
        if len(spans) < len(entities):
            raise InputValueError(f"{row.place}: an id of entities is there twice; give each its own")
        mentions = tuple(Mention(part.text("label"), spans[part.integer("id")]) for part in entities)
        relations = tuple(_relation(part, spans) for part in row.rows("relations")) if row.has("relations") else ()
        yield sound(ExtractionExample(language, text, mentions, relations), row.place)


def read_prompts(path: str | PathLike[str], language: str) -> Iterator[PromptExample]:
    r"""Prompts and the spans that answer them, with `content`, `prompt` and `result_list` of text, start and end.

    An option that holds is a span of the prompt, written as negative offsets: they count back from one character
    past the prompt's end, as in the input, where the content follows one place later.

    Raises:
        FileFaultError: no such file, damaged, not UTF-8, or a line that is no JSON object.
        InputValueError: a field that is missing, or a span that is not in the text or the prompt.
        InputTypeError: a field of another type.

    >>> import pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "train.txt"
    >>> found = '{"text": "good", "start": -10, "end": -6}'
    >>> _ = path.write_text('{"content": "Anna sings.", "prompt": "feeling[good,bad]", "result_list": [%s]}' % found)
    >>> [example.chosen for example in read_prompts(path, "en")]
    [(Span(start=8, end=12, text='good'),)]
    """
    for row in read_objects(path):
        text, prompt = row.text("content"), row.text("prompt")
        found: list[Span] = []
        chosen: list[Span] = []
        for part in row.rows("result_list"):
            start, end = part.integer("start"), part.integer("end")
            shift = len(prompt) + 1 if start < 0 else 0
            (chosen if start < 0 else found).append(Span(start + shift, end + shift, part.text("text")))
        yield sound(PromptExample(language, text, prompt, tuple(found), tuple(chosen)), row.place)


def _triples(row: Row) -> Iterator[Row]:
    """The entities of a project without relations, which are lists, as objects with ids."""
    for number, item in enumerate(row.items("label")):
        if not isinstance(item, list) or len(item) != 3:
            raise InputValueError(f"{row.place}: label[{number}] is {item!r:.60}; expected start, end and label")
        fields = dict(zip(("start_offset", "end_offset", "label"), item, strict=True))
        yield Row(f"{row.place}: label[{number}]", {"id": number, **fields})


def _span(row: Row, text: str, start: str, end: str) -> Span:
    return Span.of(text, row.integer(start), row.integer(end))


def _relation(row: Row, spans: dict[int, Span]) -> Relation:
    ids = row.integer("from_id"), row.integer("to_id")
    if not all(number in spans for number in ids):
        raise InputValueError(f"{row.place}: from {ids[0]} to {ids[1]}; expected ids of entities of the same line")
    return Relation(spans[ids[0]], row.text("type"), spans[ids[1]])
