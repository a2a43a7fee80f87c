"""The table of tokens and ids: vocab.txt, its special tokens, and tokens that a user adds."""

from collections.abc import Collection, Iterable
from os import PathLike
from pathlib import Path

from erniem_lab.errors import FileFaultError, InputTypeError


class Vocabulary:
    """Tokens and their ids; added tokens get the ids after the last.

    Args:
        tokens: the token of each id, in order; where one stands twice, its last id counts.
        special: tokens that never stand for text.
        unknown: the special token that stands for every string without an id.

    >>> vocabulary = Vocabulary(["[UNK]", "a"], special=["[UNK]"], unknown="[UNK]")
    >>> vocabulary.add(["b", "a"]), vocabulary.id("b"), vocabulary.token(7)
    (1, 2, '[UNK]')
    """

    def __init__(self, tokens: Iterable[str], special: Iterable[str], unknown: str) -> None:
        self.tokens = list(tokens)
        self.ids = {token: i for i, token in enumerate(self.tokens)}
        self.special = list(dict.fromkeys(special))
        self.added: dict[str, int] = {}
        self.unknown = unknown

    def __len__(self) -> int:
        return len(self.tokens) + sum(i >= len(self.tokens) for i in self.added.values())

    def id(self, token: str) -> int:
        """The token's id, or the unknown token's."""
        found = self.ids.get(token)
        return self.added.get(token, self.ids[self.unknown]) if found is None else found

    def token(self, token_id: int) -> str:
        """The id's token, or the unknown one for an id without a token."""
        if 0 <= token_id < len(self.tokens):
            return self.tokens[token_id]
        return next((token for token, i in self.added.items() if i == token_id), self.unknown)

    def text_ids(self) -> dict[str, int]:
        """The ids that text can become: all but those of special tokens."""
        special = set(self.special)
        return {token: i for token, i in self.ids.items() if token not in special}

    def all_ids(self) -> dict[str, int]:
        """Every token's id, added ones last."""
        return {**self.ids, **self.added}

    def add(self, tokens: Iterable[str], special: bool = False) -> int:
        """Recognise these strings in text as one token each; how many of them are new to the vocabulary.

        Raises:
            InputTypeError: something other than a string with a character in it.
        """
        before = len(self)
        for token in tokens:
            if not isinstance(token, str) or not token:
                raise InputTypeError(f"token {token!r}: a token is a string of at least one character")
            self.added.setdefault(token, self.ids.get(token, len(self)))
            if special and token not in self.special:
                self.special.append(token)
        return len(self) - before


def read_vocabulary(path: str | PathLike[str], needed: Collection[str]) -> list[str]:
    """The tokens of a vocab.txt: one a line, its number (from 0) being the id.

    Raises:
        FileFaultError: no such file, not UTF-8, or without one of the `needed` tokens.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "vocab.txt"
    >>> _ = path.write_text("[UNK]\\n▁a\\n", encoding="utf-8")
    >>> read_vocabulary(path, needed=["[UNK]"])
    ['[UNK]', '▁a']
    """
    try:
        with Path(path).open(encoding="utf-8") as file:
            tokens = [line.rstrip("\n") for line in file]
    except FileNotFoundError as fault:
        raise FileFaultError(f"{path}: no such file; {_advice(Path(path))}") from fault
    except (OSError, UnicodeDecodeError) as fault:
        raise FileFaultError(f"{path}: cannot be read as UTF-8 text ({fault}); get the file again") from fault
    if missing := [token for token in needed if token not in set(tokens)]:
        raise FileFaultError(
            f"{path}: of its {len(tokens)} lines none is {' or '.join(map(repr, missing))}; "
            "name the special tokens as this file has them (unk_token=...), or get the file again"
        )
    return tokens


def _advice(path: Path) -> str:
    if prefixed := sorted(path.parent.glob("*-vocab.txt")):
        return f"rename {prefixed[0].name} to vocab.txt, or pass it as vocab_file"
    return "sentencepiece's own numbers are not ERNIE-M's ids, so get vocab.txt from where the model came from"
