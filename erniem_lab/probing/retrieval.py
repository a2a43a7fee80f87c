"""Do translations find each other? Sentence retrieval by layer."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, get_args

import numpy as np
from jaxtyping import Bool, Float, Int

from erniem_lab.errors import InputValueError
from erniem_lab.metrics import Estimate
from erniem_lab.probing.layer_scores import LayerScores, bootstrapped, resampled_means

Score = Literal["cosine", "margin"]
Centre = Literal["none", "language"]
Among = Literal["translations", "both languages"]
Direction = Literal["forward", "backward", "both"]
DIRECTIONS: tuple[Direction, ...] = get_args(Direction)

BLOCK = 1024  # queries at a time, so that ten thousand sentences fit into memory
LEAST = 1e-6  # of a neighbourhood's likeness, which divides


@dataclass(frozen=True)
class Rule:
    """What counts as the nearest sentence. Of equals, the one that stands first is the nearest.

    Args:
        score: "cosine"; or "margin", the cosine over the mean cosine of both sentences' neighbourhoods, which keeps
            sentences from being everybody's neighbour (Artetxe and Schwenk 2019, "ratio").
        centre: "language" takes each language's mean vector off first (Libovický et al. 2020).
        among: "translations" searches the other language; "both languages" also those of the query's own, itself
            excepted: strong alignment (Roy et al. 2020).
        neighbours: sentences in a neighbourhood, for "margin".

    Raises:
        InputValueError: a value that is not one of these.

    >>> Rule(score="margin").neighbours
    4
    """

    score: Score = "cosine"
    centre: Centre = "none"
    among: Among = "translations"
    neighbours: int = 4

    def __post_init__(self) -> None:
        for name, accepted in (("score", Score), ("centre", Centre), ("among", Among)):
            if getattr(self, name) not in get_args(accepted):
                raise InputValueError(f"{name}={getattr(self, name)!r}: give one of {', '.join(get_args(accepted))}")
        if self.neighbours < 1:
            raise InputValueError(f"neighbours={self.neighbours}: give 1 or more")


PLAIN = Rule()
RULES: Mapping[str, Rule] = MappingProxyType({
    "plain": PLAIN,
    "centred": Rule(centre="language"),
    "margin": Rule(score="margin"),
    "distractors": Rule(among="both languages"),
})  # fmt: skip


@dataclass(frozen=True)
class Retrieval:
    """Accuracy@1 at one layer: how often the nearest sentence of the other language is the translation.

    `forward` asks with the first language, `backward` with the second.
    """

    layer: int
    forward: Estimate
    backward: Estimate


@dataclass(frozen=True)
class RetrievalHits:
    """Which sentences found their translation, at each layer: asked with the first language, and with the second."""

    first: str
    second: str
    rule: str
    hits: Bool[np.ndarray, "layer 2 text"]

    def scores(self, direction: Direction = "both", *, seed: int = 0) -> LayerScores:
        """Accuracy@1 by layer, with intervals of resampled sentences.

        `direction` is "forward" (the first language asks), "backward", or "both", their mean.
        """
        asked = _asked(self.hits, direction)
        estimates = bootstrapped(asked.mean(axis=-1), resampled_means(asked, seed), asked.shape[-1])
        first, second = (self.second, self.first) if direction == "backward" else (self.first, self.second)
        return LayerScores(self.rule, first, second, estimates, (1 / asked.shape[-1],) * len(asked))


def retrieve(
    first: Float[np.ndarray, "layer text hidden"], second: Float[np.ndarray, "layer text hidden"], rule: Rule = PLAIN
) -> list[Retrieval]:
    """The accuracy of every layer; text `i` of one side is the translation of text `i` of the other.

    Raises:
        InputValueError: no text, sides of different shape, or fewer texts than a neighbourhood has.

    >>> vectors = np.eye(4)[None]
    >>> retrieve(vectors, vectors[:, ::-1])[0].forward.value, retrieve(vectors, vectors)[0].backward.value
    (0.0, 1.0)
    """
    found = find_translations(first, second, rules={"": rule})[0]
    ways = (found.scores("forward").estimates, found.scores("backward").estimates)
    return [Retrieval(layer, *both) for layer, both in enumerate(zip(*ways, strict=True))]


def find_translations(
    first: Float[np.ndarray, "layer text hidden"],
    second: Float[np.ndarray, "layer text hidden"],
    *,
    languages: tuple[str, str] = ("first", "second"),
    rules: Mapping[str, Rule] = RULES,
) -> list[RetrievalHits]:
    """Every layer searched by each of the rules, both ways, sentence by sentence.

    Raises:
        InputValueError: as `retrieve`.

    >>> vectors = np.eye(8)[None]
    >>> [(found.rule, float(found.hits.mean())) for found in find_translations(vectors, vectors)][:2]
    [('plain', 1.0), ('centred', 1.0)]
    """
    if first.shape != second.shape or not first.shape[1]:
        raise InputValueError(
            f"vectors of shape {first.shape} and {second.shape}: give both sides the same layers and texts"
        )
    few = [name for name, rule in rules.items() if rule.score == "margin" and rule.neighbours >= first.shape[1]]
    if few:
        raise InputValueError(f"{first.shape[1]} texts are too few for the neighbours of rule {few[0]!r}; give more")
    return [
        RetrievalHits(*languages, name, np.stack([_both_ways(a, b, rule) for a, b in zip(first, second, strict=True)]))
        for name, rule in rules.items()
    ]


def mean_retrieval(found: Sequence[RetrievalHits], direction: Direction = "both", *, seed: int = 0) -> LayerScores:
    """The mean of several pairs of languages, each counting the same; sentences are resampled within each pair.

    Raises:
        InputValueError: no result, or results of several rules or depths.

    >>> vectors = np.eye(8)[None]
    >>> mean_retrieval(find_translations(vectors, vectors, rules={"plain": PLAIN})).estimates[0].n
    8
    """
    kinds = {(one.rule, len(one.hits)) for one in found}
    if len(kinds) != 1:
        raise InputValueError(f"results are of these rules and numbers of layers: {sorted(kinds)}; give those of one")
    asked = [_asked(one.hits, direction) for one in found]
    means = np.mean([hits.mean(axis=-1) for hits in asked], axis=0)
    samples = np.mean([resampled_means(hits, seed + place) for place, hits in enumerate(asked)], axis=0)
    chance = float(np.mean([1 / hits.shape[-1] for hits in asked]))
    n = sum(hits.shape[-1] for hits in asked)
    return LayerScores(found[0].rule, "all", "all", bootstrapped(means, samples, n), (chance,) * len(means))


def _asked(hits: Bool[np.ndarray, "layer 2 text"], direction: Direction) -> Float[np.ndarray, "layer text"]:
    if direction not in DIRECTIONS:
        raise InputValueError(f"direction={direction!r}: give one of {', '.join(DIRECTIONS)}")
    return hits.mean(axis=1) if direction == "both" else hits[:, DIRECTIONS.index(direction)].astype(np.float64)


def _both_ways(
    first: Float[np.ndarray, "text hidden"], second: Float[np.ndarray, "text hidden"], rule: Rule
) -> Bool[np.ndarray, "2 text"]:
    one, two = (_prepared(side, rule) for side in (first, second))
    return np.stack([_found(one, two, rule), _found(two, one, rule)])


def _found(
    queries: Float[np.ndarray, "text hidden"], others: Float[np.ndarray, "text hidden"], rule: Rule
) -> Bool[np.ndarray, " text"]:
    """Whether the nearest document of query `i` is document `i`."""
    own = rule.among == "both languages"
    documents, shift = (np.concatenate([others, queries]), len(queries)) if own else (others, None)
    scale = _scale(queries, documents, shift, rule.neighbours) if rule.score == "margin" else None
    nearest = np.empty(len(queries), dtype=np.int64)
    for rows, likeness in _likeness(queries, documents, shift):
        scores = likeness if scale is None else likeness / np.maximum(scale[0][rows, None] + scale[1], LEAST)
        nearest[rows] = scores.argmax(axis=1)
    return nearest == np.arange(len(queries))


def _scale(
    queries: Float[np.ndarray, "query hidden"],
    documents: Float[np.ndarray, "document hidden"],
    shift: int | None,
    neighbours: int,
) -> tuple[Float[np.ndarray, " query"], Float[np.ndarray, " document"]]:
    """Half the mean cosine of each query's nearest documents, and of each document's nearest queries."""
    back = None if shift is None else -shift
    return (
        _neighbourhood(queries, documents, shift, neighbours) / 2,
        _neighbourhood(documents, queries, back, neighbours) / 2,
    )


def _neighbourhood(
    queries: Float[np.ndarray, "query hidden"],
    documents: Float[np.ndarray, "document hidden"],
    shift: int | None,
    neighbours: int,
) -> Float[np.ndarray, " query"]:
    """The mean cosine of each query's nearest documents."""
    blocks = (np.partition(likeness, -neighbours, axis=1) for _, likeness in _likeness(queries, documents, shift))
    return np.concatenate([block[:, -neighbours:].mean(axis=1) for block in blocks])


def _likeness(
    queries: Float[np.ndarray, "query hidden"], documents: Float[np.ndarray, "document hidden"], shift: int | None
) -> Iterator[tuple[Int[np.ndarray, " row"], Float[np.ndarray, "row document"]]]:
    """Cosines block by block; document `i + shift` is query `i` itself, which is never near."""
    for start in range(0, len(queries), BLOCK):
        rows = np.arange(start, min(start + BLOCK, len(queries)))
        block = queries[rows] @ documents.T
        if shift is not None:
            inside = (rows + shift >= 0) & (rows + shift < len(documents))
            block[np.flatnonzero(inside), rows[inside] + shift] = -np.inf
        yield rows, block


def _prepared(vectors: Float[np.ndarray, "text hidden"], rule: Rule) -> Float[np.ndarray, "text hidden"]:
    """Centred if the rule says so, of length 1, and no longer in half precision."""
    wide = vectors.astype(np.promote_types(vectors.dtype, np.float32))
    if rule.centre == "language":
        wide = wide - wide.mean(axis=0)
    return wide / np.maximum(np.linalg.norm(wide, axis=1, keepdims=True), np.finfo(wide.dtype).tiny)
