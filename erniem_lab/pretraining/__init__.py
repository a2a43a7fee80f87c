"""The paper's objectives: tables of who may read whom, hiding, and the loss."""

from erniem_lab.pretraining.guess_trace import GuessTrace, trace_guess
from erniem_lab.pretraining.objectives import (
    BTMLM,
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
from erniem_lab.pretraining.pseudo import add_placeholders, write_pseudo_tokens
from erniem_lab.pretraining.tables import ReadingTable, reached

__all__ = [
    "BTMLM",
    "CAMLM",
    "CAMLM_MASKED",
    "MMLM",
    "OBJECTIVES",
    "TLM",
    "GuessTrace",
    "Objective",
    "ReadingTable",
    "Riddle",
    "add_placeholders",
    "hide",
    "leaks",
    "loss",
    "reached",
    "secrets",
    "trace_guess",
    "write_pseudo_tokens",
]
