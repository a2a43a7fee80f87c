"""Commands that run notebooks or open them."""

import logging
from pathlib import Path
from typing import Annotated

import typer

from erniem_lab.bundle import bundled
from erniem_lab.errors import InputValueError

FAULTS_SHOWN = 3


def report(
    notebooks: Annotated[
        list[str] | None, typer.Argument(help="Numbers, names or paths of notebooks; all that came along for none.")
    ] = None,
    model: Annotated[str, typer.Option(help="Folder or hub id, for the notebooks that take a model.")] = "",
    out: Annotated[Path, typer.Option(help="The folder for the reports.")] = Path("reports"),
    parameter: Annotated[
        list[str] | None,
        typer.Option("-p", metavar="NAME VALUE", help="Set a notebook's parameter."),
    ] = None,
    jobs: Annotated[int, typer.Option(min=0, help="Notebooks at a time; 0: one for every four cores.")] = 0,
    timeout: Annotated[int, typer.Option(min=1, help="Seconds that a cell may take.")] = 900,
) -> None:
    """Run notebooks; write an offline HTML report of each, an index, and their numbers."""
    from erniem_lab.errors import ReportError
    from erniem_lab.report.build import require_lab, write_reports
    from erniem_lab.report.choose import choose
    from erniem_lab.report.parameters import read_values

    require_lab()
    logging.getLogger("papermill").setLevel(logging.CRITICAL)  # what stops a notebook is told at the end, in one line
    chosen = choose(notebooks or [], bundled("notebooks"))
    pairs = [*map(_pair, parameter or []), *([("model", model)] if model else [])]
    values = read_values(pairs, [notebook.defaults for notebook in chosen])
    reports = write_reports(chosen, out, values, jobs=jobs, timeout=timeout)
    print(f"{len(reports)} reports: {out / 'index.html'}")
    failed = [entry for entry in reports if not entry.passed]
    if failed:
        named = "; ".join(f"{entry.name}: {entry.fault}" for entry in failed[:FAULTS_SHOWN])
        raise ReportError(f"{len(failed)} of {len(reports)} notebooks failed: {named}; open {out / 'index.html'}")


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise InputValueError(f"-p {name!r}: has no value; write -p NAME VALUE")
    return name, value


def lab(
    port: Annotated[int | None, typer.Option(help="The port; a free one from 8888 on by default.")] = None,
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Open a browser window.")] = True,
    options: Annotated[list[str] | None, typer.Argument(help="After --: JupyterLab's own, as --allow-root.")] = None,
) -> None:
    """Copy the notebooks here, where none of yours is overwritten, and open JupyterLab on them."""
    import subprocess

    from erniem_lab.report.workspace import copy_notebooks, lab_command

    folder = Path.cwd() / "notebooks"
    made = copy_notebooks(bundled("notebooks"), folder)
    print(f"notebooks: {folder} ({len(made)} new)")
    command = lab_command(folder, port=port, browser=browser, options=options or [])
    raise typer.Exit(subprocess.run(command, check=False).returncode)
