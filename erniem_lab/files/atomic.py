"""Writing files so that a reader sees the old ones or the new ones, and never half of one."""

import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


@contextmanager
def staged_files(folder: Path) -> Iterator[Callable[[str], Path]]:
    """New files that take their places in `folder` when the block ends, or leave no trace if it fails.

    Gives a function from a file's name to the temporary path at which to write it. Files take their places
    in the order in which they were named, after all of them are safe on the disk.

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> with staged_files(folder) as stage:
    ...     written = stage("a.txt").write_text("whole")
    >>> [path.name for path in folder.iterdir()]
    ['a.txt']
    """
    folder.mkdir(parents=True, exist_ok=True)
    staged: dict[str, Path] = {}

    def stage(name: str) -> Path:
        staged[name] = folder / f".{name}.{secrets.token_hex(4)}.part"
        return staged[name]

    try:
        yield stage
        for temporary in staged.values():
            _flush(temporary)
        for name, temporary in staged.items():
            temporary.replace(folder / name)
        if os.name == "posix":
            _flush(folder)
    finally:
        for temporary in staged.values():
            temporary.unlink(missing_ok=True)


def write_atomically(path: Path, write: Callable[[BinaryIO], object]) -> None:
    """Let `write` fill a new file, which then takes the place of `path`, or leaves no trace if it fails.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "a.txt"
    >>> write_atomically(path, lambda file: file.write(b"whole"))
    >>> path.read_text()
    'whole'
    """
    with staged_files(path.parent) as stage, stage(path.name).open("wb") as file:
        write(file)


@contextmanager
def staged_folder(path: Path) -> Iterator[Path]:
    """A new folder of files that is named `path` when the block ends, or leaves no trace if it fails.

    Gives the temporary folder in which to write. All files are safe on the disk before the folder gets its name.

    Raises:
        OSError: `path` exists already, or the disk is full.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "new"
    >>> with staged_folder(path) as stage:
    ...     written = (stage / "a.txt").write_text("whole")
    >>> (path / "a.txt").read_text()
    'whole'
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    temporary.mkdir()
    try:
        yield temporary
        for written in [*temporary.iterdir(), temporary]:
            _flush(written)
        temporary.rename(path)
        _flush(path.parent)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _flush(path: Path) -> None:
    """Wait until the disk holds what was written; for a folder, the names of its files."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
