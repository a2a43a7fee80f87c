"""Reading .safetensors files: the header is checked here, so that a fault names the file and the tensor."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import safe_open
from torch import Tensor

from erniem_lab.errors import FileFaultError
from erniem_lab.files.json_file import parse_object

HEADER_LIMIT = 100_000_000  # bytes, as in the format's own reader
METADATA = "__metadata__"

BYTES_EACH = {
    **dict.fromkeys(("BOOL", "U8", "I8", "F8_E4M3", "F8_E5M2"), 1),
    **dict.fromkeys(("U16", "I16", "F16", "BF16"), 2),
    **dict.fromkeys(("U32", "I32", "F32"), 4),
    **dict.fromkeys(("U64", "I64", "F64", "C64"), 8),
}


@dataclass(frozen=True)
class Entry:
    """Where one tensor lies: `begin` and `end` count bytes after the header."""

    name: str
    shape: tuple[int, ...]
    begin: int
    end: int


def read_safetensors(path: Path) -> tuple[dict[str, Tensor], str]:
    """All tensors of a file, mapped from the disk and not yet read, and the layout that its metadata names.

    The layout is `"pt"` where the file is silent; `"np"` is PaddleNLP's.

    Raises:
        FileFaultError: the file is damaged, or not a safetensors file at all.

    >>> import tempfile, torch; from safetensors.torch import save_file
    >>> path = Path(tempfile.mkdtemp()) / "model.safetensors"
    >>> save_file({"bias": torch.ones(2)}, path)
    >>> read_safetensors(path)
    ({'bias': tensor([1., 1.])}, 'pt')
    """
    layout = check_safetensors(path)
    try:
        with safe_open(path, framework="pt") as file:
            return {name: file.get_tensor(name) for name in file.keys()}, layout  # noqa: SIM118 (not a dict)
    except Exception as fault:  # the library's own error types are not public
        raise FileFaultError(f"{path}: cannot be read ({fault}); get the file again") from fault


def check_safetensors(path: Path) -> str:
    """The layout that a file's metadata names, once its header accounts for every byte of it.

    Raises:
        FileFaultError: what is wrong, with the tensor's name.
    """
    header, data_bytes = _read_header(path)
    layout = _layout(header.pop(METADATA, None), path)
    entries = sorted((_entry(name, value, path) for name, value in header.items()), key=lambda e: (e.begin, e.end))
    reached = 0
    for entry in entries:
        if entry.begin != reached:
            kind = "overlaps the tensor before it" if entry.begin < reached else "leaves a hole before it"
            raise FileFaultError(f"{path}: tensor {entry.name!r} {kind} (byte {entry.begin}, not {reached})")
        reached = entry.end
    if reached > data_bytes:
        last = next(entry for entry in entries if entry.end > data_bytes)
        raise FileFaultError(
            f"{path}: truncated: {data_bytes} bytes of tensors, {reached} announced, so that {last.name!r} is cut; "
            "get the file again"
        )
    if reached < data_bytes:
        where = f"after the last tensor {entries[-1].name!r}" if entries else "and no tensor"
        raise FileFaultError(f"{path}: {data_bytes - reached} bytes too many {where}; get the file again")
    return layout


def recognise(start: bytes) -> str | None:
    """What a file that is no weights file is, told from its first bytes; None if they tell nothing.

    >>> recognise(b"<!DOCTYPE html>")
    'an HTML page'
    """
    text = start.lstrip().lower()
    if text.startswith((b"<!doctype", b"<html")):
        return "an HTML page"
    if text.startswith(b"version https://git-lfs"):
        return "a git-lfs pointer (run git lfs pull)"
    if start.startswith(b"PK\x03\x04"):
        return "a zip archive, as torch.save writes it (rename it to .bin)"
    if start[:1] == b"\x80" and start[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05"):
        return "a pickle (rename it to .bin if PyTorch wrote it, to .pdparams if Paddle did)"
    return None


def refuse_other_kinds(path: Path, *, but: tuple[str, ...] = ()) -> None:
    """Raise if `path` is empty or of a kind that is recognised and whose name does not start as in `but`."""
    with path.open("rb") as file:
        start = file.read(64)
    if not start:
        raise FileFaultError(f"{path}: empty; get the file again")
    kind = recognise(start)
    if kind is not None and not kind.startswith(but or ("\0",)):
        raise FileFaultError(f"{path}: not weights: {kind}; get the file again")


def _read_header(path: Path) -> tuple[dict[str, Any], int]:
    """The parsed header, and how many bytes follow it."""
    size = path.stat().st_size
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if size < 10 or not 2 <= length <= min(HEADER_LIMIT, size - 8):
            refuse_other_kinds(path)
            raise FileFaultError(
                f"{path}: not a safetensors file, or a truncated one: it announces a header of {length} bytes, has "
                f"{size} bytes in all, and {HEADER_LIMIT} are accepted; get the file again"
            )
        header = file.read(length)
    if not header.startswith(b"{"):
        refuse_other_kinds(path)
    return parse_object(header, path, "header"), size - 8 - length


def _layout(metadata: object, path: Path) -> str:
    """The array library for which a file was written; `"pt"` if it does not say."""
    if not isinstance(metadata, dict | None):
        raise FileFaultError(f"{path}: {METADATA} is {metadata!r:.80}, where an object is expected")
    layout = (metadata or {}).get("format", "pt")
    if layout not in ("pt", "np"):
        raise FileFaultError(f"{path}: written for format={layout!r}; 'pt' (PyTorch) and 'np' (Paddle) are accepted")
    return str(layout)


def _entry(name: str, value: Any, path: Path) -> Entry:
    """One tensor's header entry, if it makes sense by itself."""
    try:
        kind, shape, (begin, end) = value["dtype"], tuple(value["shape"]), value["data_offsets"]
    except (TypeError, KeyError, ValueError) as fault:
        raise FileFaultError(f"{path}: tensor {name!r} is described by {value!r:.80}; get the file again") from fault
    if not isinstance(kind, str) or kind not in BYTES_EACH:
        raise FileFaultError(f"{path}: tensor {name!r} has the unknown dtype {kind!r:.80}; accepted: {[*BYTES_EACH]}")
    numbers = (*shape, begin, end)
    if any(type(number) is not int or number < 0 for number in numbers) or begin > end:
        raise FileFaultError(f"{path}: tensor {name!r} has shape {shape} at bytes {begin} to {end}; get the file again")
    if math.prod(shape) * BYTES_EACH[kind] != end - begin:
        raise FileFaultError(
            f"{path}: tensor {name!r} of shape {shape} and dtype {kind} needs {math.prod(shape) * BYTES_EACH[kind]} "
            f"bytes and has {end - begin}; get the file again"
        )
    return Entry(name, shape, begin, end)
