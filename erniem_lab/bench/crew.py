"""Several contenders kept alive side by side; one that cannot run leaves, and why is noted."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import TypeVar

from erniem_lab.bench.contenders import Contender
from erniem_lab.bench.measurement import Skipped
from erniem_lab.bench.workers import Conditions, Run, Worker, WorkerError

T = TypeVar("T")


class Crew:
    """Contenders in their processes, which all begin at the same time and end with the block."""

    def __init__(self, contenders: Sequence[Contender], given: Conditions) -> None:
        self.workers: dict[str, Worker] = {}
        self.skipped: list[Skipped] = []
        self._contenders, self._given = contenders, given
        self._stack = ExitStack()

    def __enter__(self) -> "Crew":
        lost = [one for one in self._contenders if one.foreign and not self._given.peer]
        self._leave({one.name: one.hint for one in lost})
        groups: dict[str, list[Contender]] = {}
        for one in self._contenders:
            if one not in lost:
                groups.setdefault(one.process or one.name, []).append(one)
        with ExitStack() as begun:
            for worker in [begun.enter_context(Worker(group, self._given)) for group in groups.values()]:
                self._welcome(worker)
            self._stack = begun.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.__exit__(kind, fault, trace)

    def run(self, name: str, texts: Path, *, vectors: Path | None = None, batch: int | None = None) -> list[Run]:
        """One run of a contender that is here, or nothing if it fails, and leaves with all of its process."""
        worker = self.workers[name]
        wanted = vectors if worker.contenders[name].agreement else None
        try:
            return [worker.run(name, texts, vectors=wanted, batch=batch)]
        except WorkerError as fault:
            self._leave(dict.fromkeys(set(worker.contenders) & set(self.workers), str(fault)))
            return []

    def turn(self, number: int) -> Iterator[str]:
        """Who is here, in the order of a round; whoever leaves while it runs is left out."""
        return (name for name in turned(list(self.workers), number) if name in self.workers)

    def _welcome(self, worker: Worker) -> None:
        try:
            missing = worker.wait()
        except WorkerError as fault:
            missing = dict.fromkeys(worker.contenders, str(fault))
        self._leave(missing)
        self.workers |= {name: worker for name in worker.contenders if name not in missing}

    def _leave(self, why: dict[str, str]) -> None:
        self.skipped += [Skipped(name, reason) for name, reason in why.items()]
        self.workers = {name: worker for name, worker in self.workers.items() if name not in why}


def turned(names: Sequence[T], number: int) -> Iterator[T]:
    """The order of a round: each begins one later, and every other one runs backwards.

    So nobody always comes after the same other, whose heat and caches he would find.

    >>> [" ".join(turned("abc", number)) for number in range(4)]
    ['a b c', 'a c b', 'c a b', 'c b a']
    """
    start = number % max(1, len(names))
    order = [*names[start:], *names[:start]]
    return iter(order[::-1] if number % 2 else order)
