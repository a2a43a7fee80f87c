"""Tokens drawn over the text that they stand for, by the browser, which knows every script's shapes and direction."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape

from erniem_lab.encoding import Encoding

DARK_ON = "color:#14181f;background-color:"
SHADES = (f"{DARK_ON}#dbe8f4", f"{DARK_ON}#8fbbe0")  # neighbours differ in lightness, so that grey keeps the borders
UNKNOWN = ("color:#ffffff;background-color:#14181f", "color:#ffffff;background-color:#4b5563")
SOFT = "opacity:.7"  # of whatever ink stands there: on paper, in the dark, on a shade
CELL = "text-align:left;vertical-align:top;padding:6px 10px;border-bottom:1px solid #8a8f9980"
CHIP = "display:inline-block;border:1px solid #8a8f99;border-radius:4px;padding:0 4px;margin:1px"


@dataclass(frozen=True)
class Markup:
    """A piece of HTML that a notebook shows as what it describes."""

    html: str

    def _repr_html_(self) -> str:
        return self.html


@dataclass(frozen=True)
class Guess:
    """What a model makes of one [MASK]: candidates, the likeliest first, and their probabilities."""

    language: str
    before: str
    after: str
    hidden: str
    candidates: tuple[str, ...]
    probabilities: tuple[float, ...]


def token_strips(encodings: Mapping[str, Encoding], *, unknown: int = 3) -> Markup:
    """Each text with its tokens shaded in turn, and below it the tokens themselves with their ids.

    The shade of a token covers its characters in the text; what is not shaded is in no token. Unknown tokens are white
    on black. The names of the mapping stand at the left.

    Args:
        unknown: the id of the unknown token.

    >>> encoding = Encoding(ids=[0, 9, 2], offsets=[(0, 0), (0, 3), (0, 0)], sentence=[0, 0, 0],
    ...                     special=[True, False, True], words=[-1, 0, -1], tokens=["[CLS]", "▁cat", "[SEP]"],
    ...                     texts=["cat"])
    >>> "▁cat" in token_strips({"en": encoding}).html
    True
    """
    rows = "".join(_row(name, encoding, unknown) for name, encoding in encodings.items())
    return Markup(f'<table style="border-collapse:collapse">{rows}</table>')


def guess_table(guesses: Sequence[Guess]) -> Markup:
    """A row for each guess: the sentence with its gap, what stood there, and the candidates with their percentages.

    >>> guess = Guess("en", "The ", " sleeps.", "cat", ("▁cat", "▁dog"), (0.5, 0.25))
    >>> "50 %" in guess_table([guess]).html
    True
    """
    head = "".join(f'<th style="text-align:left">{name}</th>' for name in ("", "sentence", "hidden", "candidates"))
    rows = "".join(_guess(guess) for guess in guesses)
    return Markup(f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>")


def _row(name: str, encoding: Encoding, unknown: int) -> str:
    texts = "<br>".join(_text(encoding, number, unknown) for number in range(len(encoding.texts)))
    chips = " ".join(_chip(encoding, place, unknown) for place in range(len(encoding)))
    count = sum(not added for added in encoding.special)
    left = f'<b>{escape(name)}</b><br><span style="{SOFT}">{count} tokens</span>'
    lines = f'<div style="font-size:115%;margin-bottom:4px">{texts}</div><div style="font-size:85%">{chips}</div>'
    return f'<tr><td style="{CELL};white-space:nowrap">{left}</td><td style="{CELL}">{lines}</td></tr>'


def _text(encoding: Encoding, sentence: int, unknown: int) -> str:
    """A text in its own direction; no padding around shades, so that letters stay joined over a token's border."""
    text = encoding.texts[sentence]
    cursor, parts = 0, []
    for turn, (place, start, end) in enumerate(_stretches(encoding, sentence)):
        shades = UNKNOWN if encoding.ids[place] == unknown else SHADES
        tip = escape(f"{encoding.tokens[place]} = {encoding.ids[place]}, characters {start} to {end}", quote=True)
        parts.append(escape(text[cursor:start]))
        parts.append(f'<span title="{tip}" style="{shades[turn % len(shades)]}">{escape(text[start:end])}</span>')
        cursor = end
    return f'<bdi dir="auto">{"".join(parts)}{escape(text[cursor:])}</bdi>'


def _stretches(encoding: Encoding, sentence: int) -> Iterator[tuple[int, int, int]]:
    """Token, start and end of what each adds to the text; tokens that share a character show up once there."""
    cursor = 0
    for place, (start, end) in enumerate(encoding.offsets):
        if encoding.sentence[place] == sentence and not encoding.special[place] and end > cursor:
            yield place, max(start, cursor), end
            cursor = end


def _chip(encoding: Encoding, place: int, unknown: int) -> str:
    look = f";{UNKNOWN[0]}" if encoding.ids[place] == unknown else (f";{SOFT}" if encoding.special[place] else "")
    token, number = escape(encoding.tokens[place]), encoding.ids[place]
    return f'<span style="{CHIP}{look}"><bdi>{token}</bdi> <sub style="{SOFT}">{number}</sub></span>'


def _guess(guess: Guess) -> str:
    gap = f'<span style="{SHADES[1]}">&nbsp;?&nbsp;</span>'
    sentence = f'<bdi dir="auto">{escape(guess.before)}{gap}{escape(guess.after)}</bdi>'
    pairs = zip(guess.candidates, guess.probabilities, strict=True)
    chips = " ".join(_candidate(token, share, token.strip("▁ ") == guess.hidden) for token, share in pairs)
    cells = (f"<b>{escape(guess.language)}</b>", sentence, f"<bdi>{escape(guess.hidden)}</bdi>", chips)
    return "<tr>" + "".join(f'<td style="text-align:left">{cell}</td>' for cell in cells) + "</tr>"


def _candidate(token: str, share: float, right: bool) -> str:
    look = f"{CHIP};{SHADES[1]}" if right else CHIP
    return f'<span style="{look}"><bdi>{escape(token)}</bdi> {100 * share:.0f} %</span>'
