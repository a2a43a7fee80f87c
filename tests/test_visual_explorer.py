"""The explorer holds what the trace holds, lets every choice be made, and saves itself as one harmless file."""

import re
import warnings
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
from notebook_samples import HOSTILE
from trace_samples import a_pair_trace

from erniem_lab.errors import FileFaultError, InputValueError
from erniem_lab.files.html import json_in_html
from erniem_lab.visual import fonts
from erniem_lab.visual.exploring import Explorer, explorer, program
from erniem_lab.visual.still import still, still_png
from erniem_lab.visual.weights import FEWEST, pack, rollout, unpack


class Nodes(HTMLParser):
    """Every element and attribute that a parser finds."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs


def test_a_stored_weight_is_off_by_less_the_smaller_it_is():
    attention = a_pair_trace(40).attention
    off = np.abs(unpack(pack(attention), attention.shape) - attention)
    assert (off <= np.sqrt(attention) / 255 + 0.5**2 / 255**2).all()  # half a step of the square root


def test_a_long_text_keeps_each_tokens_largest_weights():
    attention = a_pair_trace(40).attention
    packed = pack(attention, budget=attention.size // 2)
    found = unpack(packed, attention.shape)
    assert len(packed.data) <= attention.size // 2
    assert FEWEST <= packed.kept < 40
    assert ((found > 0).sum(axis=-1) <= packed.kept).all()
    assert np.abs(found.max(axis=-1) - attention.max(axis=-1)).max() < 0.004
    kept = np.sort(attention, axis=-1)[..., -packed.kept :].sum() / attention.sum()
    assert packed.share == pytest.approx(kept)


def test_a_text_too_long_to_store_is_refused_with_the_way_out():
    with pytest.raises(InputValueError, match=r"40 tokens.*layers="):
        pack(a_pair_trace(40).attention, budget=1000)


def test_a_rollout_multiplies_the_layers_and_stays_a_probability():
    attention = a_pair_trace(10).attention
    steps = (attention.mean(axis=1) + np.eye(10)) / 2
    found = rollout(attention)
    assert np.allclose(found[-1], steps[2] @ steps[1] @ steps[0])
    assert np.allclose(found.sum(axis=-1), 1)


def test_the_view_has_every_head_and_the_rollout_after_them():
    trace = a_pair_trace()
    view = explorer(trace)
    packed = pack(np.concatenate([trace.attention, rollout(trace.attention)[:, None]], axis=1))
    assert view.weights == packed.data
    assert (view.scene["heads"], view.scene["layers"], view.scene["kept"]) == (4, [1, 2, 3], 12)


def test_a_statistic_is_there_if_the_text_has_something_for_it():
    trace = a_pair_trace()
    names = {entry["name"] for entry in explorer(trace).scene["statistics"]}
    assert {"entropy", "distance", "crossing"} <= names
    assert "alignment" not in names
    aligned = explorer(trace, align=lambda traced: [(0, len(traced.texts) - 1)])
    assert "alignment" in {entry["name"] for entry in aligned.scene["statistics"]}


def test_chosen_layers_keep_their_numbers():
    view = explorer(a_pair_trace(), layers=[3, 1])
    assert view.scene["layers"] == [3, 1]
    view.layer = 3
    with pytest.raises(InputValueError, match="layer=2"):
        view.layer = 2
    with pytest.raises(InputValueError, match="layer 0"):
        explorer(a_pair_trace(), layers=[0])


@pytest.mark.parametrize(
    ("name", "right", "wrong"),
    [("layer", "mean", 9), ("head", "rollout", 4), ("token", 11, 12), ("statistic", "next", "last")],
)
def test_a_choice_is_a_trait_and_what_is_not_there_is_refused(name, right, wrong):
    view = explorer(a_pair_trace())
    setattr(view, name, right)
    assert getattr(view, name) == right
    with pytest.raises(InputValueError, match=f"{name}={wrong!r}"):
        setattr(view, name, wrong)


def test_the_head_where_a_statistic_is_largest_is_chosen():
    view = explorer(a_pair_trace())
    view.show_largest("crossing")
    (values,) = (entry["values"] for entry in view.scene["statistics"] if entry["name"] == "crossing")
    assert (view.statistic, values[view.layer - 1][view.head]) == ("crossing", np.max(values))


def test_another_text_is_traced_and_keeps_layer_and_head():
    asked = []

    def retrace(text, pair):
        asked.append((text, pair))
        return replace(a_pair_trace(16), texts=(text, pair))

    view = explorer(a_pair_trace(), retrace=retrace)
    view.layer, view.head, view.token = 1, 3, 5
    view.texts = ["uno", "due"]
    assert asked == [("uno", "due")]
    assert (len(view.scene["tokens"]), view.layer, view.head, view.token) == (16, 1, 3, None)


def test_a_text_that_cannot_be_traced_leaves_the_picture_and_says_why():
    def refuse(text, pair):
        raise InputValueError(f"{text} is too long")

    view = explorer(a_pair_trace(), retrace=refuse)
    view.texts = ["x"]
    assert view.fault == "x is too long"
    assert len(view.scene["tokens"]) == 12


def test_a_text_without_a_token_of_its_own_is_refused():
    with pytest.raises(InputValueError, match=r"texts=\['', ''\].*give a text with words"):
        explorer(replace(a_pair_trace(), texts=("", ""), words=(), special=(True,) * 12))


def test_without_a_tracer_another_text_is_refused():
    view = explorer(a_pair_trace())
    assert not view.can_trace
    with pytest.raises(InputValueError, match="retrace"):
        view.texts = ["x"]


def test_what_may_not_be_read_is_marked():
    allowed = ~np.eye(12, dtype=bool)
    assert explorer(a_pair_trace(), allowed=allowed).scene["allowed"][0] == "0" + 11 * "1"


def test_a_view_that_asks_is_told_that_python_is_here(monkeypatch):
    said = []
    monkeypatch.setattr(Explorer, "send", lambda self, content, buffers=None: said.append(content))
    view = explorer(a_pair_trace())
    view._handle_custom_msg({"kind": "hello"}, [])
    assert said == [{"kind": "here"}]


def test_a_saved_view_of_base_size_and_128_tokens_is_under_4_megabytes(tmp_path):
    path = explorer(a_pair_trace(128, layers=12, heads=12)).save(tmp_path / "x.html")
    assert path.stat().st_size < 4_000_000


def test_a_saved_view_of_512_tokens_is_bounded_and_says_what_it_left_out(tmp_path):
    view = explorer(a_pair_trace(512, layers=2, heads=12))
    assert view.save(tmp_path / "x.html").stat().st_size < 4_000_000
    assert view.scene["kept"] < 512
    assert 0 < view.scene["share"] < 1


def test_hostile_text_in_a_saved_view_is_no_markup():
    trace = replace(a_pair_trace(), texts=(HOSTILE, HOSTILE), tokens=(HOSTILE,) * 12)
    nodes = Nodes(explorer(trace).html())
    assert nodes.tags.count("script") == 2
    assert "img" not in nodes.tags
    assert not [name for name, _ in nodes.attributes if name.startswith("on")]


def test_a_saved_view_names_no_address_but_its_own_data():
    html = explorer(a_pair_trace()).html()
    assert re.findall(r"https?://[^\s\"']+", html) == []
    assert "default-src 'none'" in html


def test_json_in_html_has_no_sign_that_a_parser_knows():
    assert not set(json_in_html({HOSTILE: [HOSTILE]})) & set("<>&\u2028\u2029")


@pytest.mark.parametrize("name", ["x.txt", "x"])
def test_a_view_is_saved_as_html_only(name, tmp_path):
    with pytest.raises(FileFaultError, match=r"\.html"):
        explorer(a_pair_trace()).save(tmp_path / name)


def test_a_notebook_that_shows_no_widget_shows_a_picture():
    data, _ = explorer(a_pair_trace())._repr_mimebundle_()
    assert {"application/vnd.jupyter.widget-view+json", "image/png"} <= set(data)
    assert data["text/plain"].startswith("attention in ")


@pytest.mark.parametrize("head", [2, "mean", "rollout"])
@pytest.mark.parametrize("layer", [2, "mean"])
def test_the_still_picture_is_of_the_chosen_layer_and_head(layer, head):
    trace = a_pair_trace()
    of_layer = trace.attention.mean(axis=0) if layer == "mean" else trace.attention[1]
    wanted = {
        2: of_layer[2],
        "mean": of_layer.mean(axis=0),
        "rollout": rollout(trace.attention)[1 if layer == 2 else 2],
    }
    assert np.allclose(still(trace, layer, head).axes[0].images[0].get_array(), wanted[head])


def test_the_still_picture_of_a_long_text_says_that_it_goes_on():
    assert "first 64 of 80 tokens" in still(a_pair_trace(80), 1, 0).axes[0].get_title()


def test_without_fonts_the_still_picture_numbers_tokens_and_says_which_script(monkeypatch):
    monkeypatch.setattr(fonts, "families", lambda: ("DejaVu Sans",))
    fonts._glyphs.cache_clear()
    trace = replace(a_pair_trace(), tokens=("[CLS]", "แมว", "猫", *a_pair_trace().tokens[3:]))
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # matplotlib warns of each glyph that it lacks
        ax = still(trace, 1, 0).axes[0]
        still_png(trace, 1, 0)
    fonts._glyphs.cache_clear()
    assert [name.get_text() for name in ax.get_yticklabels()[:3]] == ["[CLS]", "thai 1", "cjk 2"]
    assert "no font here for cjk, thai" in ax.get_xlabel()


def lightness(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    return sum(weight * part**2.2 for weight, part in zip((0.2126, 0.7152, 0.0722), parts, strict=True))


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_lines_stand_out_from_the_ground_and_differ_without_their_hue(theme):
    inks = dict(re.findall(r'(\w+): "(#\w{6})"', re.search(rf"{theme}: {{.*", program())[0]))
    within, across, ground = (lightness(inks[name]) for name in ("within", "across", "paper"))
    for line in (within, across):
        assert (max(line, ground) + 0.05) / (min(line, ground) + 0.05) > 3  # WCAG's least for graphics
    assert (max(within, across) + 0.05) / (min(within, across) + 0.05) > 1.4  # as grey
