"""From the name of a checkpoint, a folder or a hub id, to a folder on this disk."""

from collections.abc import Sequence
from os import PathLike
from pathlib import Path

from erniem_lab.errors import FileFaultError


def local_folder(source: str | PathLike[str], patterns: Sequence[str], *, revision: str | None = None) -> Path:
    """A local folder that holds the files of ``source`` which match the glob ``patterns``.

    A folder that exists is returned as it is.
    """
    folder = Path(source)
    if folder.is_dir():
        return folder
    raise FileFaultError(f"{source}: no such folder, and not a hub id")
