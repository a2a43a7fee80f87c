"""Who looks at whom, in one text or pair: attention to walk through, alive in a notebook and in a saved file."""

import base64
from collections.abc import Callable, Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import anywidget
import numpy as np
import traitlets
from jaxtyping import Bool, Float

from erniem_lab.errors import InputValueError
from erniem_lab.files.html import json_in_html
from erniem_lab.probing.head_measures import Links
from erniem_lab.tracing import Trace
from erniem_lab.visual.pages import page, save_page
from erniem_lab.visual.scene import scene, shown_layers
from erniem_lab.visual.still import still_png
from erniem_lab.visual.weights import pack, rollout

Retrace = Callable[[str, str | None], Trace]
Align = Callable[[Trace], Links]

ROOMY = 40  # tokens that are read along a line; more stand in lists
SETTINGS = (
    "scene", "layer", "head", "token", "view", "pair", "units", "specials", "threshold", "mass", "statistic",
    "can_trace", "fault", "texts",
)  # fmt: skip
SAVED_STYLE = "body { margin: 12px; background: Canvas; color-scheme: light dark; }"


def program() -> str:
    """The view as one ES module, joined from its parts."""
    folder = files("erniem_lab.visual") / "assets" / "explorer"
    parts = sorted((part for part in folder.iterdir() if part.name[0].isdigit()), key=lambda part: part.name)
    return "\n".join(part.read_text("utf-8") for part in parts)


@cache
def asset(name: str) -> str:
    """A file of the view's folder."""
    return (files("erniem_lab.visual") / "assets" / "explorer" / name).read_text("utf-8")


class Explorer(anywidget.AnyWidget):
    """Attention on a canvas, with pickers for layer and head; every choice is a trait, set here or in the view.

    `layer` counts from 1, or is "mean"; `head` counts from 0, or is "mean" or "rollout"; `token` is the pinned one or
    None; `texts` is the text or pair: setting it, or typing another, traces it.

    >>> from erniem_lab import MINI, ErnieMForMaskedLM, ErnieMTokenizer, trace
    >>> model, tokenizer = ErnieMForMaskedLM.from_pretrained(MINI), ErnieMTokenizer.from_pretrained(MINI)
    >>> follow = lambda *texts: trace(model, tokenizer, *texts)
    >>> view = Explorer(follow("Good day.", "Bonjour."), retrace=follow)
    >>> view.texts = ["Good night.", "Bonne nuit."]
    >>> view.show_largest("crossing")
    >>> view.statistic, view.scene["texts"][0], view.save("view.html").unlink()
    ('crossing', 'Good night.', None)
    """

    _esm = program()
    _css = asset("explorer.css")

    scene = traitlets.Dict().tag(sync=True)
    weights = traitlets.Bytes().tag(sync=True)
    texts = traitlets.List(traitlets.Unicode()).tag(sync=True)
    layer = traitlets.Union([traitlets.Int(), traitlets.Enum(["mean"])]).tag(sync=True)
    head = traitlets.Union([traitlets.Int(), traitlets.Enum(["mean", "rollout"])]).tag(sync=True)
    token = traitlets.Int(None, allow_none=True).tag(sync=True)
    view = traitlets.Enum(["rows", "columns", "matrix"], "rows").tag(sync=True)
    pair = traitlets.Enum(["all", "aa", "ab", "ba", "bb"], "all").tag(sync=True)
    units = traitlets.Enum(["tokens", "words"], "tokens").tag(sync=True)
    specials = traitlets.Bool(True).tag(sync=True)
    threshold = traitlets.Float(0.04, min=0, max=1).tag(sync=True)
    mass = traitlets.Float(1.0, min=0, max=1).tag(sync=True)
    statistic = traitlets.Unicode().tag(sync=True)
    can_trace = traitlets.Bool(False).tag(sync=True)
    fault = traitlets.Unicode().tag(sync=True)

    def __init__(
        self,
        trace: Trace,
        *,
        retrace: Retrace | None = None,
        align: Align | None = None,
        layers: Sequence[int] | None = None,
        allowed: Bool[np.ndarray, "query key"] | None = None,
    ) -> None:
        self._retrace, self._align, self._layers = retrace, align, layers
        super().__init__(can_trace=retrace is not None)
        self._show(trace, allowed)
        self.view = "rows" if len(trace.tokens) <= ROOMY else "columns"
        self.on_msg(self._answer)

    @traitlets.validate("layer", "head", "token", "statistic")
    def _known(self, proposal: Any) -> Any:
        name, value = proposal["trait"].name, proposal["value"]
        accepted = self._accepted(name)
        if value not in accepted:
            raise InputValueError(f"{name}={value!r}: give one of {', '.join(map(repr, accepted))}")
        return value

    @traitlets.validate("texts")
    def _traceable(self, proposal: Any) -> Any:
        texts = proposal["value"]
        if texts == self.scene["texts"] or (self._retrace and len(texts) in (1, 2)):
            return texts
        raise InputValueError(f"texts={texts}: give one text or two, to a view that was made with retrace=...")

    def _accepted(self, name: str) -> list[Any]:
        return {
            "layer": [*self.scene["layers"], "mean"],
            "head": [*range(self.scene["heads"]), "mean", "rollout"],
            "token": [None, *range(len(self.scene["tokens"]))],
            "statistic": [statistic["name"] for statistic in self.scene["statistics"]],
        }[name]

    @traitlets.observe("texts")
    def _follow(self, change: Any) -> None:
        """Trace another text; one that cannot be traced leaves the picture as it is, and says why."""
        if self._retrace is None or change["new"] == self.scene["texts"]:
            return
        first, second = (*change["new"], None)[:2]
        try:
            self._show(self._retrace(first, second), None)
            self.fault = ""
        except Exception as fault:  # whatever stops it belongs into the view
            self.fault = str(fault)

    def _show(self, trace: Trace, allowed: Bool[np.ndarray, "query key"] | None) -> None:
        chosen = shown_layers(trace, self._layers)
        packed = pack(_with_rollout(trace, chosen))
        links = self._align(trace) if self._align else ()
        found = scene(trace, chosen, kept=packed.kept, share=packed.share, links=links, allowed=allowed)
        self._trace = trace
        with self.hold_sync():
            self.scene, self.weights, self.texts = dict(found), packed.data, list(trace.texts)
            self.token = None
            self.layer = self.layer if self.layer in self._accepted("layer") else chosen[-1]
            self.head = self.head if self.head in self._accepted("head") else 0
            names = self._accepted("statistic")
            self.statistic = self.statistic if self.statistic in names else names[0]

    def _answer(self, _: Any, message: Any, __: Any) -> None:
        """Tell a view that asks that Python is here."""
        if message.get("kind") == "hello":
            self.send({"kind": "here"})

    def show_largest(self, statistic: str) -> None:
        """Colour the heads by a statistic, and choose the layer and head where it is largest."""
        self.statistic = statistic
        (values,) = (entry["values"] for entry in self.scene["statistics"] if entry["name"] == statistic)
        row, head = np.unravel_index(np.argmax(values), np.shape(values))
        self.layer, self.head = self.scene["layers"][int(row)], int(head)

    def save(self, path: str | Path) -> Path:
        """Write the view as it stands to one HTML file, which is alive without Python and needs no network.

        Raises:
            FileFaultError: the name does not end in .html, or nothing can be written there.
        """
        return save_page(path, self.html())

    def html(self) -> str:
        """The document that `save` writes."""
        values = {name: getattr(self, name) for name in SETTINGS}
        content = json_in_html({"values": values, "weights": base64.b64encode(self.weights).decode()})
        body = f'<div id="view"></div>\n<script type="application/json" id="values">{content}</script>'
        style = SAVED_STYLE + asset("explorer.css")
        scripts = [program() + asset("saved.js")]
        return page(" | ".join(self.scene["texts"]), body, style=style, scripts=scripts, kind="module")

    def __repr__(self) -> str:
        return f"attention in {' | '.join(self.texts)}: layer {self.layer}, head {self.head}"

    def _repr_mimebundle_(self, **options: Any) -> Any:
        """The live view, and a still picture of it for where none can live."""
        data, metadata = super()._repr_mimebundle_(**options) or ({}, {})
        return {**data, "image/png": still_png(self._trace, self.layer, self.head)}, metadata


