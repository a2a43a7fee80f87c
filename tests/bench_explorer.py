"""Bytes, first draw and switch of the explorer beside bertviz, in Chromium, at several lengths.

    python tests/bench_explorer.py [--tokens 16 64 128 512] [--raw 16 64]

Synthetic attention of base size: 12 layers of 12 heads, a pair of sentences. Times are in milliseconds, medians of
several pages or switches; a switch is a change of the head or layer until all of it is on the canvas, or in the DOM
with its layout done. `raw` is what bertviz itself writes, with all weights as text, twice.
"""

import argparse
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median

import pandas as pd
import torch
from playwright.sync_api import Browser, Page, sync_playwright
from trace_samples import a_pair_trace

from erniem_lab.errors import InputValueError
from erniem_lab.tracing import Trace
from erniem_lab.visual import explorer, head_view

PAGES, SWITCHES = 5, 12
DRAWN = "performance.getEntriesByName('erniem-explorer').map(entry => entry.duration)"
READY = "performance.now()"
SWITCH = """async select => { const start = performance.now();
  select.selectedIndex = (select.selectedIndex + 1) % select.options.length;
  select.dispatchEvent(new Event("change", { bubbles: true }));
  await Promise.resolve();
  document.body.getBoundingClientRect();
  const canvas = document.querySelector("canvas.picture");
  if (canvas) await createImageBitmap(canvas);
  return performance.now() - start; }"""


def opened(browser: Browser, path: Path, selector: str) -> tuple[Page, float]:
    """A fresh page of the file, and how long it took from the first byte to the picture."""
    page = browser.new_page()
    page.set_default_timeout(300_000)
    page.goto(path.as_uri())
    page.wait_for_selector(selector, state="attached")
    return page, page.evaluate(READY)


def ours(browser: Browser, trace: Trace, folder: Path) -> dict[str, float]:
    """The explorer's bytes, first draw and switch of head."""
    path = explorer(trace).save(folder / "explorer.html")
    first, drawing = [], []
    for _ in range(PAGES):
        page, _ = opened(browser, path, ".erniem-explorer .status:not(:empty)")
        switches = [page.locator("select[name=head]").evaluate(SWITCH) for _ in range(SWITCHES)]
        once, *later = page.evaluate(DRAWN)
        first, drawing = [*first, once], [*drawing, *later]
        page.close()
    times = {"first draw": median(first), "switch": median(switches), "of it script": median(drawing)}
    return {"MB": path.stat().st_size / 1e6, **times}


def theirs(browser: Browser, trace: Trace, folder: Path) -> dict[str, float]:
    """bertviz's head view as `visual.head_view` saves it: bytes, opening, and switch of layer."""
    path = head_view(trace).save(folder / "bertviz.html")
    page, ready = opened(browser, path, "svg line")
    switches = [page.locator("select#layer").evaluate(SWITCH) for _ in range(3)]
    page.close()
    return {"MB": path.stat().st_size / 1e6, "first draw": ready, "switch": median(switches)}


def raw(trace: Trace) -> dict[str, float]:
    """The bytes that bertviz writes by itself."""
    import bertviz

    attention = [torch.tensor(layer)[None] for layer in trace.attention]
    second = int(trace.sentence.argmax())
    html = bertviz.head_view(attention, list(trace.tokens), second, html_action="return").data
    return {"MB": len(html.encode()) / 1e6}


def guarded(measure: Callable[[], dict[str, float]]) -> dict[str, float]:
    """What was measured; nothing where the view refuses the length."""
    try:
        return measure()
    except InputValueError:
        return {}


def main() -> None:
    """Print one table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tokens", type=int, nargs="+", default=[16, 64, 128, 512])
    parser.add_argument("--raw", type=int, nargs="*", default=[16, 64])
    chosen = parser.parse_args()
    rows = []
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for tokens in chosen.tokens:
            trace = a_pair_trace(tokens, layers=12, heads=12)
            rows.append({"tokens": tokens, "view": "explorer", **ours(browser, trace, folder)})
            found = guarded(lambda trace=trace: theirs(browser, trace, folder))
            rows.append({"tokens": tokens, "view": "bertviz, inlined", **found})
            if tokens in chosen.raw:
                rows.append({"tokens": tokens, "view": "bertviz, raw", **raw(trace)})
        browser.close()
    print(pd.DataFrame(rows).to_string(index=False, float_format="{:.1f}".format))


if __name__ == "__main__":
    main()
