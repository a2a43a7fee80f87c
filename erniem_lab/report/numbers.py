"""A number that a notebook found, shown where it was found and collected from the executed notebook."""

import html
import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from erniem_lab.errors import InputTypeError, InputValueError, ReportError
from erniem_lab.report.jupyter import show

NUMBER_MIME = "application/vnd.erniem-lab.number+json"


@dataclass(frozen=True)
class Number:
    """One finding: a value under a name, with the count and the interval it rests on where there are any.

    ``n`` counts what was averaged over; ``low`` and ``high`` bound the interval that the notebook states;
    ``unit`` is a word such as "nats" or "%".
    """

    name: str
    value: float | int | str | bool
    n: int | None = None
    low: float | None = None
    high: float | None = None
    unit: str = ""

    def __post_init__(self) -> None:
        if not self.name.strip():
            raise InputValueError(f"name={self.name!r}: a number needs a name, such as 'tatoeba accuracy'")
        for field in ("value", "low", "high"):
            found = getattr(self, field)
            if isinstance(found, float) and not math.isfinite(found):
                raise InputValueError(f"{self.name}: {field}={found}: record a finite number, or say why in prose")
        if (self.low is None) != (self.high is None):
            raise InputValueError(f"{self.name}: low={self.low}, high={self.high}: give both ends or neither")
        if self.low is not None and self.high is not None and self.low > self.high:
            raise InputValueError(f"{self.name}: low={self.low} is above high={self.high}; swap them")

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> "Number":
        """The number that an output's JSON describes; keys that are not known are left out."""
        return cls(**{field.name: data[field.name] for field in fields(cls) if field.name in data})

    @property
    def measure(self) -> str:
        """The value as a reader wants it: rounded, with unit, interval and n."""
        unit = f" {self.unit}" if self.unit else ""
        interval = f" [{_short(self.low)}, {_short(self.high)}]" if self.low is not None else ""
        count = f", n = {self.n:,}" if self.n is not None else ""
        return f"{_short(self.value)}{unit}{interval}{count}"

    def __repr__(self) -> str:
        return f"{self.name}: {self.measure}"

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:
        line = f'<p class="number">{html.escape(self.name)}: <b>{html.escape(self.measure)}</b></p>'
        return {NUMBER_MIME: asdict(self), "text/html": line, "text/plain": repr(self)}


def _short(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.4g}" if abs(value) < 1000 else f"{value:,.0f}"
    return f"{value:,}" if type(value) is int else str(value)


def record(
    name: str,
    value: object,
    *,
    n: int | None = None,
    low: float | None = None,
    high: float | None = None,
    unit: str = "",
) -> None:
    """Show a finding here, and have the report list it in its index and in ``numbers.json``.

    numpy's and torch's single numbers are taken as the plain numbers they hold.

    Raises:
        InputTypeError: ``value`` is not one number, string or boolean.
        InputValueError: a value is not finite, or the interval is upside down or has one end.

    >>> record("alignment error rate", 0.2134, n=447, low=0.19, high=0.24)
    alignment error rate: 0.2134 [0.19, 0.24], n = 447
    """
    count = None if n is None else int(_plain("n", n))
    ends = [None if end is None else float(_plain("interval", end)) for end in (low, high)]
    number = Number(name, _plain(name, value), count, ends[0], ends[1], unit)
    try:
        show(number)
    except ImportError:
        print(number)


def _plain(name: str, value: object) -> Any:
    """The Python number, string or boolean inside ``value``."""
    try:
        single = value.item() if hasattr(value, "item") else value
    except (ValueError, RuntimeError):  # numpy's and torch's word for an array of no or several values
        single = None
    if isinstance(single, (bool, int, float, str)):
        return single
    raise InputTypeError(f"{name}: got {type(value).__name__}; record one number, string or boolean")


def collect(notebook: Mapping[str, Any]) -> tuple[Number, ...]:
    """Every number that an executed notebook recorded, in order.

    Raises:
        ReportError: two numbers have one name, so that a reader could not tell them apart.
    """
    found: dict[str, Number] = {}
    for data in _recorded(notebook):
        number = Number.read(data)
        if number.name in found:
            raise ReportError(f"the number {number.name!r} is recorded twice; give each its own name")
        found[number.name] = number
    return tuple(found.values())


def _recorded(notebook: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for cell in notebook["cells"]:
        for output in cell.get("outputs", []):
            if NUMBER_MIME in output.get("data", {}):
                yield output["data"][NUMBER_MIME]
