"""Vectors in a file: those of `embed`, whenever the run was killed; what does not belong together is refused."""

import gzip
import json
import os
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock

from erniem_lab import MINI, ErnieMForMaskedLM, ErnieMTokenizer, vectors_file
from erniem_lab.cli import app
from erniem_lab.embedding import embed
from erniem_lab.errors import FileFaultError, InputTypeError, InputValueError
from erniem_lab.vectors_file import write_vectors

TEXTS = ["Good day.", "Bonjour.", "", "The cat sees the old house.", "Yes", "猫は眠る。", "a\u2028b"]


@pytest.fixture(scope="module")
def loaded():
    return ErnieMForMaskedLM.from_pretrained(MINI), ErnieMTokenizer.from_pretrained(MINI)


@pytest.fixture(autouse=True)
def _small_blocks(monkeypatch):
    monkeypatch.setattr(vectors_file, "BLOCK", 2)


@pytest.fixture
def out(tmp_path):
    return tmp_path / "new" / "vectors.npy"


def killed(after, texts=TEXTS):
    """The texts, until the power goes."""
    yield from texts[:after]
    raise KeyboardInterrupt


def leave_unfinished(loaded, out, after=5, **how):
    with pytest.raises(KeyboardInterrupt):
        write_vectors(*loaded, killed(after), out, progress=False, **how)


def files(out):
    return sorted(os.listdir(out.parent)) if out.parent.exists() else []


@pytest.mark.parametrize("how", [{}, {"layer": 1, "pooling": "cls", "precision": "int8", "batch_tokens": 30}], ids=str)
def test_the_file_holds_the_vectors_of_embed(loaded, out, how):
    found = write_vectors(*loaded, iter(TEXTS), out, progress=False, **how)
    expected = embed(*loaded, TEXTS, progress=False, **how)
    np.testing.assert_allclose(found, expected, atol=1e-2 if how else 1e-5)  # int8: a rounding may tip over
    assert isinstance(found, np.memmap)
    assert files(out) == ["vectors.npy"]


@pytest.mark.parametrize("after", [0, 1, 4, 5, 7])
def test_a_killed_run_goes_on_and_gives_the_same_bytes(loaded, out, after):
    whole = out.with_name("whole.npy")
    write_vectors(*loaded, TEXTS, whole, progress=False)
    leave_unfinished(loaded, out, after)
    assert not out.exists()
    write_vectors(*loaded, iter(TEXTS), out, progress=False)
    assert out.read_bytes() == whole.read_bytes()
    assert files(out) == ["vectors.npy", "whole.npy"]


def test_what_is_finished_is_not_read_again(loaded, out, monkeypatch):
    leave_unfinished(loaded, out)
    read, vectors = [], vectors_file.Reader.vectors
    monkeypatch.setattr(vectors_file.Reader, "vectors", lambda self, texts, bar: read.extend(texts) or vectors(
        self, texts, bar))  # fmt: skip
    write_vectors(*loaded, TEXTS, out, progress=False)
    assert read == TEXTS[4:]


def test_rows_that_were_cut_off_are_written_again(loaded, out):
    leave_unfinished(loaded, out)
    with (out.parent / ".vectors.npy.part").open("ab") as part:
        part.write(b"half a row")
    found = write_vectors(*loaded, TEXTS, out, progress=False)
    np.testing.assert_allclose(found, embed(*loaded, TEXTS, progress=False), atol=1e-5)


@pytest.mark.parametrize(
    ("change", "named"),
    [({"layer": 1}, "layer"), ({"pooling": "cls"}, "pooling"), ({"precision": "bfloat16"}, "precision")],
    ids=str,
)
def test_another_setting_does_not_go_on(loaded, out, change, named):
    leave_unfinished(loaded, out)
    with pytest.raises(InputValueError, match=f"with another {named}; delete .*part"):
        write_vectors(*loaded, TEXTS, out, progress=False, **change)
    assert write_vectors(*loaded, TEXTS, out, progress=False).shape[0] == len(TEXTS)


def test_another_model_does_not_go_on(loaded, out):
    leave_unfinished(loaded, out)
    with pytest.raises(InputValueError, match="with another model;"):
        write_vectors(ErnieMForMaskedLM(loaded[0].config).eval(), loaded[1], TEXTS, out, progress=False)


@pytest.mark.parametrize("others", [["Bad day.", *TEXTS[1:]], TEXTS[:3]], ids=["changed", "fewer"])
def test_other_texts_do_not_go_on(loaded, out, others):
    leave_unfinished(loaded, out)
    with pytest.raises(InputValueError, match="whose first 4 texts were others"):
        write_vectors(*loaded, others, out, progress=False)


