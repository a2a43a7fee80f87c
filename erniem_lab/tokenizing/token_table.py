"""Ids and tokens, and the way back from ids to text: the half of a tokenizer that needs no sentencepiece."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any, overload

from erniem_lab.errors import InputTypeError, InputValueError
from erniem_lab.tokenizing.pieces import WORD_START
from erniem_lab.tokenizing.vocabulary import Vocabulary

SPECIAL_NAMES = ("unk_token", "sep_token", "pad_token", "cls_token", "mask_token")
CLEANED = (" .", " ?", " !", " ,", " ' ", " n't", " 'm", " 's", " 've", " 're")  # transformers' English clean-up


class TokenTable:
    """The vocabulary under Hugging Face's method names.

    `special_tokens_map` names the five tokens by their role, and "additional_special_tokens" where there are any.
    """

    def __init__(self, vocabulary: Vocabulary, roles: Mapping[str, str], clean_up: bool) -> None:
        self.vocabulary = vocabulary
        self.roles = dict(roles)
        self.clean_up_tokenization_spaces = clean_up

    def __len__(self) -> int:
        return len(self.vocabulary)

    @property
    def vocab_size(self) -> int:
        """The number of entries of vocab.txt; `len` counts added tokens too."""
        return len(self.vocabulary.ids)

    def get_vocab(self) -> dict[str, int]:
        """The id of every token."""
        return self.vocabulary.all_ids()

    @property
    def unk_token(self) -> str:
        """The token that stands for what the vocabulary lacks."""
        return self.roles["unk_token"]

    @property
    def sep_token(self) -> str:
        """The token after a text."""
        return self.roles["sep_token"]

    @property
    def pad_token(self) -> str:
        """The token that fills up short rows."""
        return self.roles["pad_token"]

    @property
    def cls_token(self) -> str:
        """The token before everything."""
        return self.roles["cls_token"]

    @property
    def mask_token(self) -> str:
        """The token that hides another."""
        return self.roles["mask_token"]

    @property
    def unk_token_id(self) -> int:
        """The id of `unk_token`."""
        return self.vocabulary.id(self.unk_token)

    @property
    def sep_token_id(self) -> int:
        """The id of `sep_token`."""
        return self.vocabulary.id(self.sep_token)

    @property
    def pad_token_id(self) -> int:
        """The id of `pad_token`."""
        return self.vocabulary.id(self.pad_token)

    @property
    def cls_token_id(self) -> int:
        """The id of `cls_token`."""
        return self.vocabulary.id(self.cls_token)

    @property
    def mask_token_id(self) -> int:
        """The id of `mask_token`."""
        return self.vocabulary.id(self.mask_token)

    @property
    def pad_token_type_id(self) -> int:
        """The sentence number that padding is given."""
        return 0

    @property
    def all_special_tokens(self) -> list[str]:
        """The five, and those added as special."""
        return list(self.vocabulary.special)

    @property
    def all_special_ids(self) -> list[int]:
        """The ids of `all_special_tokens`."""
        return [self.vocabulary.id(token) for token in self.vocabulary.special]

    @property
    def additional_special_tokens(self) -> list[str]:
        """The special tokens beyond the five."""
        return [token for token in self.vocabulary.special if token not in self.roles.values()]

    @property
    def special_tokens_map(self) -> dict[str, str | list[str]]:
        """Every special token by its role."""
        more = self.additional_special_tokens
        return {**self.roles, **({"additional_special_tokens": more} if more else {})}

    def add_tokens(self, new_tokens: str | Sequence[str], special_tokens: bool = False) -> int:
        """Recognise strings in text as one token each; how many of them got a new id at the end.

        Resize the model's embeddings to `len(tokenizer)` afterwards.
        """
        return self.vocabulary.add([new_tokens] if isinstance(new_tokens, str) else new_tokens, special_tokens)

    def add_special_tokens(self, special_tokens_dict: Mapping[str, str | Sequence[str]]) -> int:
        """Add special tokens beyond the five, or give one of the five roles to another token."""
        new = 0
        for role, tokens in special_tokens_dict.items():
            if role not in (*SPECIAL_NAMES, "additional_special_tokens"):
                accepted = ", ".join((*SPECIAL_NAMES, "additional_special_tokens"))
                raise InputValueError(f"{role!r} is no role of a token: accepted are {accepted}")
            new += self.vocabulary.add([tokens] if isinstance(tokens, str) else tokens, special=True)
            if role in SPECIAL_NAMES:
                self.roles[role] = str(tokens)
        return new

    @overload
    def convert_tokens_to_ids(self, tokens: str) -> int: ...
    @overload
    def convert_tokens_to_ids(self, tokens: list[str] | tuple[str, ...]) -> list[int]: ...
    def convert_tokens_to_ids(self, tokens: str | list[str] | tuple[str, ...]) -> int | list[int]:
        """The id of a token, or of each of several; the unknown token's for a string that has none."""
        if isinstance(tokens, str):
            return self.vocabulary.id(tokens)
        return [self.vocabulary.id(token) for token in tokens]

    @overload
    def convert_ids_to_tokens(self, ids: int, skip_special_tokens: bool = False) -> str: ...
    @overload
    def convert_ids_to_tokens(self, ids: Iterable[int], skip_special_tokens: bool = False) -> list[str]: ...
    def convert_ids_to_tokens(self, ids: int | Iterable[int], skip_special_tokens: bool = False) -> str | list[str]:
        """The token of an id, or of each of several; the unknown token for an id that has none."""
        if isinstance(ids, int):
            return self.vocabulary.token(ids)
        skipped = set(self.all_special_ids) if skip_special_tokens else set()
        return [self.vocabulary.token(i) for i in map(int, ids) if i not in skipped]

    def convert_tokens_to_string(self, tokens: Iterable[str]) -> str:
        """Tokens joined, "▁" read as a space.

        Spaces that no token holds are lost: those before digits, Han characters and some punctuation.
        """
        return "".join(tokens).replace(WORD_START, " ").strip()

    def convert_ids_to_string(self, ids: Iterable[int]) -> str:
        """The tokens of ids, joined."""
        return self.convert_tokens_to_string(self.convert_ids_to_tokens(ids))

    def decode(
        self, token_ids: Any, skip_special_tokens: bool = False, clean_up_tokenization_spaces: bool | None = None
    ) -> str:
        """Text from ids (an int, a list, an array or tensor of one axis), as near to the original as the ids tell.

        Tokens that were added to the vocabulary stand apart, between spaces. The clean-up takes spaces from before
        English punctuation and contractions.

        Raises:
            InputTypeError: rows of ids, where `batch_decode` is meant.
        """
        ids = token_ids.tolist() if hasattr(token_ids, "tolist") else token_ids
        ids = [ids] if isinstance(ids, int) else ids
        if not all(isinstance(i, int) for i in ids):
            raise InputTypeError(f"token_ids={ids!r:.60}: decode takes the ids of one text; use batch_decode for rows")
        inside = {*self.roles.values(), *(t for t in self.all_special_tokens if t in self.vocabulary.ids)}
        apart = set(self.vocabulary.added) - inside
        groups = groupby(self.convert_ids_to_tokens(ids, skip_special_tokens), key=lambda token: token in apart)
        texts = [text for own, group in groups for text in (group if own else [self.convert_tokens_to_string(group)])]
        joined = " ".join(text for text in texts if text)
        chosen = clean_up_tokenization_spaces
        clean_up = self.clean_up_tokenization_spaces if chosen is None else chosen
        return self.clean_up_tokenization(joined) if clean_up else joined

    def batch_decode(
        self, sequences: Any, skip_special_tokens: bool = False, clean_up_tokenization_spaces: bool | None = None
    ) -> list[str]:
        """The text of each row of ids."""
        return [self.decode(row, skip_special_tokens, clean_up_tokenization_spaces) for row in sequences]

    @staticmethod
    def clean_up_tokenization(out_string: str) -> str:
        """English text without the spaces that splitting put before punctuation and contractions.

        >>> TokenTable.clean_up_tokenization("do n't , please")
        "don't, please"
        """
        for spaced in CLEANED:
            out_string = out_string.replace(spaced, spaced.strip())
        return out_string
