"""The list of a folder's files with their SHA-256 hashes, by which a changed byte is noticed."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from erniem_lab.errors import FileFaultError
from erniem_lab.files.json_file import parse_object

MANIFEST = "manifest.json"


def describe_files(files: Mapping[str, Path]) -> str:
    """The manifest of `files` (name in the folder → where its bytes lie now), as JSON.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "vocab.txt"
    >>> size = path.write_text("[CLS]")
    >>> print(describe_files({"vocab.txt": path}))
    {
      "vocab.txt": {
        "bytes": 5,
        "sha256": "b3d506c1fa2d83e7b5709153d07c1d2483a38a8d54d84794bce73624d43e156f"
      }
    }
    """
    entries = {name: {"bytes": path.stat().st_size, "sha256": _sha256(path)} for name, path in files.items()}
    return json.dumps(entries, indent=2, sort_keys=True)


def check_manifest(folder: Path, needed: Iterable[str] = ()) -> bool:
    """Whether `folder` has a manifest; if so, every file that it lists is there and unchanged.

    Raises:
        FileFaultError: a listed file is missing or another one, or a `needed` file is not listed.
    """
    path = folder / MANIFEST
    if not path.is_file():
        return False
    listed = parse_object(path.read_bytes(), path, "manifest")
    for name in needed:
        if name not in listed:
            raise FileFaultError(f"{path}: does not list {name}, which is in the folder; {_REMEDY}")
    for name, entry in listed.items():
        _check(folder, name, entry)
    return True


_REMEDY = f"restore the folder, or delete {MANIFEST} if the change was meant"


def _check(folder: Path, name: str, entry: object) -> None:
    path = plain_path(folder, name, folder / MANIFEST)
    if not isinstance(entry, dict) or not {"sha256", "bytes"} <= entry.keys():
        raise FileFaultError(f"{folder / MANIFEST}: {name} has {entry!r:.80}, where sha256 and bytes are expected")
    if not path.is_file():
        raise FileFaultError(f"{path}: missing, though {MANIFEST} lists it; {_REMEDY}")
    if path.stat().st_size != entry["bytes"]:
        raise FileFaultError(f"{path}: {path.stat().st_size} bytes, {MANIFEST} says {entry['bytes']}; {_REMEDY}")
    found = _sha256(path)
    if found != entry["sha256"]:
        raise FileFaultError(f"{path}: its sha256 is {found}, {MANIFEST} says {entry['sha256']}; {_REMEDY}")


def plain_path(folder: Path, name: object, listing: Path) -> Path:
    """The path of a file that `listing` names, if the name stays in `folder`.

    A hub cache keeps its files as links into the `blobs` of the same repository, and these are followed.

    Raises:
        FileFaultError: the name is a path, or a link that leads out of the folder.

    >>> plain_path(Path("."), "../secret", Path("index.json"))
    Traceback (most recent call last):
    erniem_lab.errors.FileFaultError: index.json: names '../secret', not a plain file name ...
    """
    plain = isinstance(name, str) and name not in ("", ".", "..") and not {"/", "\\", ":", "\0"} & set(name)
    if not plain:
        raise FileFaultError(f"{listing}: names {name!r:.300}, not a plain file name of its folder; do not use it")
    path = folder / str(name)
    home = folder.resolve()
    allowed = [home, home.parent.parent / "blobs"] if home.parent.name == "snapshots" else [home]
    if path.resolve().parent not in allowed:
        raise FileFaultError(f"{listing}: {name} is a link out of the folder, to {path.resolve()}; put the file here")
    return path


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
