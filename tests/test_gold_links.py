"""Folders of gold links are found by their names, in both forms."""

from collections import Counter
from pathlib import Path

import pytest

from erniem_lab.corpora.gold_links import open_gold_links
from erniem_lab.errors import FileFaultError


def fill(folder: Path, **files: str) -> Path:
    folder.mkdir(parents=True)
    for name, text in files.items():
        (folder / name.replace("_", ".")).write_text(text + "\n")
    return folder


def test_a_folder_of_folders_gives_all_pairs(tmp_path: Path) -> None:
    fill(tmp_path / "de-en", test_de="das Haus", test_en="the house", align_txt="1 2 2")
    (fill(tmp_path / "awesome_zh-en", zhen_gold="1-1 1p2") / "zhen.src-tgt").write_text("屋 ||| the house\n")
    fill(tmp_path / "notes", readme="nothing")
    german, chinese = sorted(open_gold_links(tmp_path), key=lambda pair: pair.first.language)
    assert (german.first.language, german.second.language, german.sure) == ("de", "en", frozenset({(1, 1)}))
    assert (chinese.first.text, chinese.sure) == ("屋", frozenset({(0, 0)}))
    assert chinese.possible == {(0, 0), (0, 1)}


def test_the_file_with_possible_links_comes_first(tmp_path: Path) -> None:
    folder = fill(tmp_path / "de-en", test_de="das", test_en="the", align_txt="1 1 1", alignv2_txt="1 1 1 P")
    (pair,) = open_gold_links(folder)
    assert not pair.sure
    assert pair.possible == {(0, 0)}


@pytest.mark.parametrize("name", ["", "de-en", "missing"])
def test_a_folder_without_gold_links_is_refused(tmp_path: Path, name: str) -> None:
    fill(tmp_path / "de-en", test_de="das Haus")
    with pytest.raises(FileFaultError, match="de-en"):
        list(open_gold_links(tmp_path / name))


def test_real_gold_links_are_found(real_data: Path) -> None:
    found = Counter((pair.first.language, pair.second.language) for pair in open_gold_links(real_data / "align"))
    assert found == {("de", "en"): 508, ("en", "fr"): 447, ("ro", "en"): 199, ("zh", "en"): 450}
