"""JSON from files that are not trusted: one object, no key twice, and errors that name the file."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

from erniem_lab.errors import FileFaultError


def parse_object(text: str | bytes, path: Path, what: str) -> dict[str, Any]:
    """The JSON object in `text`, which is the part called `what` of the file `path`.

    Raises:
        FileFaultError: not UTF-8, not JSON, not an object, or an object with a key twice.

    >>> parse_object('{"a": 1}', Path("index.json"), "index")
    {'a': 1}
    """
    try:
        value = json.loads(text, object_pairs_hook=_once)
    except _RepeatedKeyError as fault:
        raise FileFaultError(f"{path}: the {what} has a key twice: {fault.args[0]!r}; get the file again") from fault
    except (ValueError, RecursionError) as fault:
        raise FileFaultError(f"{path}: the {what} is not JSON ({fault}); get the file again") from fault
    if not isinstance(value, dict):
        raise FileFaultError(f"{path}: the {what} is a JSON {type(value).__name__}, where an object is expected")
    return value


class _RepeatedKeyError(Exception):
    pass


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    counts = Counter(key for key, _ in pairs)
    if len(counts) < len(pairs):
        raise _RepeatedKeyError(counts.most_common(1)[0][0])
    return dict(pairs)
