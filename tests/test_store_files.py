"""Stored text is made once for a content; a damaged store is never read."""

import os
import pickle
import time
import tracemalloc

import numpy as np
import pytest
from conftest import GOLDEN
from parallel_samples import pairs, texts

from erniem_lab.corpora.text import Corpus
from erniem_lab.errors import FileFaultError, InputValueError
from erniem_lab.files.manifest import MANIFEST
from erniem_lab.pretraining import store as store_module
from erniem_lab.pretraining.store import store_texts
from erniem_lab.pretraining.store_files import ABOUT, ARRAYS, open_store, read_store, store_key
from erniem_lab.pretraining.stream import TextStream
from erniem_lab.tokenizer import ErnieMTokenizer

ROWS = pairs("fr", 60, 0) + pairs("sw", 20, 2)
FILES = [ABOUT, *(f"{name}.npy" for name in ARRAYS)]


@pytest.fixture(scope="module")
def tokenizer() -> ErnieMTokenizer:
    return ErnieMTokenizer.from_pretrained(GOLDEN / "tokenizer")


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch):
    monkeypatch.setattr(store_module, "CHUNK", 16)


def corpus(rows=ROWS, fingerprint: str = "1") -> Corpus:
    return Corpus("rows", fingerprint, lambda: iter(rows))


def untouchable() -> Corpus:
    def fail():
        raise AssertionError("the text is read again")

    return Corpus("rows", "1", fail)


def equal(one, two) -> bool:
    return one.languages == two.languages and all(np.array_equal(getattr(one, a), getattr(two, a)) for a in ARRAYS)


def damage(path, how: str) -> None:
    content = path.read_bytes()
    middle = len(content) // 2
    flipped = content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]
    path.write_bytes({"flipped": flipped, "cut": content[:-1], "empty": b""}[how])


@pytest.mark.parametrize("rows", [ROWS, texts("fr", 40, 1)])
def test_stored_text_is_what_memory_would_hold(tokenizer, tmp_path, rows):
    store = open_store(tokenizer, [corpus(rows)], tmp_path, progress=False)
    assert equal(store, store_texts(tokenizer, rows))
    assert {type(getattr(store, name)) for name in ARRAYS} == {np.memmap}


def test_text_is_tokenised_once(tokenizer, tmp_path):
    first = open_store(tokenizer, [corpus()], tmp_path, progress=False)
    assert equal(first, open_store(tokenizer, [untouchable()], tmp_path, progress=False))


def test_corpora_follow_each_other(tokenizer, tmp_path):
    both = open_store(tokenizer, [corpus(ROWS[:30]), corpus(ROWS[30:])], tmp_path, progress=False)
    assert equal(both, store_texts(tokenizer, ROWS))


def test_other_text_settings_or_tokenizer_are_another_store(tokenizer):
    other = ErnieMTokenizer.from_pretrained(GOLDEN / "tokenizer", do_lower_case=True)
    keys = [
        store_key(tokenizer, [corpus()], longest=64),
        store_key(tokenizer, [corpus(fingerprint="2")], longest=64),
        store_key(tokenizer, [corpus(), corpus()], longest=64),
        store_key(tokenizer, [corpus()], longest=32),
        store_key(other, [corpus()], longest=64),
        store_key(tokenizer, [corpus()], longest=64, languages=["sw"]),
    ]
    assert len(set(keys)) == len(keys)


def test_languages_of_two_stores_can_be_numbered_alike(tokenizer, tmp_path):
    first = open_store(tokenizer, [corpus()], tmp_path, progress=False)
    for later in (
        open_store(tokenizer, [corpus(texts("sw", 9, 0))], tmp_path, languages=first.languages, progress=False),
        store_texts(tokenizer, texts("sw", 9, 0), languages=first.languages),
    ):
        assert later.languages == first.languages == ("en", "fr", "sw")
        assert set(later.language.ravel().tolist()) == {2}


def test_longest_cuts_what_is_stored(tokenizer, tmp_path):
    store = open_store(tokenizer, [corpus()], tmp_path, longest=3, progress=False)
    assert max(len(side) for row in range(len(store)) for side in store.row(row)) == 3


