"""Words with tags, one on each line: part of speech, and named entities in BIO, IOB1, BMES, BIOES or byte spans.

The word is the first cell and the tag the last, with tabs between cells (XTREME's PAN-X and UD-POS) or spaces
(CoNLL-2003, MasakhaNER). Empty lines part sentences; the texts that the words stood in are not in these files, so
`join_words` makes one.
"""

from collections.abc import Iterator, Sequence
from os import PathLike

from erniem_lab.corpora.check import sound
from erniem_lab.corpora.examples import ExtractionExample, Mention, Sentence, Span, TaggedSentence
from erniem_lab.corpora.languages import language_code
from erniem_lab.corpora.rows import Row, read_objects
from erniem_lab.corpora.words import join_words, read_blocks
from erniem_lab.errors import InputValueError

DOCUMENT = "-DOCSTART-"  # CoNLL-2003's line before each document
BEGIN, INSIDE = "BSU", "IMEL"  # the first word, or the only one, of an entity; the others: BIO, BMES, BIOES, BILOU


def read_tagged(path: str | PathLike[str], language: str) -> Iterator[TaggedSentence | Sentence]:
    r"""Sentences with the tags of the file, whatever they are; without tags, where the file has none.

    Raises:
        FileFaultError: no such file, damaged, or not UTF-8.
        InputValueError: a line without a tag in a file with tags, or the reverse; no sentence.

    >>> import pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "dev-en.tsv"
    >>> _ = path.write_text("Anna\tPROPN\nsings\tVERB\n")
    >>> [example.tags for example in read_tagged(path, "en") if isinstance(example, TaggedSentence)]
    [('PROPN', 'VERB')]
    """
    for lines in _sentences(path):
        yield _example(lines, language, [tag for _, _, tag in lines])


def read_entities(path: str | PathLike[str], language: str) -> Iterator[TaggedSentence | Sentence]:
    r"""As `read_tagged`, with the tags of named entities turned into BIO (IOB2): see `to_bio`.

    Raises:
        FileFaultError: as `read_tagged`.
        InputValueError: as `read_tagged`; or a tag that is of none of the schemes.

    >>> import pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "train.txt"
    >>> _ = path.write_text("Anna S-PER\nin O\nNew I-LOC\nYork I-LOC\n")
    >>> [example.tags for example in read_entities(path, "en") if isinstance(example, TaggedSentence)]
    [('B-PER', 'O', 'B-LOC', 'I-LOC')]
    """
    for lines in _sentences(path):
        tags = [tag for _, _, tag in lines]
        yield _example(
            lines, language, to_bio(tags, [f"{path}:{number}" for number, _, _ in lines]) if tags[0] else tags
        )


def to_bio(tags: Sequence[str], places: Sequence[str] = ()) -> tuple[str, ...]:
    """The same entities in BIO (IOB2), from BIO, IOB1, BMES, BIOES or BILOU, as conlleval reads them.

    An entity also begins where an inner tag has no entity of its kind before it, as in IOB1; the `I-` tags without a
    `B-` of PAN-X's zh, ja and th are mended by that. Kinds may hold dots, as in Weibo's `B-PER.NOM`.

    Args:
        places: where each tag stands, for errors.

    Raises:
        InputValueError: a tag of none of the schemes.

    >>> to_bio(["I-PER", "O", "I-LOC", "I-LOC", "B-LOC"])
    ('B-PER', 'O', 'B-LOC', 'I-LOC', 'B-LOC')
    >>> to_bio(["B-LOC", "M-LOC", "E-LOC", "S-PER"])
    ('B-LOC', 'I-LOC', 'I-LOC', 'B-PER')
    """
    found, before = [], ""
    for number, tag in enumerate(tags):
        prefix, _, kind = tag.partition("-")
        if tag != "O" and (len(prefix) != 1 or prefix not in BEGIN + INSIDE or not kind):
            place = places[number] if places else f"tags[{number}]"
            raise InputValueError(f"{place}: tag {tag!r:.40}; expected O, or B-, I-, M-, E-, S-, L- or U- and a kind")
        found.append("O" if tag == "O" else f"{'I' if prefix in INSIDE and kind == before else 'B'}-{kind}")
        before = "" if prefix in "OESLU" else kind
    return tuple(found)


