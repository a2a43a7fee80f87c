"""ERNIE-M in PyTorch: the model, its objectives, its probes and its views."""

from erniem_lab.bundle import MINI
from erniem_lab.errors import ErnieMLabError

__all__ = ["MINI", "ErnieMLabError"]
