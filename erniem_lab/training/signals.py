"""A request to stop is noted, and obeyed when a step is complete and saved."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

TERMINATED = 128 + signal.SIGTERM  # the exit status by which a shell tells of a SIGTERM


class Request:
    """Which signal asked to stop, 0 while none did."""

    def __init__(self) -> None:
        self.signal = 0

    def note(self, number: int, frame: FrameType | None) -> None:
        """Remember the signal; a second Ctrl-C does not wait."""
        if number == signal.SIGINT == self.signal:
            raise KeyboardInterrupt
        self.signal = number


@contextmanager
def requests(listen: bool) -> Iterator[Request]:
    """Note SIGINT and SIGTERM within the block, if asked to and in the main thread, where Python allows it.

    >>> with requests(True) as request:
    ...     signal.raise_signal(signal.SIGINT)
    ...     request.signal == signal.SIGINT
    True
    """
    request = Request()
    if not listen or threading.current_thread() is not threading.main_thread():
        yield request
        return
    before = {number: signal.signal(number, request.note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield request
    finally:
        for number, handler in before.items():
            signal.signal(number, handler if handler is not None else signal.SIG_DFL)


def obey(number: int) -> NoReturn:
    """End as a process that got the signal ends: exit status 143, or KeyboardInterrupt.

    >>> obey(signal.SIGTERM)
    Traceback (most recent call last):
    SystemExit: 143
    """
    if number == signal.SIGTERM:
        raise SystemExit(TERMINATED)
    raise KeyboardInterrupt
