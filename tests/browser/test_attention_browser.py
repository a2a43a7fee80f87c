"""Attention views in a real browser, cut off from the network: saved files, and the exported notebook 4."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import ROOT
from explorer_page import EXPLORER, OVERVIEW, PICTURE, choose, details, drawn, is_dark, status
from notebook_four import NAME, VALUES, VIEWS
from notebook_samples import HOSTILE
from playwright.sync_api import Browser
from trace_samples import a_pair_trace
from watched import Watched

from erniem_lab import MINI, ErnieMForMaskedLM, ErnieMTokenizer
from erniem_lab.report import read_notebook, write_reports
from erniem_lab.visual import explorer, head_view, model_view, neuron_view

pytestmark = pytest.mark.browser


@pytest.fixture
def saved(watched: Watched, tmp_path: Path) -> Watched:
    trace = replace(a_pair_trace(), texts=(HOSTILE, "نص آخر"), tokens=(HOSTILE, *a_pair_trace().tokens[1:]))
    view = explorer(trace, retrace=lambda text, pair: trace)
    watched.page.goto(view.save(tmp_path / "x.html").as_uri())
    watched.page.wait_for_selector(PICTURE)
    return watched


def test_a_saved_view_draws_itself_and_hostile_text_stays_text(saved: Watched) -> None:
    assert drawn(saved.page) > 1000
    assert drawn(saved.page, OVERVIEW) > 300
    assert saved.page.locator("[onerror], img, iframe").count() == 0
    assert saved.page.title().startswith("</script><img")
    assert saved.noise == []


@pytest.mark.parametrize(
    ("name", "label"),
    [("layer", "1"), ("head", "3"), ("head", "rollout"), ("layer", "mean of all"), ("view", "matrix"),
     ("view", "lines between lists"), ("pair", "A → B"), ("by", "words")],
)  # fmt: skip
def test_a_picker_changes_what_is_drawn(saved: Watched, name: str, label: str) -> None:
    before = saved.page.locator(PICTURE).evaluate("canvas => canvas.toDataURL()")
    choose(saved.page, {"by": "units"}.get(name, name), label)
    after = saved.page.locator(PICTURE).evaluate("canvas => canvas.toDataURL()")
    assert before != after
    assert saved.noise == []


@pytest.mark.parametrize("name", ["threshold", "mass"])
def test_a_slider_leaves_weights_out(saved: Watched, name: str) -> None:
    before = int(status(saved.page).split("reads below. ")[1].split()[0])
    saved.page.locator(f"input[name={name}]").focus()
    for _ in range(3):
        saved.page.keyboard.press("ArrowRight" if name == "threshold" else "ArrowLeft")
    assert int(status(saved.page).split("reads below. ")[1].split()[0]) < before


def test_separators_can_be_left_out(saved: Watched) -> None:
    saved.page.locator("input[name=specials]").uncheck()
    assert " of 64 weights" in status(saved.page)


def test_keys_walk_over_words_and_pin_one(saved: Watched) -> None:
    saved.page.locator(PICTURE).focus()
    for key in ("ArrowRight", "ArrowRight", "Enter"):
        saved.page.keyboard.press(key)
    assert "w1 reads" in details(saved.page)
    saved.page.locator(OVERVIEW).focus()
    assert "w1 reads" in details(saved.page)
    assert "w1 is read by" in details(saved.page) or "reads" in details(saved.page)
    saved.page.locator(PICTURE).focus()
    saved.page.keyboard.press("Escape")
    assert "Point at a word" in details(saved.page)


def test_every_control_is_reached_by_the_tab_key_and_left_again(saved: Watched) -> None:
    reached = []
    for _ in range(14):
        saved.page.keyboard.press("Tab")
        reached.append(saved.page.evaluate("document.activeElement.name || document.activeElement.className"))
    pickers = ["layer", "head", "view", "pair", "units", "threshold", "mass", "specials", "statistic"]
    assert reached[: len(pickers)] == pickers
    assert [name for name in reached if name in ("overview", "picture")] == ["overview", "picture"]
    labelled = "[...document.querySelectorAll('select, input, canvas')].every(e => e.ariaLabel || e.labels?.length)"
    assert saved.page.evaluate(labelled)


def test_keys_walk_over_layers_and_heads(saved: Watched) -> None:
    saved.page.locator(OVERVIEW).focus()
    for key in ("ArrowUp", "ArrowRight", "ArrowRight"):
        saved.page.keyboard.press(key)
    assert status(saved.page).startswith("layer 2, head 2")


def test_a_pointer_shows_numbers_and_a_click_pins(saved: Watched) -> None:
    choose(saved.page, "view", "matrix")
    box = saved.page.locator(PICTURE).bounding_box()
    assert box is not None
    at = (box["x"] + box["width"] / 5, box["y"] + box["height"] * 0.8)
    saved.page.mouse.move(*at)
    assert saved.page.locator(".details").inner_text().count("reads") == 1
    saved.page.mouse.click(*at)
    saved.page.mouse.move(0, 0)
    assert "is read by" in details(saved.page)


def test_without_python_the_text_boxes_are_still_and_say_so(saved: Watched) -> None:
    assert saved.page.locator(".trace input").first.is_disabled()
    assert "needs Python" in saved.page.locator(".trace").inner_text()


def test_arabic_runs_from_right_to_left(watched: Watched, tmp_path: Path) -> None:
    tokens = ("[CLS]", *(f"▁كلمة{i}" for i in range(1, 5)), "[SEP]")
    trace = replace(a_pair_trace(), tokens=tokens + a_pair_trace().tokens[6:], texts=("كلمة", "word"))
    watched.page.goto(explorer(trace).save(tmp_path / "x.html").as_uri())
    canvas = watched.page.locator(PICTURE)
    canvas.focus()
    for key in ["ArrowLeft"] + ["ArrowRight"] * 20:
        watched.page.keyboard.press(key)
    assert details(watched.page).startswith("[CLS] reads")  # the rightmost is the first
    watched.page.keyboard.press("ArrowLeft")
    assert details(watched.page).startswith("▁كلمة1 reads")


def test_a_side_without_words_is_a_picture_of_nothing(watched: Watched, tmp_path: Path) -> None:
    whole = a_pair_trace()
    half = replace(whole, texts=("one text", ""), words=whole.words[:4], special=(*whole.special[:6], *[True] * 6))
    watched.page.goto(explorer(half).save(tmp_path / "x.html").as_uri())
    watched.page.locator("input[name=specials]").uncheck()
    choose(watched.page, "pair", "B → B")
    for view in ("matrix", "lines between lists", "lines between texts"):
        choose(watched.page, "view", view)
        watched.page.locator(PICTURE).focus()
        watched.page.keyboard.press("ArrowRight")
        assert " 0 of 0 weights drawn" in status(watched.page)
    assert watched.noise == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_view_is_dark_in_the_dark(scheme: Any, browser: Browser, tmp_path: Path) -> None:
    context = browser.new_context(color_scheme=scheme)
    page = context.new_page()
    page.goto(explorer(a_pair_trace()).save(tmp_path / "x.html").as_uri())
    assert is_dark(page) == (scheme == "dark")
    context.close()


def test_what_is_forbidden_is_not_drawn(watched: Watched, tmp_path: Path) -> None:
    view = explorer(a_pair_trace(), allowed=np.zeros((12, 12), dtype=bool))
    view.threshold = 0.0
    watched.page.goto(view.save(tmp_path / "x.html").as_uri())
    assert " 0 of 144 weights drawn" in status(watched.page)


@pytest.mark.parametrize("draw", [head_view, model_view])
def test_bertviz_draws_its_lines_without_a_request(draw: Any, watched: Watched, tmp_path: Path) -> None:
    trace = replace(a_pair_trace(), tokens=(HOSTILE, *a_pair_trace().tokens[1:]))
    page = watched.page
    page.goto(draw(trace).save(tmp_path / "x.html").as_uri())
    page.wait_for_selector("svg line", state="attached")
    assert page.locator("svg line").count() == 4 * 12 * 12 * (3 if draw is model_view else 1)
    page.locator("select#filter").select_option(label="A → B")
    assert page.locator("svg line").count() == 4 * 6 * 6 * (3 if draw is model_view else 1)
    assert page.locator("[onerror], img").count() == 0
    assert watched.noise == []


def test_bertviz_draws_neurons_without_a_request(watched: Watched, tmp_path: Path) -> None:
    model, tokenizer = ErnieMForMaskedLM.from_pretrained(MINI), ErnieMTokenizer.from_pretrained(MINI)
    page = watched.page
    page.goto(neuron_view(model, tokenizer, "The cat.", "قطة").save(tmp_path / "x.html").as_uri())
    page.wait_for_selector("svg line", state="attached")
    assert page.locator("select#layer option").first.inner_text() == "1"
    assert watched.noise == []


def test_what_drawing_takes_is_on_the_browsers_record(watched: Watched, tmp_path: Path) -> None:
    page = watched.page
    page.goto(explorer(a_pair_trace(128, layers=12, heads=12)).save(tmp_path / "x.html").as_uri())
    page.wait_for_selector(PICTURE)
    choose(page, "head", "3")
    assert page.evaluate("performance.getEntriesByName('erniem-explorer').length") == 2
    assert drawn(page) > 10_000


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Notebook 4 run by papermill and exported."""
    out = tmp_path_factory.mktemp("attention")
    (found,) = write_reports([read_notebook(ROOT / "notebooks" / f"{NAME}.ipynb")], out, VALUES, progress=False)
    assert found.passed, found.fault
    return out / f"{NAME}.html"


@pytest.mark.timeout(900)
def test_in_a_report_every_view_is_the_same_and_alive(report: Path, watched: Watched) -> None:
    page = watched.page
    page.goto(report.as_uri())
    views = page.locator(EXPLORER)
    views.nth(VIEWS - 1).locator("canvas.picture").wait_for()
    assert all(drawn(views.nth(number), "canvas.picture") > 1000 for number in range(VIEWS))
    choose(page, "layer", "2"), choose(page, "head", "rollout")
    assert status(page).startswith("layer 2, head rollout")
    assert page.locator("[onerror], iframe, img[src=x]").count() == 0
    assert watched.noise == []


def test_in_a_report_what_needs_python_is_still_and_says_so(report: Path, watched: Watched) -> None:
    page = watched.page
    page.goto(report.as_uri())
    page.wait_for_selector(PICTURE)
    assert "needs Python" in page.locator(".trace").first.inner_text()
    assert page.locator(".controls select").is_disabled()
    assert "need Python" in page.locator(".controls").inner_text()
    still = page.locator("img[alt='head view']")
    assert still.evaluate("img => img.complete && img.naturalHeight <= img.height * 2 && img.height > 300")
    assert watched.noise == []
