"""The tokenizer as transformers wants it: ids, spans and files are those of `erniem_lab.ErnieMTokenizer`."""

import copy
from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any, ClassVar

from transformers import PreTrainedTokenizer
from transformers.tokenization_utils_base import AddedToken, BatchEncoding

from erniem_lab import tokenizer
from erniem_lab.errors import InputValueError
from erniem_lab.files.manifest import MANIFEST
from erniem_lab.tokenizing.pieces import Mode
from erniem_lab.tokenizing.token_table import SPECIAL_NAMES
from erniem_lab.tokenizing.tokenizer_files import NO_LIMIT
from erniem_lab.transformers_bridge.calls import Call
from erniem_lab.transformers_bridge.token_views import TokenView

MODEL_LENGTH = 512  # as the model has positions; released folders name no length
PLACING = ("lstrip", "rstrip", "single_word")


class ErnieMTokenizer(PreTrainedTokenizer):
    """`erniem_lab.ErnieMTokenizer`, which is its attribute `core`, behind transformers' calls.

    Spans, words and texts of tokens come with every answer, as from a tokenizer of the `tokenizers` package, so
    pipelines that need them work; it counts as fast for that reason. Answers have `attention_mask` beside `input_ids`:
    what averages states would else count padding. With `model_input_names=["input_ids"]` they are as in 4.40.2.

    Raises:
        FileFaultError: a file is missing or damaged.
        InputValueError: an added token that takes spaces with it (lstrip, rstrip) or must be a word by itself.

    >>> tokenizer = ErnieMTokenizer.from_pretrained("tests/golden/tokenizer")
    >>> answer = tokenizer("this is", "a test", return_offsets_mapping=True)
    >>> answer.input_ids, answer.sequence_ids()
    ([0, 17, 95, 39, 2, 2, 11, 78, 96, 2], [None, 0, 0, 0, None, None, 1, 1, 1, None])
    """

    vocab_files_names: ClassVar[dict[str, str]] = dict(tokenizer.ErnieMTokenizer.vocab_files_names)
    model_input_names: ClassVar[list[str]] = ["input_ids", "attention_mask"]
    is_fast = True

    def __init__(
        self,
        sentencepiece_model_ckpt: str | PathLike[str],
        vocab_file: str | PathLike[str] | None = None,
        do_lower_case: bool = False,
        encoding: str = "utf8",
        unk_token: Any = "[UNK]",
        sep_token: Any = "[SEP]",
        pad_token: Any = "[PAD]",
        cls_token: Any = "[CLS]",
        mask_token: Any = "[MASK]",
        sp_model_kwargs: Mapping[str, Any] | None = None,
        *,
        mode: Mode = "hf",
        clean_up_tokenization_spaces: bool = True,
        model_max_length: int | float = MODEL_LENGTH,
        split_special_tokens: bool = False,
        **general: Any,
    ) -> None:
        roles = dict(zip(SPECIAL_NAMES, (unk_token, sep_token, pad_token, cls_token, mask_token), strict=True))
        self.core = tokenizer.ErnieMTokenizer(
            sentencepiece_model_ckpt,
            vocab_file,
            do_lower_case,
            encoding,
            str(unk_token),
            str(sep_token),
            str(pad_token),
            str(cls_token),
            str(mask_token),
            sp_model_kwargs,
            mode=mode,
            split_special_tokens=split_special_tokens,
            clean_up_tokenization_spaces=clean_up_tokenization_spaces,
        )
        self.do_lower_case, self.encoding, self.mode = do_lower_case, encoding, mode
        self.sp_model_kwargs = dict(sp_model_kwargs or {})
        super().__init__(
            do_lower_case=do_lower_case,
            encoding=encoding,
            **roles,
            sp_model_kwargs=self.sp_model_kwargs,
            mode=mode,
            clean_up_tokenization_spaces=clean_up_tokenization_spaces,
            model_max_length=MODEL_LENGTH if model_max_length > NO_LIMIT else int(model_max_length),
            split_special_tokens=split_special_tokens,
            **general,
        )
        for token in self.added_tokens_decoder.values():  # those that a folder brought along
            self._tell_core([token], token.special)

    def _add_tokens(self, new_tokens: Sequence[Any], special_tokens: bool = False) -> int:
        new = super()._add_tokens(new_tokens, special_tokens=special_tokens)
        self._tell_core(new_tokens, special_tokens)
        return new

    def _tell_core(self, tokens: Sequence[Any], special: bool) -> None:
        for token in tokens:
            if placed := [name for name in PLACING if isinstance(token, AddedToken) and getattr(token, name)]:
                raise InputValueError(
                    f"token {str(token)!r} has {', '.join(placed)}: add it without, as a plain string"
                )
            self.core.add_tokens(str(token), special or getattr(token, "special", False))

    @property
    def vocab_size(self) -> int:
        """The number of entries of vocab.txt; `len` counts added tokens too."""
        return self.core.vocab_size

    def get_vocab(self) -> dict[str, int]:
        """The id of every token."""
        return {**self.core.get_vocab(), **self._added_tokens_encoder}

    def tokenize(self, text: str, pair: str | None = None, add_special_tokens: bool = False, **how: Any) -> list[str]:
        """The tokens of a text, and of a second one, as strings."""
        encoding = self._as_set(how.get("split_special_tokens")).encoding(
            text, pair, truncation=True, max_length=NO_LIMIT
        )
        return TokenView.of(encoding, framed=add_special_tokens).tokens

    def _convert_token_to_id(self, token: str) -> int:
        return self.core.convert_tokens_to_ids(token)

    def _convert_id_to_token(self, index: int) -> str:
        return self.core.convert_ids_to_tokens(index)

    def convert_tokens_to_string(self, tokens: list[str]) -> str:
        """Tokens joined, "▁" read as a space."""
        return self.core.convert_tokens_to_string(tokens)

    def _decode(
        self,
        token_ids: Any,
        skip_special_tokens: bool = False,
        clean_up_tokenization_spaces: bool | None = None,
        **ignored: Any,
    ) -> str:
        chosen = clean_up_tokenization_spaces
        return self.core.decode(
            token_ids, skip_special_tokens, self.clean_up_tokenization_spaces if chosen is None else chosen
        )

    def build_inputs_with_special_tokens(
        self, token_ids_0: list[int], token_ids_1: list[int] | None = None
    ) -> list[int]:
        """[CLS] A [SEP], or [CLS] A [SEP] [SEP] B [SEP]."""
        return self._as_set().build_inputs_with_special_tokens(token_ids_0, token_ids_1)

    def create_token_type_ids_from_sequences(
        self, token_ids_0: list[int], token_ids_1: list[int] | None = None
    ) -> list[int]:
        """0 for [CLS] A [SEP], 1 for [SEP] B [SEP]; the model reads none of it."""
        return self.core.create_token_type_ids_from_sequences(token_ids_0, token_ids_1)

    def get_special_tokens_mask(
        self, token_ids_0: list[int], token_ids_1: list[int] | None = None, already_has_special_tokens: bool = False
    ) -> list[int]:
        """1 for [CLS] and [SEP], 0 for everything else."""
        return self._as_set().get_special_tokens_mask(token_ids_0, token_ids_1, already_has_special_tokens)

    def save_pretrained(self, save_directory: str | PathLike[str], *how: Any, **named: Any) -> tuple[str, ...]:
        """As in transformers; a manifest of the files that stood there before goes with them."""
        Path(save_directory, MANIFEST).unlink(missing_ok=True)
        return super().save_pretrained(save_directory, *how, **named)

    def save_vocabulary(self, save_directory: str, filename_prefix: str | None = None) -> tuple[str, ...]:
        """Write vocab.txt and sentencepiece.bpe.model; their paths."""
        return self.core.save_vocabulary(save_directory, filename_prefix)

    def _as_set(self, split_special_tokens: bool | None = None, padding_side: Any = None) -> tokenizer.ErnieMTokenizer:
        """Our tokenizer, with what was set on this one since; a copy, so that later settings do not reach it."""
        core = copy.copy(self.core)
        core.truncation_side, core.padding_side = self.truncation_side, padding_side or self.padding_side
        core.model_max_length = self.model_max_length
        core.roles = {role: getattr(self, role) or token for role, token in core.roles.items()}
        if split_special_tokens is not None and split_special_tokens != core.split_special_tokens:
            core.split_special_tokens = split_special_tokens
            core.add_tokens([])  # makes its splitter anew
        return core

    def _encode_plus(self, text: Any, text_pair: Any = None, **how: Any) -> BatchEncoding:
        """Where every call of transformers 5 ends, for one text and for a batch."""
        if _is_ids(text):
            how.pop("return_offsets_mapping", None)
            return super()._encode_plus(text, text_pair, **how)
        core = self._as_set(how.get("split_special_tokens"), how.get("padding_side"))
        return Call.of(how, self.model_input_names).answer(core, text, text_pair)

    def _batch_encode_plus(self, batch_text_or_text_pairs: Sequence[Any], **how: Any) -> BatchEncoding:
        """Where transformers 4's calls for batches end."""
        rows = [*batch_text_or_text_pairs]
        if rows and _is_ids(rows[0]):
            how.pop("return_offsets_mapping", None)
            return super()._batch_encode_plus(rows, **how)
        if rows and isinstance(rows[0], tuple):
            return self._encode_plus([first for first, _ in rows], [second for _, second in rows], **how)
        return self._encode_plus(rows, **how)


def _is_ids(text: Any) -> bool:
    """Whether a call gives ids (or a list of lists of them) in place of text."""
    first = text[0] if isinstance(text, list | tuple) and text else None
    return isinstance(first, int) or (isinstance(first, list | tuple) and bool(first) and isinstance(first[0], int))
