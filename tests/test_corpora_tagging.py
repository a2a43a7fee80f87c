"""Words and tags become sentences in BIO, whatever scheme the file uses; treebanks keep their heads and features."""

import random

import pytest

from erniem_lab.corpora.conllu import read_conllu
from erniem_lab.corpora.examples import OpenQuestion, Sentence, TaggedSentence
from erniem_lab.corpora.joining import join_by_id
from erniem_lab.corpora.rows import Row
from erniem_lab.corpora.tagging import entity_row, read_byte_spans, read_entities, read_tagged, to_bio
from erniem_lab.errors import InputTypeError, InputValueError

TREE = """# sent_id = n1
# text = Im "Haus" sang wer
1-2\tIm\t_\t_\t_\t_\t_\t_\t_\tSpaceAfter=Yes
1\tin\tin\tADP\tAPPR\t_\t4\tcase\t4:case\t_
2\tdem\tder\tDET\tART\tCase=Dat|Number=Sing\t4\tdet\t4:det\t_
3\t"\t"\tPUNCT\t$(\t_\t4\tpunct\t4:punct\tSpaceAfter=No
4\tHaus\tHaus\tNOUN\tNN\tCase=Dat\t6\tobl\t6:obl\tSpaceAfter=No
5\t"\t"\tPUNCT\t$(\t_\t4\tpunct\t4:punct\t_
6\tsang\tsingen\tVERB\tVV\t_\t0\troot\t0:root\t_
6.1\tsang\tsingen\tVERB\tVV\t_\t_\t_\t6:conj\t_
7\twer\twer\tPRON\t_\t_\t6\tnsubj\t6:nsubj\t_
"""


