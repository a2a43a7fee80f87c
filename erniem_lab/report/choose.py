"""Which notebooks to run, by number, name or path, read and checked before anything starts."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from erniem_lab.errors import FileFaultError, InputValueError
from erniem_lab.report.jupyter import read_ipynb
from erniem_lab.report.parameters import Defaults, read_defaults

HEADING = re.compile(r"^#+\s+(.*)$", re.MULTILINE)


@dataclass(frozen=True)
class Notebook:
    """A notebook as it was written: its cells, and the parameters it may be given."""

    name: str
    content: Any
    defaults: Defaults

    @property
    def opening(self) -> str:
        """The first markdown cell: the question as a heading, and the answer."""
        return next((cell.source for cell in self.content.cells if cell.cell_type == "markdown"), "")

    @property
    def question(self) -> str:
        """The first heading, or the file's name."""
        heading = HEADING.search(self.opening)
        return heading.group(1).strip() if heading else self.name

    @property
    def answer(self) -> str:
        """What the first cell says below its heading, as markdown."""
        return HEADING.sub("", self.opening, count=1).strip()


def choose(names: Sequence[str], folder: Path) -> list[Notebook]:
    """The notebooks that ``names`` mean: a number or a name in ``folder``, or a path; all of ``folder`` for none.

    Raises:
        InputValueError: a name means no notebook, or two notebooks would write the same report.
        FileFaultError: a notebook cannot be read, or has not exactly one cell tagged ``parameters``.
    """
    bundled = sorted(folder.glob("*.ipynb"))
    if not names and not bundled:
        raise FileFaultError(f"{folder}: no notebook found; name one by its path")
    paths = [_find(name, bundled) for name in names] if names else bundled
    unique = list(dict.fromkeys(path.resolve() for path in paths))
    if len({path.stem for path in unique}) < len(unique):
        both = ", ".join(str(path) for path in unique)
        raise InputValueError(f"two notebooks have one name and would overwrite each other's report: {both}")
    return [read_notebook(path) for path in unique]


def _find(name: str, bundled: Sequence[Path]) -> Path:
    if name.isdecimal():
        hits = [path for path in bundled if _number(path) == int(name)]
    else:
        hits = [path for path in bundled if path.stem == name]
    if hits:
        return hits[0]
    if Path(name).is_file():
        return Path(name)
    known = ", ".join(path.stem for path in bundled)
    raise InputValueError(f"notebook {name!r}: not a file, nor the number or name of one of: {known or 'none'}")


def _number(path: Path) -> int:
    digits = re.match(r"\d+", path.stem)
    return int(digits.group()) if digits else -1


def read_notebook(path: Path) -> Notebook:
    """The notebook in the file ``path``, with its parameters."""
    import nbformat

    try:
        content = read_ipynb(path)
        nbformat.validate(content)
    except Exception as fault:  # nbformat lets JSON, schema, encoding and attribute faults through
        reason = str(fault).strip().split("\n")[0]
        raise FileFaultError(f"{path}: not a Jupyter notebook ({reason}); open and save it in JupyterLab") from fault
    return Notebook(path.stem, content, read_defaults(content, str(path)))
