"""What a call of transformers' tokenizers asks for, and the answer to it out of this library's tokenizer."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any, Literal, overload

from transformers.tokenization_utils_base import BatchEncoding, PaddingStrategy, TruncationStrategy

from erniem_lab.encoding import Encoding, Strategy
from erniem_lab.errors import InputValueError
from erniem_lab.tokenizer import ErnieMTokenizer
from erniem_lab.tokenizing.rows import Rows, read_rows
from erniem_lab.tokenizing.tokenizer_files import NO_LIMIT
from erniem_lab.transformers_bridge.token_views import TokenView

BESIDE = ("token_type_ids", "attention_mask", "special_tokens_mask", "offsets_mapping", "length")
FIELDS = {  # of a view, for each column of an answer
    "input_ids": "ids",
    "token_type_ids": "type_ids",
    "attention_mask": "attention_mask",
    "special_tokens_mask": "special_tokens_mask",
    "offset_mapping": "offsets",
}


@dataclass(frozen=True)
class Call:
    """A call's arguments; `beside` names what it wants beside `input_ids`, as the arguments `return_…` do."""

    cut: Strategy | Literal["do_not_truncate"]
    padding: Literal["longest", "max_length", "do_not_pad"]
    max_length: int | None
    stride: int
    multiple: int | None
    framed: bool
    words: bool
    windows: bool
    beside: frozenset[str]
    tensors: Literal["pt", "np"] | None
    verbose: bool

    @classmethod
    def of(cls, how: Mapping[str, Any], inputs: Sequence[str]) -> "Call":
        """The call that has these arguments; what it leaves open is given if the model takes it as an input."""
        asked = {name: how.get(f"return_{name}") for name in BESIDE}
        tensors = how.get("return_tensors")
        return cls(
            cut=how.get("truncation_strategy", TruncationStrategy.DO_NOT_TRUNCATE).value,
            padding=how.get("padding_strategy", PaddingStrategy.DO_NOT_PAD).value,
            max_length=how.get("max_length"),
            stride=how.get("stride", 0),
            multiple=how.get("pad_to_multiple_of"),
            framed=how.get("add_special_tokens", True),
            words=how.get("is_split_into_words", False),
            windows=how.get("return_overflowing_tokens", False),
            beside=frozenset(name for name, on in asked.items() if (name in inputs if on is None else on)),
            tensors=getattr(tensors, "value", tensors),
            verbose=how.get("verbose", True),
        )

    def answer(self, core: ErnieMTokenizer, text: Any, text_pair: Any) -> BatchEncoding:
        """Ids, and what is wanted beside them; token views are made when they are first looked at.

        Raises:
            InputTypeError: something other than strings, or than lists of words where these are announced.
            InputValueError: a length or strategy that does not fit.
        """
        rows, single = read_rows(text, text_pair, self.words)
        texts = 1 if rows.seconds is None else 2
        if self.windows or (self.words and "offsets_mapping" in self.beside):
            numbers, views = self.views(core, rows)
            return BatchEncoding(self._columns(numbers, views, single), views, self.tensors, n_sequences=texts)
        columns = core(
            text,
            text_pair,
            add_special_tokens=self.framed,
            padding=self.padding,
            truncation=self.cut,
            max_length=self.max_length,
            is_split_into_words=self.words,
            pad_to_multiple_of=self.multiple,
            return_tensors=self.tensors,
            verbose=self.verbose,
            **{f"return_{name}": True for name in self.beside},
        )
        return BatchEncoding(dict(columns), Views(partial(self._views, core, rows)), n_sequences=texts)

    def views(self, core: ErnieMTokenizer, rows: Rows[Any]) -> tuple[list[int], list[TokenView]]:
        """The views of a batch, padded, and the number of each one's text."""
        found = self._encodings(core, rows)
        views = [TokenView.of(e, framed=self.framed, by_words=_row(rows, i) if self.words else ()) for i, e in found]
        if self.padding != "do_not_pad":
            longest = max(map(len, views), default=0)
            target = longest if self.padding == "longest" else self.max_length or core.model_max_length
            target = -(-target // (self.multiple or 1)) * (self.multiple or 1)
            views = [view.padded(target, core.pad_token, core.pad_token_id, core.padding_side) for view in views]
        return [number for number, _ in found], views

    def _views(self, core: ErnieMTokenizer, rows: Rows[Any]) -> list[TokenView]:
        return self.views(core, rows)[1]

    def _encodings(self, core: ErnieMTokenizer, rows: Rows[Any]) -> list[tuple[int, Encoding]]:
        """Each text's encoding with its number; several where windows are asked for and it is too long for one."""
        limit = NO_LIMIT if self.cut == "do_not_truncate" or self.max_length is None else self.max_length
        limit += 0 if self.framed else core.num_special_tokens_to_add(rows.seconds is not None)
        if not self.windows or self.cut == "do_not_truncate":
            strategy = "longest_first" if self.cut == "do_not_truncate" else self.cut
            return [*enumerate(core.encodings(rows.firsts, rows.seconds, truncation=strategy, max_length=limit))]
        if rows.seconds is not None and self.cut != "only_second":
            raise InputValueError(f"truncation={self.cut!r}: with return_overflowing_tokens a pair takes 'only_second'")
        return [
            (i, window)
            for i, (first, second) in enumerate(rows.pairs())
            for window in core.windows(first, second, max_length=limit, stride=self.stride)
        ]

    def _columns(self, numbers: list[int], views: Sequence[TokenView], single: bool) -> dict[str, list[Any]]:
        wanted = {"input_ids", *(name.replace("offsets", "offset") for name in self.beside)}
        columns = {name: [getattr(view, field) for view in views] for name, field in FIELDS.items() if name in wanted}
        if "length" in wanted:
            columns["length"] = [len(view) for view in views]
        if self.windows:
            columns["overflow_to_sample_mapping"] = numbers
        elif single and self.tensors is None:
            return {name: column[0] for name, column in columns.items()}
        return columns


class Views(Sequence[TokenView]):
    """The views of a batch, made when one of them is first looked at; a pickle holds them, not their maker."""

    def __init__(self, make: Callable[[], list[TokenView]]) -> None:
        self._make = make

    @cached_property
    def made(self) -> list[TokenView]:
        """The views."""
        return self._make()

    def __len__(self) -> int:
        return len(self.made)

    @overload
    def __getitem__(self, place: int) -> TokenView: ...
    @overload
    def __getitem__(self, place: slice) -> list[TokenView]: ...
    def __getitem__(self, place: int | slice) -> TokenView | list[TokenView]:
        return self.made[place]

    def __reduce__(self) -> tuple[Any, ...]:
        return list, (self.made,)


def _row(rows: Rows[Any], number: int) -> list[Any]:
    return [rows.firsts[number], *([] if rows.seconds is None else [rows.seconds[number]])]
