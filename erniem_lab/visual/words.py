"""A trace by words instead of tokens, for views that know tokens only."""

from dataclasses import replace

import numpy as np
from jaxtyping import Float

from erniem_lab.tracing import Trace, Word


def as_words(trace: Trace) -> Trace:
    """The same trace with a word in place of its tokens; [CLS] and [SEP] stay.

    A word gives what its tokens give on average, gets what they get together, and its state is their mean.

    >>> from erniem_lab.tracing import Word
    >>> attention = np.array([[[[0.5, 0.25, 0.25], [0.0, 0.5, 0.5], [1.0, 0.0, 0.0]]]])
    >>> one = Word("ab", 0, (0, 2), (1, 2))
    >>> parts = Trace(("ab",), ("[CLS]", "▁a", "b"), (one,), np.zeros(3, dtype=int), (True, False, False),
    ...               np.zeros((2, 3, 1)), attention)
    >>> as_words(parts).tokens, as_words(parts).attention[0, 0].tolist()
    (('[CLS]', 'ab'), [[0.5, 0.5], [0.5, 0.5]])
    """
    inside = {token: word for word in trace.words for token in word.tokens}
    groups = [
        (inside[i].tokens, inside[i].text or trace.tokens[i]) if i in inside else ((i,), trace.tokens[i])
        for i in range(len(trace.tokens))
        if i not in inside or inside[i].tokens[0] == i
    ]
    first = [tokens[0] for tokens, _ in groups]
    sums = np.zeros((len(groups), len(trace.tokens)), dtype=trace.attention.dtype)
    for row, (tokens, _) in enumerate(groups):
        sums[row, list(tokens)] = 1
    means = sums / sums.sum(axis=1, keepdims=True)
    return replace(
        trace,
        tokens=tuple(text for _, text in groups),
        words=tuple(_moved(inside[i], row) for row, i in enumerate(first) if i in inside),
        sentence=trace.sentence[first],
        special=tuple(trace.special[i] for i in first),
        hidden=_merged(means.astype(trace.hidden.dtype), trace.hidden),
        attention=means @ trace.attention @ sums.T,
    )


def _moved(word: Word, place: int) -> Word:
    return replace(word, tokens=(place,))


def _merged(
    means: Float[np.ndarray, "word token"], hidden: Float[np.ndarray, "layer token hidden"]
) -> Float[np.ndarray, "layer word hidden"]:
    return means @ hidden
