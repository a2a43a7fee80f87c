"""Parallel and monolingual files of every form become pairs of known languages, and misfits are named."""

import gzip
from pathlib import Path

import pytest

from erniem_lab.corpora.bible import bible_language, read_bible, read_verses
from erniem_lab.corpora.collect import open_parallel, open_texts
from erniem_lab.corpora.languages import language_code
from erniem_lab.corpora.line_files import line_file, match_line_files, read_line_pairs, read_texts
from erniem_lab.corpora.parallel import read_pairs
from erniem_lab.errors import FileFaultError, InputValueError

XML = """<?xml version="1.0" ?><cesDoc><language id="gd" iso639="gla">Gaelic</language>
<text><seg id="b.MAR.1.1" type="verse">
   T oiseachd  soisgeul
</seg><seg id="b.MAR.1.2" type="verse"> </seg></text></cesDoc>"""


@pytest.fixture
def write(tmp_path):
    def fill(**files: str):
        for name, text in files.items():
            path = tmp_path / name.replace("_", ".").replace("0", "-")
            path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
        return tmp_path

    return fill


def flat(pairs) -> list[tuple[str, str]]:
    return [(f"{p.first.language}-{p.second.language}", f"{p.first.text}|{p.second.text}") for p in pairs]


def test_laser_files_are_paired_by_their_names(write):
    folder = write(t_deu0eng_deu="Katze\n", t_deu0eng_eng="cat\n", t_swh0eng_swh="paka\n", t_swh0eng_eng="a cat\n")
    assert flat(open_parallel(folder)) == [("en-de", "cat|Katze"), ("en-sw", "a cat|paka")]


def test_ntrex_files_are_paired_with_their_source(write):
    folder = write(news0ref_zho0CN_txt="猫\r\n", news0src_eng_txt="cat\r\n", IDS_tsv="1\n")
    assert flat(open_parallel(folder)) == [("en-zh", "cat|猫")]


def test_packed_files_of_several_languages_are_paired_with_the_pivot(write):
    folder = write(train_en_gz="cat\n", train_de_gz="Katze\n", train_fr_txt_gz="chat\n")
    assert flat(open_parallel(folder, pivot="deu")) == [("de-en", "Katze|cat"), ("de-fr", "Katze|chat")]


def test_tables_of_a_folder_follow_each_other(write):
    folder = write(fr_tsv="en\tfr\na\tb\n", sw_tsv_gz="en\tsw\nc\td\n", index_tsv="1\t2\n")
    assert flat(open_parallel(folder)) == [("en-fr", "a|b"), ("en-sw", "c|d")]


def test_a_single_table_is_a_corpus(write):
    assert flat(open_parallel(write(fr_tsv="en\tfr\na\tb\n") / "fr.tsv")) == [("en-fr", "a|b")]


def test_verses_are_joined_by_id(write):
    folder = write(eng_tsv="MAR.1.1\tBeginning\nMAR.1.3\tA voice\n", est_tsv="MAR.1.3\tHääl\nMAR.9.9\tx\n", g_xml=XML)
    assert flat(open_parallel(folder)) == [("en-et", "A voice|Hääl"), ("en-gd", "Beginning|T oiseachd soisgeul")]


def test_a_form_that_is_asked_for_is_not_guessed(write):
    folder = write(fr_tsv="en\tfr\na\tb\n", t_en="cat\n", t_de="Katze\n")
    assert flat(open_parallel(folder)) == [("en-fr", "a|b")]
    assert flat(open_parallel(folder, form="lines")) == [("en-de", "cat|Katze")]


def test_lines_empty_on_one_side_keep_the_others_aligned(write):
    folder = write(t_en="one\n\nthree\n", t_de="eins\nzwei\ndrei\n")
    assert [second for _, second in flat(open_parallel(folder))] == ["one|eins", "three|drei"]


