r"""Lines of text files, plain or packed, with their numbers; a damaged file is refused by name and line.

A line ends at "\n" and nowhere else: U+001C to U+001E, U+0085 and U+2028 occur inside sentences of public data.
"""

import gzip
import zlib
from collections.abc import Iterator
from io import BufferedIOBase
from os import PathLike
from pathlib import Path

from erniem_lab.errors import FileFaultError

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
WIDE_MARKS = {b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16"}
PACKED = b"\x1f\x8b"


def read_lines(path: str | PathLike[str]) -> Iterator[tuple[int, str]]:
    r"""The number, from 1, and the text of each line; without its end, and without a byte order mark.

    Raises:
        FileFaultError: no such file, not UTF-8, or a `.gz` that is damaged or cut off.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "en.txt"
    >>> _ = path.write_bytes(b"\xef\xbb\xbfone\r\ntwo\x1cthree")
    >>> list(read_lines(path))
    [(1, 'one'), (2, 'two\x1cthree')]
    """
    path = Path(path)
    if not path.is_file():
        raise FileFaultError(f"{path}: no such file; give the path of a text file, plain or .gz")
    number = 0
    try:
        with _open(path) as file:
            for number, line in enumerate(file, start=1):
                yield number, _decoded(path, number, line)
    except (EOFError, gzip.BadGzipFile, zlib.error) as fault:
        raise FileFaultError(f"{path}: packed data is damaged after line {number} ({fault}); fetch it again") from fault
    except PermissionError as fault:
        raise FileFaultError(f"{path}: must not be read ({fault.strerror}); change its permissions") from fault


def _open(path: Path) -> BufferedIOBase:
    with path.open("rb") as file:
        start = file.read(2)
    if path.suffix == ".gz" and start != PACKED:
        raise FileFaultError(f"{path}: starts with {start!r}, so it is no .gz; fetch it again, or rename a plain file")
    return gzip.open(path, "rb") if start == PACKED else path.open("rb")


def _decoded(path: Path, number: int, line: bytes) -> str:
    if number == 1:
        line = line.removeprefix(BYTE_ORDER_MARK)
    try:
        return line.removesuffix(b"\n").removesuffix(b"\r").decode("utf-8")
    except UnicodeDecodeError as fault:
        found = WIDE_MARKS.get(line[:2]) if number == 1 else None
        problem = f"it is {found}" if found else f"not UTF-8 at byte {fault.start} of the line"
        raise FileFaultError(f"{path}:{number}: {problem}; save the file as UTF-8") from fault
