"""Text to ids: `ErnieMTokenizer`, with Hugging Face's names, on sentencepiece."""

import warnings
from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any, Literal, get_args

import sentencepiece

from erniem_lab import tokenizer_files as files
from erniem_lab.atomic import staged_files
from erniem_lab.encoding import NO_TEXT, Encoding, Sentence, Side, Span, Strategy, join
from erniem_lab.errors import FileFaultError, InputTypeError, InputValueError
from erniem_lab.hub import local_folder
from erniem_lab.padding import BatchEncoding, TensorType, as_columns, pad_rows
from erniem_lab.pieces import Mode, Segmenter
from erniem_lab.rows import Cut, Frame, Rows, read_rows
from erniem_lab.splitter import Splitter, Text
from erniem_lab.token_table import SPECIAL_NAMES, TokenTable
from erniem_lab.vocabulary import Vocabulary, read_vocabulary

__all__ = ["Encoding", "ErnieMTokenizer"]

Padding = bool | Literal["longest", "max_length", "do_not_pad"]
Truncation = bool | Strategy | Literal["do_not_truncate"] | None
PLAIN_SETTINGS = (
    "clean_up_tokenization_spaces",
    "do_lower_case",
    "mode",
    "model_max_length",
    "padding_side",
    "sp_model_kwargs",
    "split_special_tokens",
    "truncation_side",
)
SETTINGS = (*PLAIN_SETTINGS, *SPECIAL_NAMES, "additional_special_tokens", "encoding")
SAMPLING = ("enable_sampling", "alpha", "nbest_size")


