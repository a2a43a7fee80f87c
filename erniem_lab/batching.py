"""From encoded texts to a batch of tensors, in which each token knows what it is.

A token's *kind* is set here once. It answers what is padding, which sentence a token is of, and, looked up in an
objective's table, who may read whom.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from erniem_lab.encoding import Encoding
from erniem_lab.errors import InputValueError


class Role(IntEnum):
    """What a token does in its sentence."""

    PLAIN = 0
    """An original that is not to be guessed."""
    HIDDEN = 1
    """An original that is to be guessed, kept so that others may read it."""
    MASK = 2
    """A [MASK] that stands for an original."""


SENTENCES = 2
PADDING = 0
KINDS = 1 + SENTENCES * len(Role)


def kind(role: Role, sentence: int) -> int:
    """The number of a kind: 0 is padding, then the roles of the first sentence, then those of the second.

    >>> kind(Role.PLAIN, 0), kind(Role.MASK, 1)
    (1, 6)
    """
    return 1 + sentence * len(Role) + role


@dataclass(frozen=True)
class Batch:
    """Texts side by side, each padded at the end to the longest.

    `special` marks [CLS] and [SEP], which are never hidden; `kinds` holds a number of `kind` for each token.
    """

    input_ids: Int[Tensor, "batch seq"]
    position_ids: Int[Tensor, "batch seq"]
    kinds: Int[Tensor, "batch seq"]
    special: Bool[Tensor, "batch seq"]

    def to(self, device: torch.device | str) -> "Batch":
        """The same batch on another device."""
        parts = (self.input_ids, self.position_ids, self.kinds, self.special)
        return Batch(*(part.to(device) for part in parts))


def collate(encodings: Sequence[Encoding], pad_token_id: int = 1) -> Batch:
    """One batch of several encoded texts or pairs.

    Positions run on over a pair, and count from 0; padding stands at position 0.

    Raises:
        InputValueError: no text at all.

    >>> pair = Encoding(ids=[0, 9, 2, 2, 8, 2], offsets=[(0, 0)] * 6, sentence=[0, 0, 0, 1, 1, 1],
    ...                 special=[True, False, True, True, False, True])
    >>> collate([pair]).kinds
    tensor([[1, 1, 1, 4, 4, 4]])
    """
    if not encodings:
        raise InputValueError("encodings is empty: a batch has at least one text")
    seq = max(len(encoding.ids) for encoding in encodings)
    kinds = [[kind(Role.PLAIN, sentence) for sentence in encoding.sentence] for encoding in encodings]
    return Batch(
        input_ids=_pad([encoding.ids for encoding in encodings], seq, pad_token_id),
        position_ids=_pad([range(len(encoding.ids)) for encoding in encodings], seq, 0),
        kinds=_pad(kinds, seq, PADDING),
        special=_pad([list(map(int, encoding.special)) for encoding in encodings], seq, 1).bool(),
    )


def by_length(lengths: Sequence[int], batch_tokens: int) -> Iterator[list[int]]:
    """Numbers of texts in batches of like length, the longest first; a batch of one text may be over the limit.

    Args:
        batch_tokens: tokens in a batch at most, padding counted.

    >>> list(by_length([3, 9, 4], 12))
    [[1], [2, 0]]
    """
    rows: list[int] = []
    for i in sorted(range(len(lengths)), key=lambda i: -lengths[i]):
        if rows and (len(rows) + 1) * lengths[rows[0]] > batch_tokens:
            yield rows
            rows = []
        rows.append(i)
    if rows:
        yield rows


def _pad(rows: Sequence[Sequence[int]], seq: int, value: int) -> Int[Tensor, "batch seq"]:
    return torch.tensor([[*row, *[value] * (seq - len(row))] for row in rows])
