"""Which fonts this machine has for many scripts, and what a figure writes where it has none: never an empty box."""

import unicodedata
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

import matplotlib
from matplotlib import font_manager

SHAPING_SINCE = (3, 11)  # matplotlib joins Arabic and places Indic and Thai vowels from this version on

# The first is matplotlib's own; of each further line, the first that the machine has is used.
CANDIDATES = (
    ("DejaVu Sans",),
    ("Noto Sans CJK SC", "Noto Sans SC", "Source Han Sans SC", "PingFang SC", "Hiragino Sans GB", "Microsoft YaHei",
     "WenQuanYi Zen Hei", "SimHei", "Droid Sans Fallback"),
    ("Noto Sans CJK JP", "Noto Sans JP", "Hiragino Sans", "Yu Gothic", "IPAGothic"),
    ("Noto Sans CJK KR", "Noto Sans KR", "Apple SD Gothic Neo", "Malgun Gothic", "NanumGothic"),
    ("Noto Sans Arabic", "Noto Naskh Arabic", "Geeza Pro", "Segoe UI"),
    ("Noto Sans Devanagari", "Kohinoor Devanagari", "Devanagari Sangam MN", "Nirmala UI", "Lohit Devanagari"),
    ("Noto Sans Thai", "Thonburi", "Leelawadee UI", "Loma"),
    ("Noto Sans Bengali", "Kohinoor Bangla", "Nirmala UI", "Lohit Bengali"),
    ("Noto Sans Tamil", "Tamil Sangam MN", "Nirmala UI", "Lohit Tamil"),
    ("Noto Sans Hebrew", "Arial Hebrew", "Segoe UI"),
    ("Noto Sans Symbols2", "Noto Sans Symbols 2", "Apple Symbols", "Segoe UI Symbol"),
)  # fmt: skip


@cache
def families() -> tuple[str, ...]:
    """The installed families that together write as many scripts as this machine can.

    >>> families()[0]
    'DejaVu Sans'
    """
    installed = set(font_manager.fontManager.get_font_names())
    found = (next((name for name in names if name in installed), None) for names in CANDIDATES)
    return tuple(dict.fromkeys(name for name in found if name))


def writing() -> dict[str, Any]:
    """Keyword arguments for any matplotlib text that holds words of a language; a "$" in it stays a dollar.

    >>> writing()["parse_math"]
    False
    """
    return {"fontfamily": list(families()), "parse_math": False}


def drawable(text: str) -> bool:
    """Whether a figure can write all of a text with the fonts of this machine.

    >>> drawable("Straße"), drawable("a private character: \\ue000")
    (True, False)
    """
    return all(map(_drawable, text))


def missing(texts: Iterable[str]) -> tuple[str, ...]:
    """The scripts, by the first word of a character's Unicode name, that no installed font can write.

    >>> missing(["Straße", "улица"])
    ()
    """
    return tuple(sorted({_script(char) for text in texts for char in text if not _drawable(char)}))


def labels(texts: Sequence[str]) -> tuple[str, ...]:
    """Each text as it is where it can be drawn, and elsewhere its script and its place, counted from 0.

    >>> labels(["the", "\\ue000"])
    ('the', 'unnamed 1')
    """
    return tuple(text if drawable(text) else f"{_foreign(text)} {place}" for place, text in enumerate(texts))


def lack(texts: Iterable[str]) -> str:
    """A sentence on the scripts that this machine's fonts cannot write, and how names stand in; "" if it can write all.

    >>> lack(["the"]), lack(["\\ue000"])
    ('', 'no font here for unnamed: such names stand as numbers')
    """
    scripts = ", ".join(missing(texts))
    return f"no font here for {scripts}: such names stand as numbers" if scripts else ""


def _foreign(text: str) -> str:
    return next(_script(char) for char in text if not _drawable(char))


def _script(char: str) -> str:
    return unicodedata.name(char, "unnamed").split()[0].lower()


def _drawable(char: str) -> bool:
    if char.isspace() or unicodedata.category(char) == "Cf":
        return True
    return ord(char) in _glyphs() and (_shapes() or not _needs_shaping(char))


def _needs_shaping(char: str) -> bool:
    return unicodedata.bidirectional(char) in ("R", "AL") or unicodedata.category(char).startswith("M")


def _shapes() -> bool:
    return matplotlib.__version_info__ >= SHAPING_SINCE


@cache
def _glyphs() -> frozenset[int]:
    """Every character that one of the families has a glyph for."""
    paths = (font_manager.findfont(name, fallback_to_default=False) for name in families())
    return frozenset(code for path in paths for code in font_manager.get_font(path).get_charmap())
