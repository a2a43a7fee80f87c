"""bertviz's views as documents that need no network: its own programs, and the libraries that they ask for, inlined.

d3 5 and jQuery are read from installed packages that carry them; nothing of them is part of this project.
"""

import base64
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

from erniem_lab.errors import MissingExtraError
from erniem_lab.files.html import json_in_html
from erniem_lab.visual.pages import page, save_page

Program = Literal["head_view", "model_view", "neuron_view"]
LIBRARIES = (("mpld3", "js/d3.v5.min.js"), ("xstatic.pkg.jquery", "data/jquery.min.js"))
ROOT = "bertviz"
FILTERS = ("All", "A → A", "B → B", "A → B", "B → A")
NAMED = ("all", "aa", "bb", "ab", "ba")  # the same, as neuron_view names them
STYLE = "body { margin: 8px; background: #ffffff; font-family: sans-serif; }"
STYLE_DARK = "body { margin: 8px; background: #000000; color: #cccccc; font-family: sans-serif; }"


@dataclass(frozen=True)
class BertvizView:
    """A view of bertviz, alive in its own frame; `still` is a PNG for where no frame may live.

    The picture lies behind the frame, so that it comes to light where the frame is taken out.

    >>> view = BertvizView("head view", "<!DOCTYPE html>", b"", 400)
    >>> view.save("view.html").unlink()
    """

    title: str
    document: str = field(repr=False)
    still: bytes = field(repr=False)
    height: int

    def save(self, path: str | Path) -> Path:
        """Write the view to one HTML file, which needs no network.

        Raises:
            FileFaultError: the name does not end in .html, or nothing can be written there.
        """
        return save_page(path, self.document)

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        picture, title = base64.b64encode(self.still).decode(), escape(self.title)
        cell = "grid-area:1/1;margin:0;min-width:0"
        frame = (
            f'<iframe sandbox="allow-scripts" title="{title}" srcdoc="{escape(self.document, quote=True)}" '
            f'style="{cell};position:relative;width:100%;height:{self.height}px;border:0;background:#ffffff"></iframe>'
        )
        still = f'<img alt="{title}" src="data:image/png;base64,{picture}">'
        behind = f'<figure style="{cell};contain:strict">{still}</figure>'  # as large as the frame, and under it
        markup = f'<div style="display:grid">{behind}{frame}</div>'
        return {"text/html": markup, "image/png": self.still, "text/plain": repr(self)}


def document(program: Program, data: dict[str, Any], *, pickers: Sequence[str], pair: bool, dark: bool = False) -> str:
    """The whole page of one of bertviz's views.

    Args:
        data: what `assets/bertviz/before.js` unpacks.
        pickers: of "layer" and "att_head", those that the view fills.

    Raises:
        MissingExtraError: bertviz, mpld3 or xstatic-jquery is not installed.
    """
    names = NAMED if program == "neuron_view" else range(len(FILTERS))
    options = "".join(f'<option value="{name}">{text}</option>' for name, text in zip(names, FILTERS, strict=True))
    chosen = f'Attention: <select id="filter">{options}</select>' if pair else ""
    labels = {"layer": "Layer", "att_head": "Head"}
    selects = " ".join(f'{labels[name]}: <select id="{name}"></select>' for name in pickers)
    data["settings"] |= {"root_div_id": ROOT}
    content = f'<script type="application/json" id="data">{json_in_html(data)}</script>'
    body = f'<div id="{ROOT}"><span>{selects} {chosen}</span><div id="vis"></div></div>\n{content}'
    before = (files("erniem_lab.visual") / "assets" / "bertviz" / "before.js").read_text("utf-8")
    scripts = [*(_library(*place) for place in LIBRARIES), before, _program(program)]
    return page(program.replace("_", " "), body, style=STYLE_DARK if dark else STYLE, scripts=scripts)


def _program(name: Program) -> str:
    """bertviz's own, reading its data from where `before.js` left it; layers count from 1."""
    text = _library("bertviz", f"{name}.js").replace("PYTHON_PARAMS", "window.bertviz_params")
    first = 'layerSelect.append($("<option />").val(i).text(i));'
    return text.replace(first, first.replace("text(i)", "text(i + 1)")).replace("console.log(", "void (")


def _library(package: str, name: str) -> str:
    try:
        text = (files(package) / name).read_text("utf-8")
    except (ModuleNotFoundError, FileNotFoundError) as fault:
        raise MissingExtraError(
            f"bertviz's views need {package} with {name}: pip install 'erniem-lab[lab]', or use visual.explorer"
        ) from fault
    return text.replace("</script", "<\\/script")
