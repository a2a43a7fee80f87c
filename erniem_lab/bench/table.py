"""A comparison as lines of text, for a terminal."""

from collections.abc import Iterator, Sequence

from erniem_lab.bench.costs import Costs
from erniem_lab.bench.goals import judge
from erniem_lab.bench.measurement import Comparison, Measurement, Middle

TITLES = {
    "embed": "sentence vectors",
    "tokenize": "token ids",
    "load": "a checkpoint from its folder",
    "start": "a Python that imports",
}
HEAD = ("contender", "tokens/s", "seconds", "times ours", "by processor", "of limit", "MB", "cosine")
PLACE = 24
WIDTHS = (24, 11, 26, 22, 14, 10, 8, 12)


def lines(comparison: Comparison) -> Iterator[str]:
    """The setting, a table for each job, what was skipped, and the goals.

    "times ours" is how many times as fast the first contender of the job is by the clock, "by processor" the same of
    processor time, which other work on the machine disturbs less. Brackets hold the range of the rounds.

    >>> from erniem_lab.bench import Machine
    >>> one = Measurement("load", "ours-load", 10, (1.0,), (1.0,), 0, float("nan"), 0.0)
    >>> list(lines(Comparison("tiny", Machine.here(threads=1), (one,), ())))[0]
    'tiny'
    """
    yield comparison.setting
    yield str(comparison.machine)
    for job, title in TITLES.items():
        some = [one for one in comparison.measurements if one.job == job]
        if some:
            yield from ("", title, _row(HEAD))
            yield from (_row(_cells(comparison, one, some[0])) for one in some)
    if comparison.skipped:
        yield from ("", "skipped", *(f"{one.contender}: {one.why}" for one in comparison.skipped))
    yield from ("", "goals, meant for a base model and two quiet cores", *map(str, judge(comparison)))


def cost_lines(costs: Costs) -> Iterator[str]:
    """A row for each value of the axis, with each contender's tokens per second.

    >>> from erniem_lab.bench import Cost, Machine
    >>> for line in cost_lines(Costs("tiny", Machine.here(), (Cost("texts", 9, "ours-float32", 100, (2.0,)),), ())):
    ...     print(line)
    <BLANKLINE>
    tokens/s by texts       ours-float32
    9                       50
    """
    names = list(dict.fromkeys(one.contender for one in costs.points))
    for axis in dict.fromkeys(one.axis for one in costs.points):
        yield ""
        yield "".join(f"{name:<{PLACE}}" for name in (f"tokens/s by {axis}", *names)).rstrip()
        for x in dict.fromkeys(one.x for one in costs.points if one.axis == axis):
            rates = {one.contender: one.rate().value for one in costs.points if (one.axis, one.x) == (axis, x)}
            cells = [f"{x:,}", *(f"{rates[name]:,.0f}" if name in rates else "" for name in names)]
            yield "".join(f"{cell:<{PLACE}}" for cell in cells).rstrip()


def _cells(comparison: Comparison, one: Measurement, first: Measurement) -> list[str]:
    limit = comparison.limit(one.contender) if one.job == "embed" else None
    cosine = "" if one.agreement != one.agreement else f"{one.agreement:.5f}{' (!)' if one.differs else ''}"
    return [
        one.contender,
        f"{one.rate().value:,.0f}" if one.job in ("embed", "tokenize") else "",
        str(Middle.of(one.seconds)),
        str(first.speed_against(one)),
        f"{first.speed_against(one, 'busy').value:.2f}",
        "" if limit is None else f"{one.speed_against(limit).value:.0%}",
        f"{one.memory / 1e6:,.0f}",
        cosine,
    ]


def _row(cells: Sequence[str]) -> str:
    return "".join(f"{cell:<{width}}" for cell, width in zip(cells, WIDTHS, strict=True)).rstrip()
