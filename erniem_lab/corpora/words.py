"""Words of annotated files as sentences: where each word stands in a text, or the text that they make."""

from collections.abc import Iterator, Sequence
from os import PathLike

from erniem_lab.corpora.examples import Sentence
from erniem_lab.corpora.lines import read_lines
from erniem_lab.errors import InputValueError

UNSPACED = frozenset({"bo", "ja", "km", "lo", "my", "th", "yue", "zh"})
"""Languages that write no space between words."""

Line = tuple[int, str]


def read_blocks(path: str | PathLike[str]) -> Iterator[list[Line]]:
    r"""The numbered lines of each sentence of a file in which empty lines part them; several are as one.

    Raises:
        FileFaultError: no such file, damaged, or not UTF-8.
        InputValueError: no sentence in it.

    >>> import tempfile, pathlib
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "en.tsv"
    >>> _ = path.write_text("Anna\tB-PER\n\n\nsings\tO\n")
    >>> list(read_blocks(path))
    [[(1, 'Anna\tB-PER')], [(4, 'sings\tO')]]
    """
    block: list[Line] = []
    empty = True
    for number, line in read_lines(path):
        if line.strip(" \t"):
            block.append((number, line))
            empty = False
        elif block:
            yield block
            block = []
    if block:
        yield block
    if empty:
        raise InputValueError(f"{path}: no sentence in it; fetch it again, or leave it out")


def join_words(words: Sequence[str], language: str) -> Sentence:
    """The sentence that words make, with spaces between them, or as the language writes: see `UNSPACED`.

    In the languages without spaces, two neighbours keep one if both are of the Latin alphabet or digits.

    >>> join_words(["Anna", "sings", "."], "en").text, join_words(["在", "New", "York", "，"], "zh").text
    ('Anna sings .', '在New York，')
    """
    text, spans = "", []
    for word in words:
        text += " " if text and _parted(text[-1], word[0], language) else ""
        spans.append((len(text), len(text) + len(word)))
        text += word
    return Sentence(language, text, tuple(spans))


def find_words(text: str, words: Sequence[str], language: str, place: str) -> Sentence:
    """The sentence `text`, whose words are these, in their order; between them there is nothing, or blanks.

    Raises:
        InputValueError: a word is not where it has to be; `place` is named.

    >>> find_words("Anna sings.", ["Anna", "sings", "."], "en", "en.conll:2").words
    ((0, 4), (5, 10), (10, 11))
    """
    spans, end = [], 0
    for word in words:
        start = text.find(word, end) if word else -1
        if start < 0 or text[end:start].strip():
            raise InputValueError(
                f"{place}: the text {text[end:]!r:.60} does not go on with the word {word!r:.40}; mend the text or it"
            )
        end = start + len(word)
        spans.append((start, end))
    if text[end:].strip():
        raise InputValueError(f"{place}: the text goes on with {text[end:]!r:.60} after its last word; add the words")
    return Sentence(language, text, tuple(spans))


def _parted(left: str, right: str, language: str) -> bool:
    if language not in UNSPACED:
        return True
    return all(letter.isascii() and letter.isalnum() for letter in (left, right))
