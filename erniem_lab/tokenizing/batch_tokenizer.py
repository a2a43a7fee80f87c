"""A tokenizer in Hugging Face's form: one call for texts, pairs and batches, with everything it can be asked for."""

import warnings
from collections.abc import Callable, Sequence
from typing import Any, Literal, get_args

from erniem_lab.encoding import Sentence, Side, Strategy
from erniem_lab.errors import InputTypeError, InputValueError
from erniem_lab.tokenizing.collector import collector_paused
from erniem_lab.tokenizing.columns import BLOCK, LISTED, Asked, in_arrays, in_lists
from erniem_lab.tokenizing.frame import Frame, Pair, added_marks, sentence_numbers
from erniem_lab.tokenizing.padding import BatchEncoding, TensorType, as_columns, longest, pad_rows
from erniem_lab.tokenizing.ragged import Ragged
from erniem_lab.tokenizing.rows import Cut, Rows, read_rows
from erniem_lab.tokenizing.splitter import Splitter, Text
from erniem_lab.tokenizing.token_table import TokenTable

Padding = bool | Literal["longest", "max_length", "do_not_pad"]
Truncation = bool | Strategy | Literal["do_not_truncate"] | None
NO_PADDING = (False, "do_not_pad")


class BatchTokenizer(TokenTable):
    """Texts to rows of ids; `ErnieMTokenizer` says how one text is split, and where the files lie."""

    _splitter: Splitter
    model_max_length: int
    padding_side: Side
    truncation_side: Side

    def __call__(
        self,
        text: Any,
        text_pair: Any = None,
        *,
        add_special_tokens: bool = True,
        padding: Padding = False,
        truncation: Truncation = None,
        max_length: int | None = None,
        stride: int = 0,
        is_split_into_words: bool = False,
        pad_to_multiple_of: int | None = None,
        return_tensors: TensorType | None = None,
        return_token_type_ids: bool = False,
        return_attention_mask: bool = False,
        return_overflowing_tokens: bool = False,
        return_special_tokens_mask: bool = False,
        return_offsets_mapping: bool = False,
        return_length: bool = False,
        verbose: bool = True,
    ) -> BatchEncoding:
        """A text, a pair, or a batch of either (two lists, or a list of pairs), under Hugging Face's names.

        `input_ids` alone unless more is asked for, as there. `stride` is how many of the kept tokens stand again in
        `overflowing_tokens`. For places, words and sentences of tokens see `encoding`, for long texts `windows`.

        Raises:
            InputTypeError: something other than strings, or than lists of words with `is_split_into_words`.
            InputValueError: a string that is no text; a length or strategy that does not fit.
        """
        texts, single = read_rows(text, text_pair, is_split_into_words)
        framed = self.num_special_tokens_to_add(texts.seconds is not None) if add_special_tokens else 0
        cut = self._cut(truncation, max_length, padding, framed)
        beside = {
            "token_type_ids": return_token_type_ids,
            "attention_mask": return_attention_mask,
            "overflowing_tokens": return_overflowing_tokens,
            "special_tokens_mask": return_special_tokens_mask,
            "length": return_length,
        }
        names = frozenset(name for name, wanted in beside.items() if wanted)
        asked = Asked(cut, stride, self._frame if add_special_tokens else Frame([], []), names)
        in_rows = return_tensors is None or padding in NO_PADDING
        with collector_paused():
            if in_rows and asked.ids_alone and texts.seconds is None and not return_offsets_mapping:
                columns = {"input_ids": self._framed_ids(texts, is_split_into_words, asked.frame)}
            else:
                blocks = (
                    asked.columns(*self._split(block, is_split_into_words, return_offsets_mapping))
                    for block in texts.blocks(BLOCK)
                )
                columns = (in_lists if in_rows else in_arrays)(blocks)
        if cut is None and verbose:
            self._warn_of_length(longest(columns["input_ids"]))
        return _answer(self._pad(columns, padding, max_length, pad_to_multiple_of), single, return_tensors)

    def encode(self, text: Any, text_pair: Any = None, **how: Any) -> Any:
        """The `input_ids` alone of what calling the tokenizer gives."""
        return self(text, text_pair, **how)["input_ids"]

    def num_special_tokens_to_add(self, pair: bool = False) -> int:
        """How many tokens [CLS] and [SEP] are: 2 with one text, 4 with a pair."""
        return self._frame.size(pair)

    def build_inputs_with_special_tokens(
        self, token_ids_0: list[int], token_ids_1: list[int] | None = None
    ) -> list[int]:
        """[CLS] A [SEP], or [CLS] A [SEP] [SEP] B [SEP]."""
        return self._frame.around(*_one(token_ids_0, token_ids_1)).lists()[0]

    def create_token_type_ids_from_sequences(
        self, token_ids_0: list[int], token_ids_1: list[int] | None = None
    ) -> list[int]:
        """0 for [CLS] A [SEP], 1 for [SEP] B [SEP]; the model reads none of it."""
        return sentence_numbers(*_one(token_ids_0, token_ids_1), framed=True).lists()[0]

    def get_special_tokens_mask(
        self, token_ids_0: list[int], token_ids_1: list[int] | None = None, already_has_special_tokens: bool = False
    ) -> list[int]:
        """1 for [CLS] and [SEP], 0 for everything else."""
        if not already_has_special_tokens:
            return added_marks(*_one(token_ids_0, token_ids_1), framed=True).lists()[0]
        if token_ids_1 is not None:
            raise InputValueError("already_has_special_tokens=True: token_ids_0 has both texts, so give no token_ids_1")
        return [int(i in (self.cls_token_id, self.sep_token_id)) for i in token_ids_0]

    def pad(
        self,
        encoded_inputs: Any,
        padding: Padding = True,
        max_length: int | None = None,
        pad_to_multiple_of: int | None = None,
        return_attention_mask: bool = False,
        return_tensors: TensorType | None = None,
    ) -> BatchEncoding:
        """Rows made equally long: those of a call's answer, or of a list of such answers.

        Raises:
            InputTypeError: no `input_ids` in it.
            InputValueError: tensors of rows that stay unequal.
        """
        columns, single = as_columns(encoded_inputs)
        if return_attention_mask and "attention_mask" not in columns:
            columns["attention_mask"] = [[1] * len(row) for row in columns["input_ids"]]
        return _answer(self._pad(columns, padding, max_length, pad_to_multiple_of), single, return_tensors)

    @property
    def _frame(self) -> Frame:
        return Frame([self.cls_token_id], [self.sep_token_id])

    def _sentences(self, texts: Sequence[Text]) -> list[Sentence]:
        if wrong := [text for text in texts if not isinstance(text, str | list | tuple)]:
            what = f"text is {wrong[0]!r:.60}, of type {type(wrong[0]).__name__}"
            raise InputTypeError(f"{what}: give a str, or a list of words")
        return self._splitter.sentences(texts)

    def _split(self, texts: Rows[Any], words: bool, places: bool) -> tuple[Pair, Pair | None]:
        if places and not words:
            firsts = self._splitter.located(texts.firsts)
            seconds = (None, None) if texts.seconds is None else self._splitter.located(texts.seconds)
            return (firsts[0], seconds[0]), (firsts[1], seconds[1])
        if places:
            sentences = texts.changed(self._sentences)
            ids = _pair(sentences, lambda parts: Ragged.of([part.ids for part in parts]))
            return ids, _pair(sentences, lambda parts: Ragged.of_spans([part.offsets for part in parts]))
        split = self._splitter.ids_of_words if words else self._splitter.ids
        return _pair(texts, lambda parts: Ragged.of(split(parts))), None

    def _framed_ids(self, texts: Rows[Any], words: bool, frame: Frame) -> list[list[int]]:
        split, framed = self._splitter.ids_of_words if words else self._splitter.ids, []
        for block in texts.blocks(LISTED):
            rows = split(block.firsts)
            frame.put_around(rows)
            framed += rows
        return framed

    def _cut(self, truncation: Truncation, max_length: int | None, padding: Padding, framed: int) -> Cut | None:
        if truncation is None:  # as in transformers, a max_length without padding is there to be kept to
            truncation = max_length is not None and padding is False
        if truncation is False or truncation == "do_not_truncate":
            return None
        name = "longest_first" if truncation is True else truncation
        strategy: Strategy = one_of("truncation", name, get_args(Strategy))
        limit = self.model_max_length if max_length is None else max_length
        return Cut(limit - framed, strategy, self.truncation_side)

    def _warn_of_length(self, longest: int) -> None:
        if longest > self.model_max_length:
            warnings.warn(
                f"a text has {longest} tokens, more than the {self.model_max_length} that the model takes: "
                "pass truncation=True, or use windows()",
                stacklevel=3,
            )

    def _pad(
        self, columns: dict[str, Any], padding: Padding, max_length: int | None, multiple: int | None
    ) -> dict[str, Any]:
        if padding in NO_PADDING:
            return columns
        how = one_of("padding", "longest" if padding is True else padding, ("longest", "max_length"))
        limit = self.model_max_length if max_length is None else max_length
        length = limit if how == "max_length" else None
        return pad_rows(columns, length=length, multiple=multiple, pad_id=self.pad_token_id, side=self.padding_side)


def one_of(name: str, value: Any, accepted: Sequence[str]) -> Any:
    """The value of an argument, if it is accepted.

    Raises:
        InputValueError: it is not; the message lists what is.

    >>> one_of("mode", "hf", ["hf", "paddle"])
    'hf'
    """
    if value not in accepted:
        raise InputValueError(f"{name}={value!r}: accepted are {', '.join(map(repr, accepted))}")
    return value


def _answer(columns: dict[str, Any], single: bool, return_tensors: TensorType | None) -> BatchEncoding:
    if single and return_tensors is None:
        return BatchEncoding({name: column[0] for name, column in columns.items()})
    return BatchEncoding(columns).convert_to_tensors(return_tensors)


def _one(first: Sequence[int], second: Sequence[int] | None) -> Pair:
    return Ragged.of([first]), None if second is None else Ragged.of([second])


def _pair(rows: Rows[Any], change: Callable[[Sequence[Any]], Ragged]) -> Pair:
    return change(rows.firsts), None if rows.seconds is None else change(rows.seconds)
