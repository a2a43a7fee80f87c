"""Tokens over text: every character stays, in its order, and nothing in a text becomes markup."""

import re
from html import unescape

import pytest

from erniem_lab.encoding import Encoding
from erniem_lab.visual.tokens import SHADES, UNKNOWN, Guess, guess_table, token_strips


def encoding(text: str, spans: list[tuple[int, int]], ids: list[int] | None = None) -> Encoding:
    return Encoding(
        ids=ids or list(range(10, 10 + len(spans))),
        offsets=spans,
        sentence=[0] * len(spans),
        special=[False] * len(spans),
        words=[0] * len(spans),
        tokens=[text[start:end] for start, end in spans],
        texts=[text],
    )


def drawn(html: str) -> str:
    """The text inside the strip, without markup."""
    return unescape(re.sub("<[^>]*>", "", html.split('dir="auto">')[1].split("</bdi>", maxsplit=1)[0]))


@pytest.mark.parametrize(
    ("text", "spans"),
    [
        ("the cat", [(0, 3), (4, 7)]),
        ("القطة تنام", [(0, 2), (2, 5), (6, 10)]),
        ("ﬁn", [(0, 1), (0, 1), (1, 2)]),  # two tokens of one ligature
        ("a <b> & c", [(0, 1), (2, 5), (6, 7), (8, 9)]),
        ("nothing", []),
    ],
)
def test_the_text_is_drawn_whole_and_in_order(text, spans):
    assert drawn(token_strips({"x": encoding(text, spans)}).html) == text


def test_neighbours_have_different_shades():
    html = token_strips({"x": encoding("abc", [(0, 1), (1, 2), (2, 3)])}).html
    assert re.findall(f"{re.escape(SHADES[0])}|{re.escape(SHADES[1])}", html) == [SHADES[0], SHADES[1], SHADES[0]]


def test_unknown_tokens_stand_out():
    html = token_strips({"x": encoding("a?", [(0, 1), (1, 2)], ids=[9, 3])}, unknown=3).html
    assert html.count(UNKNOWN[1]) == 1  # in the text, the second of two
    assert html.count(UNKNOWN[0]) == 1  # in the list of tokens
    assert UNKNOWN[1] not in token_strips({"x": encoding("a?", [(0, 1), (1, 2)], ids=[9, 3])}, unknown=7).html


def test_shades_have_no_room_around_them_so_that_letters_stay_joined():
    html = token_strips({"ar": encoding("القطة", [(0, 2), (2, 5)])}).html
    inside = html.split('dir="auto">')[1].split("</bdi>")[0]
    assert "padding" not in inside
    assert "margin" not in inside
    assert "border" not in inside


def test_text_is_never_markup():
    html = token_strips({"<i>": encoding("<script>x</script>", [(0, 18)])}).html
    assert "<script>" not in html
    assert "<i>" not in html


def test_added_tokens_are_not_counted_as_tokens_of_the_text():
    framed = Encoding(
        ids=[0, 9, 2], offsets=[(0, 0), (0, 1), (0, 0)], sentence=[0, 0, 0], special=[True, False, True],
        words=[-1, 0, -1], tokens=["[CLS]", "a", "[SEP]"], texts=["a"],
    )  # fmt: skip
    assert ">1 tokens<" in token_strips({"x": framed}).html


def test_the_right_guess_is_shaded_and_probabilities_are_percentages():
    guess = Guess("en", "The ", " sleeps.", "cat", ("▁dog", "▁cat"), (0.75, 0.2))
    html = guess_table([guess]).html
    assert "75 %" in html
    assert re.search(f'{re.escape(SHADES[1])}"><bdi>▁cat', html)
    assert not re.search(f'{re.escape(SHADES[1])}"><bdi>▁dog', html)


def test_a_guess_of_markup_is_text():
    assert "<b>x" not in guess_table([Guess("en", "<b>x", "", "y", ("<b>x",), (1.0,))]).html
