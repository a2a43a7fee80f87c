"""What a head does in a corpus: the measures of its attention over many texts, with intervals, by language."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from erniem_lab.errors import InputValueError
from erniem_lab.metrics import RESAMPLES
from erniem_lab.probing.head_measures import MEASURES, Heads, Links, measures
from erniem_lab.probing.head_overlap import rank_correlation
from erniem_lab.probing.resampling import as_far_both_ways
from erniem_lab.probing.tables import table
from erniem_lab.tracing import Trace

if TYPE_CHECKING:
    import pandas as pd

INTERVAL = (2.5, 97.5)  # percent: a 95 % interval
COLUMNS = ("languages", "measure", "unit", "layer", "head", "value", "low", "high", "n")


@dataclass(frozen=True)
class HeadMeasures:
    """Every measure of every head on every text of a corpus; block 0 is the one that makes layer 1."""

    languages: str
    names: tuple[str, ...]
    values: Float[np.ndarray, "measure text block head"]

    def mean(self, name: str) -> Heads:
        """Over the texts that have something to measure; NaN if none has.

        >>> found = HeadMeasures("en", ("entropy",), np.array([[[[1.0]], [[3.0]]]]))
        >>> found.mean("entropy")
        array([[2.]])
        """
        values = self._texts(name)
        return values.mean(axis=0) if len(values) else np.full(self.values.shape[2:], np.nan)

    def interval(self, name: str, *, seed: int = 0) -> tuple[Heads, Heads]:
        """The ends of the 95 % interval of each mean, from texts drawn anew (percentile bootstrap).

        >>> low, high = HeadMeasures("en", ("entropy",), np.array([[[[1.0]], [[3.0]]]])).interval("entropy")
        >>> low, high
        (array([[1.]]), array([[3.]]))
        """
        values = self._texts(name)
        if not len(values):
            return self.mean(name), self.mean(name)
        means = _resampled(len(values), seed) @ values.reshape(len(values), -1)
        low, high = np.percentile(means, INTERVAL, axis=0).reshape(2, *values.shape[1:])
        return low, high

    def n(self, name: str) -> int:
        """How many texts have something to measure.

        >>> HeadMeasures("en", ("entropy",), np.array([[[[1.0]], [[np.nan]]]])).n("entropy")
        1
        """
        return len(self._texts(name))

    def to_frame(self) -> "pd.DataFrame":
        """A row for each measure and head: languages, measure, unit, layer (from 1), head, value, low, high, n.

        Raises:
            MissingExtraError: pandas is not installed.
        """
        rows = []
        for name in self.names:
            value, (low, high), n = self.mean(name), self.interval(name), self.n(name)
            for block, head in np.ndindex(value.shape):
                numbers = (float(part[block, head]) for part in (value, low, high))
                rows.append((self.languages, name, MEASURES[name].unit, block + 1, head, *numbers, n))
        return table(rows, COLUMNS)

    def _texts(self, name: str) -> Float[np.ndarray, "text block head"]:
        if name not in self.names:
            raise InputValueError(f"name={name!r}: give one of {', '.join(self.names)}")
        values = self.values[self.names.index(name)]
        return values[~np.isnan(values).any(axis=(1, 2))]


def measure_heads(
    traces: Iterable[Trace], *, links: Iterable[Links] | None = None, languages: str = ""
) -> HeadMeasures:
    """Every measure of `MEASURES` for each head on each text.

    Args:
        links: for each trace the links between its words, for the measure "alignment"; see `trace_links`.
        languages: what the texts are, for the table.

    Raises:
        InputValueError: no trace, or not as many links as traces.

    >>> from erniem_lab import MINI, ErnieMForMaskedLM, ErnieMTokenizer, trace
    >>> model, tokenizer = ErnieMForMaskedLM.from_pretrained(MINI), ErnieMTokenizer.from_pretrained(MINI)
    >>> found = measure_heads([trace(model, tokenizer, "Good day", "Bonjour")], languages="en-fr")
    >>> found.mean("crossing").shape == (model.config.num_hidden_layers, model.config.num_attention_heads)
    True
    """
    chosen = list(traces)
    known = [()] * len(chosen) if links is None else list(links)
    if not chosen or len(known) != len(chosen):
        raise InputValueError(f"{len(chosen)} traces and {len(known)} sets of links: give at least one, and as many")
    texts = [measures(*item) for item in zip(chosen, known, strict=True)]
    return HeadMeasures(languages, tuple(MEASURES), np.array([[text[name] for text in texts] for name in MEASURES]))


def largest_head(found: Sequence[HeadMeasures], name: str) -> tuple[int, int]:
    """The layer, from 1, and head with the largest mean over several corpora.

    >>> largest_head([HeadMeasures("en", ("entropy",), np.array([[[[1.0, 2.0]]]]))], "entropy")
    (1, 1)
    """
    means = np.mean([corpus.mean(name) for corpus in found], axis=0)
    block, head = np.unravel_index(means.argmax(), means.shape)
    return int(block) + 1, int(head)


def rank_agreement(
    first: HeadMeasures, second: HeadMeasures, name: str, *, seed: int = 0
) -> tuple[float, float, float, int]:
    """Do the same heads do it in two languages? Spearman's correlation over heads, its interval, and n texts.

    The interval draws the texts of both anew, and is symmetric; n is the smaller number of texts.

    >>> values = np.arange(4.0).reshape(1, 1, 2, 2)
    >>> found = HeadMeasures("en", ("entropy",), values)
    >>> rank_agreement(found, found, "entropy")
    (1.0, 1.0, 1.0, 1)
    """
    sides = [side._texts(name).reshape(-1, first.values[0, 0].size) for side in (first, second)]
    if not all(map(len, sides)):
        return (np.nan, np.nan, np.nan, 0)
    drawn = [_resampled(len(side), seed + place) @ side for place, side in enumerate(sides)]
    value = rank_correlation(*(side.mean(axis=0, keepdims=True) for side in sides)).item()
    found = as_far_both_ways(value, rank_correlation(*drawn), min(map(len, sides)), (-1.0, 1.0))
    return found.value, found.low, found.high, found.n


def _resampled(n: int, seed: int) -> Float[np.ndarray, "draw text"]:
    """The weight of each text in each draw."""
    counts = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), size=RESAMPLES)
    return counts / n
