"""Which machine a number was measured on, and with what."""

import os
import platform
from dataclasses import dataclass
from pathlib import Path

import torch

from erniem_lab.errors import InputValueError


@dataclass(frozen=True)
class Machine:
    """A processor or accelerator, the cores at hand, the threads that were used, and how busy it was (load, 1 min)."""

    processor: str
    cores: int
    threads: int
    device: str
    torch: str
    load: float

    @classmethod
    def here(cls, threads: int = 0, device: str = "cpu") -> "Machine":
        """This machine; with 0 threads as many as torch takes by itself.

        Raises:
            InputValueError: fewer than no threads, or a device that torch does not find.

        >>> Machine.here(threads=1).threads
        1
        """
        if threads < 0:
            raise InputValueError(f"threads={threads}: give 1 or more, or 0 for torch's own choice")
        if device != "cpu" and not torch.cuda.is_available():
            raise InputValueError(f"device={device!r}: torch finds no GPU here; use 'cpu'")
        name = _processor() if device == "cpu" else torch.cuda.get_device_name(device)
        load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
        return cls(name, _cores(), threads or torch.get_num_threads(), device, str(torch.__version__), round(load, 1))

    def __str__(self) -> str:
        where = f"{self.processor}, {self.cores} cores, {self.threads} threads"
        return f"{where}, torch {self.torch}, load {self.load} at the start"


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _processor() -> str:
    """The processor's own name for itself."""
    told = Path("/proc/cpuinfo")
    lines = told.read_text(encoding="utf-8").splitlines() if told.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
