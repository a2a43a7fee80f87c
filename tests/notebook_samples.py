"""Tiny notebooks, made on the spot for the tests of reports."""

from collections.abc import Sequence
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

HOSTILE = "</script><img src=x onerror=\"document.title='owned'\"><!--'\"&\u2028"

WIDGET = '''
import anywidget, traitlets
class Counter(anywidget.AnyWidget):
    _esm = """export default { render({ model, el }) {
      const button = document.createElement("button");
      button.className = "own";
      const text = () => model.get("label") + model.get("value") + model.get("raw").getUint8(1);
      const draw = () => { button.textContent = text(); };
      button.onclick = () => { model.set("value", model.get("value") + 1); model.save_changes(); };
      model.on("change:value", draw); draw(); el.append(button);
    } }"""
    _css = ".own { color: rgb(1, 2, 3) }"
    value = traitlets.Int(7).tag(sync=True)
    label = traitlets.Unicode().tag(sync=True)
    raw = traitlets.Bytes(bytes([1, 5])).tag(sync=True)
Counter(label=HOSTILE)
'''


def write_notebook(
    folder: Path,
    name: str,
    cells: Sequence[str] = (),
    *,
    opening: str = "# What is it?\n\nIt is a test.",
    parameters: str = "n = 1",
) -> Path:
    """A notebook of an opening, parameters and code cells."""
    tagged = new_code_cell(parameters, metadata={"tags": ["parameters"]})
    content = new_notebook(cells=[new_markdown_cell(opening), tagged, *map(new_code_cell, cells)])
    path = folder / f"{name}.ipynb"
    nbformat.write(content, path)
    return path