def test_a_corpus_is_named_by_the_bytes_names_and_settings_of_its_files(write):
    prints = [open_parallel(write(t_en="cat\n", t_de="Katze\n")).fingerprint]
    prints.append(open_parallel(write(), pivot="de").fingerprint)
    prints.append(open_parallel(write(t_de="Hund\n")).fingerprint)
    prints.append(open_texts(write() / "t.de").fingerprint)
    prints.append(open_texts(write() / "t.de", language="nds").fingerprint)
    assert len(set(prints)) == len(prints)
    assert open_parallel(write(t_de="Katze\n")).fingerprint == prints[0]


def test_a_corpus_can_be_cut_to_some_languages(write):
    both = open_parallel(write(fr_tsv="en\tfr\na\tb\n", sw_tsv="en\tsw\nc\td\n"))
    assert flat(both.only(["sw", "en"])) == [("en-sw", "c|d")]
    assert flat(both.only(["sw"])) == []
    prints = [part.fingerprint for part in (both, both.only(["sw", "en"]), both.only(["en", "sw"]), both.only(["sw"]))]
    assert prints[1] == prints[2]
    assert len(set(prints)) == 3


def test_a_share_of_a_corpus_can_be_held_out_and_translations_of_one_sentence_stay_together(write):
    lines = "".join(f"sentence {i}\tpart {i}\n" for i in range(300))
    corpus = open_parallel(write(fr_tsv="en\tfr\n" + lines, sw_tsv="en\tsw\n" + lines))
    held, kept = ([*corpus.fold(10, held_out=side)] for side in (True, False))
    assert 30 < len(held) < 90
    assert {*held, *kept} == {*corpus}
    assert not {pair.first.text for pair in held} & {pair.first.text for pair in kept}
    prints = {corpus.fold(every, held_out=side).fingerprint for every in (10, 11) for side in (True, False)}
    assert len(prints | {corpus.fingerprint}) == 5


def test_a_share_that_holds_out_everything_is_refused(write):
    with pytest.raises(InputValueError, match="every=1"):
        open_parallel(write(fr_tsv="en\tfr\na\tb\n")).fold(1, held_out=True)


def test_single_sentences_are_read_from_a_file_or_a_folder(write):
    folder = write(news_sw_txt_gz="Habari.\n \nNjema.\n", news_de="Guten Tag\n", notes_md="x")
    assert [(text.language, text.text) for text in open_texts(folder)] == [
        ("de", "Guten Tag"), ("sw", "Habari."), ("sw", "Njema."),
    ]  # fmt: skip


@pytest.mark.parametrize(("one", "other"), [("deu", "de"), ("zho-TW", "zh"), ("quy", "quy"), ("xx", "xx")])
def test_a_language_has_one_code(one, other):
    assert language_code(one) == other


