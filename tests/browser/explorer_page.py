"""What explorers show in a page of the browser, and how a user moves their controls."""

from playwright.sync_api import Locator, Page

EXPLORER = ".erniem-explorer"
PICTURE, OVERVIEW = f"{EXPLORER} canvas.picture", f"{EXPLORER} canvas.overview"
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
GROUND = """canvas => { const copy = document.createElement("canvas");
  const pen = copy.getContext("2d", { willReadFrequently: true });
  pen.drawImage(canvas, 0, 0);
  return pen.getImageData(1, 1, 1, 1).data[0]; }"""  # of a copy: reading the view's own would slow it down
CHANGED = """([view, before]) => view.querySelector(".status").textContent !== before"""


def drawn(page: Page | Locator, selector: str = PICTURE) -> int:
    """Pixels that differ from the ground."""
    return int(sum(page.locator(selector).first.evaluate(COLOURS)[1:]))


def is_dark(page: Page, selector: str = PICTURE) -> bool:
    """Whether the ground of a canvas is dark."""
    return int(page.locator(selector).first.evaluate(GROUND)) < 128


def choose(page: Page, name: str, label: str) -> None:
    page.locator(f"{EXPLORER} select[name={name}]").first.select_option(label=label)


def details(page: Page) -> str:
    return page.locator(f"{EXPLORER} .details").first.inner_text()


def status(page: Page) -> str:
    return page.locator(f"{EXPLORER} .status").first.inner_text()


def texts(page: Page) -> list[str]:
    """What stands in the first view's text boxes."""
    return [box.input_value() for box in page.locator(EXPLORER).first.locator(".trace input").all()]


def wait_for_change(page: Page, before: str) -> None:
    """Wait until the first view says something else than `status` did before."""
    page.wait_for_function(CHANGED, arg=[page.locator(EXPLORER).first.element_handle(), before])
