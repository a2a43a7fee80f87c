"""How fast and how large: this project beside its peers and the machine's own limit, in one run."""

from erniem_lab.bench.contenders import CONTENDERS, JOBS, REFERENCE, Contender, choose, together
from erniem_lab.bench.costs import AXES, Cost, Costs, measure_costs
from erniem_lab.bench.folders import SIZES, checkpoint, random_checkpoint
from erniem_lab.bench.goals import GOALS, Goal, Judged, goal_table, judge
from erniem_lab.bench.machine import Machine
from erniem_lab.bench.measurement import Comparison, Measurement, Middle, Skipped
from erniem_lab.bench.rounds import compare
from erniem_lab.bench.table import cost_lines, lines
from erniem_lab.bench.texts import Texts, gather
from erniem_lab.bench.workers import Conditions

__all__ = [
    "AXES", "CONTENDERS", "GOALS", "JOBS", "REFERENCE", "SIZES", "Comparison", "Conditions", "Contender", "Cost",
    "Costs", "Goal", "Judged", "Machine", "Measurement", "Middle", "Skipped", "Texts", "checkpoint", "choose",
    "compare", "cost_lines", "gather", "goal_table", "judge", "lines", "measure_costs", "random_checkpoint", "together",
]  # fmt: skip