def test_what_is_damaged_is_refused(loaded, out):
    leave_unfinished(loaded, out)
    note = out.parent / ".vectors.npy.part.json"
    note.write_text(json.dumps({**json.loads(note.read_text()), "done": 99}))
    with pytest.raises(FileFaultError, match="fewer vectors than"):
        write_vectors(*loaded, TEXTS, out, progress=False)
    note.write_text("{")
    with pytest.raises(FileFaultError, match="not JSON"):
        write_vectors(*loaded, TEXTS, out, progress=False)


def test_a_file_that_exists_stays(loaded, out):
    out.parent.mkdir()
    out.write_bytes(b"mine")
    with pytest.raises(FileFaultError, match="exists already; give another name"):
        write_vectors(*loaded, TEXTS, out, progress=False)
    assert out.read_bytes() == b"mine"


def test_two_runs_do_not_write_one_file(loaded, out):
    out.parent.mkdir()
    with FileLock(out.parent / ".vectors.npy.lock"), pytest.raises(FileFaultError, match="another run is writing"):
        write_vectors(*loaded, TEXTS, out, progress=False)


def test_a_place_that_cannot_be_written_is_named(loaded, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(FileFaultError, match="cannot be written"):
        write_vectors(*loaded, TEXTS, tmp_path / "file" / "v.npy", progress=False)


def test_a_full_disk_says_how_to_go_on(loaded, out, monkeypatch):
    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(vectors_file.os, "fsync", full)
    with pytest.raises(FileFaultError, match=r"No space left.*make room"):
        write_vectors(*loaded, TEXTS, out, progress=False)
    monkeypatch.undo()
    assert write_vectors(*loaded, TEXTS, out, progress=False).shape[0] == len(TEXTS)


@pytest.mark.parametrize("packed", [False, True])
def test_lines_of_a_file_are_texts(loaded, tmp_path, out, packed):
    source = tmp_path / ("texts.txt.gz" if packed else "texts.txt")
    data = ("\n".join(TEXTS) + "\n").encode()
    source.write_bytes(gzip.compress(data) if packed else data)
    found = write_vectors(*loaded, source, out, progress=False)
    np.testing.assert_allclose(found, embed(*loaded, TEXTS, progress=False), atol=1e-5)


@pytest.mark.parametrize(
    ("data", "message"),
    [(None, "no such file"), (b"", "is empty"), (b"a\nb\nc\nd\n\xff\n", "texts.txt:5: not UTF-8")],
    ids=["missing", "empty", "not UTF-8"],
)
def test_a_file_without_texts_is_refused_before_work(loaded, tmp_path, out, data, message):
    source = tmp_path / "texts.txt"
    if data is not None:
        source.write_bytes(data)
    with pytest.raises((FileFaultError, InputValueError), match=message):
        write_vectors(*loaded, source, out, progress=False)
    assert not files(out)


def test_no_texts_and_no_strings_are_refused(loaded, out):
    with pytest.raises(InputValueError, match="texts is empty"):
        write_vectors(*loaded, iter([]), out, progress=False)
    assert not files(out)
    with pytest.raises(InputTypeError, match="give a Path"):
        write_vectors(*loaded, "texts.txt", out, progress=False)


def test_progress_goes_on_where_it_was(loaded, out, capsys):
    leave_unfinished(loaded, out)
    write_vectors(*loaded, TEXTS, out)
    shown = capsys.readouterr().err
    assert "4/7" in shown
    assert "7/7" in shown
    assert "tokens/s" in shown


def test_the_command_writes_vectors(loaded, tmp_path, out, monkeypatch, capsys):
    source = tmp_path / "texts.txt"
    source.write_text("\n".join(TEXTS), encoding="utf-8")
    how = ["--layer", "2", "--pooling", "cls", "--precision", "bfloat16", "--batch-tokens", "64"]
    arguments = ["embed", str(source), "--model", str(MINI), "--out", str(out), *how]
    monkeypatch.setattr("sys.argv", ["erniem-lab", *arguments])
    with pytest.raises(SystemExit) as ended:
        app()
    assert not ended.value.code
    expected = embed(*loaded, TEXTS, layer=2, pooling="cls", precision="bfloat16", progress=False)
    np.testing.assert_allclose(np.load(out), expected, atol=1e-2)
    assert f"{len(TEXTS)} texts" in capsys.readouterr().out


def test_a_fault_of_the_command_is_one_line(tmp_path, monkeypatch, capsys):
    missing = Path(tmp_path, "nowhere.txt")
    monkeypatch.setattr("sys.argv", ["erniem-lab", "embed", str(missing), "--model", str(MINI), "--out", "v.npy"])
    with pytest.raises(SystemExit) as ended:
        app()
    assert ended.value.code == 1
    error = capsys.readouterr().err
    assert "nowhere.txt: no such file" in error
    assert error.strip().count("\n") == 0


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="no folder at hand in which nobody can write")
def test_a_folder_that_takes_no_file_is_not_told_as_one_in_use(loaded):
    with pytest.raises(FileFaultError, match="cannot be written"):
        write_vectors(*loaded, TEXTS, Path("/proc/vectors.npy"), progress=False)
