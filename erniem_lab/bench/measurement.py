"""What was measured: one contender's rounds, and all of them side by side."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import TYPE_CHECKING, Any, Literal

from erniem_lab.bench.machine import Machine
from erniem_lab.errors import InputValueError

if TYPE_CHECKING:
    import pandas as pd

Clock = Literal["seconds", "busy"]


@dataclass(frozen=True)
class Middle:
    """The median of n rounds, and the lowest and highest of them.

    The median of all rounds that could be run lies between these with probability 1 - 2 ** (1 - n): 94 % of 5.
    """

    value: float
    low: float
    high: float
    n: int

    @classmethod
    def of(cls, rounds: Sequence[float]) -> "Middle":
        """That of some rounds.

        >>> print(Middle.of([1.0, 3.0, 2.0]))
        2.00 [1.00, 3.00]
        """
        return cls(median(rounds), min(rounds), max(rounds), len(rounds))

    def __str__(self) -> str:
        digits = 2 if abs(self.value) < 100 else 0
        return " ".join([f"{self.value:,.{digits}f}", f"[{self.low:,.{digits}f}, {self.high:,.{digits}f}]"])


@dataclass(frozen=True)
class Measurement:
    """How long one contender took for the same work, round by round.

    `seconds` are by the clock, `busy` are of processor time over all cores. `tokens` are those of a round, padding
    not counted. `memory` is the most that was held above the loaded model, in bytes, 0 where it is not known.
    `agreement` is the smallest cosine of a text's vector to the reference's, NaN where there are none, and
    `accepted` the least that its precision allows.

    >>> fast, slow = (Measurement("embed", name, 100, (t,), (t,), 0, 1.0, 0.9) for name, t in (("a", 2.0), ("b", 4.0)))
    >>> fast.rate().value, fast.speed_against(slow).value
    (50.0, 2.0)
    """

    job: str
    contender: str
    tokens: int
    seconds: tuple[float, ...]
    busy: tuple[float, ...]
    memory: int
    agreement: float
    accepted: float

    @property
    def differs(self) -> bool:
        """Whether its vectors are further from the reference's than its precision allows."""
        return not math.isnan(self.agreement) and self.agreement < self.accepted

    def rate(self) -> Middle:
        """Tokens per second by the clock."""
        return Middle.of([self.tokens / seconds for seconds in self.seconds])

    def speed_against(self, other: "Measurement", clock: Clock = "seconds") -> Middle:
        """How many times as fast as another that was measured in the same rounds.

        Raises:
            InputValueError: another number of rounds.
        """
        mine, theirs = getattr(self, clock), getattr(other, clock)
        if len(mine) != len(theirs):
            raise InputValueError(f"{self.contender} has {len(mine)} rounds, {other.contender} has {len(theirs)}")
        return Middle.of([b / a for a, b in zip(mine, theirs, strict=True)])


@dataclass(frozen=True)
class Skipped:
    """A contender that was not measured, why, and what to do."""

    contender: str
    why: str


@dataclass(frozen=True)
class Comparison:
    """All contenders on the same texts in one run; `setting` says in words what model and texts."""

    setting: str
    machine: Machine
    measurements: tuple[Measurement, ...]
    skipped: tuple[Skipped, ...]

    def get(self, name: str) -> Measurement:
        """The measurement of a contender.

        Raises:
            InputValueError: it was not measured.
        """
        for found in self.measurements:
            if found.contender == name:
                return found
        why = next((one.why for one in self.skipped if one.contender == name), "it was not asked for")
        measured = ", ".join(one.contender for one in self.measurements)
        raise InputValueError(f"{name!r} was not measured ({why}); there are {measured}")

    def best(self, prefix: str) -> Measurement | None:
        """The fastest of those whose names begin so, such as one precision's limit by several engines."""
        fits = [one for one in self.measurements if one.contender.startswith(prefix)]
        return min(fits, key=lambda one: median(one.seconds), default=None)

    def limit(self, name: str) -> Measurement | None:
        """The matrix products of a contender's precision by the engine that is fastest here."""
        precision = next((part for part in name.split("-") if part in ("bfloat16", "int8")), "float32")
        return self.best(f"limit-{precision}")

    def to_frame(self) -> "pd.DataFrame":
        """A row for each number: columns job, contender, measure, unit, value, low, high, n."""
        import pandas as pd

        rows = [row for one in self.measurements for row in _rows(self, one)]
        return pd.DataFrame(rows, columns=["job", "contender", "measure", "unit", "value", "low", "high", "n"])

    def to_dict(self) -> dict[str, Any]:
        """Everything, as JSON holds it; what is not a number is None."""
        parts = [asdict(one) for one in self.measurements]
        for part in parts:
            part["agreement"] = None if math.isnan(part["agreement"]) else part["agreement"]
        skipped = [asdict(one) for one in self.skipped]
        machine = asdict(self.machine)
        return {"setting": self.setting, "machine": machine, "measurements": parts, "skipped": skipped}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "Comparison":
        """The comparison that `to_dict` gave."""
        measurements = (
            Measurement(**{**part, "seconds": tuple(part["seconds"]), "busy": tuple(part["busy"])} | _agreement(part))
            for part in data["measurements"]
        )
        skipped = tuple(Skipped(**part) for part in data["skipped"])
        return cls(data["setting"], Machine(**data["machine"]), tuple(measurements), skipped)


def _agreement(part: dict[str, Any]) -> dict[str, float]:
    return {"agreement": math.nan if part["agreement"] is None else part["agreement"]}


def _rows(all_of_them: Comparison, one: Measurement) -> list[tuple[object, ...]]:
    """A contender's rows of the tidy table."""
    first = next(other for other in all_of_them.measurements if other.job == one.job)
    limit = all_of_them.limit(one.contender) if one.job == "embed" else None
    found = [
        ("seconds", "s", Middle.of(one.seconds)),
        ("processor seconds", "s", Middle.of(one.busy)),
        (f"speed against {first.contender}", "times", one.speed_against(first)),
        (f"speed against {first.contender}, processor time", "times", one.speed_against(first, "busy")),
        ("memory above the model", "MB", Middle.of([one.memory / 1e6])),
    ]
    if one.job in ("embed", "tokenize"):
        found.insert(0, ("rate", "tokens/s", one.rate()))
    if limit is not None:
        found.append(("share of the matrix-product limit", "share", one.speed_against(limit)))
    if not math.isnan(one.agreement):
        found.append(("smallest cosine to the reference", "cosine", Middle.of([one.agreement])))
    return [(one.job, one.contender, name, unit, *asdict(middle).values()) for name, unit, middle in found]
