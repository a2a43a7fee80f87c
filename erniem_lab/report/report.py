"""What one run of a notebook found, as data: the page, the index and numbers.json are views of it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from platform import python_version
from typing import Any

from erniem_lab.errors import ReportError
from erniem_lab.report.choose import Notebook
from erniem_lab.report.numbers import Number, collect
from erniem_lab.report.parameters import shown
from erniem_lab.report.run import Run

PACKAGES = ("erniem-lab", "torch", "numpy", "sentencepiece", "pandas", "matplotlib", "scikit-learn")


@dataclass(frozen=True)
class Report:
    """One notebook's run: what it asks and answers, what it was given, what it found and how it ended.

    ``fault`` is empty for a run in which every cell passed; ``parameters`` read as Python.
    """

    name: str
    question: str
    answer: str
    fault: str
    seconds: float
    finished: str
    parameters: Mapping[str, str]
    versions: Mapping[str, str]
    numbers: tuple[Number, ...]

    @property
    def passed(self) -> bool:
        """Whether every cell ran and every number was recorded once."""
        return not self.fault

    def to_dict(self) -> dict[str, Any]:
        """The report as JSON holds it."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "Report":
        """The report that ``to_dict`` gave."""
        return cls(**{**data, "numbers": tuple(Number.read(number) for number in data["numbers"])})


def describe(notebook: Notebook, run: Run, values: Mapping[str, object]) -> Report:
    """The report on a run of ``notebook`` with ``values`` as its parameters."""
    numbers, fault = _numbers(run)
    return Report(
        name=notebook.name,
        question=notebook.question,
        answer=notebook.answer,
        fault=run.fault or fault,
        seconds=round(run.seconds, 1),
        finished=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        parameters=shown(values, notebook.defaults),
        versions=_versions(),
        numbers=numbers,
    )


def _numbers(run: Run) -> tuple[tuple[Number, ...], str]:
    try:
        return collect(run.content), ""
    except (ReportError, TypeError, ValueError) as fault:
        return (), str(fault)


def _versions() -> dict[str, str]:
    found = {"python": python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
