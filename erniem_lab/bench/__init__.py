"""How fast and how large: this project beside its peers and the machine's own limit, in one run."""

from erniem_lab.bench.contenders import CONTENDERS, REFERENCE, Contender, choose
from erniem_lab.bench.goals import GOALS, Goal, judge
from erniem_lab.bench.material import SIZES, Texts, checkpoint, gather, random_checkpoint
from erniem_lab.bench.measurement import Comparison, Measurement, Middle
from erniem_lab.bench.rounds import AXES, choose_axes, compare, measure_curves
from erniem_lab.bench.workers import Conditions

__all__ = [
    "AXES", "CONTENDERS", "GOALS", "REFERENCE", "SIZES", "Comparison", "Conditions", "Contender", "Goal", "Measurement",
    "Middle", "Texts", "checkpoint", "choose", "choose_axes", "compare", "gather", "judge", "measure_curves",
    "random_checkpoint",
]  # fmt: skip
