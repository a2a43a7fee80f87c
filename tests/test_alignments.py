"""Gold alignments are read as they stand, and what cannot be read is named by file and line."""

import pytest

from erniem_lab.corpora.alignments import read_numbered_links, read_pharaoh
from erniem_lab.errors import FileFaultError, InputValueError

BOTH = ("de", "en")
TEXT = "das Haus brennt ||| the house burns\nja ||| yes\n"
FILES = {  # sure and all links, counted in the files themselves with awk
    ("de-en", "align.txt"): (508, 10533, 10533),  # one more line links a word to -99
    ("de-en", "alignv2.txt"): (508, 9612, 10533),
    ("en-fr", "align.txt"): (447, 4038, 4038),
    ("en-fr", "alignv2.txt"): (447, 4038, 17438),
    ("ro-en", "align.txt"): (199, 5033, 5033),  # one link stands there twice
    ("ro-en", "alignv2.txt"): (199, 5033, 5033),
}


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "texts").write_text(TEXT, encoding="utf-8")
    return tmp_path


def numbered(folder, links: bytes):
    (folder / "links.txt").write_bytes(links)
    return list(read_numbered_links(folder / "texts", folder / "links.txt", BOTH))


def pharaoh(folder, links: bytes, **how):
    (folder / "links.txt").write_bytes(links)
    return list(read_pharaoh(folder / "texts", folder / "links.txt", BOTH, **how))


def test_words_keep_their_places_and_languages(folder):
    pair = numbered(folder, b"1 1 1\n")[0]
    assert (pair.first.language, pair.second.language) == BOTH
    assert (pair.first.surfaces, pair.second.surfaces) == (("das", "Haus", "brennt"), ("the", "house", "burns"))