@pytest.fixture
def write(tmp_path):
    def fill(text: str, name: str = "en.tsv"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8", newline="")
        return path

    return fill


def tags(examples) -> list[tuple[str, ...]]:
    return [example.tags for example in examples if isinstance(example, TaggedSentence)]


@pytest.mark.parametrize("text", ["Anna\tB-PER\n#1\tO\n\n", "\ufeffAnna B-PER\r\n#1 O\r\n", "Anna NNP B-PER\n#1 CD O"])
def test_words_are_tagged_with_the_last_cell(write, text):
    (example,) = read_tagged(write(text), "en")
    assert example == TaggedSentence(Sentence("en", "Anna #1", ((0, 4), (5, 7))), ("B-PER", "O"))


def test_a_word_may_hold_a_space_where_tabs_part_cells(write):
    (example,) = read_tagged(write("Hà Nội\tPROPN\n"), "vi")
    assert example.sentence.surfaces == ("Hà Nội",)


def test_lines_that_begin_documents_are_no_sentences(write):
    assert tags(read_tagged(write("-DOCSTART- -X- O O\n\nAnna NNP I-NP B-PER\n"), "en")) == [("B-PER",)]


def test_a_file_without_tags_gives_sentences(write):
    assert list(read_entities(write("แม้\nว่า\n"), "th")) == [Sentence("th", "แม้ว่า", ((0, 3), (3, 6)))]


def test_tags_are_kept_or_turned_into_bio(write):
    path = write("Anna I-PER\nBo I-PER\n\nUlm S-LOC\n")
    assert tags(read_tagged(path, "en")) == [("I-PER", "I-PER"), ("S-LOC",)]
    assert tags(read_entities(path, "en")) == [("B-PER", "I-PER"), ("B-LOC",)]


@pytest.mark.parametrize(("given", "bio"), [
    ("I-A I-A B-A O I-B", "B-A I-A B-A O B-B"),
    ("B-A I-B I-B", "B-A B-B I-B"),
    ("B-A M-A E-A S-A O", "B-A I-A I-A B-A O"),
    ("S-A E-A I-B E-B I-B", "B-A B-A B-B I-B B-B"),
    ("U-A B-A L-A", "B-A B-A I-A"),
    ("B-PER.NOM I-PER.NOM I-PER.NAM", "B-PER.NOM I-PER.NOM B-PER.NAM"),
    ("B-a-b I-a-b", "B-a-b I-a-b"),
])  # fmt: skip
def test_each_scheme_becomes_bio(given, bio):
    assert to_bio(given.split()) == tuple(bio.split())


def test_bio_stays_as_it_is():
    draw = random.Random(0)
    for _ in range(200):
        found = to_bio([draw.choice(["O", "B-A", "I-A", "B-B", "I-B"]) for _ in range(8)])
        assert to_bio(found) == found
        assert all(tag[0] != "I" or before[2:] == tag[2:] for before, tag in zip(("O", *found), found, strict=False))


@pytest.mark.parametrize(("text", "named"), [
    ("Anna\tB-PER\nsings\n", "en.tsv:2: 'sings'; expected a word, a tab or space, and a tag"),
    ("Anna\nsings\tO\n", "en.tsv:2: .*expected a word alone"),
    ("Anna\tO\n\tO\n", "en.tsv:2: .*expected a word"),
    ("Anna\tO\nsings\t\n", "en.tsv:2: .*and a tag"),
    ("\n\n", "en.tsv: no sentence"),
    ("Anna\tO\n\nsings\tVERB\n", "en.tsv:3: tag 'VERB'; expected O, or B-"),
    ("Anna\tB-\n", "en.tsv:1: tag 'B-'"),
])  # fmt: skip
def test_lines_that_do_not_fit_are_named(write, text, named):
    with pytest.raises(InputValueError, match=named):
        list(read_entities(write(text), "en"))


def spans(start: int, end: int) -> str:
    part = f'{{"start_byte": {start}, "limit_byte": {end}, "label": "LOC"}}'
    return f'{{"text": "በአዲስ Oslo", "spans": [{part}]}}\n'


def test_bytes_become_characters(write):
    (example,) = read_byte_spans(write(spans(13, 17)), "am")
    assert example.text[example.mentions[0].span.start :] == "Oslo" == example.mentions[0].span.text


@pytest.mark.parametrize(("row", "error", "named"), [
    (spans(1, 6), InputValueError, r"tsv:1: spans\[0\]: bytes 1 to 6 cut a character"),
    (spans(13, 18), InputValueError, "bytes 13 to 18 of 17"),
    (spans(5, 5), InputValueError, "bytes 5 to 5"),
    ('{"text": "Oslo", "spans": 3}', InputTypeError, r"tsv:1: spans is 3 \(int\); expected a list"),
])  # fmt: skip
def test_bytes_that_are_no_span_are_named(write, row, error, named):
    with pytest.raises(error, match=named):
        list(read_byte_spans(write(row), "am"))


def test_multiword_tokens_hold_their_words_and_empty_nodes_are_left_out(write):
    (tree,) = read_conllu(write(TREE), "de")
    assert tree.id == "n1"
    assert tree.sentence.surfaces == ("Im", '"', "Haus", '"', "sang", "wer")
    assert [word.form for word in tree.words] == ["in", "dem", '"', "Haus", '"', "sang", "wer"]
    assert [word.token for word in tree.words] == [0, 0, 1, 2, 3, 4, 5]


def test_heads_features_and_depths_are_those_of_the_tree(write):
    (tree,) = read_conllu(write(TREE), "de")
    assert [word.head for word in tree.words] == [3, 3, 3, 5, 3, -1, 5]
    assert tree.depths == (2, 2, 2, 1, 2, 0, 1)
    assert (tree.words[1].feature("Number"), tree.words[0].feature("Number")) == ("Sing", "")
    assert {word.upos for word in tree.words} == {"ADP", "DET", "PUNCT", "NOUN", "VERB", "PRON"}


def test_a_tree_without_comments_is_read(write):
    (tree,) = read_conllu(write("\n".join(TREE.split("\n")[2:])), "de")
    assert (tree.id, tree.sentence.text) == ("", 'Im " Haus " sang wer')


@pytest.mark.parametrize(("old", "new", "named"), [
    ("\t_\t0\troot", "\t_\t4\troot", "0 words have the head 0"),
    ("\t_\t6\tnsubj", "\t_\t0\tnsubj", "2 words have the head 0"),
    ("Case=Dat\t6", "Case=Dat\t1", "en.tsv:4: the heads above word 1 run in a circle"),
    ("\t_\t4\tcase", "\t_\t8\tcase", "en.tsv:4: head '8' of word 1; expected another word up to 7"),
    ("\t_\t4\tcase", "\t_\t1\tcase", "head '1' of word 1"),
    ("\t_\t4\tcase", "\t_\t_\tcase", "head '_' of word 1"),
    ("7\twer", "8\twer", "en.tsv:11: word 8 after word 6"),
    ("7\twer", "x\twer", "en.tsv:11: id 'x'"),
    ("1-2\tIm", "2-1\tIm", "en.tsv:3: range 2-1"),
    ("Case=Dat\t6", "Dat\t6", "en.tsv:7: feats 'Dat'"),
    ("\t6:nsubj\t_", "\t6:nsubj", "en.tsv:11: cells: 9; expected 10"),
    ("sang wer", "sang jemand", "en.tsv:3: the text ' jemand' does not go on with the word 'wer'"),
])  # fmt: skip
def test_what_is_no_tree_is_named_with_its_line(write, old, new, named):
    assert old in TREE
    with pytest.raises(InputValueError, match=named):
        list(read_conllu(write(TREE.replace(old, new, 1)), "de"))


def test_a_sentence_of_ranges_and_empty_nodes_alone_is_named(write):
    rows = [f"{name}\tx\t_\t_\t_\t_\t_\t_\t_\t_" for name in ("1-2", "2.1")]
    with pytest.raises(InputValueError, match=r"en\.tsv:2: a sentence without words"):
        list(read_conllu(write("# sent_id = 1\n" + "\n".join(rows)), "en"))


@pytest.mark.parametrize(("words", "tags", "named"), [
    (["Anna", ""], ["O", "O"], "rows: 3: word 1 of tokens is empty"),
    (["Anna"], ["O", "O"], "rows: 3: 1 words, 2 tags"),
    (["Anna"], ["NOUN"], "rows: 3: tag 'NOUN'"),
])  # fmt: skip
def test_rows_of_words_that_do_not_fit_are_named(words, tags, named):
    with pytest.raises(InputValueError, match=named):
        entity_row(Row("rows: 3", {"tokens": words, "ner_tags": tags}), "en", "tokens", "ner_tags")


def asked(*ids: str) -> list[OpenQuestion]:
    return [OpenQuestion("en", "Who?", "Anna.", id) for id in ids]


def test_translations_are_joined_by_id_in_the_order_of_the_first():
    joined = list(join_by_id({"en": asked("1", "2", "3"), "de": asked("3", "4", "1"), "sw": asked("1", "3")}))
    assert [[pair[code].id for code in ("en", "de", "sw")] for pair in joined] == [["1"] * 3, ["3"] * 3]


@pytest.mark.parametrize(("parts", "named"), [
    ({}, "parts: none"),
    ({"en": asked("1"), "de": asked("1", "2", "1")}, r"parts\['de'\]: example 2: id '1' is there twice"),
    ({"en": asked("1", "1"), "de": asked("1")}, r"parts\['en'\]: example 1"),
    ({"en": asked("1"), "de": asked("")}, r"parts\['de'\]: example 0: it has no id"),
    ({"en": asked("1"), "de": asked("2")}, "no id that en, de share"),
])  # fmt: skip
def test_what_cannot_be_joined_is_named(parts, named):
    with pytest.raises(InputValueError, match=named):
        list(join_by_id(parts))
