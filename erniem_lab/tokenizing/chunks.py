"""A text before sentencepiece sees it: lower-cased where asked for, and parted at special tokens written out in it."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

Source = Sequence[int]  # for each character of a text, and for its end, the place it came from


@dataclass(frozen=True)
class Chunk:
    """A part of a text: a token as it stands, or text for sentencepiece; and where its characters come from."""

    text: str
    source: Source
    is_token: bool


class Chunker:
    """Parts texts at the tokens that are to be recognised in them.

    Args:
        recognised: strings that stand for a token.
        protected: strings that lower-casing spares, as both Hugging Face and PaddleNLP do.
        lower: whether to lower-case the rest, character by character.

    >>> [(chunk.text, chunk.is_token) for chunk in Chunker(["[SEP]"], ["[SEP]"], lower=True).chunks("A[SEP]")]
    [('a', False), ('[SEP]', True)]
    """

    def __init__(self, recognised: Iterable[str], protected: Iterable[str], lower: bool) -> None:
        self.recognised, self.lower = list(dict.fromkeys(recognised)), lower
        self._recognised = _any_of(self.recognised)
        self._protected = _any_of(protected)

    def nothing_to_do(self, text: str) -> bool:
        """Whether a text, or several in one string, needs no parting nor changing."""
        return not self.lower and not any(token in text for token in self.recognised)

    def chunks(self, text: str) -> list[Chunk]:
        """The parts in order; together they are the text, lower-cased where asked for."""
        text, source = self._lowered(text)
        chunks, end = [], 0
        for match in self._recognised.finditer(text):
            chunks += [Chunk(text[end : match.start()], source[end : match.start() + 1], False)]
            chunks += [Chunk(match.group(), source[match.start() : match.end() + 1], True)]
            end = match.end()
        chunks.append(Chunk(text[end:], source[end:], False))
        return [chunk for chunk in chunks if chunk.text]

    def _lowered(self, text: str) -> tuple[str, Source]:
        same = range(len(text) + 1)
        if not self.lower:
            return text, same
        spared = {i for match in self._protected.finditer(text) for i in range(*match.span())}
        forms = [char if i in spared else char.lower() for i, char in enumerate(text)]
        return "".join(forms), [*(i for i, form in enumerate(forms) for _ in form), len(text)]


def _any_of(strings: Iterable[str]) -> re.Pattern[str]:
    """The longest of the strings at the first place where there is one."""
    return re.compile("|".join(map(re.escape, sorted(strings, key=len, reverse=True))) or r"(?!)")
