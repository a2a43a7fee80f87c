"""Which heads matter? Any score measured anew with each head silenced."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float, Int
from tqdm import tqdm

from erniem_lab.errors import InputValueError
from erniem_lab.pretrained import ErnieMPreTrainedModel
from erniem_lab.probing.resampling import resampled_sums
from erniem_lab.probing.tables import table
from erniem_lab.silencing import silence

if TYPE_CHECKING:
    import pandas as pd

Score = Callable[[], Float[np.ndarray, " item"]]
"""Measures a model that it holds: a number for each item, such as a sentence, the higher the better."""
INTERVAL = (2.5, 97.5)  # percent
COLUMNS = ("task", "language", "layer", "head", "value", "low", "high", "n", "whole")


@dataclass(frozen=True)
class HeadEffects:
    """The score of each item by the whole model, and with each head silenced; block 0 makes layer 1."""

    task: str
    language: str
    whole: Float[np.ndarray, " item"]
    silenced: Float[np.ndarray, "block head item"]

    def drop(self) -> Float[np.ndarray, "block head"]:
        """By how much the mean score falls without a head: above 0 where the head helps.

        >>> HeadEffects("retrieval", "de", np.array([1.0, 1.0]), np.array([[[1.0, 0.0]]])).drop()
        array([[0.5]])
        """
        return np.asarray((self.whole - self.silenced).mean(axis=-1))

    def interval(self, *, seed: int = 0) -> tuple[Float[np.ndarray, "block head"], Float[np.ndarray, "block head"]]:
        """The ends of the 95 % interval of each drop, from items drawn anew, the same for both scores."""
        low, high = np.percentile(self.drawn(seed), INTERVAL, axis=0).reshape(2, *self.silenced.shape[:2])
        return low, high

    def most(self, count: int) -> list[tuple[int, int]]:
        """The (block, head) of largest drop, the largest first.

        Raises:
            InputValueError: more than there are heads, or none.

        >>> HeadEffects("retrieval", "de", np.ones(1), np.array([[[0.5], [0.0]]])).most(1)
        [(0, 1)]
        """
        drop = self.drop()
        demand_count(count, drop.size)
        order = np.argsort(-drop, axis=None, kind="stable")[:count]
        return [(int(block), int(head)) for block, head in zip(*np.unravel_index(order, drop.shape), strict=True)]

    def halves(self, *, seed: int = 0) -> tuple["HeadEffects", "HeadEffects"]:
        """The effects on two halves of the items: how far one language agrees with itself.

        Raises:
            InputValueError: fewer than two items.
        """
        if len(self.whole) < 2:
            raise InputValueError(f"{len(self.whole)} item: give two or more to halve them")
        one, two = np.array_split(np.random.default_rng(seed).permutation(len(self.whole)), 2)
        return self._of(one), self._of(two)

    def to_frame(self) -> "pd.DataFrame":
        """A row for each head: task, language, layer (from 1), head, value (the drop), low, high, n and whole score.

        Raises:
            MissingExtraError: pandas is not installed.
        """
        (low, high), drop, whole = self.interval(), self.drop(), float(self.whole.mean())
        rows = [
            (self.task, self.language, block + 1, head, float(drop[block, head]), float(low[block, head]),
             float(high[block, head]), len(self.whole), whole)
            for block, head in np.ndindex(drop.shape)
        ]  # fmt: skip
        return table(rows, COLUMNS)

    def _of(self, items: Int[np.ndarray, " _item"]) -> "HeadEffects":
        return replace(self, whole=self.whole[items], silenced=self.silenced[..., items])

    def drawn(self, seed: int) -> Float[np.ndarray, "draw place"]:
        """The drop of each head, block by block, over items drawn anew."""
        gaps = (self.whole - self.silenced).reshape(-1, len(self.whole), 1)
        return resampled_sums(gaps, seed)[..., 0] / len(self.whole)


def ablate_heads(
    model: ErnieMPreTrainedModel, score: Score, *, task: str, language: str, progress: bool = True
) -> HeadEffects:
    """The score without each head in turn. It is measured once for each head and once for the whole model.

    So a base model takes 145 times what the score takes: choose few sentences. One head at a time: heads that stand in
    for each other look as if none of them mattered.

    Args:
        score: measures `model`, which it holds, and gives as many numbers in each call.
        task: what is scored, for the table.
        language: or languages, for the table.

    Raises:
        InputValueError: the score has no items, or not always as many.

    >>> from erniem_lab import MINI, ErnieMForMaskedLM, ErnieMTokenizer
    >>> from erniem_lab.guessing import guess_hidden
    >>> model, tokenizer = ErnieMForMaskedLM.from_pretrained(MINI), ErnieMTokenizer.from_pretrained(MINI)
    >>> found = ablate_heads(model, lambda: guess_hidden(model, tokenizer, ["Good day."], progress=False),
    ...                      task="guessing", language="en", progress=False)
    >>> found.drop().shape == (model.config.num_hidden_layers, model.config.num_attention_heads)
    True
    """
    shape = model.config.num_hidden_layers, model.config.num_attention_heads
    places = [(block, head) for block in range(shape[0]) for head in range(shape[1])]
    found = []
    for silent in tqdm([[], *([place] for place in places)], unit="head", disable=not progress):
        with silence(model, silent):
            found.append(np.asarray(score(), dtype=np.float64))
    if len({len(one) for one in found}) != 1 or not len(found[0]):
        raise InputValueError(f"score gave {sorted({len(one) for one in found})} items: give the same ones each time")
    return HeadEffects(task, language, found[0], np.stack(found[1:]).reshape(*shape, -1))


def demand_count(count: int, heads: int) -> None:
    """As `HeadEffects.most` wants it."""
    if not 1 <= count <= heads:
        raise InputValueError(f"count={count}: give 1 to {heads}, the heads that there are")
