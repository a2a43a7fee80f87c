"""The words of many sentences after every layer, and the attention between two sentences' words, as numpy arrays."""

from erniem_lab.word_states.pairs import PairAttention, Reading, WordPair, WordStates, trace_pair_attention, trace_words
from erniem_lab.word_states.vectors import WordVectors, embed_words

__all__ = [
    "PairAttention",
    "Reading",
    "WordPair",
    "WordStates",
    "WordVectors",
    "embed_words",
    "trace_pair_attention",
    "trace_words",
]
