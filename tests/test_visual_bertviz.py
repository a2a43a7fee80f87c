"""bertviz's views need no network, hold their data once, and let no text become markup."""

import base64
import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
from notebook_samples import HOSTILE
from trace_samples import a_pair_trace

import erniem_lab as el
from erniem_lab.errors import InputValueError, MissingExtraError
from erniem_lab.neurons import trace_neurons
from erniem_lab.tracing import Word
from erniem_lab.visual import bertviz_pages, bertviz_views
from erniem_lab.visual.bertviz_views import head_view, model_view, neuron_view
from erniem_lab.visual.words import as_words

VIEWS = [head_view, model_view]


@pytest.fixture(scope="module")
def mini():
    return el.ErnieMForMaskedLM.from_pretrained(el.MINI), el.ErnieMTokenizer.from_pretrained(el.MINI)


class Nodes(HTMLParser):
    """Every element and attribute that a parser finds, scripts' contents left out."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: dict[str, str] = {}
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes |= dict(attrs)


def data(view):
    return json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', view.document)[1])


@pytest.mark.parametrize("draw", VIEWS)
def test_a_view_loads_nothing_and_says_so_to_the_browser(draw):
    document = draw(a_pair_trace()).document
    assert "default-src 'none'" in document
    assert not re.search(r"<(script|link|img)[^>]+(src|href)=[\"']?http", document)
    assert "PYTHON_PARAMS" not in document


@pytest.mark.parametrize("draw", VIEWS)
def test_weights_are_there_once_and_a_byte_each(draw):
    trace = a_pair_trace()
    held = data(draw(trace))
    codes = np.frombuffer(base64.b64decode(held["weights"]), np.uint8).reshape(trace.attention.shape)
    assert np.abs((codes / 255) ** 2 - trace.attention).max() < 0.004
    assert held["second"] == 6


@pytest.mark.parametrize("draw", VIEWS)
def test_a_hostile_token_is_no_markup_in_page_or_cell(draw):
    trace = replace(a_pair_trace(), tokens=(HOSTILE,) * 12)
    page, cell = Nodes(draw(trace).document), Nodes(draw(trace)._repr_mimebundle_()["text/html"])
    assert "img" not in page.tags
    assert cell.tags == ["div", "figure", "img", "iframe"]
    assert not [name for name in {**page.attributes, **cell.attributes} if name.startswith("on")]


def test_a_cell_runs_the_view_in_a_sandbox_and_has_a_picture_beside_it():
    bundle = head_view(a_pair_trace())._repr_mimebundle_()
    nodes = Nodes(bundle["text/html"])
    assert nodes.attributes["sandbox"] == "allow-scripts"
    assert nodes.attributes["src"].startswith("data:image/png")
    assert bundle["image/png"].startswith(b"\x89PNG")


def test_a_bare_piece_mark_can_be_seen():
    trace = replace(a_pair_trace(), tokens=("[CLS]", "▁", *a_pair_trace().tokens[2:]))
    assert data(head_view(trace))["tokens"][1] == "␣"


@pytest.mark.parametrize("draw", VIEWS)
def test_layers_are_chosen_and_keep_their_numbers(draw):
    held = data(draw(a_pair_trace(), layers=[3, 1]))
    assert held["settings"]["include_layers"] == [3, 1]
    assert held["shape"][0] == 2
    with pytest.raises(InputValueError, match="layer 0"):
        draw(a_pair_trace(), layers=[0])


@pytest.mark.parametrize("draw", VIEWS)
def test_words_take_the_place_of_their_tokens(draw):
    trace = a_pair_trace()
    both = replace(trace, words=(Word("ab", 0, (0, 2), (1, 2)), *trace.words[2:]))
    assert data(draw(both, units="words"))["tokens"][:3] == ["[CLS]", "ab", "w3"]


def test_words_give_the_mean_and_get_the_sum():
    trace = a_pair_trace()
    merged = as_words(replace(trace, words=(Word("ab", 0, (0, 2), (1, 2)), *trace.words[2:])))
    old, new = trace.attention, merged.attention
    assert np.allclose(new[..., 0, 1], old[..., 0, 1] + old[..., 0, 2])
    assert np.allclose(new[..., 1, 0], (old[..., 1, 0] + old[..., 2, 0]) / 2)
    assert np.allclose(new.sum(axis=-1), 1)
    assert np.allclose(merged.hidden[:, 1], trace.hidden[:, 1:3].mean(axis=1))


@pytest.mark.parametrize(("draw", "tokens"), [(head_view, 120), (model_view, 120)])
def test_too_much_for_a_browser_is_refused_with_the_way_out(draw, tokens):
    with pytest.raises(InputValueError, match=r"words.*explorer"):
        draw(a_pair_trace(tokens, layers=6))


def test_queries_and_keys_make_the_attention(mini):
    model, tokenizer = mini
    found = trace_neurons(model, tokenizer, "The black cat.", "Le chat noir.")
    scores = found.queries @ found.keys.swapaxes(-1, -2) / found.queries.shape[-1] ** 0.5
    weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
    assert np.allclose(weights / weights.sum(axis=-1, keepdims=True), found.trace.attention, atol=1e-5)


def test_listening_for_neurons_leaves_the_model_as_it_was(mini):
    model, tokenizer = mini
    trace_neurons(model, tokenizer, "The black cat.")
    assert not [part for part in model.modules() if part._forward_hooks]


def test_the_neuron_view_shows_the_layer_and_head_that_were_asked_for(mini):
    held = data(neuron_view(*mini, "The cat.", "Le chat.", layer=2, head=1))
    assert (held["settings"]["layer"], held["settings"]["head"]) == (1, 1)
    assert held["pieces"] == ["all", "aa", "bb", "ab", "ba"]
    assert data(neuron_view(*mini, "The cat."))["pieces"] == ["all"]
    with pytest.raises(InputValueError, match="head=99"):
        neuron_view(*mini, "The cat.", head=99)


def test_a_text_too_long_for_neurons_is_refused(mini, monkeypatch):
    monkeypatch.setattr(bertviz_views, "NEURON_NUMBERS", 1000)
    with pytest.raises(InputValueError, match="shorter text"):
        neuron_view(*mini, "The cat sleeps.")


def test_without_its_libraries_a_view_says_what_to_install(monkeypatch):
    monkeypatch.setattr(bertviz_pages, "LIBRARIES", (("no_such_package", "d3.js"),))
    with pytest.raises(MissingExtraError, match=r"no_such_package.*pip install"):
        head_view(a_pair_trace())


def test_a_view_is_saved_whole(tmp_path):
    view = head_view(a_pair_trace())
    assert view.save(tmp_path / "x.html").read_text("utf-8") == view.document
