"""Parallel text is read as it stands, and what cannot be read is named by file and line."""

import gzip

import pytest

from erniem_lab.corpora.parallel import read_pairs
from erniem_lab.errors import FileFaultError, InputValueError


def flat(pairs) -> list[tuple[str, str, str, str]]:
    return [(one.language, one.text, two.language, two.text) for one, two in ((p.first, p.second) for p in pairs)]


def test_pairs_are_read_from_plain_and_packed_files(tmp_path):
    text = '\ufeffeng\tswh\tsource\nA "cat".\tPaka.\tme\r\nTwo\x1clines\u2028 here\x85.\tMbili.\tme\nx\t \tme'
    (tmp_path / "sw.tsv").write_bytes(text.encode())
    (tmp_path / "sw.tsv.gz").write_bytes(gzip.compress(text.encode()))
    expected = [("en", 'A "cat".', "sw", "Paka."), ("en", "Two\x1clines\u2028 here\x85.", "sw", "Mbili.")]
    assert flat(read_pairs(tmp_path / "sw.tsv")) == flat(read_pairs(tmp_path / "sw.tsv.gz")) == expected


PACKED = gzip.compress(b"en\tsw\n" + b"".join(b"%d\tb\n" % i for i in range(9999)))


@pytest.mark.parametrize(
    ("content", "error", "place"),
    [
        (b"en\tsw\nonly one\n", InputValueError, ":2: columns: 1"),
        (b"en\tsw\na\tb\nc\td\te\n", InputValueError, ":3: columns: 3"),
        (b"en\tsw\na\tb\nc\t\xff\n", FileFaultError, ":3: not UTF-8 at byte 2"),
        ("en\tsw\na\tb\n".encode("utf-16"), FileFaultError, ":1: it is UTF-16"),
        (b"en\tsw\n", InputValueError, "no pair"),
        (b"en\tsw\na\t\n", InputValueError, "no pair"),
        (b"", InputValueError, ":1: the header"),
        (b"A cat.\tPaka.\n", InputValueError, ":1: the header"),
        (PACKED[:-500], FileFaultError, r"damaged after line \d+"),
        (PACKED[:300] + b"\xff" * 9 + PACKED[309:], FileFaultError, r"damaged after line \d+"),
        (PACKED[:-8] + bytes(8), FileFaultError, "damaged after line 10000"),
    ],
)
def test_a_bad_line_is_named(tmp_path, content, error, place):
    (tmp_path / "sw.tsv").write_bytes(content)
    with pytest.raises(error, match=r"sw\.tsv.*" + place):
        list(read_pairs(tmp_path / "sw.tsv"))


def test_a_plain_file_called_packed_is_refused(tmp_path):
    (tmp_path / "sw.tsv.gz").write_bytes(b"en\tsw\na\tb\n")
    with pytest.raises(FileFaultError, match=r"no \.gz"):
        list(read_pairs(tmp_path / "sw.tsv.gz"))


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(FileFaultError, match=r"fr\.tsv: no such file"):
        list(read_pairs(tmp_path / "fr.tsv"))
