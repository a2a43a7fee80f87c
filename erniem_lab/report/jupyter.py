"""The few functions of Jupyter's packages that reports call, with the types that those packages leave out."""

import re
from pathlib import Path
from typing import Any

OVERWRITTEN = re.compile(r"[^\n]*\r(?=[^\n])")  # a progress bar's earlier states


def read_ipynb(path: Path) -> Any:
    """The notebook in a file, in version 4 of the format."""
    import nbformat

    return nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]


def write_ipynb(content: Any, path: Path) -> None:
    """Write a notebook to a file."""
    import nbformat

    nbformat.write(content, path)  # type: ignore[no-untyped-call]


def replaced(content: Any, old: str, new: str) -> Any:
    """The notebook with one text in place of another, wherever it stands."""
    import nbformat

    text: str = nbformat.writes(content)  # type: ignore[no-untyped-call]
    return nbformat.reads(text.replace(old, new), as_version=4)  # type: ignore[no-untyped-call]


def sign(content: Any) -> None:
    """Sign a notebook as run by this user, so that this user's JupyterLab shows its outputs."""
    from nbformat.sign import NotebookNotary

    notary = NotebookNotary()  # type: ignore[no-untyped-call]
    try:
        notary.sign(content)  # type: ignore[no-untyped-call]
    finally:
        notary.store.close()


def show(value: object) -> None:
    """Display a value as a notebook does."""
    from IPython.display import display

    display(value)  # type: ignore[no-untyped-call]


def terminal_html(text: str) -> str:
    """Text as a terminal shows it, as escaped HTML: with colours, and of a line that was overwritten the last form.

    >>> terminal_html("1 of 2\\r2 of 2\\ndone")
    '2 of 2\\ndone'
    """
    from nbconvert.filters import ansi2html

    return str(ansi2html(OVERWRITTEN.sub("", text)))  # type: ignore[no-untyped-call]


def markdown_html(text: str) -> str:
    """Markdown as HTML, with whatever HTML was in it."""
    from nbconvert.filters import markdown2html

    return str(markdown2html(text))


def python_html(source: str) -> str:
    """Python with its words marked by their kinds."""
    from nbconvert.filters import Highlight2HTML

    return str(Highlight2HTML(pygments_lexer="python")(source))  # type: ignore[no-untyped-call]
