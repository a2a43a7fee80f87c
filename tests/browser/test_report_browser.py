"""Reports in a real browser, cut off from the network."""

from pathlib import Path

import pytest
from notebook_samples import HOSTILE, WIDGET, write_notebook
from playwright.sync_api import Browser, Page
from watched import Watched

from erniem_lab.report import read_notebook, write_reports

pytestmark = pytest.mark.browser

CELLS = [
    f"HOSTILE = {HOSTILE!r}",
    "from IPython.display import HTML, Markdown, SVG, Javascript, display\n"
    "display(HTML(HOSTILE), Markdown(HOSTILE), Javascript(\"document.title='owned'\"))\n"
    'display(SVG(\'<svg xmlns="http://www.w3.org/2000/svg" onload="top.document.title=1"></svg>\'))\n'
    "display(HTML('<a href=javascript:document.title=1>x</a><iframe srcdoc=<script>1</script>></iframe>'))\n"
    "print(HOSTILE)",
    "import pandas\npandas.DataFrame({HOSTILE: [HOSTILE], 'share': ['0.5 [0.4, 0.6]']})",
    WIDGET,
    "from erniem_lab.report import record\nrecord(HOSTILE, HOSTILE)",
    "import ipywidgets\nipywidgets.IntSlider()",
    "raise ValueError(HOSTILE)",
]
NAME = "01_" + HOSTILE.replace("/", "")


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("browser")
    opening = f"# Is {HOSTILE} only text?\n\nYes: {HOSTILE}"
    chosen = [read_notebook(write_notebook(folder, NAME, CELLS, opening=opening, parameters=f"n = {HOSTILE!r}"))]
    write_reports(chosen, folder / "out", {}, progress=False)
    return folder / "out"


def open_report(watched: Watched, out: Path) -> Page:
    (path,) = (path for path in out.glob("*.html") if path.name != "index.html")
    watched.page.goto(path.as_uri())
    watched.page.wait_for_selector("button.own")
    return watched.page


def test_a_report_and_the_index_open_without_request_or_complaint(watched: Watched, out: Path) -> None:
    open_report(watched, out)
    watched.page.get_by_text("All reports").click()
    watched.page.get_by_role("heading", name="Reports", exact=True).wait_for()
    watched.page.locator("h2 a").click()
    watched.page.wait_for_selector("button.own")
    assert (watched.outside, watched.complaints) == ([], [])


def test_hostile_text_stays_text(watched: Watched, out: Path) -> None:
    page = open_report(watched, out)
    assert page.title().startswith("FAILED: Is </script><img")
    assert page.locator("[onerror], [onload], iframe, img[src=x], a[href^=javascript]").count() == 0
    assert page.locator("script").count() == 3
    page.goto((out / "index.html").as_uri())
    assert page.locator("[onerror], [onload], iframe, img[src]").count() == 0
    assert page.title() == "Reports on ERNIE-M"


def test_our_own_widget_is_drawn_and_answers(watched: Watched, out: Path) -> None:
    button = open_report(watched, out).locator("button.own").first
    assert button.inner_text().endswith("75")
    assert "<img src=x" in button.inner_text()
    assert button.evaluate("node => getComputedStyle(node).color") == "rgb(1, 2, 3)"
    button.click()
    assert button.inner_text().endswith("85")


def test_a_control_that_needs_a_kernel_says_so(watched: Watched, out: Path) -> None:
    assert open_report(watched, out).get_by_text("These controls need Python").count() == 1


def test_words_begin_at_the_left_and_numbers_end_at_the_right(watched: Watched, out: Path) -> None:
    table = open_report(watched, out).locator("table.dataframe").first
    sides = table.locator("tr").evaluate_all(
        "rows => rows.map(row => [...row.cells].map(cell => getComputedStyle(cell).textAlign))"
    )
    assert sides[0] == ["left", "left", "right"]
    assert sides[1][1:] == ["left", "right"]


def test_code_is_folded_until_it_is_asked_for(watched: Watched, out: Path) -> None:
    page = open_report(watched, out)
    code = page.locator("details.source .highlight").first
    assert not code.is_visible()
    page.get_by_role("button", name="Show all code").click()
    assert code.is_visible()


def test_a_policy_stops_what_cleaning_would_let_through(watched: Watched, out: Path) -> None:
    page = open_report(watched, out)
    page.evaluate("""document.body.insertAdjacentHTML("beforeend", "<img src=y onerror='document.title=1'>")""")
    page.wait_for_timeout(200)
    assert page.title().startswith("FAILED")
    assert watched.complaints
    assert all("Content Security Policy" in complaint for complaint in watched.complaints)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_its_ground(scheme: str, browser: Browser, out: Path) -> None:
    context = browser.new_context(color_scheme=scheme)  # type: ignore[arg-type]
    page = context.new_page()
    page.goto((out / "index.html").as_uri())
    colours = page.evaluate("(({color, backgroundColor}) => [color, backgroundColor])(getComputedStyle(document.body))")
    context.close()
    assert contrast(*colours) > 7  # the level AAA of the Web Content Accessibility Guidelines


def contrast(*colours: str) -> float:
    bright, dark = sorted((luminance(colour) for colour in colours), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


def luminance(colour: str) -> float:
    parts = [int(part) / 255 for part in colour.removeprefix("rgb(").removesuffix(")").split(",")]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))
