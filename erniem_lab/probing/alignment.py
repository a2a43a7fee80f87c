"""Which words translate which? Links from the states of a layer, or from the attention of a head."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Bool, Float, Int

from erniem_lab.corpora.examples import Link
from erniem_lab.errors import InputValueError
from erniem_lab.probing.linking import METHODS, RULES, Method, Rule, link, mutual, pool, similarity
from erniem_lab.probing.tables import table
from erniem_lab.tracing import Trace
from erniem_lab.word_states import PairAttention, WordStates

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ("i", "j", "first", "second", "value", "linked")
Grid = Float[np.ndarray, "first second"]
Owners = tuple[Int[np.ndarray, " first"], Int[np.ndarray, " second"]]


@dataclass(frozen=True)
class Alignment:
    """Two sentences' words, which of them are linked, and how alike each two are.

    `likeness` is of the two words' likest tokens, or of the words as the mean of tokens, in the method's own unit: the
    cosine, the dot product, or for a head the probability both ways, averaged. It is 0 for a word without tokens.
    """

    first: tuple[str, ...]
    second: tuple[str, ...]
    links: frozenset[Link]
    likeness: Grid

    def to_frame(self) -> "pd.DataFrame":
        """A row for each two words: their places, the words, the likeness, and whether they are linked.

        Raises:
            MissingExtraError: pandas is not installed.

        >>> found = Alignment(("one",), ("ein", "eins"), frozenset({(0, 1)}), np.array([[0.1, 0.9]]))
        >>> found.to_frame().query("linked")[["first", "second", "value"]].values.tolist()
        [['one', 'eins', 0.9]]
        """
        rows = [
            (i, j, self.first[i], self.second[j], float(self.likeness[i, j]), (i, j) in self.links)
            for i, j in np.ndindex(self.likeness.shape)
        ]
        return table(rows, COLUMNS)


@dataclass(frozen=True)
class _Items:
    """What is compared, tokens or words: how alike, which are linked, and the words they are of."""

    likeness: Grid
    links: Bool[np.ndarray, "first second"]
    owners: Owners

    def word_links(self) -> frozenset[Link]:
        rows, columns = np.nonzero(self.links)
        return frozenset(zip(self.owners[0][rows].tolist(), self.owners[1][columns].tolist(), strict=True))

    def alignment(self, first: tuple[str, ...], second: tuple[str, ...]) -> Alignment:
        grid = np.full((len(first), len(second)), -np.inf, dtype=self.likeness.dtype)
        np.maximum.at(grid, (self.owners[0][:, None], self.owners[1][None]), self.likeness)
        return Alignment(first, second, self.word_links(), np.where(np.isfinite(grid), grid, np.zeros_like(grid)))


def align_words(
    first: WordStates, second: WordStates, *, layer: int, method: Method = "argmax", words: Rule = "any"
) -> Alignment:
    """The links between two sentences by the states of a layer.

    SimAlign is "argmax" or "itermax" of sentences read apart at layer 8 of 12; awesome-align "softmax" of the same;
    XLM-Align "transport" of sentences read together, at layer 8 or 9.

    Args:
        layer: a place in the states that are given.
        words: link words if "any" of their tokens are linked, or the "mean" of their tokens.

    Raises:
        InputValueError: no such layer, method or rule.

    >>> states = WordStates(("eins", "zwei"), np.array([0, 1]), np.eye(2)[None])
    >>> sorted(align_words(states, states, layer=0).links)
    [(0, 0), (1, 1)]
    """
    return _compared(first, second, layer, method, words).alignment(first.words, second.words)


def word_links(
    first: WordStates, second: WordStates, *, layer: int, method: Method = "argmax", words: Rule = "any"
) -> frozenset[Link]:
    """The links of `align_words` alone, in less time.

    >>> states = WordStates(("eins", "zwei"), np.array([0, 1]), np.eye(2)[None])
    >>> sorted(word_links(states, states, layer=0, method="itermax"))
    [(0, 0), (1, 1)]
    """
    return _compared(first, second, layer, method, words).word_links()


def align_heads(pair: PairAttention, *, block: int, head: int, words: Rule = "any") -> Alignment:
    """The links between two sentences by one head: those that attend to each other more than to any other.

    Args:
        block: counts from 0; block 0 makes layer 1.
        words: link words if "any" of their tokens are linked, or by what the tokens of a word give on average (the
            "mean") to all tokens of another.

    Raises:
        InputValueError: no such block, head or rule.

    >>> there = np.eye(2)[None, None]
    >>> pair = PairAttention((("eins", "zwei"), ("one", "two")), (np.array([0, 1]), np.array([0, 1])), there, there)
    >>> sorted(align_heads(pair, block=0, head=0).links)
    [(0, 0), (1, 1)]
    """
    return _attended(pair, block, head, words).alignment(*pair.words)


def head_links(pair: PairAttention, *, block: int, head: int, words: Rule = "any") -> frozenset[Link]:
    """The links of `align_heads` alone, in less time.

    >>> there = np.eye(2)[None, None]
    >>> pair = PairAttention((("eins", "zwei"), ("one", "two")), (np.array([0, 1]), np.array([0, 1])), there, there)
    >>> sorted(head_links(pair, block=0, head=0))
    [(0, 0), (1, 1)]
    """
    return _attended(pair, block, head, words).word_links()


def sides(trace: Trace) -> tuple[WordStates, WordStates]:
    """The words of both sentences of a traced pair, with their states.

    Raises:
        InputValueError: the trace is of one text.

    >>> from erniem_lab import MINI, ErnieMForMaskedLM, ErnieMTokenizer, trace
    >>> model, tokenizer = ErnieMForMaskedLM.from_pretrained(MINI), ErnieMTokenizer.from_pretrained(MINI)
    >>> [side.words for side in sides(trace(model, tokenizer, "Good day", "Bonjour"))]
    [('Good', 'day'), ('Bonjour',)]
    """
    if len(trace.texts) != 2:
        raise InputValueError("trace is of one text: trace a pair, with text and text_pair")
    return _side(trace, 0), _side(trace, 1)


def _side(trace: Trace, sentence: int) -> WordStates:
    words = [word for word in trace.words if word.sentence == sentence]
    tokens = [token for word in words for token in word.tokens]
    owner = np.array([number for number, word in enumerate(words) for _ in word.tokens], dtype=np.int64)
    return WordStates(tuple(word.text for word in words), owner, trace.hidden[:, tokens])


def _compared(first: WordStates, second: WordStates, layer: int, method: Method, words: Rule) -> _Items:
    _demand("method", method, METHODS)
    _demand("words", words, RULES)
    if not 0 <= layer < len(first.hidden):
        raise InputValueError(f"layer={layer}: the states have layers 0 to {len(first.hidden) - 1}")
    (one, owner), (two, other) = (_vectors(side, layer, words) for side in (first, second))
    likeness = similarity(one, two, method)
    return _Items(likeness, link(likeness, method), (owner, other))


def _vectors(
    side: WordStates, layer: int, words: Rule
) -> tuple[Float[np.ndarray, "item hidden"], Int[np.ndarray, " item"]]:
    states = side.hidden[layer]
    return (states, side.owner) if words == "any" else (pool(states, side.owner), np.unique(side.owner))


def _attended(pair: PairAttention, block: int, head: int, words: Rule) -> _Items:
    _demand("words", words, RULES)
    blocks, heads = pair.forward.shape[:2]
    if not (0 <= block < blocks and 0 <= head < heads):
        raise InputValueError(f"block={block}, head={head}: there are blocks 0 to {blocks - 1}, heads 0 to {heads - 1}")
    forward, backward, owners = pair.forward[block, head], pair.backward[block, head], pair.owners
    if words == "mean":
        forward, backward = _between(forward, *owners), _between(backward, *owners[::-1])
        owners = (np.unique(owners[0]), np.unique(owners[1]))
    return _Items((forward + backward.T) / 2, mutual(forward, backward), owners)


def _between(
    attention: Float[np.ndarray, "query key"], queries: Int[np.ndarray, " query"], keys: Int[np.ndarray, " key"]
) -> Float[np.ndarray, "query_word key_word"]:
    """What the tokens of a word give on average to all tokens of another."""
    sizes = np.unique(keys, return_counts=True)[1].astype(attention.dtype)
    return pool(pool(attention, queries).T, keys).T * sizes


def _demand(name: str, value: str, accepted: Sequence[str]) -> None:
    if value not in accepted:
        raise InputValueError(f"{name}={value!r}: give one of {', '.join(accepted)}")
