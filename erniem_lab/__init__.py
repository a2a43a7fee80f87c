"""ERNIE-M in PyTorch: the model, its objectives, its probes and its views.

Names are fetched when they are first used, so that `import erniem_lab` and `erniem-lab --help` cost nothing.

>>> import erniem_lab as el
>>> el.ErnieMConfig(num_hidden_layers=6).num_hidden_layers
6
"""

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from erniem_lab import corpora, metrics, pretraining, probing, report, tasks, visual
    from erniem_lab.bundle import MINI
    from erniem_lab.config import ErnieMConfig
    from erniem_lab.embedding import embed, embed_layers
    from erniem_lab.errors import ErnieMLabError
    from erniem_lab.heads import (
        ErnieMForInformationExtraction,
        ErnieMForMaskedLM,
        ErnieMForMultipleChoice,
        ErnieMForQuestionAnswering,
        ErnieMForSequenceClassification,
        ErnieMForTokenClassification,
    )
    from erniem_lab.model import ErnieMModel
    from erniem_lab.tasks.extraction import InformationExtractor
    from erniem_lab.tasks.fitting import fit
    from erniem_lab.tokenizer import ErnieMTokenizer
    from erniem_lab.tracing import Trace, trace
    from erniem_lab.vectors_file import write_vectors

# How often a thread of torch's looks for work before it sleeps, read when torch is loaded. GNU OpenMP takes this number
# itself where it knows that threads outnumber processors, else 300,000: then a step waits for one that another program
# keeps from running, and takes many times as long (`tests/bench_busy.py`).
if "OMP_WAIT_POLICY" not in os.environ:
    os.environ.setdefault("GOMP_SPINCOUNT", "1000")

__all__ = [
    "MINI",
    "ErnieMConfig",
    "ErnieMForInformationExtraction",
    "ErnieMForMaskedLM",
    "ErnieMForMultipleChoice",
    "ErnieMForQuestionAnswering",
    "ErnieMForSequenceClassification",
    "ErnieMForTokenClassification",
    "ErnieMLabError",
    "ErnieMModel",
    "ErnieMTokenizer",
    "InformationExtractor",
    "Trace",
    "corpora",
    "embed",
    "embed_layers",
    "fit",
    "metrics",
    "pretraining",
    "probing",
    "report",
    "tasks",
    "trace",
    "visual",
    "write_vectors",
]

_HOMES = {
    "MINI": "bundle",
    "ErnieMConfig": "config",
    "ErnieMLabError": "errors",
    "ErnieMModel": "model",
    "ErnieMTokenizer": "tokenizer",
    "InformationExtractor": "tasks.extraction",
    "Trace": "tracing",
    "embed": "embedding",
    "embed_layers": "embedding",
    "fit": "tasks.fitting",
    "trace": "tracing",
    "write_vectors": "vectors_file",
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"erniem_lab has no {name!r}; it has {', '.join(__all__)}")
    if name.islower() and name not in _HOMES:
        return import_module(f"erniem_lab.{name}")
    home = import_module(f"erniem_lab.{_HOMES.get(name, 'heads')}")
    found = getattr(home, name)
    globals()[name] = found  # a submodule of the same name must not stand in its way
    return found


def __dir__() -> list[str]:
    return sorted(__all__)
