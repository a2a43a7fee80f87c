"""What every piece of a sentencepiece model is cut into, as arrays, so that a batch of texts is looked up at once."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int

from erniem_lab.tokenizing.places import Parts
from erniem_lab.tokenizing.ragged import Ragged, places

UNSEEN = -1


@dataclass(frozen=True)
class Known:
    """Pieces by number: characters, tokens (or UNSEEN), and where in `numbers` the first id, start and end are."""

    lengths: Int[np.ndarray, " piece"]
    counts: Int[np.ndarray, " piece"]
    firsts: Int[np.ndarray, " piece"]
    numbers: Int[np.ndarray, "token 3"]


class PieceTable:
    """The parts of pieces by number; a piece is cut when it is first met.

    What is known is replaced as a whole, so that threads may share a table; at worst both cut the same piece.

    Args:
        size: how many pieces there are.
        parts: the parts of one piece.

    >>> table = PieceTable(9, lambda piece: Parts(3, ("▁a", "b"), (piece, 1, 2, piece + 1, 2, 3)))
    >>> table.parts(Ragged.of([[5], [7, 3]]))[0].lists()
    [[5, 6], [7, 8, 3, 4]]
    """

    def __init__(self, size: int, parts: Callable[[int], Parts]) -> None:
        self._parts = parts
        nothing = np.zeros(size, np.int64)
        self._known = Known(nothing, np.full(size, UNSEEN, np.int64), nothing, np.zeros((0, 3), np.int64))

    def lengths(self, pieces: Ragged) -> Int[np.ndarray, " row"]:
        """How many characters the pieces of each row have together."""
        totals = np.concatenate([[0], self._with(pieces.flat).lengths[pieces.flat]]).cumsum()
        return totals[pieces.ends] - totals[pieces.starts]

    def parts(
        self, pieces: Ragged
    ) -> tuple[Ragged, Int[np.ndarray, " token"], Int[np.ndarray, "token edge"], Int[np.ndarray, " piece"]]:
        """The tokens, by id, that rows of pieces are cut into.

        Of each token also which of all pieces it is from and where in it it starts and ends; last, the pieces' lengths.
        """
        known = self._with(pieces.flat)
        counts = known.counts[pieces.flat]
        numbers = known.numbers[places(known.firsts[pieces.flat], counts)]
        owners = np.repeat(np.arange(len(counts)), counts)
        return _rows(numbers[:, 0], counts, pieces), owners, numbers[:, 1:], known.lengths[pieces.flat]

    def _with(self, pieces: Int[np.ndarray, " piece"]) -> Known:
        known = self._known
        unseen = pieces[known.counts[pieces] == UNSEEN]
        if len(unseen):
            known = self._known = self._learnt(known, np.unique(unseen))
        return known

    def _learnt(self, known: Known, pieces: Int[np.ndarray, " new"]) -> Known:
        new = [self._parts(piece) for piece in pieces.tolist()]
        numbers = np.array([number for parts in new for number in parts.numbers], np.int64).reshape(-1, 3)
        counts = np.array([len(parts.names) for parts in new], np.int64)
        lengths, all_counts, firsts = known.lengths.copy(), known.counts.copy(), known.firsts.copy()
        lengths[pieces], all_counts[pieces] = [parts.length for parts in new], counts
        firsts[pieces] = len(known.numbers) + counts.cumsum() - counts
        return Known(lengths, all_counts, firsts, np.concatenate([known.numbers, numbers]))


def _rows(tokens: Int[np.ndarray, " token"], counts: Int[np.ndarray, " piece"], pieces: Ragged) -> Ragged:
    """Tokens in the rows that their pieces stand in, by how many tokens each piece is."""
    edges = np.concatenate([[0], counts]).cumsum()
    return Ragged(tokens, edges[pieces.starts], edges[pieces.ends])
