"""ipywidgets' controls in a report are pictures of how they stood, and whatever they hold stays text."""

from html.parser import HTMLParser
from typing import Any

import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output
from notebook_samples import HOSTILE

from erniem_lab.report.page import page
from erniem_lab.report.report import Report
from erniem_lab.report.widgets import STATE_MIME, VIEW_MIME

ASKS = "These controls need Python"


def box(*children: str, name: str = "VBoxModel") -> dict[str, Any]:
    return {"model_name": name, "state": {"children": [f"IPY_MODEL_{child}" for child in children]}}


def control(name: str, **state: Any) -> dict[str, Any]:
    return {"model_name": f"{name}Model", "state": {"description": "what"} | state}


def main_of(models: dict[str, Any], shown: str = "it", **data: str) -> str:
    """What a report shows of a cell that ends with a widget."""
    view = {VIEW_MIME: {"model_id": shown}, "text/plain": "Widget()", **data}
    content = new_notebook(cells=[new_code_cell("it", outputs=[new_output("display_data", view)])])
    content.metadata["widgets"] = {STATE_MIME: {"state": models}}
    report = Report("a", "What?", "It.", "", 1.0, "today", {}, {}, ())
    return page(report, content).split("<main>")[1].split("</main>")[0]


@pytest.mark.parametrize(
    ("model", "wanted"),
    [
        (control("Dropdown", _options_labels=["ar", "zh"], index=1), "<option>zh</option>"),
        (control("Dropdown", _options_labels=["ar", "zh"], index=None), "<option></option>"),
        (control("Text", value="قطة"), 'disabled value="قطة"'),
        (control("Textarea", value="long"), "disabled>long</textarea>"),
        (control("IntSlider", value=3, min=0, max=9), 'min="0" max="9" step="any" value="3"'),
        (control("IntRangeSlider", value=[1, 3], min=0, max=9), 'value="1 to 3"'),
        (control("Checkbox", value=True), "disabled checked"),
        (control("Button"), "disabled>what</button>"),
    ],
)
def test_a_control_shows_how_it_stood_and_says_what_it_needs(model: dict[str, Any], wanted: str) -> None:
    main = main_of({"it": model})
    assert wanted in main
    assert "what" in main
    assert main.count(ASKS) == 1
    assert "Widget()" not in main


def test_what_asks_for_nothing_says_nothing() -> None:
    main = main_of({"it": control("FloatProgress", value=3.0, min=0.0, max=4.0)})
    assert '<progress value="3.0" max="4.0">' in main
    assert ASKS not in main


def test_a_box_shows_all_that_is_in_it_with_a_place_for_a_live_view() -> None:
    live = {"model_name": "AnyModel", "state": {"_esm": "export default {}"}}
    written = [new_output("stream", name="stdout", text="printed")]
    models = {
        "it": box("row", "view", "out"),
        "row": box("one", name="HBoxModel"),
        "one": control("Text", value="typed"),
        "view": live,
        "out": {"model_name": "OutputModel", "state": {"outputs": written}},
    }
    main = main_of(models)
    assert 'value="typed"' in main
    assert 'data-model="view"' in main
    assert "printed" in main


class Elements(HTMLParser):
    """The names of every element and attribute."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.feed(markup)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names |= {tag, *(name for name, _ in attrs)}


@pytest.mark.parametrize("name", ["Text", "Textarea", "Label", "HTML", "Button", "Dropdown", "Unheard"])
def test_hostile_values_are_text(name: str) -> None:
    main = main_of({"it": control(name, value=HOSTILE, description=HOSTILE, _options_labels=[HOSTILE], index=0)})
    assert not {"script", "onerror"} & Elements(main).names
    assert "img" not in Elements(main).names or name == "HTML"  # one without an address, from its cleaned markup


def test_a_password_is_not_shown() -> None:
    assert "hunter2" not in main_of({"it": control("Password", value="hunter2")})


def test_a_widget_that_was_not_saved_shows_its_text_and_says_so() -> None:
    main = main_of({}, shown="gone")
    assert "Widget()" in main
    assert "it works where the notebook runs" in main
