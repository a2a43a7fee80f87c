"""Text to ids: `ErnieMTokenizer`, with Hugging Face's names, on sentencepiece."""

from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any, get_args

import sentencepiece

from erniem_lab.encoding import Encoding, Sentence, Side, join
from erniem_lab.errors import FileFaultError, InputTypeError, InputValueError
from erniem_lab.files.atomic import staged_files
from erniem_lab.hub import local_folder
from erniem_lab.tokenizing import tokenizer_files as files
from erniem_lab.tokenizing.batch_tokenizer import BatchTokenizer, Truncation, one_of
from erniem_lab.tokenizing.pieces import Mode, Segmenter
from erniem_lab.tokenizing.rows import Rows
from erniem_lab.tokenizing.splitter import Splitter, Text
from erniem_lab.tokenizing.token_table import SPECIAL_NAMES
from erniem_lab.tokenizing.vocabulary import Vocabulary, read_vocabulary

__all__ = ["Encoding", "ErnieMTokenizer"]

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


class ErnieMTokenizer(BatchTokenizer):
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
        for name, token in roles.items():
            _demand(isinstance(token, str), name, token, "a string")
        _demand(_is_count(model_max_length), "model_max_length", model_max_length, "a number of tokens, at least 1")
        _demand(isinstance(sp_model_kwargs, Mapping | None), "sp_model_kwargs", sp_model_kwargs, "a mapping")
        tokens = read_vocabulary(path, needed=roles.values())
        super().__init__(Vocabulary(tokens, roles.values(), unk_token), roles, clean_up_tokenization_spaces)
        self.sp_model = _load(Path(sentencepiece_model_ckpt))
        self.do_lower_case, self.split_special_tokens = do_lower_case, split_special_tokens
        self.encoding_name, self.model_max_length = encoding, model_max_length
        self.mode = one_of("mode", mode, get_args(Mode))
        self.padding_side = one_of("padding_side", padding_side, get_args(Side))
        self.truncation_side = one_of("truncation_side", truncation_side, get_args(Side))
        self.sp_model_kwargs = dict(sp_model_kwargs or {})
        sampling = _sampling(self.sp_model_kwargs)
        text_ids = self.vocabulary.text_ids()
        self._segmenter = Segmenter(self.sp_model, text_ids, self.unk_token_id, mode, sampling)
        self._add_special(additional_special_tokens)

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
        rows = Rows(texts, text_pairs).changed(self._sentences)
        cut = self._cut(truncation, max_length, False, self.num_special_tokens_to_add(pair))
        if cut is not None:
            rows = rows.parts([cut.places(*lengths) for lengths in rows.lengths()])
        encodings = [self._join(first, second) for first, second in rows.pairs()]
        if cut is None:
            self._warn_of_length(max(map(len, encodings), default=0))
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
        [first], [second] = self._sentences([text]), [None] if text_pair is None else self._sentences([text_pair])
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

    def tokenize(self, text: str) -> list[str]:
        """The tokens of a text as strings, without [CLS] and [SEP]; unknown ones as they stand in the text."""
        return [*self._sentences([text])[0].tokens]

    def _join(self, first: Sentence, second: Sentence | None) -> Encoding:
        return join(first, second, (self.cls_token, self.cls_token_id), (self.sep_token, self.sep_token_id))

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
        tokenizer._add_special(more_special or ())
        return tokenizer

    def _add_special(self, tokens: Sequence[str]) -> None:
        listed = isinstance(tokens, list | tuple) and all(isinstance(token, str) and token for token in tokens)
        _demand(listed, "additional_special_tokens", tokens, "a list of strings, none of them empty")
        self.add_tokens(tokens, special_tokens=True)

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
        try:
            with staged_files(folder) as stage:
                for name, content in contents.items():
                    stage(name).write_bytes(content)
        except OSError as fault:
            raise FileFaultError(f"{folder}: cannot be written ({fault}); no half-written file was left") from fault
        return tuple(str(folder / name) for name in contents)


def _load(path: Path) -> sentencepiece.SentencePieceProcessor:
    """From bytes, so that a copy or a pickle needs no file."""
    try:
        return sentencepiece.SentencePieceProcessor(model_proto=path.read_bytes() or b"\0")
    except (OSError, RuntimeError) as fault:
        raise FileFaultError(
            f"{path}: not a sentencepiece model that can be read ({fault}); get it again from where the model came from"
        ) from fault


def _demand(met: bool, name: str, value: Any, accepted: str) -> None:
    if not met:
        raise InputTypeError(f"{name}={value!r:.60}: accepted is {accepted}")


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _sampling(settings: Mapping[str, Any]) -> dict[str, Any]:
    if wrong := [name for name in settings if name not in SAMPLING]:
        raise InputValueError(f"sp_model_kwargs has {', '.join(wrong)}: accepted are {', '.join(SAMPLING)}")
    return {"alpha": 0.1, "nbest_size": 64, **settings} if settings.get("enable_sampling") else {}
