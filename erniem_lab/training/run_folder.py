"""The folder of one run: locked while it trains, with its checkpoints, its curve, and what it was made with."""

import json
import os
import platform
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from safetensors import SafetensorError
from torch import Tensor

from erniem_lab.errors import FileFaultError
from erniem_lab.files.atomic import write_atomically
from erniem_lab.files.json_file import parse_object
from erniem_lab.training.checkpoints import (
    CURVE,
    UNFINISHED,
    Checkpoint,
    demand_good,
    discard,
    find_checkpoint,
    prune,
    set_aside,
    write_checkpoint,
)
from erniem_lab.training.curve import Step, curve_text
from erniem_lab.training.plan import Plan

LOCK, RUN = ".lock", "run.json"
VERSIONS = ("torch", "numpy", "erniem-lab")


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep other runs out of a folder; the lock of a process that died is no lock.

    Raises:
        FileFaultError: another run is training there, or nothing can be written there.

    >>> import tempfile
    >>> folder = tempfile.mkdtemp()
    >>> with locked(Path(folder)), locked(Path(folder)):
    ...     pass
    Traceback (most recent call last):
    erniem_lab.errors.FileFaultError: ...: another run is training in this folder...
    """
    lock = FileLock(folder / LOCK, blocking=False)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_atomically(folder / f".{os.getpid()}.writable", lambda file: file.write(b"yes"))
        (folder / f".{os.getpid()}.writable").unlink()
        lock.acquire()
    except Timeout as fault:
        raise FileFaultError(
            f"{folder}: another run is training in this folder{_process(folder)}; wait for its end, or name another"
        ) from fault
    except OSError as fault:
        raise FileFaultError(f"{folder}: nothing can be written there ({fault}); name another folder") from fault
    try:
        yield
    finally:
        lock.release()


class RunFolder:
    """Where a run leaves what it must not lose; only the first process has one.

    `decided_by` is what decides its results: the plan, and whatever identifies its data and code.
    """

    def __init__(self, folder: Path, plan: Plan, identity: Mapping[str, Any], device: str) -> None:
        self.folder, self.plan = folder, plan
        self.decided_by = {"plan": plan.deciding(), "identity": dict(identity)}
        self.about = {"device": device, "plan": asdict(plan), "identity": dict(identity)}

    def recover(self) -> Checkpoint | None:
        """The newest good checkpoint; damaged ones are set aside, with a warning that says why.

        Raises:
            FileFaultError: every checkpoint is damaged, or the newest good one is of another plan or of other data.
        """
        found = find_checkpoint(self.folder)
        demand_good(self.folder, found)
        if found.good is not None:
            self._refuse_others(found.good)
        for path, fault in found.faults.items():
            warnings.warn(f"{set_aside(path).name}: passed over, and named so: {fault}", stacklevel=2)
        for path in self.folder.glob(UNFINISHED):
            discard(path)
        self._describe(found.good)
        return found.good

    def save(self, tensors: Mapping[str, Tensor], curve: Sequence[Step], *, must: bool) -> None:
        """Write a checkpoint and the curve, and drop the oldest; a fault is a warning where a later save can follow.

        Raises:
            FileFaultError: it cannot be written, and `must` be.
        """
        try:
            write_checkpoint(self.folder, tensors, self.decided_by, curve)
            write_atomically(self.folder / CURVE, lambda file: file.write(curve_text(curve).encode()))
            prune(self.folder, self.plan.keep)
        except (OSError, SafetensorError) as fault:
            text = f"{self.folder}: step {len(curve)} could not be saved ({fault}); the checkpoint before it is kept"
            if must:
                raise FileFaultError(f"{text}: make room, and start the same run again to go on from there") from fault
            warnings.warn(f"{text}, and training goes on: make room before the next save", stacklevel=2)

    def _refuse_others(self, good: Checkpoint) -> None:
        """Raise unless the checkpoint is of this very run."""
        before, now = _flat(good.decided_by), _flat(json.loads(json.dumps(self.decided_by)))
        changed = [name for name in sorted(before.keys() | now.keys()) if before.get(name) != now.get(name)]
        if good.step > self.plan.steps:
            changed.append("plan.steps")
            before, now = {**before, "plan.steps": f"at least {good.step}"}, {**now, "plan.steps": self.plan.steps}
        if changed:
            differences = "; ".join(f"{name} was {before.get(name)!r}, is {now.get(name)!r}" for name in changed)
            raise FileFaultError(
                f"{good.path}: was saved by another run: {differences}; name another folder, or change these back"
            )

    def _describe(self, good: Checkpoint | None) -> None:
        now = datetime.now(UTC).isoformat(timespec="seconds")
        resumed = _described(self.folder).get("resumed", []) if good else []
        start = _described(self.folder).get("started", now) if good else now
        about = {
            "started": start,
            "resumed": [*resumed, {"at": now, "step": good.step}] if good else [],
            "process": os.getpid(),
            "versions": {"python": platform.python_version(), **{name: version(name) for name in VERSIONS}},
            "seed": self.plan.seed,
            **self.about,
        }
        write_atomically(self.folder / RUN, lambda file: file.write(json.dumps(about, indent=2).encode()))


def _described(folder: Path) -> dict[str, Any]:
    """What `run.json` says; nothing if it was lost, for no result hangs on it."""
    path = folder / RUN
    try:
        return parse_object(path.read_bytes(), path, "description")
    except OSError:
        return {}


def _process(folder: Path) -> str:
    number = _described(folder).get("process")
    return f" (process {number})" if number else ""


def _flat(decided_by: Mapping[str, Any]) -> dict[str, Any]:
    """`{"plan": {"seed": 0}}` as `{"plan.seed": 0}`."""
    return {f"{part}.{name}": value for part, values in decided_by.items() for name, value in values.items()}
