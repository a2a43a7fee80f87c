"""Rows of tokens made equally long, and the mapping in which Hugging Face's models and collators expect them."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
import torch

from erniem_lab.encoding import NO_TEXT, Side
from erniem_lab.errors import InputTypeError, InputValueError
from erniem_lab.tokenizing.ragged import Ragged

TensorType = Literal["pt", "np"]
PADDED = ("input_ids", "attention_mask", "token_type_ids", "special_tokens_mask", "offset_mapping")


class BatchEncoding(dict[str, Any]):
    """What a tokenizer answers with: lists or tensors under Hugging Face's names, as keys and as attributes.

    >>> answer = BatchEncoding(input_ids=[[0, 4, 2]]).convert_to_tensors("pt")
    >>> answer.input_ids
    tensor([[0, 4, 2]])
    """

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(f"{name!r}: this encoding has {', '.join(self)}") from None

    def to(self, device: str | torch.device) -> "BatchEncoding":
        """The same, with its tensors on another device."""
        return BatchEncoding({k: v.to(device) if isinstance(v, torch.Tensor) else v for k, v in self.items()})

    def convert_to_tensors(self, tensor_type: TensorType | None) -> "BatchEncoding":
        """The same with tensors ("pt"), arrays ("np") or as it is (None).

        Raises:
            InputValueError: rows of different lengths, or another type.
        """
        if tensor_type is None:
            return self
        if tensor_type not in ("pt", "np"):
            raise InputValueError(f"return_tensors={tensor_type!r}: accepted are 'pt', 'np' and None")
        return BatchEncoding({name: _tensor(name, rows, tensor_type) for name, rows in self.items()})


def _tensor(name: str, rows: Any, kind: TensorType) -> torch.Tensor | np.ndarray[Any, np.dtype[np.int64]]:
    try:
        array = np.asarray(rows, dtype=np.int64)
    except ValueError as fault:
        lengths = sorted({len(row) for row in rows})
        raise InputValueError(
            f"{name} has rows of {lengths[0]} to {lengths[-1]} tokens: pass padding=True (and truncation=True)"
        ) from fault
    return torch.from_numpy(array) if kind == "pt" else array


def pad_rows(
    columns: Mapping[str, Sequence[Any] | Ragged], *, length: int | None, multiple: int | None, pad_id: int, side: Side
) -> dict[str, Any]:
    """The columns with every row as long as the longest, or as `length`, rounded up to a multiple; lists stay lists.

    >>> pad_rows({"input_ids": [[0, 2], [0, 4, 2]]}, length=None, multiple=None, pad_id=1, side="right")
    {'input_ids': [[0, 2, 1], [0, 4, 2]]}
    """
    target = longest(columns["input_ids"]) if length is None else length
    target = -(-target // multiple) * multiple if multiple else target
    fills = dict(zip(PADDED, (pad_id, 0, 0, 1, NO_TEXT), strict=True))
    return {
        name: _padded_rows(column, target, fills[name], side) if name in fills else column
        for name, column in columns.items()
    }


def longest(rows: Sequence[Any] | Ragged) -> int:
    """How long the longest row is; 0 if there is none.

    >>> longest([[0, 2], [0, 4, 2]]), longest(Ragged.of([]))
    (3, 0)
    """
    return int(rows.lengths.max(initial=0)) if isinstance(rows, Ragged) else max(map(len, rows), default=0)


def _padded_rows(column: Sequence[Any] | Ragged, target: int, fill: Any, side: Side) -> Any:
    if isinstance(column, Ragged):
        if column.lengths.max(initial=0) <= target:
            return column.padded(target, fill, side)
        column = column.lists()
    return [_padded(row, target, fill, side) for row in column]


def _padded(row: Sequence[Any], target: int, fill: Any, side: Side) -> list[Any]:
    fills = [fill] * (target - len(row))
    return [*row, *fills] if side == "right" else [*fills, *row]


def as_columns(features: Mapping[str, Any] | Sequence[Mapping[str, Any]]) -> tuple[dict[str, Any], bool]:
    """Features of one text, of a batch, or a list of either, as columns of rows; and whether it was one text.

    Raises:
        InputTypeError: something else, or without "input_ids".

    >>> as_columns([{"input_ids": [0, 2]}, {"input_ids": [0, 4, 2]}])
    ({'input_ids': [[0, 2], [0, 4, 2]]}, False)
    """
    if not isinstance(features, Mapping):
        if not features or not all(isinstance(feature, Mapping) for feature in features):
            raise InputTypeError(f"pad takes a mapping, or a list of mappings, with input_ids; not {features!r:.60}")
        features = {name: [feature[name] for feature in features] for name in features[0]}
    if "input_ids" not in features:
        raise InputTypeError(f"pad needs input_ids; these features have {', '.join(features) or 'nothing'}")
    columns = {name: _lists(column) for name, column in features.items()}
    single = bool(columns["input_ids"]) and not isinstance(columns["input_ids"][0], list)
    return ({name: [column] for name, column in columns.items()} if single else columns), single


def _lists(column: Any) -> Any:
    if isinstance(column, torch.Tensor | np.ndarray):
        return column.tolist()
    return [_lists(row) for row in column] if isinstance(column, list | tuple) else column
