"""The columns that a tokenizer's call answers with, made for some texts at a time."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from erniem_lab.encoding import NO_TEXT
from erniem_lab.errors import InputValueError
from erniem_lab.tokenizing.frame import Frame, Pair, added_marks, attention, sentence_numbers
from erniem_lab.tokenizing.ragged import Ragged, stacked
from erniem_lab.tokenizing.rows import Cut, Rows

BLOCK = 8192  # texts worked on together; with fewer, the start of sentencepiece's threads counts, with more, memory
LISTED = 65536  # the same where no arrays are made


@dataclass(frozen=True)
class Asked:
    """What a call wants of each text: how it is cut, what stands around it, and the columns beside the ids."""

    cut: Cut | None
    stride: int
    frame: Frame
    names: frozenset[str]

    @property
    def ids_alone(self) -> bool:
        """Whether the ids are wanted as they are, and nothing beside them."""
        return self.cut is None and not self.names

    def columns(self, ids: Pair, spans: Pair | None) -> dict[str, Any]:
        """All columns of some texts, by their ids and the places of these.

        >>> asked = Asked(None, 0, Frame([0], [2]), frozenset({"length"}))
        >>> columns = asked.columns((Ragged.of([[7]]), None), None)
        >>> columns["input_ids"].lists(), columns["length"]
        ([[0, 7, 2]], [3])
        """
        columns = overflow(*ids, self.cut, self.stride) if "overflowing_tokens" in self.names else {}
        if self.cut is not None:
            ids, spans = self.cut.kept(*ids), spans and self.cut.kept(*spans)
        columns["input_ids"] = rows = self.frame.around(*ids)
        framed = self.frame.size(pair=False) > 0
        if "token_type_ids" in self.names:
            columns["token_type_ids"] = sentence_numbers(*ids, framed)
        if "special_tokens_mask" in self.names:
            columns["special_tokens_mask"] = added_marks(*ids, framed)
        if spans is not None:
            columns["offset_mapping"] = Frame([NO_TEXT] * framed, [NO_TEXT] * framed).around(*spans)
        if "length" in self.names:
            columns["length"] = rows.lengths.tolist()
        if "attention_mask" in self.names:
            columns["attention_mask"] = attention(rows)
        return columns


def in_lists(blocks: Iterator[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """The columns of all blocks, as lists; at least one block.

    >>> in_lists(iter([{"input_ids": Ragged.of([[5]]), "length": [1]}, {"input_ids": Ragged.of([[6]]), "length": [1]}]))
    {'input_ids': [[5], [6]], 'length': [1, 1]}
    """
    columns: dict[str, list[Any]] = {}
    for block in blocks:
        for name, rows in block.items():
            columns.setdefault(name, []).extend(rows.lists() if isinstance(rows, Ragged) else rows)
    return columns


def in_arrays(blocks: Iterator[Mapping[str, Any]]) -> dict[str, Any]:
    """The columns of all blocks, each ragged one in one array; at least one block.

    >>> in_arrays(iter([{"input_ids": Ragged.of([[5]])}, {"input_ids": Ragged.of([[6, 7]])}]))["input_ids"].lists()
    [[5], [6, 7]]
    """
    first, *others = blocks
    parts = {name: [rows, *(block[name] for block in others)] for name, rows in first.items()}
    return {
        name: stacked(rows) if isinstance(rows[0], Ragged) else [item for part in rows for item in part]
        for name, rows in parts.items()
    }


def overflow(first: Ragged, second: Ragged | None, cut: Cut | None, stride: int) -> dict[str, Any]:
    """What truncation takes off, under transformers' names for it.

    Raises:
        InputValueError: tokens taken from both texts of a pair, which could not be told apart.

    >>> overflow(Ragged.of([[5, 6, 7]]), None, Cut(2, "longest_first", "right"), stride=1)
    {'overflowing_tokens': [[6, 7]], 'num_truncated_tokens': [1]}
    """
    if cut is None:
        return {"overflowing_tokens": [[] for _ in first.starts], "num_truncated_tokens": [0 for _ in first.starts]}
    if second is not None and cut.strategy == "longest_first":
        raise InputValueError(
            "return_overflowing_tokens=True takes from one text only: for a pair pass truncation='only_second' or "
            "'only_first'"
        )
    ids = Rows(first.lists(), None if second is None else second.lists())
    which = int(cut.strategy == "only_second" and second is not None)
    rows = [*zip(ids.pairs(), ids.lengths(), strict=True)]
    return {
        "overflowing_tokens": [
            cut.overflow(pair[which] or [], cut.places(*lengths)[which], stride) for pair, lengths in rows
        ],
        "num_truncated_tokens": [sum(length or 0 for length in lengths) - cut.limit for _, lengths in rows],
    }
