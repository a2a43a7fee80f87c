"""The `erniem-lab` command; it starts fast because each command imports what it needs."""

import os
import sys
import traceback
from typing import Annotated

import typer

from erniem_lab.cli.checkpoints import bench, convert, embed, extract
from erniem_lab.cli.learning import evaluate, finetune, pretrain
from erniem_lab.cli.notebooks import lab, report
from erniem_lab.errors import ErnieMLabError

TRACEBACK = "ERNIEM_LAB_TRACEBACK"

commands = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Run, read and convert ERNIE-M, the cross-lingual encoder.",
)
for command in (report, lab, convert, embed, extract, bench, pretrain, finetune, evaluate):
    commands.command()(command)


def app() -> None:
    """The command line; a fault of this project's kinds, or of a file, is one line on stderr and exit code 1."""
    try:
        commands(_joined(sys.argv[1:]))
    except (ErnieMLabError, OSError) as fault:
        if os.environ.get(TRACEBACK):
            traceback.print_exc()
        print("error:", " ".join(str(fault).split()), file=sys.stderr)
        raise SystemExit(1) from fault


def _joined(arguments: list[str]) -> list[str]:
    """The arguments with each `-p NAME VALUE` as `-p NAME=VALUE`, the one form that typer repeats.

    >>> _joined(["report", "-p", "seed", "-1", "-p", "n=2"])
    ['report', '-p', 'seed=-1', '-p', 'n=2']
    """
    rest = iter(arguments)
    joined = []
    for argument in rest:
        joined.append(argument)
        if argument == "-p" and (name := next(rest, None)) is not None:
            value = None if "=" in name else next(rest, None)
            joined.append(name if value is None else f"{name}={value}")
    return joined


@commands.callback()
def options(
    show_traceback: Annotated[
        bool, typer.Option("--traceback", help=f"Show where a fault came from; also {TRACEBACK}=1.")
    ] = False,
) -> None:
    """Options that every command shares."""
    if show_traceback:
        os.environ[TRACEBACK] = "1"
