"""A grid of words shows what was found, what is right, and what was missed."""

import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.patches import Rectangle

from erniem_lab.corpora.examples import AlignedPair, Sentence
from erniem_lab.errors import InputValueError
from erniem_lab.probing.alignment import Alignment
from erniem_lab.visual.alignment import LONGEST, alignment_grid
from erniem_lab.visual.canvas import ORANGE

FOUND = Alignment(
    ("das", "Haus"), ("the", "house", "."), frozenset({(0, 0), (1, 2)}), np.arange(6.0).reshape(2, 3) / 10
)
GOLD = AlignedPair(
    Sentence("de", "das Haus", ((0, 3), (4, 8))), Sentence("en", "the house .", ((0, 3), (4, 9), (10, 11))),
    frozenset({(0, 0), (1, 1)}), frozenset({(0, 0), (1, 1), (0, 1)}),
)  # fmt: skip


def marks(figure) -> dict[str, list[tuple[int, int]]]:
    """(row, column) of the marks of each colour, the white ones below them left out."""
    return {
        to_hex(found.get_facecolor()[0]): [(int(y), int(x)) for x, y in found.get_offsets()]
        for found in figure.axes[0].collections
        if to_hex(found.get_facecolor()[0]) != "#ffffff"
    }


def frames(figure) -> dict[str, set[tuple[float, float]]]:
    lines: dict[str, set[tuple[float, float]]] = {}
    for patch in figure.axes[0].patches:
        assert isinstance(patch, Rectangle)
        lines.setdefault(patch.get_linestyle(), set()).add((patch.get_y() + 0.5, patch.get_x() + 0.5))
    return lines


def test_right_and_wrong_links_differ_in_mark_and_gold_is_framed():
    figure = alignment_grid(FOUND, GOLD)
    found = marks(figure)
    assert found.pop(ORANGE) == [(1, 2)]
    assert list(found.values()) == [[(0, 0)]]
    assert frames(figure) == {"-": {(0, 0), (1, 1)}, ":": {(0, 1)}}


def test_without_gold_no_link_is_wrong_and_nothing_is_framed():
    figure = alignment_grid(FOUND)
    assert [sorted(places) for places in marks(figure).values()] == [[(0, 0), (1, 2)]]
    assert not frames(figure)


def test_names_say_what_is_seen():
    figure = alignment_grid(FOUND, GOLD, value="dot product", title="layer 3")
    grid, scale = figure.axes
    assert (grid.get_title(), grid.get_ylabel(), grid.get_xlabel(), scale.get_ylabel()) == (
        "layer 3", "de", "en", "dot product"
    )  # fmt: skip
    assert [label.get_text() for label in grid.get_yticklabels()] == ["das", "Haus"]
    np.testing.assert_array_equal(grid.images[0].get_array(), FOUND.likeness)


def test_gold_of_other_words_and_long_sentences_are_refused():
    other = AlignedPair(GOLD.second, GOLD.first, frozenset(), frozenset())
    with pytest.raises(InputValueError, match="not of these words"):
        alignment_grid(FOUND, other)
    long = Alignment(("a",) * (LONGEST + 1), ("b",), frozenset(), np.zeros((LONGEST + 1, 1)))
    with pytest.raises(InputValueError, match=f"up to {LONGEST}"):
        alignment_grid(long)
