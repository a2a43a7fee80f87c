"""Folders of gold word alignments, read whole: each pair of languages in a folder of its own, named for them."""

import re
from collections.abc import Iterator
from os import PathLike
from pathlib import Path

from erniem_lab.corpora.alignments import read_numbered_links, read_pharaoh
from erniem_lab.corpora.examples import AlignedPair
from erniem_lab.errors import FileFaultError

NAME = re.compile(r"(?:.*_)?([a-z]{2,3})-([a-z]{2,3})")
NUMBERED = ("alignv2.txt", "align.txt")  # the first also has the possible links


def open_gold_links(folder: str | PathLike[str]) -> Iterator[AlignedPair]:
    r"""All pairs of sentences of a folder such as `de-en`, or of the folders of that kind in a folder.

    Each holds `test.de`, `test.en` and `alignv2.txt` (or `align.txt`), numbered links as in XLM-Align's repository; or
    a `.src-tgt` and a `.gold` file, as awesome-align's, whose words count from 1.

    Raises:
        FileFaultError: no such folder, or none with such files.
        InputValueError: as the readers of those files.

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp()) / "de-en"
    >>> folder.mkdir()
    >>> for name, text in (("test.de", "das Haus"), ("test.en", "the house"), ("align.txt", "1 2 2")):
    ...     _ = (folder / name).write_text(text + "\n")
    >>> [(pair.first.language, pair.sure) for pair in open_gold_links(folder.parent)]
    [('de', frozenset({(1, 1)}))]
    """
    root = Path(folder)
    if not root.is_dir():
        raise FileFaultError(f"folder={str(root)!r}: no such folder; give one named for its languages, such as de-en")
    places = [place for place in (root, *sorted(root.iterdir())) if place.is_dir() and NAME.fullmatch(place.name)]
    found = [pairs for place in places if (pairs := _read(place)) is not None]
    if not found:
        raise FileFaultError(
            f"{root}: no gold links; a folder such as de-en holds test.de, test.en and {' or '.join(NUMBERED)}, or a "
            ".src-tgt and a .gold file"
        )
    for pairs in found:
        yield from pairs


def _read(folder: Path) -> Iterator[AlignedPair] | None:
    """None where the folder has no such files."""
    parts = NAME.fullmatch(folder.name)
    if parts is None:
        return None
    languages = parts[1], parts[2]
    texts = folder / f"test.{languages[0]}", folder / f"test.{languages[1]}"
    numbered = [folder / name for name in NUMBERED if (folder / name).is_file()]
    if numbered and all(text.is_file() for text in texts):
        return read_numbered_links(texts, numbered[0], languages)
    barred, gold = (sorted(folder.glob(f"*{end}")) for end in (".src-tgt", ".gold"))
    return read_pharaoh(barred[0], gold[0], languages, start=1) if barred and gold else None
