"""From the name of a checkpoint, a folder or a hub id, to a folder on this disk."""

import os
import re
from collections.abc import Sequence
from os import PathLike
from pathlib import Path

from huggingface_hub import constants, snapshot_download

from erniem_lab.errors import FileFaultError

HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?", re.ASCII)


def local_folder(source: str | PathLike[str], patterns: Sequence[str], *, revision: str | None = None) -> Path:
    """A local folder that holds the files of `source` which match the glob `patterns`.

    A folder that exists is returned as it is, and a file gives the folder it lies in. Anything else is a hub id,
    `owner/name`, and is fetched, or found in the hub's cache when there is no network.

    Raises:
        FileFaultError: no such folder; or the hub does not have it, or cannot be reached and it is not cached.

    >>> local_folder(Path(__file__), ["config.json"]) == Path(__file__).parent
    True
    """
    if os.path.isdir(source):
        return Path(source)
    if os.path.isfile(source):
        return Path(source).parent
    if not isinstance(source, str) or not HUB_ID.fullmatch(source) or ".." in source:
        raise FileFaultError(
            f"{str(source)[:300]!r}: no such file or folder, and not a hub id (owner/name); check the path"
        )
    try:
        return Path(snapshot_download(source, revision=revision, allow_patterns=[*patterns]))
    except Exception as fault:  # the hub client's errors have no common base
        at = f" at revision {revision!r}" if revision else ""
        raise FileFaultError(
            f"{source}: no such folder, and as a hub id{at} none of {', '.join(patterns)} could be fetched, nor are "
            f"they in the cache {_cache_folder(source)} ({type(fault).__name__}: {_first_line(fault)}); check the "
            "name and the network, or fetch it once while online"
        ) from fault


def resolved_revision(folder: Path) -> str:
    """The commit from which a folder of the hub's cache was fetched; empty for any other folder.

    >>> resolved_revision(Path("models--a--b/snapshots") / ("0" * 40))[:8]
    '00000000'
    """
    fetched = folder.parent.name == "snapshots" and re.fullmatch(r"[0-9a-f]{40}", folder.name)
    return folder.name if fetched else ""


def _cache_folder(hub_id: str) -> Path:
    return Path(constants.HF_HUB_CACHE) / f"models--{hub_id.replace('/', '--')}"


def _first_line(fault: Exception) -> str:
    return str(fault).strip().split("\n")[0][:200]
