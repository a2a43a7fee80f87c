"""Attention views in a real browser, cut off from the network: saved files, and JupyterLab on loopback."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pytest
from lab_server import LabServer, open_notebook, run_cell
from notebook_samples import HOSTILE, write_notebook
from playwright.sync_api import Browser, Page
from trace_samples import a_pair_trace
from watched import Watched

from erniem_lab import MINI, ErnieMForMaskedLM, ErnieMTokenizer
from erniem_lab.report import read_notebook, write_reports
from erniem_lab.visual import explorer, head_view, model_view, neuron_view

pytestmark = pytest.mark.browser

PICTURE, OVERVIEW = ".erniem-explorer canvas.picture", ".erniem-explorer canvas.overview"
COLOURS = """canvas => { const copy = document.createElement("canvas");
  [copy.width, copy.height] = [canvas.width, canvas.height];
  const pen = copy.getContext("2d", { willReadFrequently: true });
  pen.drawImage(canvas, 0, 0);
  const { data } = pen.getImageData(0, 0, copy.width, copy.height);
  const seen = new Map();
  for (let i = 0; i < data.length; i += 4) {
    const name = data.slice(i, i + 3).join(); seen.set(name, (seen.get(name) ?? 0) + 1);
  }
  return [...seen.values()].sort((a, b) => b - a); }"""
MADE = """
import sys; sys.path.insert(0, {tests!r})
from dataclasses import replace
from trace_samples import a_pair_trace
from erniem_lab.visual import explorer
def retrace(text, pair):
    return replace(a_pair_trace(2 * len(text)), texts=(text, pair or ""))
view = explorer(replace(a_pair_trace(), texts=({text!r}, "b")), retrace=retrace)
view"""
TESTS = str(Path(__file__).resolve().parent.parent)


def drawn(page: Page, selector: str = PICTURE) -> int:
    """Pixels that differ from the ground."""
    return sum(page.locator(selector).first.evaluate(COLOURS)[1:])


def choose(page: Page, name: str, label: str) -> None:
    page.locator(f".erniem-explorer select[name={name}]").select_option(label=label)


def details(page: Page) -> str:
    return page.locator(".erniem-explorer .details").first.inner_text()


def status(page: Page) -> str:
    return page.locator(".erniem-explorer .status").first.inner_text()


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


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_view_is_dark_in_the_dark(scheme: Any, browser: Browser, tmp_path: Path) -> None:
    context = browser.new_context(color_scheme=scheme)
    page = context.new_page()
    page.goto(explorer(a_pair_trace()).save(tmp_path / "x.html").as_uri())
    pixel = page.locator(PICTURE).evaluate("canvas => canvas.getContext('2d').getImageData(1, 1, 1, 1).data[0]")
    context.close()
    assert (pixel > 128) == (scheme == "light")


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


def test_base_size_is_drawn_and_switched_in_time(watched: Watched, tmp_path: Path) -> None:
    page = watched.page
    page.goto(explorer(a_pair_trace(128, layers=12, heads=12)).save(tmp_path / "x.html").as_uri())
    page.wait_for_selector(PICTURE)
    for head in range(1, 9):
        choose(page, "head", str(head))
    times = page.evaluate("performance.getEntriesByName('erniem-explorer').map(entry => entry.duration)")
    print("first draw", times[0], "switches", times[1:])
    assert times[0] < 400  # the goal is 100 ms; a shared machine needs its time
    assert sorted(times[1:])[len(times) // 2] < 120  # the goal is 30 ms


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("attention")
    cells = [MADE.format(tests=TESTS, text=HOSTILE), "from erniem_lab.report import record\nrecord('a', 1)"]
    write_reports([read_notebook(write_notebook(folder, "04_made", cells))], folder / "out", {}, progress=False)
    return folder / "out" / "04_made.html"


def test_in_a_report_the_view_is_the_same_and_alive(report: Path, watched: Watched) -> None:
    page = watched.page
    page.goto(report.as_uri())
    page.wait_for_selector(PICTURE)
    assert drawn(page) > 1000
    choose(page, "head", "mean of all")
    assert status(page).startswith("layer 3, head mean")
    assert "needs Python" in page.locator(".trace").inner_text()
    assert page.locator("[onerror], iframe, img[src=x]").count() == 0
    assert watched.noise == []


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabServer]:
    folder = tmp_path_factory.mktemp("lab")
    path = write_notebook(
        folder, "attention", [MADE.format(tests=TESTS, text=HOSTILE), "print(view.layer, view.head, view.token)"]
    )
    content = nbformat.read(path, as_version=4)
    content.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(content, path)
    with LabServer(folder) as server:
        yield server


def test_in_jupyterlab_the_view_and_python_share_their_values(lab: LabServer, browser: Browser) -> None:
    context = browser.new_context(viewport={"width": 1400, "height": 1000})
    watched = Watched(context.new_page(), lab.allowed)
    page = open_notebook(watched.page, lab, "attention.ipynb")
    run_cell(page, 1), run_cell(page, 2)
    page.wait_for_selector(PICTURE)
    assert drawn(page) > 1000
    choose(page, "layer", "2"), choose(page, "head", "mean of all")
    page.locator(PICTURE).click(position={"x": 5, "y": 100})
    assert run_cell(page, 3).strip() == "2 mean None"
    retraced(page)
    assert page.locator("[onerror], img[src=x]").count() == 0
    assert watched.noise == []
    context.close()


def retraced(page: Page) -> None:
    """Type another text into the view, and wait until Python has traced it."""
    box = page.locator(".erniem-explorer .trace input").first
    page.wait_for_function("element => !element.disabled", arg=box.element_handle())
    box.fill("twenty letters long.")
    box.press("Enter")
    page.wait_for_function("document.querySelector('.erniem-explorer .status').textContent.includes(' of 1600 ')")
    assert drawn(page) > 1000
