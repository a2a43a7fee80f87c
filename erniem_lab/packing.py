"""Texts one behind the other in a single row, without padding; each reads only itself."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, groupby

from jaxtyping import Float, Int
from torch import Tensor

from erniem_lab.errors import InputValueError


@dataclass(frozen=True)
class Run:
    """Neighbours of equal length: their place in the row, and how many there are."""

    start: int
    texts: int
    length: int

    def of(self, row: Float[Tensor, "1 seq dim"]) -> Float[Tensor, "text length dim"]:
        """Their part of the row, a text to a line; a view of it.

        >>> import torch
        >>> Run(start=1, texts=2, length=3).of(torch.arange(8.0).view(1, 8, 1))[..., 0].tolist()
        [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]
        """
        return row[0, self.start : self.start + self.texts * self.length].view(self.texts, self.length, -1)


@dataclass(frozen=True)
class Packing:
    """How long each text of a row is, in the order of the row: an `attention_mask` that lets each read only itself.

    All that is done token by token then costs nothing for padding, and attention is one call for each run of texts
    of equal length, so texts should come sorted by length.

    Raises:
        InputValueError: no text, or a text without tokens.

    >>> packing = Packing((3, 3, 2))
    >>> [(run.start, run.texts, run.length) for run in packing.runs()]
    [(0, 2, 3), (6, 1, 2)]
    """

    lengths: tuple[int, ...]

    def __post_init__(self) -> None:
        if not self.lengths or min(self.lengths) < 1:
            raise InputValueError(f"lengths={self.lengths!r:.60}: a row has at least one text, and a text a token")

    @property
    def tokens(self) -> int:
        """How long the row is."""
        return sum(self.lengths)

    def starts(self) -> list[int]:
        """Where each text begins.

        >>> Packing((3, 3, 2)).starts()
        [0, 3, 6]
        """
        return [0, *accumulate(self.lengths[:-1])]

    def runs(self) -> Iterator[Run]:
        """The texts, those of equal length together."""
        start = 0
        for length, same in groupby(self.lengths):
            texts = len(list(same))
            yield Run(start, texts, length)
            start += texts * length

    def check(self, row: tuple[int, ...], position_ids: Int[Tensor, "..."] | None, plain: bool = True) -> None:
        """Refuse what is not a single row of these texts with a position for each token.

        Args:
            plain: whether neither attentions nor a prefix are asked for, which a row of several texts cannot have.

        Raises:
            InputValueError: with the shape that is needed.
        """
        if not plain:
            raise InputValueError(
                "attention_mask is a packing: there are no output_attentions and no past_key_values for it; give a "
                "text to a line and a mask of padding"
            )
        if row != (1, self.tokens) or position_ids is None or tuple(position_ids.shape) != row:
            given = None if position_ids is None else list(position_ids.shape)
            raise InputValueError(
                f"attention_mask is a packing of {self.tokens} tokens; input_ids have shape {list(row)}, "
                f"position_ids {given}: give both as [1, {self.tokens}], positions from 0 in each text"
            )


def packed(rows: Sequence[Sequence[int]]) -> tuple[list[int], list[int], Packing]:
    """Ids, positions and packing of texts, in their order.

    >>> packed([[0, 9, 2], [0, 2]])
    ([0, 9, 2, 0, 2], [0, 1, 2, 0, 1], Packing(lengths=(3, 2)))
    """
    ids = [i for row in rows for i in row]
    return ids, [place for row in rows for place in range(len(row))], Packing(tuple(map(len, rows)))