class ErnieMTokenizer(TokenTable):
    """ERNIE-M's tokenizer: ids equal to those of transformers 4.40.2, or in mode "paddle" to PaddleNLP's.

    Args:
        sentencepiece_model_ckpt: the file sentencepiece.bpe.model.
        vocab_file: the file vocab.txt, whose line numbers are the ids; needed.
        do_lower_case: whether to lower-case text, special tokens in it excepted.
        encoding: kept for Hugging Face's sake; files are UTF-8.
        sp_model_kwargs: enable_sampling, alpha, nbest_size: draw a segmentation anew on every call.
        mode: "paddle" drops every lone "▁" and reads "[MASK]" in a text as text.
        split_special_tokens: read "[SEP]" and the like in a text as text; for text that is not trusted.
        model_max_length: the most tokens that the model takes.

    Raises:
        FileFaultError: a file is missing or damaged; the message says what to do.

    >>> tokenizer = ErnieMTokenizer.from_pretrained("tests/golden/tokenizer")
    >>> tokenizer("this is", "a test").input_ids
    [0, 17, 95, 39, 2, 2, 11, 78, 96, 2]
    >>> encoding = tokenizer.encoding("this is")
    >>> list(zip(encoding.tokens, encoding.offsets))
    [('[CLS]', (0, 0)), ('▁th', (0, 2)), ('is', (2, 4)), ('▁is', (5, 7)), ('[SEP]', (0, 0))]
    """

    model_input_names = ("input_ids",)
    vocab_files_names: Mapping[str, str] = {
        "sentencepiece_model_ckpt": files.MODEL_FILE,
        "vocab_file": files.VOCABULARY_FILE,
    }

    def __init__(
        self,
        sentencepiece_model_ckpt: str | PathLike[str],
        vocab_file: str | PathLike[str] | None = None,
        do_lower_case: bool = False,
        encoding: str = "utf8",
        unk_token: str = "[UNK]",
        sep_token: str = "[SEP]",
        pad_token: str = "[PAD]",
        cls_token: str = "[CLS]",
        mask_token: str = "[MASK]",
        sp_model_kwargs: Mapping[str, Any] | None = None,
        *,
        additional_special_tokens: Sequence[str] = (),
        mode: Mode = "hf",
        split_special_tokens: bool = False,
        model_max_length: int = 512,
        padding_side: Side = "right",
        truncation_side: Side = "right",
        clean_up_tokenization_spaces: bool = True,
    ) -> None:
        roles = dict(zip(SPECIAL_NAMES, (unk_token, sep_token, pad_token, cls_token, mask_token), strict=True))
        path = Path(sentencepiece_model_ckpt).parent / files.VOCABULARY_FILE if vocab_file is None else Path(vocab_file)
        if vocab_file is None:
            raise FileFaultError(
                f"vocab_file is missing, and sentencepiece's own numbers are not ERNIE-M's ids: pass vocab_file={path}"
            )
        tokens = read_vocabulary(path, needed=roles.values())
        super().__init__(Vocabulary(tokens, roles.values(), unk_token), roles, clean_up_tokenization_spaces)
        self.sp_model = _load(Path(sentencepiece_model_ckpt))
        self.do_lower_case, self.split_special_tokens = do_lower_case, split_special_tokens
        self.encoding_name, self.model_max_length = encoding, model_max_length
        self.mode = _one_of("mode", mode, get_args(Mode))
        self.padding_side = _one_of("padding_side", padding_side, get_args(Side))
        self.truncation_side = _one_of("truncation_side", truncation_side, get_args(Side))
        self.sp_model_kwargs = dict(sp_model_kwargs or {})
        sampling = _sampling(self.sp_model_kwargs)
        text_ids = self.vocabulary.text_ids()
        self._segmenter = Segmenter(self.sp_model, text_ids, self.unk_token_id, mode, sampling)
        self.add_tokens(additional_special_tokens, special_tokens=True)

    def add_tokens(self, new_tokens: str | Sequence[str], special_tokens: bool = False) -> int:  # noqa: D102
        new = super().add_tokens(new_tokens, special_tokens)
        self._splitter = self._new_splitter()
        return new

    def add_special_tokens(self, special_tokens_dict: Mapping[str, str | Sequence[str]]) -> int:  # noqa: D102
        new = super().add_special_tokens(special_tokens_dict)
        self._splitter = self._new_splitter()
        return new

    def _new_splitter(self) -> Splitter:
        recognise = self.mode == "hf" and not self.split_special_tokens
        return Splitter(self._segmenter, self.vocabulary, recognise=recognise, lower=self.do_lower_case)

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
        ids, spans = self._split(texts, is_split_into_words, return_offsets_mapping)
        columns: dict[str, Any] = _overflow(ids, cut, stride) if return_overflowing_tokens else {}
        if cut is not None:
            places = [cut.places(*lengths) for lengths in ids.lengths()]
            ids, spans = ids.parts(places), spans and spans.parts(places)
        columns["input_ids"] = (self._frame if add_special_tokens else Frame[int]([], [])).around(ids)
        if cut is None and verbose:
            self._warn_of_length(columns["input_ids"])
        if return_token_type_ids:
            columns["token_type_ids"] = _sentence_numbers(ids, add_special_tokens)
        if return_special_tokens_mask:
            columns["special_tokens_mask"] = _added_marks(ids, add_special_tokens)
        if spans is not None:
            added = [NO_TEXT] if add_special_tokens else []
            columns["offset_mapping"] = Frame(added, added).around(spans)
        if return_length:
            columns["length"] = [len(row) for row in columns["input_ids"]]
        if return_attention_mask:
            columns["attention_mask"] = [[1] * len(row) for row in columns["input_ids"]]
        columns = self._pad(columns, padding, max_length, pad_to_multiple_of)
        if single and return_tensors is None:
            return BatchEncoding({name: column[0] for name, column in columns.items()})
        return BatchEncoding(columns).convert_to_tensors(return_tensors)

    def encoding(
        self,
        text: Text,
        text_pair: Text | None = None,
        *,
        truncation: Truncation = None,
        max_length: int | None = None,
    ) -> Encoding:
        """A text or a pair, each running or a list of words, with the place, word and sentence of every token.

        Raises:
            InputTypeError: something other than strings.
            InputValueError: a string that is no text; a length or strategy that does not fit.
        """
        pairs = None if text_pair is None else [text_pair]
        return self.encodings([text], pairs, truncation=truncation, max_length=max_length)[0]

    def encodings(
        self,
        texts: Sequence[Text],
        text_pairs: Sequence[Text] | None = None,
        *,
        truncation: Truncation = None,
        max_length: int | None = None,
    ) -> list[Encoding]:
        """What `encoding` gives, for each text or pair of a batch.

        >>> tokenizer = ErnieMTokenizer.from_pretrained("tests/golden/tokenizer")
        >>> [encoding.words for encoding in tokenizer.encodings(["this is", ["this", "is it"]])]
        [[-1, 0, 0, 1, -1], [-1, 0, 0, 1, 1, -1]]
        """
        pair = text_pairs is not None
        rows = Rows([*map(self._sentence, texts)], None if text_pairs is None else [*map(self._sentence, text_pairs)])
        cut = self._cut(truncation, max_length, False, self.num_special_tokens_to_add(pair))
        if cut is not None:
            rows = rows.parts([cut.places(*lengths) for lengths in rows.lengths()])
        encodings = [self._join(first, second) for first, second in rows.pairs()]
        if cut is None:
            self._warn_of_length(encodings)
        return encodings

    def windows(
        self, text: Text, text_pair: Text | None = None, *, max_length: int | None = None, stride: int = 0
    ) -> list[Encoding]:
        """A long text in as many encodings as it takes, neighbours sharing `stride` tokens.

        With a pair the second is the long one, and the first stands whole in every encoding.

        Raises:
            InputValueError: `max_length` leaves no room for more than `stride` tokens of the long text.

        >>> tokenizer = ErnieMTokenizer.from_pretrained("tests/golden/tokenizer")
        >>> [encoding.tokens[1:-1] for encoding in tokenizer.windows("this is a", max_length=5, stride=1)]
        [['▁th', 'is', '▁is'], ['▁is', '▁a']]
        """
        first, second = self._sentence(text), None if text_pair is None else self._sentence(text_pair)
        framed = self.num_special_tokens_to_add(second is not None)
        limit = self.model_max_length if max_length is None else max_length
        long = first if second is None else second
        room = limit - framed - (0 if second is None else len(first))
        if stride < 0 or room <= stride:
            raise InputValueError(
                f"max_length={limit} leaves {room} tokens a window for the long text, and stride={stride}: "
                "give a stride from 0 to less than that, or raise max_length"
            )
        starts = range(0, max(len(long) - stride, 1), room - stride)
        parts = [long[start : start + room] for start in starts]
        return [self._join(part, None) if second is None else self._join(first, part) for part in parts]

    def encode(self, text: Any, text_pair: Any = None, **how: Any) -> Any:
        """The `input_ids` alone of what calling the tokenizer gives."""
        return self(text, text_pair, **how)["input_ids"]

    def tokenize(self, text: str) -> list[str]:
        """The tokens of a text as strings, without [CLS] and [SEP]; unknown ones as they stand in the text."""
        return [*self._sentence(text).tokens]

    def num_special_tokens_to_add(self, pair: bool = False) -> int:
        """How many tokens [CLS] and [SEP] are: 2 with one text, 4 with a pair."""
        return self._frame.size(pair)

    def build_inputs_with_special_tokens(
        self, token_ids_0: list[int], token_ids_1: list[int] | None = None
    ) -> list[int]:
        """[CLS] A [SEP], or [CLS] A [SEP] [SEP] B [SEP]."""
        return self._frame.around(_one(token_ids_0, token_ids_1))[0]

    def create_token_type_ids_from_sequences(
        self, token_ids_0: list[int], token_ids_1: list[int] | None = None
    ) -> list[int]:
        """0 for [CLS] A [SEP], 1 for [SEP] B [SEP]; the model reads none of it."""
        return _sentence_numbers(_one(token_ids_0, token_ids_1), framed=True)[0]

    def get_special_tokens_mask(
        self, token_ids_0: list[int], token_ids_1: list[int] | None = None, already_has_special_tokens: bool = False
    ) -> list[int]:
        """1 for [CLS] and [SEP], 0 for everything else."""
        if not already_has_special_tokens:
            return _added_marks(_one(token_ids_0, token_ids_1), framed=True)[0]
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
        columns = self._pad(columns, padding, max_length, pad_to_multiple_of)
        return BatchEncoding(
            {name: column[0] for name, column in columns.items()} if single and return_tensors is None else columns
        ).convert_to_tensors(return_tensors)

    @property
    def _frame(self) -> Frame[int]:
        return Frame([self.cls_token_id], [self.sep_token_id])

    def _join(self, first: Sentence, second: Sentence | None) -> Encoding:
        return join(first, second, (self.cls_token, self.cls_token_id), (self.sep_token, self.sep_token_id))

    def _sentence(self, text: Text) -> Sentence:
        if isinstance(text, str):
            return self._splitter.sentence(text)
        if not isinstance(text, list | tuple):
            raise InputTypeError(f"text is {text!r:.60}, of type {type(text).__name__}: give a str, or a list of words")
        return self._splitter.sentence_of_words(text)

    def _split(
        self, texts: Rows[Any], words: bool, places: bool
    ) -> tuple[Rows[Sequence[int]], Rows[Sequence[Span]] | None]:
        if places:
            sentences = texts.map(self._sentence)
            return sentences.map(lambda part: part.ids), sentences.map(lambda part: part.offsets)
        split = self._splitter.ids_of_words if words else self._splitter.ids
        return Rows(split(texts.firsts), None if texts.seconds is None else split(texts.seconds)), None

    def _cut(self, truncation: Truncation, max_length: int | None, padding: Padding, framed: int) -> Cut | None:
        if truncation is None:  # as in transformers, a max_length without padding is there to be kept to
            truncation = max_length is not None and padding is False
        if truncation is False or truncation == "do_not_truncate":
            return None
        name = "longest_first" if truncation is True else truncation
        strategy: Strategy = _one_of("truncation", name, get_args(Strategy))
        limit = self.model_max_length if max_length is None else max_length
        return Cut(limit - framed, strategy, self.truncation_side)

    def _warn_of_length(self, rows: Sequence[Sequence[int] | Encoding]) -> None:
        longest = max(map(len, rows), default=0)
        if longest > self.model_max_length:
            warnings.warn(
                f"a text has {longest} tokens, more than the {self.model_max_length} that the model takes: "
                "pass truncation=True, or use windows()",
                stacklevel=3,
            )

    def _pad(
        self, columns: dict[str, Any], padding: Padding, max_length: int | None, multiple: int | None
    ) -> dict[str, Any]:
        if padding is False or padding == "do_not_pad":
            return columns
        how = _one_of("padding", "longest" if padding is True else padding, ("longest", "max_length"))
        limit = self.model_max_length if max_length is None else max_length
        length = limit if how == "max_length" else None
        return pad_rows(columns, length=length, multiple=multiple, pad_id=self.pad_token_id, side=self.padding_side)

    @classmethod
    def from_pretrained(
        cls, source: str | PathLike[str], *, revision: str | None = None, **overrides: Any
    ) -> "ErnieMTokenizer":
        """The tokenizer of a folder or hub id, as saved by Hugging Face, PaddleNLP or this library.

        Keyword arguments of the constructor override what the files say.

        Raises:
            FileFaultError: a file is missing, damaged, or of another kind of tokenizer.
        """
        folder = local_folder(source, files.FILES, revision=revision)
        settings = {**files.read_settings(folder), **overrides}
        known = {name: value for name, value in settings.items() if name in SETTINGS or name in overrides}
        more_special = known.pop("additional_special_tokens", ())  # after those whose ids are known
        tokenizer = cls(folder / files.MODEL_FILE, folder / files.VOCABULARY_FILE, **known)
        for token_id, token, special in files.read_added(folder):
            tokenizer.add_tokens([token], special_tokens=special)
            if tokenizer.convert_tokens_to_ids(token) != token_id:
                raise FileFaultError(
                    f"{folder}: added token {token!r} should have id {token_id}, and vocab.txt with the added tokens "
                    f"before it gives {tokenizer.convert_tokens_to_ids(token)}; get all of the tokenizer's files again"
                )
        tokenizer.add_tokens(more_special, special_tokens=True)
        return tokenizer

    def save_pretrained(self, save_directory: str | PathLike[str]) -> tuple[str, ...]:
        """Write the tokenizer to a folder, for this library and for Hugging Face's; the paths written."""
        vocabulary = self.vocabulary
        listed = dict.fromkeys([*self.roles.values(), *vocabulary.added])
        added = {i: token for token in listed for i in [vocabulary.id(token)]}
        special = set(vocabulary.special)
        settings = {
            "added_tokens_decoder": {
                str(i): files.added_entry(token, token in special) for i, token in sorted(added.items())
            },
            **self.special_tokens_map,
            **{name: getattr(self, name) for name in PLAIN_SETTINGS},
            "encoding": self.encoding_name,
            "tokenizer_class": "ErnieMTokenizer",
        }
        texts = {
            files.CONFIG_FILE: files.as_json(settings),
            files.ROLES_FILE: files.as_json(self.special_tokens_map),
        }
        return self._write(Path(save_directory), texts)

    def save_vocabulary(
        self, save_directory: str | PathLike[str], filename_prefix: str | None = None
    ) -> tuple[str, ...]:
        """Write vocab.txt and sentencepiece.bpe.model only, both with the prefix where one is given; their paths."""
        return self._write(Path(save_directory), {}, f"{filename_prefix}-" if filename_prefix else "")

    def _write(self, folder: Path, texts: Mapping[str, str], prefix: str = "") -> tuple[str, ...]:
        lines = "".join(f"{token}\n" for token in self.vocabulary.tokens)
        contents = {name: text.encode() for name, text in texts.items()}
        contents[prefix + files.VOCABULARY_FILE] = lines.encode()
        contents[prefix + files.MODEL_FILE] = self.sp_model.serialized_model_proto()
        with staged_files(folder) as stage:
            for name, content in contents.items():
                stage(name).write_bytes(content)
        return tuple(str(folder / name) for name in contents)


