"""Sentence vectors on the disk: texts stream in, an `.npy` grows aside, and a run that was killed goes on."""

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Sequence, Sized
from contextlib import contextmanager
from io import BytesIO
from itertools import islice
from pathlib import Path

import numpy as np
from filelock import FileLock, Timeout
from jaxtyping import Float32

from erniem_lab.corpora.lines import read_lines
from erniem_lab.embedding import Pooling, Reader, ReadingBar
from erniem_lab.errors import FileFaultError, InputTypeError, InputValueError
from erniem_lab.files.atomic import write_atomically
from erniem_lab.files.json_file import parse_object
from erniem_lab.precision import Precision
from erniem_lab.pretrained import ErnieMPreTrainedModel, digest
from erniem_lab.tokenizer import ErnieMTokenizer

BLOCK = 4096  # texts that are held at a time, and written together


def write_vectors(
    model: ErnieMPreTrainedModel,
    tokenizer: ErnieMTokenizer,
    texts: Iterable[str] | Path,
    out: str | os.PathLike[str],
    *,
    layer: int = -1,
    pooling: Pooling = "mean",
    precision: Precision = "float32",
    batch_tokens: int | None = None,
    progress: bool = True,
) -> Float32[np.ndarray, "text hidden"]:
    """As `embed`, for any number of texts: vectors go to a file, and come back as an array that is read from it.

    Memory does not grow with the number of texts. What is finished lies in a hidden file beside `out` until all is;
    the same call after a kill goes on from there, and gives the same bytes.

    Args:
        texts: a file with a text a line (plain or .gz, an empty line is a text), or anything that yields them. After
            a kill they are to be given again from the first on.
        out: a new file, in numpy's `.npy` format.

    Raises:
        FileFaultError: `out` exists, cannot be written, or is being written; a file of texts is missing or damaged.
        InputValueError: no text; or what is unfinished beside `out` is of another model, setting or text.

    >>> import tempfile
    >>> from erniem_lab import MINI, ErnieMForMaskedLM
    >>> model, tokenizer = ErnieMForMaskedLM.from_pretrained(MINI), ErnieMTokenizer.from_pretrained(MINI)
    >>> out = Path(tempfile.mkdtemp()) / "vectors.npy"
    >>> write_vectors(model, tokenizer, (f"Day {n}." for n in range(5)), out, progress=False).shape[0]
    5
    >>> np.load(out, mmap_mode="r").dtype
    dtype('float32')
    """
    if isinstance(texts, str):
        raise InputTypeError(f"texts is the single string {texts[:40]!r}: give a Path, or anything that yields strings")
    out = Path(out)
    total, stream = _opened(texts)
    reader = Reader.of(model, tokenizer, [layer], pooling, precision, batch_tokens)
    about = {"layer": str(reader.layers[0]), "pooling": pooling, "precision": precision}
    with _growing(out, model.config.hidden_size) as growing:
        growing.go_on({**_identity(model, tokenizer), **about}, stream)
        with ReadingBar(total, shown=progress, done=growing.done) as bar:
            while block := list(islice(stream, BLOCK)):
                growing.add(block, reader.vectors(block, bar)[0])
        growing.finish()
    return np.load(out, mmap_mode="r")


def _opened(texts: Iterable[str] | Path) -> tuple[int | None, Iterator[str]]:
    """How many texts there are, where that is known, and the texts. All of a file is checked before it is used."""
    if not isinstance(texts, Path):
        return len(texts) if isinstance(texts, Sized) else None, iter(texts)
    total = sum(1 for _ in read_lines(texts))
    if not total:
        raise InputValueError(f"{texts}: is empty; give a file with a text a line")
    return total, (text for _, text in read_lines(texts))


def _identity(model: ErnieMPreTrainedModel, tokenizer: ErnieMTokenizer) -> dict[str, str]:
    """Digests of all that decides a text's states."""
    vocabulary = hashlib.sha256(tokenizer.sp_model.serialized_model_proto())
    vocabulary.update(repr((tokenizer.vocabulary.tokens, tokenizer.mode, tokenizer.do_lower_case)).encode())
    return {
        "config": repr(model.config.to_dict()),
        "model": digest(model.base.embeddings, model.base.encoder),
        "tokenizer": vocabulary.hexdigest(),
    }


