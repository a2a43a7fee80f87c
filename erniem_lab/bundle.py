"""Where the files that ship with the project lie: in the clone, or inside the installed wheel."""

from pathlib import Path

PACKAGE = Path(__file__).resolve().parent


def bundled(name: str) -> Path:
    """The folder `data` or `notebooks` that came with this copy of the project.

    >>> bundled("data").name
    'data'
    """
    inside_wheel = PACKAGE / "bundle" / name
    return inside_wheel if inside_wheel.is_dir() else PACKAGE.parent / name


MINI = bundled("data") / "mini"
"""The small checkpoint that ships with the project."""

WORLD = bundled("data") / "world"
"""The authored text that ships with the project."""
