"""The picture of all heads shows every measure that there is, and frames the largest head."""

import numpy as np
import pytest
from trace_samples import a_pair_trace

from erniem_lab.errors import InputValueError
from erniem_lab.probing import measure_heads
from erniem_lab.visual import head_maps


@pytest.fixture(scope="module")
def found():
    return measure_heads([a_pair_trace(seed=seed) for seed in range(3)])


def test_a_panel_has_the_means_of_its_measure_and_frames_the_largest(found):
    ax = head_maps(found, ["entropy"]).axes[0]
    means = found.mean("entropy")
    assert np.array_equal(ax.images[0].get_array(), means)
    (frame,) = ax.patches
    row, column = np.unravel_index(means.argmax(), means.shape)
    assert (frame.get_x() + 0.5, frame.get_y() + 0.5) == (column, row)
    assert f"{means.max():.2f} [" in ax.get_title()
    assert "n = 3" in ax.get_title()


def test_layers_count_from_1_and_heads_from_0(found):
    ax = head_maps(found, ["entropy"]).axes[0]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["1", "2", "3"]
    assert list(ax.get_xticks()) == [0, 1, 2, 3]


def test_measures_that_no_text_has_are_left_out_or_refused(found):
    titles = [ax.get_title().split("\n")[0] for ax in head_maps(found).axes if ax.get_visible()]
    assert "crossing" in titles
    assert "alignment" not in titles
    with pytest.raises(InputValueError, match="alignment"):
        head_maps(found, ["alignment"])
