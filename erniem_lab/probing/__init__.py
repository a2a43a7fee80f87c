"""What an encoder knows: arrays in, frozen results with intervals out."""

from erniem_lab.probing.geometry import identify_language, isoscore, language_share, mean_cosine
from erniem_lab.probing.layer_scores import LayerScores, layer_table, mean_of_languages
from erniem_lab.probing.protocols import XTREME, Protocol
from erniem_lab.probing.retrieval import (
    PLAIN,
    RULES,
    Retrieval,
    RetrievalHits,
    Rule,
    find_translations,
    mean_retrieval,
    retrieve,
)
from erniem_lab.probing.similarity import compare, debiased_cka, linear_cka, neuron_correlation, svcca

__all__ = [
    "PLAIN", "RULES", "XTREME", "LayerScores", "Protocol", "Retrieval", "RetrievalHits", "Rule", "compare",
    "debiased_cka", "find_translations", "identify_language", "isoscore", "language_share", "layer_table", "linear_cka",
    "mean_cosine", "mean_of_languages", "mean_retrieval",
    "neuron_correlation", "retrieve", "svcca",
]  # fmt: skip
