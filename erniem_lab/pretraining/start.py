"""Vectors to start from, before any training: of words, by the company they keep across languages, and of positions.

Pieces are counted by the group of aligned sentences they occur in; the positive pointwise mutual information of
piece and group is factored (sentence co-occurrence, Levy et al. 2017). Pieces of two languages that occur in
translations of each other get vectors that point the same way, as in the multilingual encoder that ERNIE-M was
trained on from. Groups that many languages share say more, so a cell weighs the square root of its group's pairs.
"""

import numpy as np
from jaxtyping import Float

from erniem_lab.errors import MissingExtraError
from erniem_lab.pretraining.store import TextStore

SMOOTHING = 0.5  # of a group's probability; large groups then inform more. Levy and Goldberg use 0.75 for words


def aligned_vectors(
    store: TextStore, vocabulary: int, size: int, *, deviation: float = 0.05, seed: int = 0
) -> Float[np.ndarray, "{vocabulary} {size}"]:
    """A vector for each entry of the vocabulary; entries that never occur get zeros.

    Args:
        deviation: the standard deviation of the numbers of an entry's vector.

    Raises:
        MissingExtraError: scipy is not installed.
    """
    try:
        from scipy.sparse import csr_matrix
        from scipy.sparse.linalg import svds
    except ImportError as fault:
        raise MissingExtraError("aligned word vectors need scipy: pip install 'erniem-lab[train]'") from fault
    pairs = np.repeat(store.group, store.bounds[:, -1] - store.bounds[:, 0])
    counts = csr_matrix((np.ones(len(pairs), np.float32), (store.ids, pairs)), (vocabulary, int(store.group.max()) + 1))
    counts.sum_duplicates()
    rows, columns = (np.asarray(counts.sign().sum(axis=axis)).ravel() for axis in (1, 0))
    context = columns**SMOOTHING / (columns**SMOOTHING).sum()
    cells = counts.tocoo()
    information = np.maximum(-np.log(rows[cells.row]) - np.log(context[cells.col]), 0)
    weighed = (information * np.sqrt(np.bincount(store.group)[cells.col])).astype(np.float32)
    vectors, _, _ = svds(
        csr_matrix((weighed, (cells.row, cells.col)), counts.shape), k=size, random_state=np.random.default_rng(seed)
    )
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / np.maximum(length, 1e-9) * deviation * np.sqrt(size) * (length > 0)


def sinusoids(positions: int, size: int, *, deviation: float = 0.06) -> Float[np.ndarray, "{positions} {size}"]:
    """The positions of Vaswani et al. 2017, section 3.5, sines before cosines: the nearer two are, the more alike.

    Args:
        deviation: of the numbers of a vector, about; at the default the bundled checkpoint's positions, less what all
            of them share, are half as long as its words.

    >>> table = sinusoids(50, 64)
    >>> likeness = table @ table[10] / (table[10] @ table[10])
    >>> likeness[[10, 11, 12, 40]].round(2).tolist()
    [1.0, 0.97, 0.88, 0.53]
    """
    waves = np.arange(positions)[:, None] * 10_000.0 ** (-np.arange(0, size, 2) / size)
    return np.concatenate([np.sin(waves), np.cos(waves)], axis=1)[:, :size] * deviation * np.sqrt(2)