@pytest.mark.parametrize("how", ["flipped", "cut", "empty", "missing"])
@pytest.mark.parametrize("name", FILES)
def test_a_damaged_store_is_made_again_and_said(tokenizer, tmp_path, name, how):
    store = open_store(tokenizer, [corpus()], tmp_path, progress=False)
    whole = (store.folder / name).read_bytes()
    (store.folder / name).unlink() if how == "missing" else damage(store.folder / name, how)
    with pytest.raises(FileFaultError, match=name):
        read_store(store.folder)
    with pytest.warns(UserWarning, match=name):
        open_store(tokenizer, [corpus()], tmp_path, progress=False)
    assert (store.folder / name).read_bytes() == whole


def test_a_store_whose_last_file_is_not_there_yet_is_made_again(tokenizer, tmp_path):
    store = open_store(tokenizer, [corpus()], tmp_path, progress=False)
    (store.folder / MANIFEST).unlink()
    (store.folder / "ids.npy").write_bytes(b"half")
    assert equal(open_store(tokenizer, [corpus()], tmp_path, progress=False), store_texts(tokenizer, ROWS))


def test_a_source_that_fails_leaves_nothing_behind(tokenizer, tmp_path):
    def broken():
        yield from ROWS
        raise FileFaultError("fr.tsv:81: not UTF-8")

    with pytest.raises(FileFaultError, match=r"fr\.tsv:81"):
        open_store(tokenizer, [Corpus("rows", "1", broken)], tmp_path, progress=False)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_a_folder_that_cannot_be_written_is_named(tokenizer, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(FileFaultError, match=r"file/\w+: cannot be written"):
        open_store(tokenizer, [corpus()], tmp_path / "file", progress=False)


def test_remains_of_a_killed_process_are_removed_and_those_of_a_living_one_kept(tokenizer, tmp_path):
    home = open_store(tokenizer, [corpus()], tmp_path, progress=False).folder
    (home / MANIFEST).unlink()
    dead, alive = home / ".ids.npy.0.part", home / ".ids.npy.1.part"
    for path, age in ((dead, 7200), (alive, 60)):
        path.write_bytes(b"half")
        os.utime(path, (time.time() - age,) * 2)
    open_store(tokenizer, [corpus()], tmp_path, progress=False)
    assert [path.exists() for path in (dead, alive)] == [False, True]


def test_nothing_to_store_is_refused(tokenizer, tmp_path):
    with pytest.raises(InputValueError, match="corpora is empty"):
        open_store(tokenizer, [], tmp_path)
    with pytest.raises(InputValueError, match="no text"):
        open_store(tokenizer, [corpus([])], tmp_path, progress=False)


def test_a_pickle_holds_the_path_and_not_the_text(tokenizer, tmp_path):
    store = open_store(tokenizer, [corpus()], tmp_path, progress=False)
    assert len(pickle.dumps(store)) < 600
    stream = TextStream(store, tokenizer, tokens=128)
    again = pickle.loads(pickle.dumps(stream))
    assert len(pickle.dumps(store.alone())) < 700
    assert equal(pickle.loads(pickle.dumps(store.alone())), store.alone())
    assert again[3].batch.input_ids.tolist() == stream[3].batch.input_ids.tolist()


def test_memory_does_not_grow_with_the_text(tokenizer, tmp_path):
    def peak(times: int) -> int:
        tracemalloc.start()
        open_store(tokenizer, [Corpus("rows", str(times), lambda: iter(ROWS * times))], tmp_path, progress=False)
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    peak(1)
    assert peak(20) < 1.5 * peak(4) + 40 * len(ROWS) * 20


def test_progress_is_shown_where_asked(tokenizer, tmp_path, capsys):
    open_store(tokenizer, [corpus()], tmp_path / "quiet", progress=False)
    assert not capsys.readouterr().err
    open_store(tokenizer, [corpus()], tmp_path / "shown")
    assert "80 texts" in capsys.readouterr().err
