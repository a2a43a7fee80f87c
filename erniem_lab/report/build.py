"""Notebooks in, reports out: every chosen notebook run, written and listed, however it ended."""

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path

from tqdm import tqdm

from erniem_lab.errors import FileFaultError, InputValueError, MissingExtraError
from erniem_lab.files.atomic import staged_files
from erniem_lab.files.html import policy
from erniem_lab.report.choose import Notebook
from erniem_lab.report.jupyter import sign, write_ipynb
from erniem_lab.report.page import asset, page, templates
from erniem_lab.report.parameters import check_name, settings
from erniem_lab.report.report import Report, describe
from erniem_lab.report.run import Run, execute

FORMAT = 1
CORES_PER_NOTEBOOK = 4
BACKEND = "MPLBACKEND"  # of matplotlib; kernels leave alone what the environment says


def write_reports(
    notebooks: Sequence[Notebook],
    out: Path,
    values: Mapping[str, object],
    *,
    jobs: int = 0,
    timeout: int = 900,
    progress: bool = True,
) -> list[Report]:
    """Run notebooks and write to ``out`` a page and an executed notebook of each, index.html and numbers.json.

    Each notebook is given those of ``values`` that are among its parameters. A notebook that fails gives a report
    too, marked so. ``jobs`` notebooks run at a time (0: one for every four cores); ``timeout`` is seconds per cell.

    Raises:
        InputValueError, InputTypeError: a parameter is unknown to all of them, or has a wrong value; nothing ran.
        MissingExtraError: Jupyter's packages are not installed.
    """
    require_lab()
    if jobs < 0 or timeout < 1:
        raise InputValueError(f"jobs={jobs}, timeout={timeout}: at least 0 jobs and 1 second are needed")
    for name in values:
        check_name(name, [notebook.defaults for notebook in notebooks])
    given = [settings(values, notebook.defaults) for notebook in notebooks]
    _make(out)
    total = sum(cell.cell_type == "code" for notebook in notebooks for cell in notebook.content.cells)
    reports = []
    with tqdm(total=total, unit="cell", desc="report", disable=not progress) as bar:
        for index, run in _runs(notebooks, given, jobs or default_jobs(), timeout, bar.update):
            report = describe(notebooks[index], run, given[index])
            _write(report, run, out)
            reports.append(report)
    write_index(reports, out)
    return sorted(reports, key=lambda report: report.name)


def require_lab() -> None:
    """Say which extra to install where Jupyter's packages are missing."""
    missing = [name for name in ("papermill", "nbconvert", "ipykernel", "jupyterlab") if find_spec(name) is None]
    if missing:
        raise MissingExtraError(f"{', '.join(missing)}: not installed; run: pip install 'erniem-lab[lab]'")


def default_jobs() -> int:
    """One notebook for every four cores, as each computes on several."""
    return max(1, (os.cpu_count() or 1) // CORES_PER_NOTEBOOK)


def _make(out: Path) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as fault:
        raise FileFaultError(f"out={out}: cannot be made a folder ({fault.strerror}); name another") from fault


def _runs(
    notebooks: Sequence[Notebook],
    given: Sequence[Mapping[str, object]],
    jobs: int,
    timeout: int,
    on_cell: Callable[[], object],
) -> Iterator[tuple[int, Run]]:
    """Each run with its notebook's place, as they end; one job at a time stays in this thread, so Ctrl-C stops it."""

    def run(index: int) -> tuple[int, Run]:
        return index, execute(notebooks[index].content, given[index], timeout=timeout, on_cell=on_cell)

    with _figures_inline():
        if jobs == 1:
            yield from map(run, range(len(notebooks)))
            return
        with ThreadPoolExecutor(jobs) as pool:
            for future in as_completed([pool.submit(run, index) for index in range(len(notebooks))]):
                yield future.result()


@contextmanager
def _figures_inline() -> Iterator[None]:
    """Figures go into the notebook, whatever the user's environment says; kernels inherit it."""
    before = os.environ.get(BACKEND)
    os.environ[BACKEND] = "module://matplotlib_inline.backend_inline"
    try:
        yield
    finally:
        os.environ.pop(BACKEND)
        os.environ |= {} if before is None else {BACKEND: before}


def _write(report: Report, run: Run, out: Path) -> None:
    run.content.metadata["erniem_lab"] = {"fault": report.fault, "parameters": dict(report.parameters)}
    with suppress(Exception):  # a home that keeps no signatures: JupyterLab asks before it shows the outputs
        sign(run.content)
    with staged_files(out) as stage:
        stage(f"{report.name}.html").write_text(page(report, run.content), "utf-8")
        write_ipynb(run.content, stage(f"{report.name}.ipynb"))


def write_index(reports: Sequence[Report], out: Path) -> None:
    """Write ``index.html`` and ``numbers.json`` for these reports and for those that ``out`` already has."""
    kept = {report.name: report for report in read_reports(out) if (out / f"{report.name}.html").is_file()}
    merged = {**kept, **{report.name: report for report in reports}}
    everything = [merged[name] for name in sorted(merged)]
    data = {"format": FORMAT, "reports": [report.to_dict() for report in everything]}
    scripts = [asset("page.js")]
    values = {"reports": everything, "style": asset("style.css"), "scripts": scripts, "policy": policy(scripts)}
    markup = templates().get_template("index.html.j2").render(values)
    with staged_files(out) as stage:
        stage("numbers.json").write_text(json.dumps(data, ensure_ascii=False, indent=1), "utf-8")
        stage("index.html").write_text(markup, "utf-8")


def read_reports(out: Path) -> list[Report]:
    """The reports that a ``numbers.json`` tells of; none where there is no such file, or it is of another kind."""
    try:
        data = json.loads((out / "numbers.json").read_text("utf-8"))
        return [Report.from_dict(entry) for entry in data["reports"]]
    except (OSError, ValueError, TypeError, KeyError):
        return []
