"""One notebook executed in a kernel and a folder of its own, and an honest word on how it ended."""

import json
import os
import re
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from erniem_lab.report.jupyter import read_ipynb, replaced

SECRET_NAME = re.compile(r"TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIAL|API_?KEY|ACCESS_KEY", re.IGNORECASE)
SHORTEST_SECRET = 8
LONGEST_FAULT = 300
SLOWEST_START = 300  # seconds; papermill gives a kernel 60, too few on a machine that is busy


@dataclass(frozen=True)
class Run:
    """An executed notebook; ``fault`` is one line that says what stopped it, empty if nothing did."""

    content: Any
    fault: str
    seconds: float


def execute(content: Any, values: Mapping[str, object], *, timeout: int, on_cell: Callable[[], object] = int) -> Run:
    """Run a notebook's cells with ``values`` in place of its parameters.

    ``timeout`` is in seconds for each cell; ``on_cell`` is called after each cell. How it ended is judged by
    what was raised and by the cells that ran: the metadata that papermill saves calls a dead kernel a success.
    """
    import papermill

    place = _Place(on_cell)
    started = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="erniem-lab-", ignore_cleanup_errors=True) as scratch:
        partial = Path(scratch) / "executed.ipynb"
        (Path(scratch) / "work").mkdir()
        try:
            papermill.execute_notebook(
                content,
                partial,
                dict(values),
                kernel_name="python3",
                language="python",
                progress_bar=False,
                execution_timeout=timeout,
                start_timeout=SLOWEST_START,
                # papermill's own cwd changes the folder of the whole process, which notebooks in parallel share
                resources={"metadata": {"path": str(Path(scratch) / "work")}},
                extra_arguments=["--IPKernelApp.log_level=50"],
                on_cell_start=place.enter,
                on_cell_complete=place.leave,
            )
            fault = ""
        except Exception as error:  # whatever stops a notebook belongs in its report
            fault = _one_line(error, place.cell)
        executed = _read(partial, content)
    return Run(_cleaned(executed), fault or _unfinished(executed), time.perf_counter() - started)


class _Place:
    """Where a run is: the number of the cell at work, from 1, as in the notebook before papermill's own cell."""

    def __init__(self, on_cell: Callable[[], object]) -> None:
        self.cell = 0
        self._added = 0
        self._on_cell = on_cell

    def enter(self, *, cell: Any, cell_index: int) -> None:
        self._added += _is_added(cell)
        self.cell = cell_index + 1 - self._added

    def leave(self, *, cell: Any, cell_index: int) -> None:
        self._on_cell()


def _is_added(cell: Any) -> bool:
    return "injected-parameters" in cell.metadata.get("tags", [])


def _one_line(error: Exception, cell: int) -> str:
    from nbclient.exceptions import CellTimeoutError, DeadKernelError
    from papermill.exceptions import PapermillExecutionError

    if isinstance(error, PapermillExecutionError):
        text = f"cell {cell}: {error.ename}: {error.evalue}"
    elif isinstance(error, DeadKernelError):
        text = f"cell {cell}: the kernel died (killed, crashed, or out of memory)"
    elif isinstance(error, CellTimeoutError):
        text = f"cell {cell}: ran out of time; give more with --timeout"
    else:
        text = f"cell {cell}: {type(error).__name__}: {error}"
    line = " ".join(re.sub(r"\x1b\[[0-9;]*m", "", text).split())
    return line if len(line) <= LONGEST_FAULT else line[:LONGEST_FAULT] + "…"


def _read(partial: Path, content: Any) -> Any:
    from papermill.execute import remove_error_markers

    if not partial.is_file() or partial.stat().st_size == 0:
        return content
    return remove_error_markers(read_ipynb(partial))


def _unfinished(content: Any) -> str:
    """What to say of a notebook that ended early without an error, as ``sys.exit(0)`` makes one."""
    own = [cell for cell in content.cells if not _is_added(cell)]
    for number, cell in enumerate(own, start=1):
        if cell.cell_type == "code" and cell.source.strip() and cell.execution_count is None:
            return f"cell {number}: not reached; an earlier cell ended the run"
    return ""


def _cleaned(content: Any) -> Any:
    """The notebook without papermill's bookkeeping, which names local folders, and without secrets."""
    content.metadata.pop("papermill", None)
    for cell in content.cells:
        for key in ("papermill", "execution"):
            cell.metadata.pop(key, None)
    for secret in _secrets():
        content = replaced(content, json.dumps(secret, ensure_ascii=False)[1:-1], "[hidden]")
    return content


def _secrets() -> list[str]:
    """Values of environment variables that are named like secrets."""
    return [value for name, value in os.environ.items() if SECRET_NAME.search(name) and len(value) >= SHORTEST_SECRET]
