"""What every piece of a sentencepiece model is cut into, as arrays, so that a batch of texts is looked up at once."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Int

from erniem_lab.tokenizing.places import Parts
from erniem_lab.tokenizing.ragged import Ragged, places

UNSEEN = -1


class PieceTable:
    """The parts of pieces by number; a piece is cut when it is first met.

    Args:
        size: how many pieces there are.
        parts: the parts of one piece.

    >>> table = PieceTable(9, lambda piece: Parts(3, ("▁a", "b"), (piece, 1, 2, piece + 1, 2, 3)))
    >>> table.tokens(Ragged.of([[5], [7, 3]])).lists()
    [[5, 6], [7, 8, 3, 4]]
    """

    def __init__(self, size: int, parts: Callable[[int], Parts]) -> None:
        self._parts = parts
        self.lengths = np.zeros(size, np.int64)
        self._counts, self._firsts = np.full(size, UNSEEN, np.int64), np.zeros(size, np.int64)
        self._numbers = np.zeros((0, 3), np.int64)

    def tokens(self, pieces: Ragged) -> Ragged:
        """The tokens that rows of pieces are cut into, by id."""
        counts = self._counts_of(pieces.flat)
        if (counts == 1).all():
            return Ragged(self._numbers[self._firsts[pieces.flat], 0], pieces.starts, pieces.ends)
        return _rows(self._numbers[places(self._firsts[pieces.flat], counts), 0], counts, pieces)

    def parts(self, pieces: Ragged) -> tuple[Ragged, Int[np.ndarray, " token"], Int[np.ndarray, "token edge"]]:
        """The tokens as in `tokens`; of each, which of all pieces it is from, and where in it it starts and ends."""
        counts = self._counts_of(pieces.flat)
        numbers = self._numbers[places(self._firsts[pieces.flat], counts)]
        return _rows(numbers[:, 0], counts, pieces), np.repeat(np.arange(len(counts)), counts), numbers[:, 1:]

    def _counts_of(self, pieces: Int[np.ndarray, " piece"]) -> Int[np.ndarray, " piece"]:
        counts = self._counts[pieces]
        if (counts == UNSEEN).any():
            self._learn(np.unique(pieces[counts == UNSEEN]))
            counts = self._counts[pieces]
        return counts

    def _learn(self, pieces: Int[np.ndarray, " new"]) -> None:
        new = [self._parts(piece) for piece in pieces.tolist()]
        numbers = np.array([number for parts in new for number in parts.numbers], np.int64).reshape(-1, 3)
        counts = np.array([len(parts.names) for parts in new], np.int64)
        self.lengths[pieces] = [parts.length for parts in new]
        self._counts[pieces], self._firsts[pieces] = counts, len(self._numbers) + counts.cumsum() - counts
        self._numbers = np.concatenate([self._numbers, numbers])


def _rows(tokens: Int[np.ndarray, " token"], counts: Int[np.ndarray, " piece"], pieces: Ragged) -> Ragged:
    """Tokens in the rows that their pieces stand in, by how many tokens each piece is."""
    edges = np.concatenate([[0], counts]).cumsum()
    return Ragged(tokens, edges[pieces.starts], edges[pieces.ends])
