"""Tables and JSON lines are read as they are, whatever stands in them; what does not fit is named with its line."""

import pytest

from erniem_lab.corpora.json_pairs import read_json_pairs
from erniem_lab.corpora.rows import Row, read_document, read_objects, read_rows, read_table
from erniem_lab.corpora.text import TextPair
from erniem_lab.corpora.words import find_words, join_words, read_blocks
from erniem_lab.errors import FileFaultError, InputTypeError, InputValueError

COLUMNS = ("first", "second", "label")


@pytest.fixture
def write(tmp_path):
    def fill(text: str | bytes, name: str = "dev.tsv"):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return fill


def cells(path) -> list[list[str]]:
    return [list(row.fields.values()) for row in read_table(path, COLUMNS)]


def test_a_quotation_mark_is_a_letter(write):
    assert cells(write('"one\ttwo "2"\t1\nthree\tfour"\t0\n')) == [['"one', 'two "2"', "1"], ["three", 'four"', "0"]]


def test_control_characters_and_line_separators_stay_within_their_row(write):
    odd = "a\x1cb\x1dc\x1ed\x1fe\u0085f\u2028g\rh"
    assert cells(write(f"{odd}\ttwo\t1\n")) == [[odd, "two", "1"]]


def test_byte_order_marks_and_windows_line_ends_are_no_text(write):
    assert cells(write("\ufeffone\ttwo\t1\r\nthree\tfour\t0\r\n")) == [["one", "two", "1"], ["three", "four", "0"]]


def test_a_byte_order_mark_within_a_sentence_is_kept(write):
    assert cells(write("one\ufeff\ttwo\t1\n"))[0][0] == "one\ufeff"


def test_a_table_that_is_only_a_header_has_no_rows(write):
    assert cells(write("tweet\tlabel")) == []


def test_a_table_may_lack_the_labels(write):
    rows = list(read_table(write("one\ttwo\nthree\tfour\n"), COLUMNS))
    assert [row.has("label") for row in rows] == [False, False]


def test_a_row_knows_its_line_in_spite_of_empty_ones(write):
    path = write("one\ttwo\t1\n\nthree\tfour\t0\n")
    assert [row.place for row in read_table(path, COLUMNS)] == [f"{path}:1", f"{path}:3"]


def test_a_json_row_may_hold_any_line_separator(write):
    path = write('{"text": "a\u2028b\u0085c"}\n{"text": "NA"}\n', "rows.jsonl")
    assert [row.text("text") for row in read_objects(path)] == ["a\u2028b\u0085c", "NA"]


@pytest.mark.parametrize(("name", "kind"), [("a.jsonl", "json"), ("a.json", "json"), ("a.tsv", "table")])
def test_the_name_tells_the_form(write, name, kind):
    row = next(read_rows(write('{"text": "one"}\n', name), ("text",)))
    assert row.text("text") == ("one" if kind == "json" else '{"text": "one"}')


@pytest.mark.parametrize(("name", "text", "read", "named"), [
    ("a.tsv", "", lambda path: read_table(path, COLUMNS), "a.tsv: empty"),
    ("a.tsv", "one\ttwo\t1\none\ttwo\tthree\t1\n", lambda path: read_table(path, COLUMNS), "a.tsv:2: cells: 4"),
    ("a.tsv", "one\n", lambda path: read_table(path, COLUMNS), "a.tsv:1: cells: 1; expected first, second, label"),
    ("a.tsv", b"one\ttwo\t1\n\xff\ttwo\t1\n", lambda path: read_table(path, COLUMNS), "a.tsv:2: not UTF-8 at byte 0"),
    ("a.tsv", "one".encode("utf-16"), lambda path: read_table(path, COLUMNS), "a.tsv:1: it is UTF-16"),
    ("a.jsonl", "\n\n", read_objects, "a.jsonl: empty"),
    ("a.jsonl", '{"a": 1}\n{"a": \n', read_objects, "a.jsonl:2: .*not JSON"),
    ("a.jsonl", '{"a": 1}\n[1]\n', read_objects, "a.jsonl:2: .*list"),
    ("a.jsonl", '{"a": 1, "a": 2}\n', read_objects, "a.jsonl:1: .*twice"),
    ("a.json", '{"data":\n [1,,]}', lambda path: [read_document(path)], "a.json:2: not JSON"),
    ("a.json", "[]", lambda path: [read_document(path)], "a.json: .*list"),
    ("a.tsv", "\n \n", read_blocks, "a.tsv: no sentence"),
])  # fmt: skip
def test_files_that_are_not_of_the_form_are_named_with_the_line(write, name, text, read, named):
    with pytest.raises((FileFaultError, InputValueError), match=named):
        list(read(write(text, name)))