@pytest.mark.parametrize("numbers", ["12", "01", "00010002"])
def test_sentences_count_from_0_or_1(folder, numbers):
    first, second = numbers[: len(numbers) // 2], numbers[len(numbers) // 2 :]
    pairs = numbered(folder, f"{first} 2 2 S\r\n{first} 1 1 P\r\n{second} 1 1\r\n".encode())
    assert [sorted(pair.sure) for pair in pairs] == [[(1, 1)], [(0, 0)]]
    assert [sorted(pair.possible) for pair in pairs] == [[(0, 0), (1, 1)], [(0, 0)]]


def test_a_sentence_may_have_no_link(folder):
    assert [len(pair.possible) for pair in numbered(folder, b"2 1 1\n")] == [0, 1]


def test_numbers_with_gaps_mean_the_sentences_in_order(folder):
    assert [sorted(pair.sure) for pair in numbered(folder, b"3 2 2\n70 1 1\n")] == [[(1, 1)], [(0, 0)]]


def test_a_link_to_nothing_is_no_link(folder):
    pairs = numbered(folder, b"1 0 2\n1 3 -99\n1 1 1\n")
    assert [sorted(pair.possible) for pair in pairs] == [[(0, 0)], []]


def test_a_possible_link_that_is_also_sure_is_both(folder):
    pair = numbered(folder, b"1 1 1 P\n1 1 1 S\n")[0]
    assert pair.sure == pair.possible == {(0, 0)}


def test_pharaoh_marks_possible_links_with_p(folder):
    pairs = pharaoh(folder, b"0-0 1p1\n\n")
    assert [(sorted(pair.sure), sorted(pair.possible)) for pair in pairs] == [([(0, 0)], [(0, 0), (1, 1)]), ([], [])]


def test_pharaoh_counts_words_from_the_start_that_is_given(folder):
    assert pharaoh(folder, b"1-1 3-3\n1-1\n", start=1) == pharaoh(folder, b"0-0 2-2\n0-0\n")


def test_a_file_for_each_language_is_as_good_as_one(folder):
    for side, name in enumerate(BOTH):
        lines = [line.split(" ||| ")[side] for line in TEXT.splitlines()]
        (folder / name).write_text("\n".join(lines), encoding="utf-8")
    joined = numbered(folder, b"1 3 3\n")
    assert list(read_numbered_links((folder / "de", folder / "en"), folder / "links.txt", BOTH)) == joined


@pytest.mark.parametrize(
    ("links", "error", "place"),
    [
        (b"1 1 1\n1 1\n", InputValueError, ":2: '1 1' is no link"),
        (b"1 1 1 X\n", InputValueError, ":1: '1 1 1 X' is no link"),
        (b"1 a 1\n", InputValueError, ":1: '1 a 1' is no link"),
        (b"-1 1 1\n", InputValueError, ":1: '-1 1 1' is no link"),
        (b"1 1 -2\n", InputValueError, ":1: '1 1 -2' is no link"),
        ("1 ¹ 1\n".encode(), InputValueError, ":1: '1 ¹ 1' is no link"),
        (b"1 1 1\n\n", InputValueError, ":2: '' is no link"),
        (b"1 0 0\n", InputValueError, ":1: '1 0 0' links no words; count words from 1"),
        (b"1 1 1\n1 4 1\n", InputValueError, ":2: a link between words 4 and 1"),
        (b"1 1 1\n2 1 2\n", InputValueError, ":2: a link between words 1 and 2"),
        (b"1 1 1\n3 1 1\n2 1 1\n", InputValueError, ":2: sentence numbers go up to 3, but there are 2"),
        (b"1 1 1\n\xff\n", FileFaultError, ":2: not UTF-8"),
        (b"", InputValueError, ": no link"),
    ],
)
def test_a_bad_line_of_numbered_links_is_named(folder, links, error, place):
    with pytest.raises(error, match=r"links\.txt" + place):
        numbered(folder, links)


@pytest.mark.parametrize(
    ("links", "start", "place"),
    [
        (b"0-0\n0:0\n", 0, ":2: '0:0' is no link"),
        (b"0-0 1-\n\n", 0, ":1: '1-' is no link"),
        (b"1-1 3-3\n1-1\n", 0, r":1: .*start=1"),
        (b"1-1 0-1\n1-1\n", 1, r":1: .*start=0"),
        (b"0-0\n", 0, " has 1 lines, for 2 pairs"),
    ],
)
def test_a_bad_line_of_pharaoh_pairs_is_named(folder, links, start, place):
    with pytest.raises(InputValueError, match=r"links\.txt" + place):
        pharaoh(folder, links, start=start)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("a ||| b\na b\n", ":2: 'a b' has 0"),
        ("a ||| b ||| c\n", ":1: .* has 2"),
        ("a |||  \n", ":1: .*words"),
        ("", ""),
    ],
)
def test_a_bad_line_of_joined_texts_is_named(folder, text, place):
    (folder / "texts").write_text(text, encoding="utf-8")
    with pytest.raises(InputValueError, match="texts" + place):
        numbered(folder, b"1 1 1\n")


def test_texts_of_unlike_length_are_named(tmp_path):
    for name, text in (("de", "ja\nnein\n"), ("en", "yes\n"), ("links", "1 1 1\n")):
        (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(InputValueError, match=r"en:2: no such line"):
        list(read_numbered_links((tmp_path / "de", tmp_path / "en"), tmp_path / "links", BOTH))


@pytest.mark.parametrize("file", FILES)
def test_the_public_files_load_whole(real_data, file):
    place = real_data / "align" / file[0]
    languages = tuple(file[0].split("-"))
    texts = (place / f"test.{languages[0]}", place / f"test.{languages[1]}")
    pairs = list(read_numbered_links(texts, place / file[1], languages))
    assert (len(pairs), sum(len(p.sure) for p in pairs), sum(len(p.possible) for p in pairs)) == FILES[file]


def test_the_public_chinese_file_counts_words_from_1(real_data):
    place = real_data / "align" / "awesome_zh-en"
    pairs = list(read_pharaoh(place / "zhen.src-tgt", place / "zhen.gold", ("zh", "en"), start=1))
    assert len(pairs) == 450
    assert (sum(len(p.sure) for p in pairs), sum(len(p.possible) for p in pairs)) == (11238, 11416)
    assert "科学家" in pairs[0].first.surfaces