def explorer(
    trace: Trace,
    *,
    retrace: Retrace | None = None,
    align: Align | None = None,
    layers: Sequence[int] | None = None,
    allowed: Bool[np.ndarray, "query key"] | None = None,
) -> Explorer:
    """Attention to walk through: layers and heads, lines or matrix, words or subwords, in any script.

    Args:
        retrace: follows another text that is typed into the view, or set as `texts`; `functools.partial(trace, model,
            tokenizer)` does.
        align: the links between a trace's words, gold or found; heads can then be coloured by how they agree.
        layers: the layers to show, from 1; all if not given.
        allowed: who may read whom, where a reading table forbids some; nothing is drawn there, and cells are crossed.

    Raises:
        InputValueError: no such layer, or too many tokens for the layers to fit into 4 MB.

    >>> from erniem_lab import MINI, ErnieMForMaskedLM, ErnieMTokenizer, trace
    >>> model, tokenizer = ErnieMForMaskedLM.from_pretrained(MINI), ErnieMTokenizer.from_pretrained(MINI)
    >>> view = explorer(trace(model, tokenizer, "Good day.", "Bonjour."))
    >>> view.layer, view.head = 1, "mean"
    >>> view.scene["texts"]
    ['Good day.', 'Bonjour.']
    """
    return Explorer(trace, retrace=retrace, align=align, layers=layers, allowed=allowed)


def _with_rollout(trace: Trace, layers: Sequence[int]) -> Float[np.ndarray, "layer head query key"]:
    """Every head's attention in some layers, and after the heads what has come through up to that layer."""
    rows = [layer - 1 for layer in layers]
    return np.concatenate([trace.attention[rows], rollout(trace.attention)[rows][:, None]], axis=1)