def read_byte_spans(path: str | PathLike[str], language: str = "") -> Iterator[ExtractionExample]:
    r"""Texts and the entities in them, from masakhaner-x: JSON lines whose spans count bytes of UTF-8.

    Args:
        language: for rows that tell none.

    Raises:
        FileFaultError: no such file, damaged, or a line that is no JSON object.
        InputValueError: a field that is missing, or a span that is not in the text or cuts a character.

    >>> import pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "am.jsonl"
    >>> row = '{"text": "é Oslo", "language": "amh", "spans": [{"start_byte": 3, "limit_byte": 7, "label": "LOC"}]}'
    >>> _ = path.write_text(row)
    >>> [example.mentions for example in read_byte_spans(path)]
    [(Mention(kind='LOC', span=Span(start=2, end=6, text='Oslo')),)]
    """
    for row in read_objects(path):
        text = row.text("text")
        code = language_code(row.text("language")) if row.has("language") else language
        mentions = tuple(Mention(part.text("label"), _of_bytes(part, text)) for part in row.rows("spans"))
        yield sound(ExtractionExample(code, text, mentions, ()), row.place)


def tagged_row(row: Row, language: str, words: str, tags: str) -> TaggedSentence:
    """A row with a list of words and a list of tags, as data sets of the hub have them; the tags as they are.

    >>> row = Row("rows: row 0", {"tokens": ["Anna", "sings"], "pos_tags": ["PROPN", "VERB"]})
    >>> tagged_row(row, "en", "tokens", "pos_tags").tags
    ('PROPN', 'VERB')
    """
    found = row.texts(words)
    if not all(found):
        raise InputValueError(f"{row.place}: word {found.index('')} of {words} is empty; leave it out, and its tag")
    return sound(TaggedSentence(join_words(found, language), row.texts(tags)), row.place)


def entity_row(row: Row, language: str, words: str, tags: str) -> TaggedSentence:
    """As `tagged_row`, with tags of named entities in BIO.

    >>> row = Row("rows: row 0", {"tokens": ["New", "York"], "ner_tags": ["I-LOC", "I-LOC"]})
    >>> entity_row(row, "en", "tokens", "ner_tags").tags
    ('B-LOC', 'I-LOC')
    """
    example = tagged_row(row, language, words, tags)
    return TaggedSentence(example.sentence, to_bio(example.tags, [row.place] * len(example.tags)))


Lines = list[tuple[int, str, str]]  # of a sentence: the number, the word, and the tag or "" in a file without


def _sentences(path: str | PathLike[str]) -> Iterator[Lines]:
    tagged: bool | None = None
    for block in read_blocks(path):
        lines: Lines = []
        for number, line in block:
            if line.startswith(DOCUMENT):
                continue
            cells = _cells(line)
            tagged = len(cells) > 1 if tagged is None else tagged
            if tagged != (len(cells) > 1) or not all((cells[0], cells[-1])):
                wanted = "a word, a tab or space, and a tag" if tagged else "a word alone, as in the lines before"
                raise InputValueError(f"{path}:{number}: {line!r:.60}; expected {wanted}")
            lines.append((number, cells[0], cells[-1] if tagged else ""))
        if lines:
            yield lines


def _cells(line: str) -> list[str]:
    return line.split("\t") if "\t" in line else [cell for cell in line.split(" ") if cell]


def _example(lines: Lines, language: str, tags: Sequence[str]) -> TaggedSentence | Sentence:
    sentence = join_words([word for _, word, _ in lines], language)
    return TaggedSentence(sentence, tuple(tags)) if tags[0] else sentence


def _of_bytes(row: Row, text: str) -> Span:
    data = text.encode("utf-8", "surrogatepass")
    start, end = row.integer("start_byte"), row.integer("limit_byte")
    try:
        if not 0 <= start < end <= len(data):
            raise InputValueError(f"{row.place}: bytes {start} to {end} of {len(data)}; count bytes of UTF-8 from 0")
        return Span.of(text, len(data[:start].decode()), len(data[:end].decode()))
    except UnicodeDecodeError as fault:
        raise InputValueError(
            f"{row.place}: bytes {start} to {end} cut a character; count bytes of UTF-8, not characters"
        ) from fault
