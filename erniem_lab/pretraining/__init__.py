"""The paper's objectives: tables of who may read whom, hiding, and the loss."""

from erniem_lab.pretraining.objectives import (
    CAMLM,
    CAMLM_MASKED,
    MMLM,
    OBJECTIVES,
    TLM,
    Objective,
    Riddle,
    hide,
    leaks,
    loss,
    secrets,
)
from erniem_lab.pretraining.tables import ReadingTable, reached

__all__ = [
    "CAMLM",
    "CAMLM_MASKED",
    "MMLM",
    "OBJECTIVES",
    "TLM",
    "Objective",
    "ReadingTable",
    "Riddle",
    "hide",
    "leaks",
    "loss",
    "reached",
    "secrets",
]
