"""What an encoder knows: arrays in, frozen results with intervals out."""

from erniem_lab.probing.aligners import score_alignment, score_heads
from erniem_lab.probing.alignment import Alignment, align_heads, align_words
from erniem_lab.probing.alignment_scores import Aligner, AlignmentScores, HeldOut, pool_scores
from erniem_lab.probing.controls import control_task, online_code, selectivity
from erniem_lab.probing.geometry import identify_language, isoscore, language_share, mean_cosine
from erniem_lab.probing.head_corpus import HeadMeasures, largest_head, measure_heads, rank_agreement
from erniem_lab.probing.head_measures import likely_links, measures, trace_links, with_words
from erniem_lab.probing.head_overlap import HeadOverlap, head_overlap
from erniem_lab.probing.heads import HeadEffects, ablate_heads
from erniem_lab.probing.item_scores import f1_of_each, margin_of_each, retrieval_of_each
from erniem_lab.probing.layer_scores import LayerScores, layer_table, mean_of_languages
from erniem_lab.probing.linear import Labelled, Readings, label_texts, label_words, read_layers
from erniem_lab.probing.probes import Probe
from erniem_lab.probing.protocols import XTREME, Protocol
from erniem_lab.probing.questions import Annotated, from_treebank, from_world
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
    "PLAIN", "RULES", "XTREME", "Aligner", "Alignment", "AlignmentScores", "Annotated", "HeadEffects",
    "HeadMeasures", "HeadOverlap", "HeldOut", "Labelled", "LayerScores", "Probe", "Protocol", "Readings", "Retrieval",
    "RetrievalHits", "Rule", "ablate_heads", "align_heads", "align_words", "compare", "control_task",
    "debiased_cka", "f1_of_each", "find_translations", "from_treebank", "from_world", "head_overlap",
    "identify_language", "isoscore", "label_texts", "label_words", "language_share", "largest_head",
    "layer_table", "likely_links", "linear_cka",
    "margin_of_each", "mean_cosine", "mean_of_languages", "mean_retrieval", "measure_heads", "measures",
    "neuron_correlation", "online_code", "pool_scores",
    "rank_agreement", "read_layers", "retrieval_of_each", "retrieve", "score_alignment", "score_heads",
    "selectivity", "svcca", "trace_links", "with_words",
]  # fmt: skip
