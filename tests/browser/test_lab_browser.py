"""Notebook 4 in JupyterLab on loopback, cut off from the world: run, steered, dark; and untrusted notebooks."""

import base64
import re
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from conftest import ROOT
from explorer_page import EXPLORER, PICTURE, choose, drawn, is_dark, status, texts, wait_for_change
from lab_server import LabServer, faults, open_notebook, run_cell, use_theme
from nbformat.v4 import new_code_cell, new_notebook, new_output
from notebook_four import NAME, VALUES, VIEWS
from playwright.sync_api import Browser
from trace_samples import a_pair_trace
from watched import Watched

from erniem_lab.visual import explorer, head_view

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900)]

ASK = "print(view.layer, view.head, view.token)"
TELL = "view.layer, view.head, view.view = 3, 'rollout', 'matrix'"
FRAME = "iframe[title='head view']"


def write(content: nbformat.NotebookNode, path: Path) -> None:
    content.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(content, path)


def notebook_four() -> nbformat.NotebookNode:
    """The notebook with its parameters set, and two cells at its end that ask and tell."""
    content = nbformat.read(ROOT / "notebooks" / f"{NAME}.ipynb", as_version=4)
    (parameters,) = (cell for cell in content.cells if "parameters" in cell.metadata.get("tags", []))
    parameters.source += "".join(f"\n{name} = {value!r}" for name, value in VALUES.items())
    content.cells += [new_code_cell(ASK), new_code_cell(TELL)]
    return content


def executed() -> nbformat.NotebookNode:
    """A notebook that somebody ran elsewhere: a view of ours, and one of bertviz."""
    bundles = [explorer(a_pair_trace())._repr_mimebundle_()[0], head_view(a_pair_trace())._repr_mimebundle_()]
    pictures = [{"image/png": base64.b64encode(bundle["image/png"]).decode()} for bundle in bundles]
    outputs = [new_output("display_data", {**bundle, **png}) for bundle, png in zip(bundles, pictures, strict=True)]
    return new_notebook(cells=[new_code_cell("show()", outputs=[output]) for output in outputs])


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabServer]:
    folder = tmp_path_factory.mktemp("lab")
    write(notebook_four(), folder / "four.ipynb")
    write(executed(), folder / "untrusted.ipynb")
    with LabServer(folder) as server:
        yield server


@pytest.fixture(scope="module")
def live(lab: LabServer, browser: Browser) -> Iterator[Watched]:
    """Notebook 4, all of it run but the cells that ask and tell."""
    context = browser.new_context(viewport={"width": 1400, "height": 1000})
    watched = Watched(context.new_page(), lab.allowed)
    page = open_notebook(watched.page, lab, "four.ipynb")
    for number, cell in enumerate(notebook_four().cells[:-2]):
        if cell.cell_type == "code":
            run_cell(page, number)
    yield watched
    context.close()


@pytest.fixture
def four(live: Watched) -> Iterator[Watched]:
    """The live notebook, which neither asks for anything outside nor complains."""
    yield live
    assert live.noise == []


def ask(watched: Watched) -> str:
    """What Python holds the first view's layer, head and token to be."""
    return run_cell(watched.page, len(notebook_four().cells) - 2).strip()


def test_every_cell_of_the_notebook_runs_and_every_view_is_drawn(four: Watched) -> None:
    assert faults(four.page) == []
    views = four.page.locator(EXPLORER)
    assert views.count() == VIEWS
    assert all(drawn(views.nth(number), "canvas.picture") > 1000 for number in range(VIEWS))
    assert four.page.locator("[onerror], img[src=x]").count() == 0


def test_a_dropdown_puts_another_pair_into_the_view(four: Watched) -> None:
    before, shown = texts(four.page), status(four.page)
    four.page.locator(".widget-dropdown select").first.select_option(label="th")
    wait_for_change(four.page, shown)
    assert texts(four.page) != before
    assert re.search(r"[\u0e00-\u0e7f]", texts(four.page)[1])  # Thai
    assert drawn(four.page) > 1000


def test_what_is_chosen_in_the_view_is_known_to_python(four: Watched) -> None:
    choose(four.page, "layer", "2"), choose(four.page, "head", "mean of all")
    four.page.locator(PICTURE).first.focus()
    for key in ("ArrowRight", "ArrowRight", "Enter"):
        four.page.keyboard.press(key)
    assert ask(four) == "2 mean 1"


def test_what_python_chooses_is_shown_in_the_view(four: Watched) -> None:
    shown = status(four.page)
    run_cell(four.page, len(notebook_four().cells) - 1)
    wait_for_change(four.page, shown)
    assert status(four.page).startswith("layer 3, head rollout; a row reads its columns")
    assert four.page.locator(f"{EXPLORER} select[name=head]").first.input_value() == '"rollout"'


def test_a_typed_text_is_traced_and_a_fault_is_said(four: Watched) -> None:
    shown = status(four.page)
    boxes = four.page.locator(EXPLORER).first.locator(".trace input")
    boxes.nth(1).fill(""), boxes.nth(0).fill("Одна кошка спит.")
    boxes.nth(0).press("Enter")
    wait_for_change(four.page, shown)
    assert texts(four.page) == ["Одна кошка спит.", ""]
    boxes.nth(0).fill("word " * 3000)
    boxes.nth(0).press("Enter")
    four.page.locator(EXPLORER).first.locator(".trace .note", has_text="tokens").wait_for()
    assert drawn(four.page) > 1000


def test_bertviz_is_alive_in_its_cell(four: Watched) -> None:
    frame = four.page.frame_locator(FRAME)
    lines = frame.locator("svg line")
    before = lines.count()
    assert before > 100
    frame.locator("select#filter").click(trial=True)  # nothing lies over it
    frame.locator("select#filter").select_option(label="A → B")
    assert 0 < lines.count() < before
    assert four.page.locator(FRAME).get_attribute("sandbox") == "allow-scripts"


def test_views_turn_dark_and_light_with_jupyterlab(four: Watched) -> None:
    assert not is_dark(four.page)
    use_theme(four.page, "JupyterLab Dark")
    assert is_dark(four.page)
    use_theme(four.page, "JupyterLab Light")
    assert not is_dark(four.page)


def test_an_untrusted_notebook_shows_pictures_of_its_views_whole(lab: LabServer, browser: Browser) -> None:
    context = browser.new_context(viewport={"width": 1400, "height": 1000})
    watched = Watched(context.new_page(), lab.allowed)
    page = open_notebook(watched.page, lab, "untrusted.ipynb")
    pictures = page.locator(".jp-OutputArea img[src^='data:image/png']")
    pictures.nth(1).wait_for()
    assert page.locator(f"iframe, {EXPLORER}").count() == 0
    for number in range(2):
        size = pictures.nth(number).evaluate("img => [img.height, img.closest('.jp-OutputArea-output').clientHeight]")
        assert 300 < size[0] <= size[1] + 1
    assert watched.noise == []
    context.close()
