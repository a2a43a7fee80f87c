"""What this project wants to reach, and whether a comparison shows that it does."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Literal

from erniem_lab.bench.measurement import Comparison, Measurement, Middle

if TYPE_CHECKING:
    import pandas as pd

Quantity = Literal["times as fast", "share of its memory", "seconds more", "cosine"]
AT_MOST = ("share of its memory", "seconds more")


@dataclass(frozen=True)
class Goal:
    """One contender against another; `bound` is the least, or the most for memory and for seconds more."""

    what: str
    ours: str
    other: str
    quantity: Quantity
    bound: float


GOALS = (
    Goal("embed float32, against HF 4.40.2 in arrival order", "ours-float32", "hf-arrival", "times as fast", 2.5),
    Goal("embed float32, against the same sorted by length", "ours-float32", "hf-sorted", "times as fast", 1.5),
    Goal("embed float32, against matrix products alone", "ours-float32", "limit-float32", "times as fast", 0.8),
    Goal("embed bfloat16, against XLM-R", "ours-bfloat16", "xlmr-bfloat16-sorted", "times as fast", 1.2),
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


def judge(found: Comparison, goals: Sequence[Goal] = GOALS) -> "pd.DataFrame":
    """A row for each goal whose contenders were measured: goal, quantity, bound, value, low, high, n, reached.

    The goals are meant for a base model and two cores; on a small one a peer's fixed costs weigh more.

    >>> from erniem_lab.bench import Contender
    >>> seconds = {"ours-float32": 1.0, "hf-sorted": 3.0}
    >>> some = tuple(Measurement(Contender(name, "embed", name), 10, (took,)) for name, took in seconds.items())
    >>> judge(Comparison("tiny", "here", some, {}))[["value", "reached"]].values.tolist()
    [[3.0, True]]
    """
    import pandas as pd

    rows: list[dict[str, object]] = []
    for goal in goals:
        ours, other = found.find(goal.ours), found.find(goal.other)
        if ours is not None and other is not None:
            middle = asdict(_quantity(goal.quantity, ours, other))
            rows.append({"goal": goal.what, "quantity": goal.quantity, "bound": goal.bound, **middle})
    table = pd.DataFrame(rows, columns=["goal", "quantity", "bound", "value", "low", "high", "n"]).dropna()
    most = table["quantity"].isin(AT_MOST)
    reached = (table["value"] <= table["bound"]).where(most, table["value"] >= table["bound"])
    return table.assign(reached=reached)


def _quantity(quantity: Quantity, ours: Measurement, other: Measurement) -> Middle:
    if quantity == "share of its memory":
        return Middle.of([ours.memory / other.memory if other.memory else float("nan")])
    if quantity == "seconds more":
        return Middle.of([a - b for a, b in zip(ours.seconds, other.seconds, strict=True)])
    if quantity == "cosine":
        return Middle.of([float("nan") if ours.cosine is None else ours.cosine])
    return ours.speed_against(other)