@contextmanager
def _growing(out: Path, width: int) -> Iterator["_Growing"]:
    """The file aside, for this run alone."""
    lock = FileLock(_aside(out, "lock"), blocking=False)
    growing = _Growing(out, width)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        Path(lock.lock_file).touch()  # where that cannot be, the lock would be called held
        with lock:
            try:
                yield growing
            finally:
                Path(lock.lock_file).unlink(missing_ok=True)
    except Timeout as fault:
        raise FileFaultError(f"{out}: another run is writing it; wait for its end, or give another name") from fault
    except OSError as fault:
        if isinstance(fault, FileFaultError):
            raise
        kept = f"; the same call then goes on after {growing.done} texts" if growing.done else ""
        raise FileFaultError(f"{out}: cannot be written ({fault}); make room, or give another name{kept}") from fault


def _aside(out: Path, end: str) -> Path:
    return out.with_name(f".{out.name}.{end}")


class _Growing:
    """Rows of an `.npy` that has no name yet, and a note that says what they are and how many are safe."""

    def __init__(self, out: Path, width: int) -> None:
        self.out, self.part, self.note = out, _aside(out, "part"), _aside(out, "part.json")
        self.width, self.done = width, 0
        self.about: dict[str, str] = {}
        self.read = hashlib.sha256()

    def go_on(self, about: dict[str, str], texts: Iterator[str]) -> None:
        """Take up what an earlier run left, reading past its texts; or begin."""
        if self.out.exists():
            raise FileFaultError(f"{self.out}: exists already; give another name, or delete it")
        self.about = about
        if not (self.part.exists() and self.note.exists()):
            self.part.write_bytes(self._header())
            return
        note = parse_object(self.note.read_bytes(), self.note, "note")
        self._demand_same(note, texts)
        with self.part.open("r+b") as file:  # rows that the note does not know may be cut off in the middle
            file.truncate(self._size(self.done))

    def _demand_same(self, note: dict[str, object], texts: Iterator[str]) -> None:
        """Refuse what another run left."""
        remedy = f"delete {self.part} to begin anew, or give another name than {self.out}"
        other = [name for name, value in self.about.items() if note.get(name) != value]
        if other:
            raise InputValueError(f"{self.part}: left by a run with another {', '.join(other)}; {remedy}")
        done = note.get("done")
        if not isinstance(done, int) or self.part.stat().st_size < self._size(done):
            raise FileFaultError(f"{self.part}: fewer vectors than {self.note.name} says; {remedy}")
        self._count(list(islice(texts, done)))
        if note.get("texts") != self.read.hexdigest():
            raise InputValueError(f"{self.part}: left by a run whose first {done} texts were others; {remedy}")

    def add(self, texts: Sequence[str], vectors: Float32[np.ndarray, "text hidden"]) -> None:
        """Rows for more texts, safe on the disk before the note counts them."""
        with self.part.open("ab") as file:
            file.write(vectors.tobytes())
            file.flush()
            os.fsync(file.fileno())
        self._count(texts)
        note = {**self.about, "done": self.done, "texts": self.read.hexdigest()}
        write_atomically(self.note, lambda file: file.write(json.dumps(note, indent=2).encode()))

    def finish(self) -> None:
        """Give the file its name."""
        if not self.done:
            self.part.unlink()
            raise InputValueError("texts is empty: give at least one text")
        with self.part.open("r+b") as file:
            file.write(self._header())
            file.flush()
            os.fsync(file.fileno())
        self.part.rename(self.out)
        self.note.unlink()

    def _count(self, texts: Sequence[str]) -> None:
        for text in texts:
            data = text.encode("utf-8", "surrogatepass")
            self.read.update(len(data).to_bytes(8, "little") + data)
        self.done += len(texts)

    def _header(self) -> bytes:
        """The beginning of the file; numpy leaves room in it, so that it is as long for any number of rows."""
        header = BytesIO()
        about = {"descr": "<f4", "fortran_order": False, "shape": (self.done, self.width)}
        np.lib.format.write_array_header_1_0(header, about)
        return header.getvalue()

    def _size(self, texts: int) -> int:
        return len(self._header()) + 4 * texts * self.width