def _load(path: Path) -> sentencepiece.SentencePieceProcessor:
    """From bytes, so that a copy or a pickle needs no file."""
    try:
        return sentencepiece.SentencePieceProcessor(model_proto=path.read_bytes() or b"\0")
    except (OSError, RuntimeError) as fault:
        raise FileFaultError(
            f"{path}: not a sentencepiece model that can be read ({fault}); get it again from where the model came from"
        ) from fault


def _sampling(settings: Mapping[str, Any]) -> dict[str, Any]:
    if wrong := [name for name in settings if name not in SAMPLING]:
        raise InputValueError(f"sp_model_kwargs has {', '.join(wrong)}: accepted are {', '.join(SAMPLING)}")
    return {"alpha": 0.1, "nbest_size": 64, **settings} if settings.get("enable_sampling") else {}


def _one_of(name: str, value: Any, accepted: Sequence[str]) -> Any:
    if value not in accepted:
        raise InputValueError(f"{name}={value!r}: accepted are {', '.join(map(repr, accepted))}")
    return value


def _one(first: Sequence[int], second: Sequence[int] | None) -> Rows[Sequence[int]]:
    return Rows([first], None if second is None else [second])


def _sentence_numbers(ids: Rows[Sequence[int]], framed: bool) -> list[list[int]]:
    if not framed:
        return [[0] * (len(first) + len(second or ())) for first, second in ids.pairs()]
    return [
        [0] * (len(first) + 2) if second is None else [0] * (len(first) + 1) + [1] * (len(second) + 3)
        for first, second in ids.pairs()
    ]


def _added_marks(ids: Rows[Sequence[int]], framed: bool) -> list[list[int]]:
    return Frame([1] * framed, [1] * framed).around(ids.map(lambda row: [0] * len(row)))


def _overflow(ids: Rows[Sequence[int]], cut: Cut | None, stride: int) -> dict[str, Any]:
    """What truncation takes off, under transformers' names for it."""
    if cut is None:
        return {"overflowing_tokens": [[] for _ in ids.firsts], "num_truncated_tokens": [0 for _ in ids.firsts]}
    if ids.seconds is not None and cut.strategy == "longest_first":
        raise InputValueError(
            "return_overflowing_tokens=True takes from one text only: for a pair pass truncation='only_second' or "
            "'only_first'"
        )
    which = int(cut.strategy == "only_second" and ids.seconds is not None)
    rows = [*zip(ids.pairs(), ids.lengths(), strict=True)]
    return {
        "overflowing_tokens": [
            cut.overflow(pair[which] or [], cut.places(*lengths)[which], stride) for pair, lengths in rows
        ],
        "num_truncated_tokens": [sum(length or 0 for length in lengths) - cut.limit for _, lengths in rows],
    }
