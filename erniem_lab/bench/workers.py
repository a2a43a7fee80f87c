"""Contenders in processes of their own: started, asked, and ended whatever happens."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from erniem_lab.bench.contenders import Contender
from erniem_lab.bench.machine import Machine
from erniem_lab.errors import FileFaultError, InputValueError

PEERS = Path(__file__).with_name("peers.py")
PATIENCE = 20  # seconds that a process has to end by itself


@dataclass(frozen=True)
class Conditions:
    """What all contenders share: the checkpoint's folder, the machine, how many rounds, and the peer's Python.

    Raises:
        InputValueError: fewer than one round.
        FileFaultError: the peer's Python is not there.
    """

    folder: Path
    machine: Machine
    rounds: int = 5
    peer: str = ""

    def __post_init__(self) -> None:
        if self.rounds < 1:
            raise InputValueError(f"rounds={self.rounds}: give 1 or more; 5 or more for an interval of 94 %")
        if self.peer and not os.access(self.peer, os.X_OK):
            raise FileFaultError(f"peer={self.peer!r}: no program there; give the python of an environment")


@dataclass(frozen=True)
class Run:
    """One run: seconds by the clock, processor seconds, and bytes above those that the loaded model holds."""

    seconds: float
    busy: float
    bytes: int


class WorkerError(Exception):
    """A contender could not be loaded or died; the message says why, and what to do."""


class Worker:
    """A process that does the jobs of one or several contenders as often as it is asked to."""

    def __init__(self, contenders: Sequence[Contender], given: Conditions) -> None:
        self.contenders = {one.name: one for one in contenders}
        own = [sys.executable, "-m", "erniem_lab.bench.own"]
        command = [given.peer, str(PEERS)] if contenders[0].foreign else own
        threads = str(given.machine.threads)
        quiet = {**os.environ, "OMP_NUM_THREADS": threads, "HF_HUB_OFFLINE": "1", "PYTHONWARNINGS": "ignore"}
        self._said = tempfile.TemporaryFile()  # noqa: SIM115  # closed with the process
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": self._said}
        self._process = subprocess.Popen(command, env=quiet, text=True, encoding="utf-8", **pipes)  # type: ignore[call-overload]
        shared = {"threads": given.machine.threads, "device": given.machine.device}
        self._send([{**asdict(one), "folder": one.folder or str(given.folder), **shared} for one in contenders])

    def __enter__(self) -> "Worker":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(BrokenPipeError):
            self._process.stdin.close()
        try:
            self._process.wait(PATIENCE if fault is None else 0)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()
        self._said.close()

    def wait(self) -> dict[str, str]:
        """Return when all is loaded, with those contenders that need what is not there, and what to do.

        Raises:
            WorkerError: it failed.
        """
        missing: dict[str, str] = self._answer()
        return {name: f"{why}; {self.contenders[name].hint}".removesuffix("; ") for name, why in missing.items()}

    def run(self, name: str, texts: Path, *, vectors: Path | None = None, batch: int | None = None) -> Run:
        """Let a contender do its job on a file of texts, and leave the vectors where asked to.

        Raises:
            WorkerError: it failed.
        """
        size = self.contenders[name].batch if batch is None else batch
        self._send({"name": name, "texts": str(texts), "batch": size, "vectors": str(vectors or "")})
        return Run(**self._answer())

    def _send(self, message: object) -> None:
        with suppress(BrokenPipeError):  # it has ended; the answer that does not come tells why
            print(json.dumps(message), file=self._process.stdin, flush=True)

    def _answer(self) -> Any:
        line = self._process.stdout.readline()
        if line:
            return json.loads(line)
        code = self._process.wait()
        self._said.seek(0)
        last = self._said.read().decode("utf-8", "replace").strip().splitlines()[-1:] or ["it said nothing"]
        raise WorkerError(f"its process ended with code {code}: {last[0]}")
