"""Small parallel text for tests."""

import numpy as np

from erniem_lab.corpora.text import Text, TextPair

TEXT = "this is a test of the small words that we have in some order here now"
WORDS = TEXT.split()


def sentences(count: int, seed: int) -> list[str]:
    """Sentences of two to eleven words, drawn by a seed."""
    draw = np.random.default_rng(seed)
    return [" ".join(draw.choice(WORDS, draw.integers(2, 12))) for _ in range(count)]


def pair(language: str, first: str, second: str) -> TextPair:
    """An English sentence and its translation."""
    return TextPair.of(("en", language), first, second)


def pairs(language: str, count: int, seed: int) -> list[TextPair]:
    """Pairs of English and another language, which look alike."""
    sides = zip(sentences(count, seed), sentences(count, seed + 1), strict=True)
    return [pair(language, one, two) for one, two in sides]


def texts(language: str, count: int, seed: int) -> list[Text]:
    """Single sentences of a language."""
    return [Text(language, text) for text in sentences(count, seed)]
