"""Tokenised text in files that are mapped, not read: made once for a content, checked each time."""

import hashlib
import json
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import chain
from os import PathLike
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO

import numpy as np
from tqdm import tqdm

from erniem_lab.corpora.text import Corpus, Text, TextPair
from erniem_lab.errors import FileFaultError, InputValueError
from erniem_lab.files.atomic import staged_files
from erniem_lab.files.json_file import parse_object
from erniem_lab.files.manifest import MANIFEST, check_manifest, describe_files
from erniem_lab.pretraining.store import TextStore, blocks_of, edges, numbered
from erniem_lab.tokenizer import ErnieMTokenizer

VERSION = 1  # of the files' form, and of how texts are tokenised: another number leaves old caches alone
ABOUT = "store.json"
ABANDONED = 3600  # seconds without a byte
ARRAYS = ("ids", "bounds", "language", "group")


@dataclass(frozen=True)
class FiledStore(TextStore):
    """A store whose arrays are mapped from a folder; a pickle of it holds the path and not the text."""

    folder: Path

    def __reduce__(self) -> tuple[object, ...]:
        return read_store, (self.folder,)


def open_store(
    tokenizer: ErnieMTokenizer,
    corpora: Sequence[Corpus[Text | TextPair]],
    folder: str | PathLike[str],
    *,
    longest: int = 64,
    languages: Sequence[str] = (),
    progress: bool = True,
) -> FiledStore:
    """All texts of the corpora, tokenised; made if `folder` does not have them yet, and mapped from there.

    The key of a store is the content: the tokenizer's files, the corpora's fingerprints in their order, `longest`
    and `languages`. Anything else is another key, in a folder of its own beside; nothing deletes old ones. A store that
    was damaged is made again, with a warning. Text is held a few thousand lines at a time; 36 bytes a row stay in
    memory till the end (which rows share a first sentence). Two processes may make the same store at once.

    Args:
        longest: the most tokens of a sentence.
        languages: codes that get the first numbers, such as another store's `languages`, so that numbers agree.
        progress: whether to show a bar while tokenising.

    Raises:
        InputValueError: no corpus, no text, pairs mixed with single sentences, or a tokenizer that draws.
        FileFaultError: a source cannot be read, or the folder cannot be written.

    >>> import tempfile
    >>> tokenizer = ErnieMTokenizer.from_pretrained("tests/golden/tokenizer")
    >>> corpus = Corpus("one", "1", lambda: iter([Text("en", "this is")]))
    >>> store = open_store(tokenizer, [corpus], tempfile.mkdtemp(), progress=False)
    >>> store.row(0), type(store.ids).__name__
    (([17, 95, 39],), 'memmap')
    """
    if not corpora:
        raise InputValueError("corpora is empty: give at least one, such as open_parallel('pairs')")
    home = Path(folder) / store_key(tokenizer, corpora, longest=longest, languages=languages)
    if (home / MANIFEST).is_file():
        try:
            return read_store(home)
        except FileFaultError as fault:
            warnings.warn(f"the stored text is damaged and made again ({fault})", stacklevel=2)
    texts = tqdm(chain.from_iterable(corpora), desc="tokenise", unit=" texts", disable=not progress)
    _remove_remains(home)
    try:
        _write_store(tokenizer, iter(texts), home, longest, languages)
    except OSError as fault:
        if isinstance(fault, FileFaultError):
            raise
        raise FileFaultError(f"{home}: cannot be written ({fault}); free space, or choose another folder") from fault
    return read_store(home)


