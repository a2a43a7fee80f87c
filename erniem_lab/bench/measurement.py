"""What was measured: one contender's rounds, and all of them side by side."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import TYPE_CHECKING

from erniem_lab.bench.contenders import Contender

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ("job", "axis", "x", "contender", "measure", "unit", "value", "low", "high", "n")


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
        span = f" [{self.low:,.{digits}f}, {self.high:,.{digits}f}]" if self.n > 1 else ""
        return f"{self.value:,.{digits}f}{span}"


@dataclass(frozen=True)
class Measurement:
    """How long one contender took for the same work, round by round.

    `tokens` are those of a round, padding not counted. `memory` is the most that was held above the loaded model, in
    bytes, 0 where it cannot be told. `cosine` is that of the text whose vector is furthest from the reference's, if
    both have vectors. Where something grows, `axis` says what, and `x` how far.

    >>> fast, slow = (Measurement(Contender(n, "embed", n), 100, (t,)) for n, t in (("a", 2.0), ("b", 4.0)))
    >>> fast.rate().value, fast.speed_against(slow).value
    (50.0, 2.0)
    """

    contender: Contender
    tokens: int
    seconds: tuple[float, ...]
    memory: int = 0
    cosine: float | None = None
    axis: str = ""
    x: int = 0

    @property
    def name(self) -> str:
        """The contender's."""
        return self.contender.name

    @property
    def place(self) -> tuple[str, str, int]:
        """What it may be held against: the job, and where something grows how far."""
        return self.contender.job, self.axis, self.x

    def rate(self) -> Middle:
        """Tokens per second by the clock."""
        return Middle.of([self.tokens / seconds for seconds in self.seconds])

    def speed_against(self, other: "Measurement") -> Middle:
        """How many times as fast as another that was measured in the same rounds."""
        return Middle.of([b / a for a, b in zip(self.seconds, other.seconds, strict=True)])


@dataclass(frozen=True)
class Comparison:
    """All contenders on the same texts in one run.

    `setting` and `machine` say in words what the numbers hold for; `skipped` is why a contender was not measured, and
    what to do. Printed, it is a table for each job, or for each thing that grows; brackets hold the range of rounds.
    """

    setting: str
    machine: str
    measurements: tuple[Measurement, ...]
    skipped: dict[str, str]

    def find(self, name: str) -> Measurement | None:
        """The first measurement of a contender, if there is one."""
        return next((one for one in self.measurements if one.name == name), None)

    def to_frame(self) -> "pd.DataFrame":
        """A row for each number: columns job, axis, x, contender, measure, unit, value, low, high, n.

        >>> one = Measurement(Contender("a", "load", "read"), 10, (1.0,))
        >>> Comparison("tiny", "here", (one,), {}).to_frame()["measure"].tolist()
        ['time', 'speed']
        """
        import pandas as pd

        rows = [
            (*one.place, one.name, measure, unit, *asdict(middle).values())
            for one in self.measurements
            for measure, unit, middle in self._numbers(one)
        ]
        return pd.DataFrame(rows, columns=COLUMNS)

    def __str__(self) -> str:
        table = self.to_frame()
        some = zip(table["unit"], *(table[name] for name in ("value", "low", "high", "n")), strict=True)
        table["text"] = [f"{of[0]:.5f}" if unit == "cosine" else str(Middle(*of)) for unit, *of in some]
        blocks = [f"{self.setting}\n{self.machine}"]
        for (job, axis), part in table.groupby(["job", "axis"], sort=False):
            shown = part[part["measure"] == "rate"] if axis else part
            index, columns = (["x"], ["contender"]) if axis else (["contender"], ["measure", "unit"])
            lines = shown.pivot_table("text", index, columns, "first", fill_value="", sort=False)
            blocks.append(f"{job}{axis and f', tokens/s by {axis}'}\n{lines.to_string()}")
        skipped = [f"skipped: {name}: {why}" for name, why in self.skipped.items()]
        return "\n\n".join([*blocks, *skipped])

    def _numbers(self, one: Measurement) -> Iterator[tuple[str, str, Middle]]:
        beside = {other.name: other for other in self.measurements if other.place == one.place}
        first, limit = next(iter(beside.values())), beside.get(f"limit-{one.contender.precision}")
        if one.contender.job in ("embed", "tokenize"):
            yield "rate", "tokens/s", one.rate()
        yield "time", "s", Middle.of(one.seconds)
        yield "speed", f"times {first.name}", one.speed_against(first)
        if limit is not None:
            yield "share of limit", "share", one.speed_against(limit)
        if one.memory:
            yield "memory", "MB", Middle.of([one.memory / 1e6])
        if one.cosine is not None:
            yield "cosine", "cosine", Middle.of([one.cosine])
