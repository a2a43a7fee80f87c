"""Made-up traces of any size, for the tests of views and measures."""

import numpy as np

from erniem_lab.tracing import Trace, Word


def a_pair_trace(tokens: int = 12, layers: int = 3, heads: int = 4, seed: int = 0) -> Trace:
    """Two sentences of one-token words with [CLS] and [SEP] around them, and random attention."""
    draw = np.random.default_rng(seed)
    half = tokens // 2
    special = np.isin(np.arange(tokens), (0, half - 1, half, tokens - 1))
    sentence = np.repeat([0, 1], [half, tokens - half])
    names = ["[SEP]" if special[i] else f"▁w{i}" for i in range(tokens)]
    attention = draw.gamma(0.3, size=(layers, heads, tokens, tokens)) + 1e-6
    return Trace(
        texts=("one text", "نص آخر"),
        tokens=("[CLS]", *names[1:]),
        words=tuple(Word(f"w{i}", int(sentence[i]), (i, i + 1), (i,)) for i in range(tokens) if not special[i]),
        sentence=sentence,
        special=tuple(map(bool, special)),
        hidden=draw.normal(size=(layers + 1, tokens, 4)),
        attention=attention / attention.sum(axis=-1, keepdims=True),
    )
