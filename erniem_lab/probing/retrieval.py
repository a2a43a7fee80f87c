"""Do translations find each other? Sentence retrieval by layer."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from erniem_lab.errors import InputValueError
from erniem_lab.metrics import Estimate, mean_with_interval


@dataclass(frozen=True)
class Retrieval:
    """Accuracy@1 at one layer: how often the nearest sentence of the other language, by cosine, is the translation.

    `forward` asks with the first language, `backward` with the second.
    """

    layer: int
    forward: Estimate
    backward: Estimate


def retrieve(
    first: Float[np.ndarray, "layer text hidden"], second: Float[np.ndarray, "layer text hidden"]
) -> list[Retrieval]:
    """The accuracy of every layer; text `i` of one side is the translation of text `i` of the other.

    Raises:
        InputValueError: no text, or sides of different shape.

    >>> vectors = np.eye(4)[None]
    >>> retrieve(vectors, vectors[:, ::-1])[0].forward.value, retrieve(vectors, vectors)[0].backward.value
    (0.0, 1.0)
    """
    if first.shape != second.shape or not first.shape[1]:
        raise InputValueError(
            f"vectors of shape {first.shape} and {second.shape}: give both sides the same layers and texts"
        )
    hits = [(_found(one, two), _found(two, one)) for one, two in zip(first, second, strict=True)]
    return [
        Retrieval(layer, mean_with_interval(forward), mean_with_interval(backward))
        for layer, (forward, backward) in enumerate(hits)
    ]


def _found(
    queries: Float[np.ndarray, "text hidden"], documents: Float[np.ndarray, "text hidden"]
) -> Bool[np.ndarray, " text"]:
    nearest = (_unit(queries) @ _unit(documents).T).argmax(axis=1)
    return nearest == np.arange(len(queries))


def _unit(vectors: Float[np.ndarray, "text hidden"]) -> Float[np.ndarray, "text hidden"]:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), np.finfo(vectors.dtype).tiny)
