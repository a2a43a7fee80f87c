"""What the explorer needs of a trace besides the weights: tokens, words, and a number for each head."""

from collections.abc import Sequence
from typing import Any, TypedDict

import numpy as np
from jaxtyping import Bool

from erniem_lab.errors import InputValueError
from erniem_lab.probing.head_measures import MEASURES, Links, measures
from erniem_lab.tracing import Trace

DIGITS = 4


class Scene(TypedDict):
    """As the view's program reads it; layers count from 1, words and tokens from 0."""

    texts: list[str]
    tokens: list[str]
    sentence: list[int]
    special: list[bool]
    words: list[dict[str, Any]]
    layers: list[int]
    heads: int
    kept: int
    share: float
    statistics: list[dict[str, Any]]
    allowed: list[str]


def shown_layers(trace: Trace, layers: Sequence[int] | None) -> list[int]:
    """The layers to show, from 1.

    Raises:
        InputValueError: no layer, or one that the trace has not.
    """
    last = len(trace.attention)
    chosen = list(range(1, last + 1) if layers is None else layers)
    if not chosen or any(not 1 <= layer <= last for layer in chosen):
        raise InputValueError(f"layers={layers}: give some of 1 to {last}; layer 0, the embeddings, attends to nothing")
    return chosen


def scene(
    trace: Trace,
    layers: Sequence[int],
    *,
    kept: int,
    share: float,
    links: Links = (),
    allowed: Bool[np.ndarray, "query key"] | None = None,
) -> Scene:
    """Tokens, words and every measure that the text has something for.

    Raises:
        InputValueError: there is no token of the text, only [CLS] and [SEP].
    """
    if all(trace.special):
        raise InputValueError(f"texts={list(trace.texts)}: only [CLS] and [SEP] to look at; give a text with words")
    numbers = measures(trace, links)
    rows = [layer - 1 for layer in layers]
    return Scene(
        texts=list(trace.texts),
        tokens=list(trace.tokens),
        sentence=trace.sentence.tolist(),
        special=list(map(bool, trace.special)),
        words=[{"text": word.text, "sentence": word.sentence, "tokens": list(word.tokens)} for word in trace.words],
        layers=list(layers),
        heads=trace.attention.shape[1],
        kept=kept,
        share=round(share, DIGITS),
        statistics=[
            {
                "name": name,
                "unit": MEASURES[name].unit,
                "about": MEASURES[name].about,
                "values": values[rows].round(DIGITS).tolist(),
            }
            for name, values in numbers.items()
            if not np.isnan(values).any()
        ],
        allowed=[] if allowed is None else ["".join("1" if cell else "0" for cell in row) for row in allowed],
    )
