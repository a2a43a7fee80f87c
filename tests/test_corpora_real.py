"""Every file of the public collection is read by its reader, and gives as many rows as its manifest says."""

import re
from functools import partial
from itertools import islice

import pytest

from erniem_lab.corpora.alignments import read_numbered_links, read_pharaoh
from erniem_lab.corpora.bible import read_verses
from erniem_lab.corpora.check import faults, gather
from erniem_lab.corpora.choices import read_choices
from erniem_lab.corpora.classification import read_entailment, read_labelled, read_pairs_labelled
from erniem_lab.corpora.conllu import read_conllu
from erniem_lab.corpora.examples import LabelledPair, OpenQuestion, Sentence, TaggedSentence
from erniem_lab.corpora.extraction import read_doccano
from erniem_lab.corpora.intents import read_intents
from erniem_lab.corpora.joining import join_by_id
from erniem_lab.corpora.lines import read_lines
from erniem_lab.corpora.parallel import read_pairs
from erniem_lab.corpora.questions import read_questions
from erniem_lab.corpora.tagging import read_byte_spans, read_entities, read_tagged
from erniem_lab.corpora.text import TextPair


def links(path, language: str):
    """The pairs of a file of links, whose texts stand beside it; the manifest counts links."""
    first, second = path.parent.name.split("-")
    texts = (path.with_name(f"test.{first}"), path.with_name(f"test.{second}"))
    pairs = list(read_numbered_links(texts, path, (first, second)))
    return [link for pair in pairs for link in pair.possible]


def pharaoh(path, language: str):
    return read_pharaoh(path.with_name("zhen.src-tgt"), path.with_name("zhen.gold"), ("zh", "en"), start=1)


def lines(path, language: str):
    return read_lines(path)


def verses(path, language: str):
    return read_verses(path)


READERS = {
    r"align/.*/align(v2)?\.txt": links,
    r"align/awesome_zh-en/.*": pharaoh,
    r"(align/.*/test\.|tatoeba/tatoeba|spm/botchan|parallel/(ntrex|multi30k|xnli15)/).*": lines,
    r"parallel/bible_nt/.*": verses,
    r"(xnli|americasnli)/.*": read_entailment,
    r"pawsx/.*": read_pairs_labelled,
    r"sentiment/.*": read_labelled,
    r"uie/doccano_cls\.json": read_labelled,
    r"uie/doccano_ext\.json": read_doccano,
    r"ner/(panx|masakhaner)/.*": read_entities,
    r"ner/masakhaner-x/.*": read_byte_spans,
    r"udpos/.*": read_tagged,
    r"pud/.*": read_conllu,
    r"xsid/.*": read_intents,
    r"xcopa/.*": read_choices,
    r"(xquad|mlqa|tydiqa)/.*": read_questions,
}
NO_TEXT = re.compile(r"MANIFEST.tsv|.*README.*\.md|.*\.model|parallel/permissive/(MANIFEST|multiway_index).*")
LESS = dict.fromkeys(  # a link that is there twice, a link to nothing (word 0 or -99), an empty verse
    ["align/ro-en/align.txt", "align/ro-en/alignv2.txt", "align/de-en/align.txt", "align/de-en/alignv2.txt",
     "parallel/bible_nt/Gaelic-PART.xml"], 1,
)  # fmt: skip


def reader(name: str):
    return next((read for form, read in READERS.items() if re.fullmatch(form, name)), None)


def rows_by_file(folder) -> dict[str, int]:
    """What the manifest says of each file that is text."""
    rows = [line.split("\t") for _, line in read_lines(folder / "MANIFEST.tsv")][1:]
    return {row[0]: int(row[3].split()[0]) for row in rows if reader(row[0])}


def test_every_file_begins_as_its_reader_expects(real_data):
    counts = rows_by_file(real_data)
    assert len(counts) > 180
    for name, count in counts.items():
        assert len(list(islice(reader(name)(real_data / name, "xx"), 5))) == min(count, 5), name


@pytest.mark.slow  # as types are checked at every call; without that it takes three seconds
def test_every_file_is_read_whole(real_data):
    counts = rows_by_file(real_data)
    found = {name: sum(1 for _ in reader(name)(real_data / name, "xx")) for name in counts}
    assert found == {name: count - LESS.get(name, 0) for name, count in counts.items()}


def test_no_file_is_without_a_reader(real_data):
    names = {path.relative_to(real_data).as_posix() for path in real_data.rglob("*") if path.is_file()}
    tables = {name for name in names if re.fullmatch(r"parallel/permissive/[a-z]+\.tsv\.gz", name)}
    assert not [name for name in names - tables if not reader(name) and not NO_TEXT.fullmatch(name)]
    assert all(isinstance(next(read_pairs(real_data / name)), TextPair) for name in tables)


@pytest.mark.parametrize("name", [
    "xnli/dev-zh.tsv", "pawsx/dev-de.tsv", "ner/panx/hi.tsv", "udpos/dev-vi.tsv", "xsid/ja.test.conll",
    "xquad/xquad.tr.json", "xcopa/val.ta.jsonl", "ner/masakhaner-x/test/am.jsonl",
])  # fmt: skip
def test_every_example_is_sound(real_data, name):
    examples = list(reader(name)(real_data / name, "xx"))
    assert gather(examples, type(examples[0])) == tuple(examples)
    assert not [fault for example in examples for fault in faults(example)]


@pytest.mark.parametrize(("name", "kind"), [
    ("pawsx/test-en.first200.tsv", TextPair), ("udpos/test-th.tsv", Sentence),
    ("tydiqa/tydiqa.goldp.sw.dev.json", OpenQuestion),
])  # fmt: skip
def test_files_without_labels_give_what_can_be_predicted(real_data, name, kind):
    assert {type(example) for example in reader(name)(real_data / name, "xx")} == {kind}


def test_placeholders_of_missing_translations_are_counted(real_data):
    pairs = gather(read_pairs_labelled(real_data / "pawsx" / "dev-de.tsv", "de"), LabelledPair)
    assert sum("NS" in (pair.first, pair.second) for pair in pairs) == 68


@pytest.mark.parametrize(("language", "mended"), [("zh", 36), ("ja", 51), ("en", 0)])
def test_inner_tags_without_a_beginning_are_mended(real_data, language, mended):
    path = real_data / "ner" / "panx" / f"{language}.tsv"
    as_written, as_bio = (gather(read(path, language), TaggedSentence) for read in (read_tagged, read_entities))
    pairs = [pair for one, two in zip(as_written, as_bio, strict=True) for pair in zip(one.tags, two.tags, strict=True)]
    assert sum(one != two for one, two in pairs) == mended


def test_treebanks_have_the_words_the_manifest_counts(real_data):
    wanted = {"en": 21180, "de": 21332}
    read = {code: partial(read_conllu, real_data / "pud" / f"{code}_pud-ud-test.conllu", code) for code in wanted}
    trees = list(join_by_id({code: each() for code, each in read.items()}))
    assert len(trees) == 1000
    assert {code: sum(len(tree[code].words) for tree in trees) for code in wanted} == wanted
    spare = {code: sum(len(t[code].words) - len(t[code].sentence.words) for t in trees) for code in wanted}
    assert spare == {"en": 129, "de": 331}  # ranges of two words each


def test_utterances_are_translations_of_each_other(real_data):
    codes = ("en", "ja", "tr")
    parts = {code: read_intents(real_data / "xsid" / f"{code}.valid.conll", code) for code in codes}
    joined = list(join_by_id(parts))
    assert len(joined) == 150
    assert all(len({pair[code].english for code in codes}) == 1 for pair in joined)
