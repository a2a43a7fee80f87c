"""Attention as one byte a weight: how the explorer stores it, all of it or each token's largest weights."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, UInt8

from erniem_lab.errors import InputValueError

BUDGET = 2_700_000  # bytes; in base64, with the view's program, under 4 MB
FEWEST = 4  # weights of a token; below that a picture says too little
PLACE = 2  # bytes of a key's number


@dataclass(frozen=True)
class Packed:
    """The bytes of all weights, then of their keys' numbers if only the `kept` largest of each query are there.

    A byte b stands for (b / 255) ** 2, so that small weights are told apart: it is off by at most 0.004, and near a
    weight of 0.01 by 0.0004. `share` is the part of all attention that is kept.
    """

    data: bytes
    kept: int
    share: float


def pack(attention: Float[np.ndarray, "layer head query key"], budget: int = BUDGET) -> Packed:
    """All weights if they fit into so many bytes; else as many of the largest of each query as fit.

    Raises:
        InputValueError: not even four weights of each query fit.

    >>> pack(np.full((1, 1, 2, 2), 0.25)).data
    b'\\x80\\x80\\x80\\x80'
    >>> pack(np.array([[[[0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]]]]), budget=12).share
    1.0
    """
    layers, heads, queries, keys = attention.shape
    if attention.size <= budget:
        return Packed(_codes(attention).tobytes(), keys, 1.0)
    kept = budget // (layers * heads * queries * (1 + PLACE))
    if kept < FEWEST:
        raise InputValueError(
            f"trace has {keys} tokens in {layers} layers of {heads - 1} heads: too many to show; "
            "give layers=[...] to show some of them, or trace a shorter text"
        )
    places = np.argpartition(attention, -kept, axis=-1)[..., -kept:]
    weights = np.take_along_axis(attention, places, axis=-1)
    data = _codes(weights).tobytes() + places.astype("<u2").tobytes()
    return Packed(data, kept, float(weights.sum() / attention.sum()))


def unpack(packed: Packed, shape: tuple[int, int, int, int]) -> Float[np.ndarray, "layer head query key"]:
    """What the view reads out of the bytes.

    >>> unpack(pack(np.eye(2)[None, None]), (1, 1, 2, 2))[0, 0].tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    rows = (*shape[:3], packed.kept)
    split = int(np.prod(rows))
    weights = (np.frombuffer(packed.data[:split], np.uint8).reshape(rows) / 255.0) ** 2
    if packed.kept == shape[3]:
        return weights
    dense = np.zeros(shape)
    places = np.frombuffer(packed.data[split:], "<u2").reshape(rows).astype(np.int64)
    np.put_along_axis(dense, places, weights, axis=-1)
    return dense


def rollout(attention: Float[np.ndarray, "layer head query key"]) -> Float[np.ndarray, "layer query key"]:
    """What each token has of each other after every layer, as far as attention alone carries it.

    Attention, averaged over heads, and the way around it count one half each; the layers are multiplied (Abnar and
    Zuidema 2020, section 3).

    >>> rollout(np.eye(2)[None, None])[0].tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    steps = (attention.mean(axis=1) + np.eye(attention.shape[-1])) / 2
    steps = steps / steps.sum(axis=-1, keepdims=True)
    found = [steps[0]]
    for step in steps[1:]:
        found.append(step @ found[-1])
    return np.stack(found)


def _codes(weights: Float[np.ndarray, "*shape"]) -> UInt8[np.ndarray, "*shape"]:
    return np.rint(255 * np.sqrt(np.clip(weights, 0, 1))).astype(np.uint8)
