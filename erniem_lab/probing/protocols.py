"""Benchmarks' ways of reading one number off all layers, so that numbers can be put beside published ones."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

import numpy as np
from jaxtyping import Float

from erniem_lab.metrics import Estimate
from erniem_lab.probing.retrieval import PLAIN, Direction, Rule, find_translations


@dataclass(frozen=True)
class Protocol:
    """One number out of all layers, as a benchmark takes it; the first language must be English.

    `layers` tells the layer for a depth; for any other depth it is the nearest to two thirds, which is our choice.
    """

    pooling: Literal["mean", "cls"] = "mean"
    rule: Rule = PLAIN
    direction: Direction = "forward"
    layers: Mapping[int, int] = field(default_factory=dict)

    def layer(self, depth: int) -> int:
        """The layer of an encoder of `depth` layers.

        >>> XTREME.layer(12), XTREME.layer(24), XTREME.layer(5)
        (8, 14, 3)
        """
        return self.layers.get(depth, round(depth * 2 / 3))

    def score(
        self, english: Float[np.ndarray, "layer text hidden"], other: Float[np.ndarray, "layer text hidden"]
    ) -> Estimate:
        """The benchmark's accuracy, from vectors pooled as `pooling` says, layer 0 being the embedding output.

        >>> XTREME.score(np.eye(4)[None].repeat(13, axis=0), np.eye(4)[None].repeat(13, axis=0)).value
        1.0
        """
        layer = slice(chosen := self.layer(len(english) - 1), chosen + 1)
        found = find_translations(english[layer], other[layer], rules={"": self.rule})[0]
        return found.scores(self.direction).estimates[0]


XTREME = Protocol(layers=MappingProxyType({12: 8, 24: 14}))
"""XTREME's Tatoeba task (Hu et al. 2020, by its code): English sentences ask, mean of all tokens, cosine, layer 8 of 12
or 14 of 24, no fine-tuning. Sentences that stand twice count as misses for one of them."""
