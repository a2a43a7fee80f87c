"""One process or several: who is first, and how they tell each other what they found."""

import atexit
import gc
import os
from collections.abc import Callable
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch.distributed.rendezvous import rendezvous

from erniem_lab.errors import InputValueError

T = TypeVar("T")


class Processes:
    """The processes of one run, as one of them sees them; a single process is first and alone.

    With `alone`, a process that has others beside it leaves them out.

    >>> alone = Processes()
    >>> alone.first, alone.size, alone.gather("a"), alone.on_first(lambda: 3)
    (True, 1, ['a'], 3)
    """

    def __init__(self, *, alone: bool = False) -> None:
        together = dist.is_available() and dist.is_initialized() and not alone
        self.rank, self.size = (dist.get_rank(), dist.get_world_size()) if together else (0, 1)

    @property
    def first(self) -> bool:
        """Whether this is the process that writes."""
        return self.rank == 0

    def gather(self, value: T) -> list[T]:
        """What each process gives, in their order, for each of them."""
        if self.size == 1:
            return [value]
        values: list[Any] = [None] * self.size
        dist.all_gather_object(values, value)
        return values

    def on_first(self, act: Callable[[], T]) -> T:
        """Let the first process act; what it returns or raises comes out in all of them."""
        if self.size == 1:
            return act()
        found: list[Any] = [None]
        if self.first:
            found = [_outcome(act)]
        dist.broadcast_object_list(found, src=0)
        if isinstance(found[0], Exception):
            raise found[0]
        return found[0]

    def share_of(self, step: int, accumulate: int) -> range:
        """The numbers of the micro-batches of a step that are this process's.

        Raises:
            InputValueError: they cannot be shared out evenly.

        >>> Processes().share_of(step=3, accumulate=2)
        range(6, 8)
        """
        if accumulate % self.size:
            raise InputValueError(
                f"accumulate={accumulate}: cannot be divided among {self.size} processes; change the plan to a "
                f"multiple of {self.size}, or start another number of processes"
            )
        return range(step * accumulate + self.rank, (step + 1) * accumulate, self.size)


def processes() -> Processes:
    """Join the processes that `torchrun` started, until this one ends; otherwise be alone.

    >>> processes().size
    1
    """
    if int(os.environ.get("WORLD_SIZE", "1")) > 1 and not dist.is_initialized():
        _join()
        # Not earlier: what a module that was copied or divided still holds of the group would end it in a deadlock.
        atexit.register(_part)
    return Processes()


def _join() -> None:
    """Meet the others; after a restart not at the addresses that dead processes left in the store of `torchrun`."""
    store, rank, size = next(rendezvous("env://"))
    name = f"attempt-{os.environ.get('TORCHELASTIC_RESTART_COUNT', '0')}"
    attempt = dist.PrefixStore(name, store)  # type: ignore[attr-defined]
    backend = "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo"
    dist.init_process_group(backend, store=attempt, rank=rank, world_size=size)


def _part() -> None:
    """Leave the others once nothing of a run is left: a thread of theirs that outlives Python would abort it."""
    gc.collect()
    dist.destroy_process_group()


def own_device() -> torch.device:
    """Where this process should put its module: its own GPU, if there is one, or the CPU.

    >>> own_device().type in ("cpu", "cuda")
    True
    """
    if not torch.cuda.is_available():
        return torch.device("cpu")
    return torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))


def is_first() -> bool:
    """Whether this process is the one that should write files: the first that `torchrun` started, or alone.

    >>> is_first()
    True
    """
    return int(os.environ.get("RANK", "0")) == 0


def _outcome(act: Callable[[], T]) -> T | Exception:
    try:
        return act()
    except Exception as fault:  # raised again by every process
        return fault
