"""Contenders in processes of their own: started together, asked one after the other, ended whatever happens."""

import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch

from erniem_lab.bench.contenders import Contender
from erniem_lab.errors import FileFaultError, InputValueError

FOREIGN = Path(__file__).with_name("foreign.py")
QUIET = {"HF_HUB_OFFLINE": "1", "PYTHONWARNINGS": "ignore", "TRANSFORMERS_VERBOSITY": "error"}
NO_PEER = "give --peer PYTHON, of an environment with transformers==4.40.2, sentencepiece and torch"


@dataclass(frozen=True)
class Conditions:
    """What all contenders share.

    Args:
        folder: the checkpoint.
        peer: the python of an environment with transformers 4.40.2; without it these contenders are skipped.
        alone: whether each reader has a process of its own, so that its memory can be told; otherwise one does for
            all of a kind, which starts sooner.

    Raises:
        InputValueError: no thread, no round, or a device that torch does not find.
        FileFaultError: the peer's Python is not there.
    """

    folder: Path
    threads: int = field(default_factory=torch.get_num_threads)
    device: str = "cpu"
    rounds: int = 5
    peer: str = ""
    alone: bool = True

    def __post_init__(self) -> None:
        for name, value in (("threads", self.threads), ("rounds", self.rounds)):
            if value < 1:
                raise InputValueError(f"{name}={value}: give 1 or more")
        if self.device != "cpu" and not torch.cuda.is_available():
            raise InputValueError(f"device={self.device!r}: torch finds no GPU here; use 'cpu'")
        if self.peer and not os.access(self.peer, os.X_OK):
            raise FileFaultError(f"peer={self.peer!r}: no program there; give the python of an environment")

    def machine(self) -> str:
        """What the numbers hold for: processor or accelerator, threads, torch, and how busy it is now.

        >>> ", 1 thread, torch" in Conditions(Path(), threads=1).machine()
        True
        """
        name = _processor() if self.device == "cpu" else torch.cuda.get_device_name(self.device)
        load = f", load {os.getloadavg()[0]:.1f} at the start" if hasattr(os, "getloadavg") else ""
        threads = "1 thread" if self.threads == 1 else f"{self.threads} threads"
        return f"{name}, {os.cpu_count()} cores, {threads}, torch {torch.__version__}{load}"


@dataclass(frozen=True)
class Run:
    """One run: seconds by the clock, and bytes above those that the loaded model holds."""

    seconds: float
    bytes: int


class Crew:
    """Contenders side by side; one that cannot run leaves, and `skipped` says why."""

    def __init__(self, contenders: Sequence[Contender], given: Conditions) -> None:
        self.skipped = {one.name: NO_PEER for one in contenders if one.foreign and not given.peer}
        self._given = given
        self._here = [one for one in contenders if one.name not in self.skipped]
        self._workers: dict[tuple[bool, str], _Worker] = {}

    def __enter__(self) -> "Crew":
        for one in self._here:
            if self._process(one) not in self._workers:
                worker = _Worker(self._given.peer if one.foreign else "", self._given.threads)
                self._workers[self._process(one)] = worker
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self._workers.values():
            worker.end()

    def run(self, one: Contender, task: Mapping[str, object]) -> list[Run]:
        """One run of a contender, or nothing if it is not here, or fails and leaves.

        The task names the checkpoint's folder, the file of texts, how many to take at a time (0: its own choice),
        and the file for vectors, if any.
        """
        if one.name in self.skipped:
            return []
        shared = {"threads": self._given.threads, "device": self._given.device}
        answer = self._workers[self._process(one)].ask({**asdict(one), **shared, **task})
        if "fault" in answer:
            self.skipped[one.name] = answer["fault"]
            return []
        return [Run(**answer)]

    def _process(self, one: Contender) -> tuple[bool, str]:
        """In which Python, and with whom: readers alone or with their kind, others with those of their job."""
        reader = one.name if self._given.alone else one.kind
        return one.foreign, reader if one.job == "embed" else one.job


class _Worker:
    """A process that does what it is asked to: a line of JSON in, a line out."""

    def __init__(self, peer: str, threads: int) -> None:
        command = [peer, str(FOREIGN)] if peer else [sys.executable, "-m", "erniem_lab.bench.own"]
        given = {**os.environ, **QUIET, "OMP_NUM_THREADS": str(threads)}
        self._said = tempfile.TemporaryFile()  # noqa: SIM115  # closed with the process
        pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": self._said}
        self._process = subprocess.Popen(command, env=given, text=True, encoding="utf-8", **pipes)

    def ask(self, order: Mapping[str, object]) -> dict[str, Any]:
        """What a run took, or under "fault" why there was none."""
        with suppress(BrokenPipeError):  # it has ended; the answer that does not come tells why
            print(json.dumps(order), file=self._process.stdin, flush=True)
        line = self._process.stdout.readline() if self._process.stdout else ""
        if line:
            return json.loads(line)
        self._said.seek(0)
        last = self._said.read().decode("utf-8", "replace").strip().splitlines()[-1:] or ["it said nothing"]
        return {"fault": f"its process ended with code {self._process.wait()}: {last[0]}"}

    def end(self) -> None:
        """Nothing is lost: what it found has been written before it answered."""
        self._process.kill()
        self._process.communicate()
        self._said.close()


def _processor() -> str:
    """The processor's own name for itself."""
    told = Path("/proc/cpuinfo")
    lines = told.read_text(encoding="utf-8").splitlines() if told.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