@pytest.mark.parametrize(
    ("files", "read", "error", "named"),
    [
        ({"a_en": "1\n2\n3\n", "a_de": "1\n"}, open_parallel, InputValueError, "a.en has 3 lines, .*a.de has 1"),
        ({"a_en": "\n", "a_de": "1\n"}, open_parallel, InputValueError, "no line with text in both"),
        ({"a_en": "1\n"}, open_parallel, InputValueError, "a.en: expected one file of 'en'"),
        ({"a_fr": "1\n", "a_de": "1\n"}, open_parallel, InputValueError, "expected one file of 'en'"),
        ({"notes_md": "x"}, open_parallel, FileFaultError, "no file whose name tells a language"),
        ({"a_en": "1\n"}, lambda f: open_parallel(f, form="tsv"), FileFaultError, r"such as fr\.tsv"),
        ({"a_en": "1\n"}, lambda f: open_parallel(f, form="verses"), FileFaultError, "one file of verses in 'en'"),
        ({}, lambda f: open_parallel(f / "a", form="verses"), FileFaultError, "give the folder"),
        ({}, lambda f: open_parallel(f, form="csv"), InputValueError, "form='csv'; expected one of auto"),
        ({}, lambda f: open_parallel(f / "none"), FileFaultError, "none: no such file"),
        ({}, lambda f: open_texts(f / "none.sw"), FileFaultError, "none.sw: no such file"),
        ({"a_md": "x"}, lambda f: read_texts(f / "a.md"), InputValueError, "its name tells no language"),
        ({"a_sw": "\n"}, lambda f: read_texts(f / "a.sw"), InputValueError, "no line with text"),
        ({"a_en": "1\n"}, lambda f: read_line_pairs(f / "a.en", f / "b", ("en", "b")), FileFaultError, "b: no such"),
        ({"en_tsv": "MAT.1.1\tx\nMAT.1.1\ty\n"}, lambda f: read_verses(f / "en.tsv"), InputValueError, ":2: .*twice"),
        ({"en_tsv": "MAT.1.1\tx\nMAT.1\ty\n"}, lambda f: read_verses(f / "en.tsv"), InputValueError, "tsv:2: 'MAT.1.t"),
        ({"en_tsv": ""}, lambda f: read_verses(f / "en.tsv"), InputValueError, "no verse"),
        ({"a_xml": XML[:-9]}, lambda f: read_verses(f / "a.xml"), FileFaultError, r"a\.xml:4: not well-formed"),
        ({}, lambda f: read_verses(f / "a.xml"), FileFaultError, "no such file"),
        ({"en_tsv": "MAT.1.1\tx\n", "et_tsv": "MAT.1.2\tx\n"}, open_parallel, InputValueError, "no verse in both"),
        ({"x_tsv": "MAT.1.1\tx\n"}, lambda f: [bible_language(f / "x.tsv")], InputValueError, "language not known"),
    ],
)
def test_files_that_do_not_fit_are_named(write, files, read, error, named):
    with pytest.raises(error, match=named):
        list(read(write(**files)))


def count(pairs) -> int:
    return sum(1 for _ in pairs)


@pytest.mark.parametrize(
    ("folder", "pairs", "languages"),
    [
        ("parallel/bible_nt", 47_789, "am en et eu gd sw uk zh"),
        ("parallel/multi30k", 62_028, "de en fr"),
        ("parallel/ntrex", 13_979, "ar de en fi hi ja th zh"),
        ("parallel/xnli15", 66_790, "ar de en es fr hi ru sw tr vi zh"),
        ("align/de-en", 508, "de en"),
        ("align/en-fr", 447, "en fr"),
        ("align/ro-en", 199, "en ro"),
        ("tatoeba", 15_106, "am ar de en es fi fr hi it ja ko ru sw th tr uk vi zh"),
    ],
)
def test_real_parallel_text_is_read_whole(real_data, folder, pairs, languages):
    found = list(open_parallel(real_data / folder))
    assert len(found) == pairs
    assert {side.language for pair in found for side in (pair.first, pair.second)} == set(languages.split())


def test_real_tables_are_read_to_their_last_row(real_data):
    folder = real_data / "parallel" / "permissive"
    with gzip.open(folder / "ur.tsv.gz") as file:
        assert count(read_pairs(folder / "ur.tsv.gz")) == file.read().count(b"\n") - 1


@pytest.mark.slow
def test_all_real_tables_are_read(real_data):
    assert count(open_parallel(real_data / "parallel" / "permissive")) == 497_480


def test_real_single_sentences_are_read(real_data):
    assert count(open_texts(real_data / "spm" / "botchan.txt", language="en")) > 4000
    assert count(open_texts(real_data / "parallel" / "xnli15")) == 11 * 6679


def test_two_translations_of_the_bible_share_most_verses(real_data):
    folder = real_data / "parallel" / "bible_nt"
    pairs = list(read_bible(folder / "eng.tsv.gz", folder / "swh.tsv.gz"))
    assert len(pairs) > 7800
    assert all(pair.first.text.strip() and pair.second.text.strip() for pair in pairs)


def test_two_files_of_the_pivot_are_refused():
    files = [file for name in ("a.en", "a.eng", "a.de") if (file := line_file(Path(name)))]
    with pytest.raises(InputValueError, match="expected one file"):
        match_line_files(files, "en")
