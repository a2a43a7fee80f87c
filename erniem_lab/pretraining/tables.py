"""Who may read whom, as a table: a row for each role of the reading token, a column for each role it may read."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from erniem_lab.batching import KINDS, PADDING, SENTENCES, Role, kind
from erniem_lab.errors import InputValueError

SIDES = ("own", "other")


@dataclass(frozen=True)
class ReadingTable:
    """Which roles a token may read, in its own sentence and in the other.

    `reads[query][side][key]` is True where a token of role `query` may read one of role `key` on that side.

    >>> table = ReadingTable.parse('''
    ...            own plain  own hidden  own mask   other plain  other hidden  other mask
    ...    plain       1          .          1            .            .            .
    ...    hidden      .          .          .            .            .            .
    ...    mask        1          .          1            .            .            .
    ... ''')
    >>> table.allows(Role.MASK, "own", Role.PLAIN), table.keeps_originals
    (True, False)
    """

    reads: tuple[tuple[tuple[bool, ...], ...], ...]

    @classmethod
    def parse(cls, text: str) -> "ReadingTable":
        """A table written out: a line of columns, then a line for each role with 1 for yes and . for no.

        Raises:
            InputValueError: another form.
        """
        lines = [line.split() for line in text.strip().splitlines()]
        columns = list(zip(lines[0][::2], lines[0][1::2], strict=True))
        wanted = [(side, role.name.lower()) for side in SIDES for role in Role]
        rows = {line[0]: line[1:] for line in lines[1:]}
        marks = {mark for row in rows.values() for mark in row}
        if columns != wanted or list(rows) != [role.name.lower() for role in Role] or marks - {"1", "."}:
            raise InputValueError(
                f"a reading table has columns {wanted}, a row for each role, and marks 1 or .:\n{text}"
            )
        count = len(Role)
        flags = [[mark == "1" for mark in row] for row in rows.values()]
        return cls(tuple((tuple(row[:count]), tuple(row[count:])) for row in flags))

    def allows(self, query: Role, side: str, key: Role) -> bool:
        """Whether a token of role `query` may read one of role `key` in its "own" or the "other" sentence."""
        return self.reads[query][SIDES.index(side)][key]

    @property
    def keeps_originals(self) -> bool:
        """Whether anything but hidden originals themselves reads them, so that they must stay beside their masks."""
        readers = (Role.PLAIN, Role.MASK)
        return any(self.allows(query, side, Role.HIDDEN) for query in readers for side in SIDES)

    def by_kind(self) -> Bool[Tensor, "kind kind"]:
        """The table over numbers of `erniem_lab.batching.kind`; padding reads padding, so that no row is empty."""
        table = torch.zeros(KINDS, KINDS, dtype=torch.bool)
        table[PADDING, PADDING] = True
        for query, key in ((q, k) for q in Role for k in Role):
            for mine, theirs in ((m, t) for m in range(SENTENCES) for t in range(SENTENCES)):
                side = "own" if mine == theirs else "other"
                table[kind(query, mine), kind(key, theirs)] = self.allows(query, side, key)
        return table

    def mask(self, kinds: Int[Tensor, "batch seq"]) -> Bool[Tensor, "batch query key"]:
        """The attention mask of a batch: True where the query may read the key."""
        return self.by_kind().to(kinds.device)[kinds[:, :, None], kinds[:, None, :]]


def reached(mask: Bool[Tensor, "query key"], layers: int) -> Bool[Tensor, "query key"]:
    """Whose embedding can have entered a token's state after so many layers: one reading after another.

    >>> chain = torch.tensor([[True, True, False], [False, True, True], [False, False, True]])
    >>> reached(chain, 1)[0].tolist(), reached(chain, 2)[0].tolist()
    ([True, True, False], [True, True, True])
    """
    step = mask | torch.eye(len(mask), dtype=torch.bool, device=mask.device)  # the residual: a token keeps itself
    seen = torch.eye(len(mask), dtype=torch.bool, device=mask.device)
    for _ in range(layers):
        seen = (step.float() @ seen.float()) > 0
    return seen
