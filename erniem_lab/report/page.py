"""An executed notebook as one HTML file that needs nothing but a browser."""

import base64
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from erniem_lab.files.html import json_in_html, policy
from erniem_lab.report.clean import clean_html
from erniem_lab.report.jupyter import markdown_html, python_html, terminal_html
from erniem_lab.report.parameters import TAG
from erniem_lab.report.report import Report
from erniem_lab.report.widgets import VIEW_MIME, Models, WidgetPictures, live_states, widget_models

HIDDEN_TAGS = frozenset({TAG, "injected-parameters"})


def page(report: Report, content: Any) -> str:
    """The report's HTML: text, figures and tables open, code folded, and live anywidget views.

    Markup from the notebook is cleaned of all that could run, and a content security policy allows no script but
    the page's own. ipywidgets' own controls need a kernel; they show as they stood, and say so.
    """
    models = widget_models(content)
    states = live_states(models)
    scripts = [asset("page.js")] + ([asset("widgets.js")] if states else [])
    return _render(
        "page.html.j2",
        report=report,
        cells=[cell for cell in _Cells(models).shown(content) if cell["html"]],
        lede=_markdown(report.answer),
        scripts=scripts,
        policy=policy(scripts, modules=bool(states)),
        style=asset("style.css"),
        states=json_in_html(states),
    )


def asset(name: str) -> str:
    """A file of this module's ``assets``: a style sheet, a script, a template."""
    return (files("erniem_lab.report") / "assets" / name).read_text("utf-8")


class _Cells:
    """Cells as HTML, with the notebook's widgets at hand."""

    def __init__(self, models: Models) -> None:
        self._widgets = WidgetPictures(models, render=_render, clean=clean_html, output=self._output)

    def shown(self, content: Any) -> list[dict[str, str]]:
        """Every cell but the opening, whose text heads the page, and the parameters, which stand in its table."""
        opening = next((cell for cell in content.cells if cell.cell_type == "markdown"), None)
        shown = [cell for cell in content.cells if cell is not opening and not _is_hidden(cell)]
        return [{"kind": cell.cell_type, **self._cell(cell)} for cell in shown]

    def _cell(self, cell: Any) -> dict[str, str]:
        if cell.cell_type == "markdown":
            return {"html": _markdown(cell.source), "code": ""}
        if cell.cell_type != "code" or not cell.source.strip():
            return {"html": "", "code": ""}
        return {"html": "".join(map(self._output, cell.outputs)) or " ", "code": python_html(cell.source)}

    def _output(self, output: Any) -> str:
        kind = output["output_type"]
        if kind == "stream":
            return f'<pre class="{output["name"]}">{terminal_html(output["text"])}</pre>'
        if kind == "error":
            return f'<pre class="error">{terminal_html(chr(10).join(output["traceback"]))}</pre>'
        return self._rich(output["data"], output["metadata"])

    def _rich(self, data: Mapping[str, Any], metadata: Mapping[str, Any]) -> str:
        """The richest form of one output that a file without a kernel and a network can show."""
        still = _still(data, metadata) or f"<pre>{terminal_html(data.get('text/plain', ''))}</pre>"
        return self._widgets.draw(data[VIEW_MIME]["model_id"], still) if VIEW_MIME in data else still


def _is_hidden(cell: Any) -> bool:
    quiet = not any(output.output_type == "error" for output in cell.get("outputs", []))
    return quiet and bool(HIDDEN_TAGS & set(cell.metadata.get("tags", [])))


def _markdown(source: str) -> str:
    return clean_html(markdown_html(source))


def _still(data: Mapping[str, Any], metadata: Mapping[str, Any]) -> str:
    """The picture, table or text of an output."""
    if "image/svg+xml" in data:
        return _picture("svg+xml", base64.b64encode(data["image/svg+xml"].encode()).decode(), "")
    if "text/html" in data:
        return f'<div class="rich">{clean_html(data["text/html"])}</div>'
    for kind in ("png", "jpeg"):
        if f"image/{kind}" in data:
            own = metadata.get(f"image/{kind}", {})
            return _picture(kind, data[f"image/{kind}"], own.get("alt") or data.get("text/plain", ""), own.get("width"))
    return _markdown(data["text/markdown"]) if "text/markdown" in data else ""


def _picture(kind: str, content: str, alt: str, width: object = None) -> str:
    return _render("picture.html.j2", kind=kind, content="".join(content.split()), alt=alt, width=width)


def _render(name: str, **values: object) -> str:
    return templates().get_template(name).render(values)


@cache
def templates() -> Any:
    """The templates of this module, which escape whatever they are not told is clean."""
    from jinja2 import Environment, FunctionLoader

    environment = Environment(autoescape=True, loader=FunctionLoader(asset), trim_blocks=True, lstrip_blocks=True)
    environment.filters["file_link"] = _file_link
    environment.filters["markdown"] = _markdown
    return environment


def _file_link(name: str) -> str:
    """A link to a file beside the page, which no name can turn into another kind of address.

    >>> _file_link("javascript:alert(1)")
    './javascript%3Aalert%281%29'
    """
    from urllib.parse import quote

    return "./" + quote(name)
