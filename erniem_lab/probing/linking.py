"""From likeness to links: which tokens of two sentences belong together, by the rules of the field's aligners."""

from typing import Literal, get_args

import numpy as np
from jaxtyping import Bool, Float, Int

from erniem_lab.errors import InputValueError, MissingExtraError

Method = Literal["argmax", "itermax", "match", "softmax", "transport"]
Rule = Literal["any", "mean"]
"""Words are linked if any of their tokens are (SimAlign), or words are the mean of their tokens."""

BY_COSINE = ("argmax", "itermax", "match")  # the others compare by dot product, as their sources do
METHODS: tuple[Method, ...] = get_args(Method)
RULES: tuple[Rule, ...] = get_args(Rule)
ROUNDS, DISCOUNT = 2, 0.9  # of itermax: SimAlign's n and alpha
THRESHOLD = 1e-3  # of softmax: awesome-align's
SINKHORN, LEAST = 2, 1e-6  # of transport: XLM-Align's iterations, and the likeness of what is unlike


def similarity(
    first: Float[np.ndarray, "first hidden"], second: Float[np.ndarray, "second hidden"], method: Method
) -> Float[np.ndarray, "first second"]:
    """What a method compares by: the cosine, or for "softmax" and "transport" the dot product.

    >>> similarity(np.array([[3.0, 0.0]]), np.array([[2.0, 0.0]]), "argmax").item()
    1.0
    """
    if method in BY_COSINE:
        first, second = _unit(first), _unit(second)
    return first @ second.T


def link(likeness: Float[np.ndarray, "first second"], method: Method = "argmax") -> Bool[np.ndarray, "first second"]:
    """Which are linked.

    "argmax": each is the other's nearest. "itermax": twice, the second time for what is yet unlinked on one side,
    whose likeness counts 0.9 if the other side is linked (Jalili Sabet et al. 2020, 2.2). "match": the one-to-one
    links of largest sum. "softmax": probable both ways, by more than 0.001 (Dou and Neubig 2021). "transport": two
    rounds of Sinkhorn's scaling, then as argmax (Chi et al. 2021, and the authors' code).

    Raises:
        InputValueError: no such method.
        MissingExtraError: "match" without scipy.

    >>> link(np.array([[0.9, 0.8], [0.2, 0.1]])).tolist()
    [[True, False], [False, False]]
    >>> link(np.array([[0.9, 0.8], [0.2, 0.1]]), "match").tolist()
    [[True, False], [False, True]]
    """
    if method not in METHODS:
        raise InputValueError(f"method={method!r}: give one of {', '.join(METHODS)}")
    if not likeness.size:
        return np.zeros(likeness.shape, dtype=bool)
    if method == "itermax":
        return _itermax(likeness)
    if method == "match":
        return _match(likeness)
    if method == "softmax":
        return (_softmax(likeness) > THRESHOLD) & (_softmax(likeness.T).T > THRESHOLD)
    return _transport(likeness) if method == "transport" else mutual(likeness, likeness.T)


def mutual(
    forward: Float[np.ndarray, "first second"], backward: Float[np.ndarray, "second first"]
) -> Bool[np.ndarray, "first second"]:
    """Links where each chooses the other; of equals, the first is chosen.

    >>> mutual(np.array([[0.1, 0.9]]), np.array([[1.0], [1.0]])).tolist()
    [[False, True]]
    """
    chosen, chosen_back = forward.argmax(axis=1), backward.argmax(axis=1)
    links = np.zeros(forward.shape, dtype=bool)
    if not links.size:
        return links
    places = np.arange(len(forward))
    links[places, chosen] = chosen_back[chosen] == places
    return links


def pool(values: Float[np.ndarray, "token *rest"], owner: Int[np.ndarray, " token"]) -> Float[np.ndarray, "word *rest"]:
    """The mean over the tokens of each word that has any, in the order of the words.

    >>> pool(np.array([1.0, 3.0, 5.0]), np.array([0, 0, 2])).tolist()
    [2.0, 5.0]
    """
    words, place = np.unique(owner, return_inverse=True)
    total = np.zeros((len(words), *values.shape[1:]), dtype=values.dtype)
    np.add.at(total, place, values)
    return total / np.bincount(place, minlength=len(words)).reshape(-1, *[1] * (values.ndim - 1)).astype(values.dtype)


def _itermax(likeness: Float[np.ndarray, "first second"]) -> Bool[np.ndarray, "first second"]:
    positive = (likeness + 1) / 2
    links = mutual(positive, positive.T)
    for _ in range(ROUNDS - 1):
        rows, columns = links.any(axis=1, keepdims=True), links.any(axis=0, keepdims=True)
        weight = np.where(rows & columns, 0.0, np.where(rows | columns, DISCOUNT, 1.0))
        links |= mutual(positive * weight, (positive * weight).T) & (weight > 0)
    return links


def _match(likeness: Float[np.ndarray, "first second"]) -> Bool[np.ndarray, "first second"]:
    try:
        from scipy.optimize import linear_sum_assignment
    except ImportError as fault:
        raise MissingExtraError("method='match' needs scipy: pip install 'erniem-lab[train]'") from fault
    links = np.zeros(likeness.shape, dtype=bool)
    links[linear_sum_assignment(likeness, maximize=True)] = True
    return links


def _softmax(values: Float[np.ndarray, "row column"]) -> Float[np.ndarray, "row column"]:
    raised = np.exp(values - values.max(axis=1, keepdims=True))
    return raised / raised.sum(axis=1, keepdims=True)


def _transport(likeness: Float[np.ndarray, "first second"]) -> Bool[np.ndarray, "first second"]:
    by_row = np.maximum(likeness, LEAST)
    for _ in range(SINKHORN):
        by_column = by_row / by_row.sum(axis=0, keepdims=True)
        by_row = by_column / by_column.sum(axis=1, keepdims=True)
    return mutual(by_row, by_column.T)


def _unit(vectors: Float[np.ndarray, "token hidden"]) -> Float[np.ndarray, "token hidden"]:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), np.finfo(vectors.dtype).tiny)
