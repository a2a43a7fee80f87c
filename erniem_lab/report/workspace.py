"""A user's own copy of the notebooks, and JupyterLab open on it."""

import sys
from collections.abc import Sequence
from pathlib import Path

from erniem_lab.files.atomic import staged_files


def copy_notebooks(source: Path, folder: Path) -> list[Path]:
    """Copy to ``folder`` the notebooks that it has none of that name of; gives the new files."""
    missing = [path for path in sorted(source.glob("*.ipynb")) if not (folder / path.name).exists()]
    with staged_files(folder) as stage:
        for path in missing:
            stage(path.name).write_bytes(path.read_bytes())
    return [folder / path.name for path in missing]


def lab_command(folder: Path, *, port: int | None, browser: bool, options: Sequence[str] = ()) -> list[str]:
    """The command that serves ``folder`` to this machine alone, behind the token that Jupyter makes.

    ``options`` are JupyterLab's own and come last, so that they win.

    >>> lab_command(Path("notebooks"), port=8890, browser=False)[1:]
    ['-m', 'jupyterlab', '--ServerApp.ip=127.0.0.1', '--port=8890', '--no-browser', 'notebooks']
    """
    command = [sys.executable, "-m", "jupyterlab", "--ServerApp.ip=127.0.0.1"]
    command += [f"--port={port}"] if port else []
    command += [] if browser else ["--no-browser"]
    return [*command, str(folder), *options]
