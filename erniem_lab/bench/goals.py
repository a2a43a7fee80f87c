"""What this project wants to reach, and whether a comparison shows that it does."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Literal

from erniem_lab.bench.measurement import Comparison, Measurement, Middle

if TYPE_CHECKING:
    import pandas as pd

Verdict = Literal["reached", "not reached", "not measured"]
Quantity = Literal["times as fast", "share of its memory", "seconds more", "cosine"]
AT_MOST = ("share of its memory", "seconds more")


@dataclass(frozen=True)
class Goal:
    """One contender against the fastest of those whose names begin with `other`.

    `bound` is the least that counts as reached, or the most for memory and for seconds more.
    """

    what: str
    ours: str
    other: str
    quantity: Quantity
    bound: float


GOALS = (
    Goal("embed float32, against HF 4.40.2 in arrival order", "ours-float32", "hf-arrival", "times as fast", 2.5),
    Goal("embed float32, against the same sorted by length", "ours-float32", "hf-sorted", "times as fast", 1.5),
    Goal("embed float32, against the matrix-product limit", "ours-float32", "limit-float32", "times as fast", 0.8),
    Goal(
        "embed bfloat16, against XLM-R bfloat16 sorted", "ours-bfloat16", "xlmr-bfloat16-sorted", "times as fast", 1.2
    ),
    Goal("embed int8, against embed float32", "ours-int8", "ours-float32", "times as fast", 2.5),
    Goal("tokenizer, against HF 4.40.2", "ours-tokenizer", "hf-tokenizer", "times as fast", 10.0),
    Goal("tokenizer, against sentencepiece alone", "ours-tokenizer", "sentencepiece", "times as fast", 1 / 2.5),
    Goal("tokenizer with offsets, against sentencepiece", "ours-offsets", "sentencepiece", "times as fast", 1 / 4),
    Goal("peak memory of embed, against HF sorted", "ours-float32", "hf-sorted", "share of its memory", 1.0),
    Goal("peak memory of embed, against HF in arrival order", "ours-float32", "hf-arrival", "share of its memory", 1.0),
    Goal("import of the project over import of torch", "ours-import", "torch-import", "seconds more", 0.3),
    Goal("from_pretrained, against reading the file", "ours-load", "read-file", "times as fast", 0.5),
    Goal("cosine of bfloat16 to float32", "ours-bfloat16", "ours-float32", "cosine", 0.999),
    Goal("cosine of int8 to float32", "ours-int8", "ours-float32", "cosine", 0.99),
)


@dataclass(frozen=True)
class Judged:
    """A goal, what was found, and whether it is enough; what was not measured has no middle."""

    goal: Goal
    found: tuple[Middle, ...]
    verdict: Verdict

    def __str__(self) -> str:
        sign = "<=" if self.goal.quantity in AT_MOST else ">="
        bound = f"{sign} {self.goal.bound:g} {self.goal.quantity}"
        found = str(self.found[0]) if self.found else "-"
        return f"{self.goal.what:<52} {bound:<28} {found:<24} {self.verdict}"


def judge(comparison: Comparison, goals: Sequence[Goal] = GOALS) -> list[Judged]:
    """Each goal with the median of the rounds that a comparison has, and the range of these.

    The goals are meant for a base model and two cores; on a small one a peer's fixed costs weigh more.

    >>> from erniem_lab.bench import Machine
    >>> one = Measurement("embed", "ours-float32", 10, (1.0,), (1.0,), 5, 1.0, 0.9)
    >>> two = Measurement("embed", "hf-sorted", 10, (3.0,), (3.0,), 9, 1.0, 0.9)
    >>> for found in judge(Comparison("tiny", Machine.here(), (one, two), ()), GOALS[1:3]):
    ...     print(found.verdict)
    reached
    not measured
    """
    return [_judged(comparison, goal) for goal in goals]


def goal_table(judged: Sequence[Judged]) -> "pd.DataFrame":
    """A row for each goal: columns goal, quantity, bound, value, low, high, n, verdict."""
    import pandas as pd

    rows = []
    for one in judged:
        middle = asdict(one.found[0]) if one.found else {}
        rows.append({"goal": one.goal.what, "quantity": one.goal.quantity, "bound": one.goal.bound, **middle})
    return pd.DataFrame(rows).assign(verdict=[one.verdict for one in judged])


def _judged(comparison: Comparison, goal: Goal) -> Judged:
    ours, other = comparison.best(goal.ours), comparison.best(goal.other)
    if ours is None or other is None or (goal.quantity == AT_MOST[0] and not other.memory):
        return Judged(goal, (), "not measured")
    found = _quantity(goal.quantity, ours, other)
    enough = found.value <= goal.bound if goal.quantity in AT_MOST else found.value >= goal.bound
    return Judged(goal, (found,), "reached" if enough else "not reached")


def _quantity(quantity: Quantity, ours: Measurement, other: Measurement) -> Middle:
    if quantity == "share of its memory":
        return Middle.of([ours.memory / other.memory])
    if quantity == "seconds more":
        return Middle.of([a - b for a, b in zip(ours.seconds, other.seconds, strict=True)])
    if quantity == "cosine":
        return Middle.of([ours.agreement])
    return ours.speed_against(other)