def store_key(
    tokenizer: ErnieMTokenizer,
    corpora: Iterable[Corpus[Text | TextPair]],
    *,
    longest: int,
    languages: Sequence[str] = (),
) -> str:
    """The name of the folder that holds these texts as this tokenizer cuts them: hexadecimal, 32 digits.

    >>> tokenizer = ErnieMTokenizer.from_pretrained("tests/golden/tokenizer")
    >>> store_key(tokenizer, [], longest=64) == store_key(tokenizer, [], longest=32)
    False
    """
    prints = [corpus.fingerprint for corpus in corpora]
    how = {"version": VERSION, "longest": longest, "languages": list(languages)}
    content = {**how, "tokenizer": _tokenizer_files(tokenizer), "corpora": prints}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:32]


def read_store(folder: Path) -> FiledStore:
    """The store in a folder that `open_store` made.

    Raises:
        FileFaultError: a file is missing, or another than the one that was written.
    """
    names = [ABOUT, *(f"{name}.npy" for name in ARRAYS)]
    if not check_manifest(folder, names):
        raise FileFaultError(f"{folder / MANIFEST}: missing, so this is no stored text; make it with open_store")
    about = parse_object((folder / ABOUT).read_bytes(), folder / ABOUT, "list of languages")
    arrays = {name: np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False) for name in ARRAYS}
    return FiledStore(languages=tuple(about["languages"]), folder=folder, **arrays)


def _remove_remains(home: Path) -> None:
    """Delete what a process that was killed had begun; one that lives writes to its files every few seconds."""
    for path in home.glob(".*.part"):
        if time.time() - path.stat().st_mtime > ABANDONED:
            path.unlink(missing_ok=True)


def _write_store(
    tokenizer: ErnieMTokenizer, texts: Iterable[Text | TextPair], home: Path, longest: int, languages: Sequence[str]
) -> None:
    numbers = {code: number for number, code in enumerate(languages)}
    blocks = blocks_of(tokenizer, texts, numbers, longest=longest)
    first = next(blocks, None)
    if first is None:
        raise InputValueError("corpora: no text that has tokens in every sentence; give at least one")
    sentences, digests, total = first.lengths.shape[1], [], 0
    with staged_files(home) as stage:
        paths = {f"{name}.npy": stage(f"{name}.npy") for name in ARRAYS}
        with ExitStack() as files:
            add_ids = files.enter_context(_growing(paths["ids.npy"], np.int32))
            add_bounds = files.enter_context(_growing(paths["bounds.npy"], np.int64, sentences + 1))
            add_language = files.enter_context(_growing(paths["language.npy"], np.int32, sentences))
            for block in chain([first], blocks):
                add_ids(block.ids)
                add_bounds(edges(block.lengths) + total)
                add_language(block.language)
                digests.append(block.digest)
                total += len(block.ids)
        with paths["group.npy"].open("wb") as file:
            np.save(file, numbered(np.concatenate(digests)))
        paths[ABOUT] = stage(ABOUT)
        paths[ABOUT].write_text(json.dumps({"languages": list(numbers), "longest": longest}), encoding="utf-8")
        stage(MANIFEST).write_text(describe_files(paths), encoding="utf-8")  # the last, so that it says: complete


@contextmanager
def _growing(path: Path, kind: type[np.signedinteger], *width: int) -> Iterator[Callable[[np.ndarray], None]]:
    """A `.npy` file to which rows are added; its header has room for their number, which is known at the end."""
    rows = 0
    with path.open("wb") as file:

        def add(values: np.ndarray) -> None:
            nonlocal rows
            file.write(np.ascontiguousarray(values, kind).tobytes())
            rows += len(values)

        _write_header(file, kind, (0, *width))
        yield add
        file.seek(0)
        _write_header(file, kind, (rows, *width))


def _write_header(file: BinaryIO, kind: type[np.signedinteger], shape: tuple[int, ...]) -> None:
    about = {"descr": np.lib.format.dtype_to_descr(np.dtype(kind)), "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(file, about)


def _tokenizer_files(tokenizer: ErnieMTokenizer) -> str:
    with TemporaryDirectory() as folder:
        paths = {Path(path).name: Path(path) for path in tokenizer.save_pretrained(folder)}
        return describe_files(paths)
