"""A tokenizer's folder: which files it has, and how its settings are read from Hugging Face's and PaddleNLP's forms."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from erniem_lab.errors import FileFaultError
from erniem_lab.files.json_file import parse_object

MODEL_FILE, VOCABULARY_FILE = "sentencepiece.bpe.model", "vocab.txt"
CONFIG_FILE, ROLES_FILE, ADDED_FILE = "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json"
FILES = (MODEL_FILE, VOCABULARY_FILE, CONFIG_FILE, ROLES_FILE, ADDED_FILE)
NO_LIMIT = 10**9  # transformers writes 1e30 where it knows no length


def read_settings(folder: Path) -> dict[str, Any]:
    """What a folder's JSON files say about its tokenizer: plain values, special tokens as strings.

    Raises:
        FileFaultError: a file that is not a JSON object, or that describes another kind of tokenizer.
    """
    settings = {**_object(folder / CONFIG_FILE), **_object(folder / ROLES_FILE)}
    kind = settings.get("tokenizer_class") or "ErnieMTokenizer"
    if not str(kind).startswith("ErnieM"):
        raise FileFaultError(f"{folder / CONFIG_FILE}: tokenizer_class is {kind!r}; accepted is 'ErnieMTokenizer'")
    length = settings.get("model_max_length")
    if isinstance(length, int | float) and length > NO_LIMIT:
        del settings["model_max_length"]
    return {name: _plain(value) for name, value in settings.items() if name != "added_tokens_decoder"}


def read_added(folder: Path) -> list[tuple[int, str, bool]]:
    """Id, token, and whether it is special, of every added token that a folder's files name; in the order of ids.

    Raises:
        FileFaultError: a file that does not say so of each.
    """
    decoder = _object(folder / CONFIG_FILE).get("added_tokens_decoder") or {}
    try:
        listed = [_added(i, token["content"], token.get("special")) for i, token in decoder.items()]
        older = [_added(i, token, False) for token, i in _object(folder / ADDED_FILE).items()]
    except (AttributeError, KeyError, TypeError, ValueError) as fault:
        raise FileFaultError(
            f"{folder}: {CONFIG_FILE} (added_tokens_decoder) or {ADDED_FILE} has no number or no string for an added "
            f"token ({fault!r}); get both again"
        ) from fault
    return sorted(listed or older)


def _added(number: Any, token: Any, special: Any) -> tuple[int, str, bool]:
    if not isinstance(token, str) or not token:
        raise ValueError(f"{token!r} is no token")
    return int(number), token, bool(special)


def _object(path: Path) -> dict[str, Any]:
    return parse_object(path.read_bytes(), path, "file") if path.is_file() else {}


def _plain(value: Any) -> Any:
    """A token that was written with its properties, as its string."""
    if isinstance(value, Mapping) and "content" in value:
        return value["content"]
    return [_plain(item) for item in value] if isinstance(value, list) else value


def as_json(value: Mapping[str, Any]) -> str:
    """JSON as this project writes it: indented, every script as it is.

    >>> as_json({"a": "中"})
    '{\\n  "a": "中"\\n}\\n'
    """
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def added_entry(token: str, special: bool) -> dict[str, Any]:
    """An added token with its properties, in Hugging Face's words.

    >>> added_entry("[X]", True)["special"]
    True
    """
    return {
        "content": token,
        "lstrip": False,
        "normalized": not special,
        "rstrip": False,
        "single_word": False,
        "special": special,
    }
