"""Widgets in a report: anywidget views stay alive, ipywidgets' own controls are pictures of themselves."""

from collections.abc import Callable, Mapping
from typing import Any

STATE_MIME = "application/vnd.jupyter.widget-state+json"
VIEW_MIME = "application/vnd.jupyter.widget-view+json"
WRITTEN = ("HTML", "HTMLMath")  # hold markup
Models = Mapping[str, Any]
Render = Callable[..., str]


def widget_models(content: Any) -> Models:
    """Every widget that the notebook saved, by its id.

    >>> from nbformat.v4 import new_notebook
    >>> widget_models(new_notebook())
    {}
    """
    models: Models = content.metadata.get("widgets", {}).get(STATE_MIME, {}).get("state", {})
    return models


def live_states(models: Models) -> dict[str, Any]:
    """What the page's script needs of the views that it can bring to life.

    >>> live_states({"a": {"state": {"_esm": "1"}}, "b": {"state": {"value": 2}}})
    {'a': {'state': {'_esm': '1'}, 'buffers': []}}
    """
    return {
        key: {"state": model["state"], "buffers": model.get("buffers", [])}
        for key, model in models.items()
        if "_esm" in model["state"]
    }


class WidgetPictures:
    """Draws saved widgets as HTML.

    Args:
        render: a template's text, given its name and values, all escaped.
        clean: markup without all that could run.
        output: one of a cell's outputs as HTML; Output widgets hold such.
    """

    def __init__(
        self, models: Models, *, render: Render, clean: Callable[[str], str], output: Callable[[Any], str]
    ) -> None:
        self._models, self._render, self._clean, self._output = models, render, clean, output

    def draw(self, key: str, still: str) -> str:
        """The widget; `still`, a picture or text of it, where nothing was saved, and until a view is alive."""
        if key not in self._models or "_esm" in self._models[key]["state"]:
            return self._render("widget.html.j2", model=key, still=still)
        inside = self._tree(key)
        return self._render("controls.html.j2", inside=inside, asks=" disabled" in inside)

    def _tree(self, key: str) -> str:
        """A widget with what is in it."""
        if key not in self._models:
            return ""
        name, state = self._models[key]["model_name"].removesuffix("Model"), self._models[key]["state"]
        if "_esm" in state:
            return self._render("widget.html.j2", model=key, still="")
        if "children" in state:
            parts = [self._tree(child.removeprefix("IPY_MODEL_")) for child in state["children"]]
            return self._render("box.html.j2", parts=parts, level=name == "HBox", titles=state.get("titles", ()))
        if name == "Output":
            return "".join(map(self._output, state["outputs"]))
        if name in WRITTEN:
            return self._clean(state["value"])
        shown = "" if name == "Password" else _shown(state)
        return self._render("control.html.j2", kind=name, state=state, shown=shown)


def _shown(state: Mapping[str, Any]) -> str:
    """A control's value as a reader would write it; of a picker the chosen label.

    >>> _shown({"_options_labels": ["ar", "zh"], "index": 1}), _shown({"value": [1, 3]}), _shown({"value": None})
    ('zh', '1 to 3', '')
    """
    if "_options_labels" in state:
        index = state.get("index")
        chosen = index if isinstance(index, list | tuple) else [] if index is None else [index]
        return ", ".join(str(state["_options_labels"][place]) for place in chosen)
    value = state.get("value")
    if isinstance(value, list | tuple):
        return " to ".join(map(str, value))
    return "" if value is None else str(value)
