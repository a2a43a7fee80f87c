"""What a step gave: the loss that goes in, the point of the curve that comes out, and the curve's CSV file."""

import csv
import io
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean

from jaxtyping import Float
from torch import Tensor, nn

from erniem_lab.errors import FileFaultError

WHOLE = "loss"  # the name of a loss that has no other
PART = "loss_"  # before the names of the others, as columns
PLAIN = ("step", WHOLE, "rate", "gradient_norm", "tokens", "seconds")


@dataclass(frozen=True)
class Loss:
    """What a step function gives for one micro-batch.

    `value` is the mean loss, in nats for language modelling; `name` the objective or head, which gets its own column
    in the curve; `tokens` how many were read.
    """

    value: Float[Tensor, ""]
    name: str = WHOLE
    tokens: int = 0


LossOf = Callable[[nn.Module, int], Loss]


@dataclass(frozen=True)
class Part:
    """The loss of one micro-batch as plain numbers, in an order that no number of processes changes."""

    micro_batch: int
    name: str
    loss: float
    tokens: int


@dataclass(frozen=True)
class Step:
    """One point of a curve: the loss before the update (nats for language modelling), and how long the step took."""

    step: int
    loss: float
    rate: float
    gradient_norm: float
    tokens: int = 0
    losses: Mapping[str, float] = field(default_factory=dict)
    seconds: float = field(default=0.0, compare=False)


def losses_by_name(parts: Iterable[Part]) -> dict[str, float]:
    """The mean loss of each name.

    >>> losses_by_name([Part(0, "TLM", 2.0, 8), Part(1, "TLM", 4.0, 8), Part(2, "MMLM", 7.0, 8)])
    {'TLM': 3.0, 'MMLM': 7.0}
    """
    values = defaultdict(list)
    for part in parts:
        values[part.name].append(part.loss)
    return {name: fmean(losses) for name, losses in values.items()}


def curve_text(curve: Sequence[Step]) -> str:
    """The curve as CSV: one line for each step, one column `loss_NAME` for each named loss, empty where it had none.

    >>> print(curve_text([Step(0, 3.0, 0.1, 1.5, 64, {"TLM": 3.0}, 0.25)]))
    step,loss,rate,gradient_norm,tokens,seconds,loss_TLM
    0,3.0,0.1,1.5,64,0.25,3.0
    """
    names = dict.fromkeys(name for step in curve for name in step.losses if name != WHOLE)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*PLAIN, *(PART + name for name in names)])
    for step in curve:
        writer.writerow([*(getattr(step, name) for name in PLAIN), *(step.losses.get(name, "") for name in names)])
    return text.getvalue()


def read_curve(path: Path) -> list[Step]:
    """The curve that `curve_text` wrote, each number as it was.

    Raises:
        FileFaultError: no such file, or a line that is no point of a curve.

    >>> import tempfile
    >>> path, curve = Path(tempfile.mkdtemp()) / "curve.csv", [Step(0, 3.0, 0.1, 1.5, 64, {"TLM": 3.0})]
    >>> path.write_text(curve_text(curve)) > 0 and read_curve(path) == curve
    True
    """
    steps: list[Step] = []
    try:
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                steps.append(_step(row))
    except (OSError, TypeError, ValueError, KeyError, csv.Error) as fault:
        raise FileFaultError(f"{path}: no curve of a run from line {len(steps) + 2} on ({fault})") from fault
    return steps


def _step(row: Mapping[str, str]) -> Step:
    loss = float(row[WHOLE])
    losses = {name.removeprefix(PART): float(value) for name, value in row.items() if name.startswith(PART) and value}
    rest = (float(row["rate"]), float(row["gradient_norm"]), int(row["tokens"]))
    return Step(int(row["step"]), loss, *rest, losses or {WHOLE: loss}, float(row["seconds"]))
