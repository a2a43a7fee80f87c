"""One loop for everything that is trained: heads and pre-training, one process or several."""

from erniem_lab.training.checkpoints import saved_weights
from erniem_lab.training.curve import Loss, LossOf, Step, read_curve
from erniem_lab.training.loop import train
from erniem_lab.training.plan import Plan
from erniem_lab.training.processes import Processes, is_first, own_device, processes

__all__ = [
    "Loss",
    "LossOf",
    "Plan",
    "Processes",
    "Step",
    "is_first",
    "own_device",
    "processes",
    "read_curve",
    "saved_weights",
    "train",
]