ROW = Row("a.jsonl:3", {"text": " ", "number": True, "list": ["a", 1], "objects": [{"a": 1}, 2], "digits": "x"})


@pytest.mark.parametrize(("ask", "error", "named"), [
    (lambda: ROW.value("label", "gold"), InputValueError, "a.jsonl:3: no label or gold; there are text, number"),
    (lambda: ROW.text("text"), InputValueError, "a.jsonl:3: text is empty"),
    (lambda: ROW.text("number"), InputTypeError, r"a.jsonl:3: number is True \(bool\); expected text"),
    (lambda: ROW.integer("number"), InputTypeError, "number is True .*expected a whole number"),
    (lambda: ROW.integer("digits"), InputTypeError, "digits is 'x' .*expected a whole number"),
    (lambda: ROW.texts("text"), InputTypeError, r"text is ' ' \(str\); expected a list"),
    (lambda: ROW.texts("list"), InputTypeError, r"list is 1 \(int\); expected text in a list"),
    (lambda: list(ROW.rows("objects")), InputTypeError, r"objects\[1\] is 2 \(int\); expected an object"),
])  # fmt: skip
def test_a_field_of_another_kind_is_named(ask, error, named):
    with pytest.raises(error, match=named):
        ask()


def test_a_number_may_stand_in_digits():
    assert Row("a:1", {"start": "-3"}).integer("start") == -3


@pytest.mark.parametrize("digits", ["--3", "9" * 5000, "²", "", "1.0"])
def test_digits_that_are_no_number_are_named(digits):
    with pytest.raises(InputTypeError, match=r"a:1: start is .*expected a whole number"):
        Row("a:1", {"start": digits}).integer("start")


def test_text_may_be_empty_where_that_says_something():
    assert Row("a:1", {"answer": ""}).any_text("answer") == ""
    with pytest.raises(InputTypeError, match="answer is None"):
        Row("a:1", {"answer": None}).any_text("answer")


@pytest.mark.parametrize(("language", "words", "text"), [
    ("en", ["Anna", "sings"], "Anna sings"),
    ("zh", ["在", "New", "York", "唱歌"], "在New York唱歌"),
    ("th", ["แม้", "ว่า", "2"], "แม้ว่า2"),
])  # fmt: skip
def test_words_make_a_text_as_their_language_writes_it(language, words, text):
    sentence = join_words(words, language)
    assert sentence.text == text
    assert sentence.surfaces == tuple(words)


def test_words_are_found_where_they_stand():
    sentence = find_words("to  be, to", ["to", "be", ",", "to"], "en", "a:1")
    assert sentence.words == ((0, 2), (4, 6), (6, 7), (8, 10))


@pytest.mark.parametrize(("words", "named"), [
    (["Anna", "laughs"], "a:1: the text ' sings' does not go on with the word 'laughs'"),
    (["sings"], "does not go on with the word 'sings'"),
    (["Anna"], "a:1: the text goes on with ' sings' after its last word"),
    (["Anna", "", "sings"], "the word ''"),
])  # fmt: skip
def test_words_that_are_not_in_the_text_are_named(words, named):
    with pytest.raises(InputValueError, match=named):
        find_words("Anna sings", words, "en", "a:1")


def test_sentences_are_parted_by_any_number_of_empty_lines(write):
    assert [len(block) for block in read_blocks(write("\n\na\nb\n \t\n\nc"))] == [2, 1]


def test_pairs_are_read_from_json_lines_and_empty_sides_left_out(write):
    path = write('{"t": {"en": "cat", "de": "Katze"}}\n{"t": {"en": "dog", "de": ""}}\n', "a.jsonl")
    assert list(read_json_pairs(path, {"en": "t.en", "de": "t.de"})) == [TextPair.of(("en", "de"), "cat", "Katze")]


@pytest.mark.parametrize(("row", "columns", "error", "named"), [
    ('{"en": "cat"}', {"en": "en"}, InputValueError, "columns={'en': 'en'}: give two"),
    ('{"en": "cat"}', {"en": "en", "de": "de"}, InputValueError, "a.jsonl:1: no de; there are en"),
    ('{"en": "cat", "de": 3}', {"en": "en", "de": "de"}, InputTypeError, "a.jsonl:1: de is 3"),
    ('{"en": "cat"}', {"en": "en.text", "de": "de"}, InputValueError, "a.jsonl:1: en: no text; there are none"),
    ('{"en": "cat", "de": " "}', {"en": "en", "de": "de"}, InputValueError, "a.jsonl: no pair with text on both sides"),
])  # fmt: skip
def test_pairs_that_do_not_fit_are_named(write, row, columns, error, named):
    with pytest.raises(error, match=named):
        list(read_json_pairs(write(row, "a.jsonl"), columns))
