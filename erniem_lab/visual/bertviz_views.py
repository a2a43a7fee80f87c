"""bertviz's three views of a trace, offline, in any script, and safe whatever the text says."""

import base64
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from erniem_lab.errors import InputValueError
from erniem_lab.neurons import trace_neurons
from erniem_lab.pretrained import ErnieMPreTrainedModel
from erniem_lab.tokenizer import ErnieMTokenizer
from erniem_lab.tracing import Trace
from erniem_lab.visual.bertviz_pages import NAMED, BertvizView, document
from erniem_lab.visual.scene import shown_layers
from erniem_lab.visual.still import still_png
from erniem_lab.visual.weights import pack
from erniem_lab.visual.words import as_words

Units = Literal["tokens", "words"]

HEAD_LINES = 50_000  # in one layer: 64 tokens in 12 heads, drawn in some 2 seconds
MODEL_LINES = 160_000  # in all layers: 33 tokens in 12 layers of 12 heads
NEURON_NUMBERS = 600_000  # of queries and keys, written out
LINE, FRAME, HEAD_FRAME = 23, 160, 90  # pixels of a token, and around them


def head_view(trace: Trace, *, layers: Sequence[int] | None = None, units: Units = "tokens") -> BertvizView:
    """bertviz's head view: lines from token to token, a colour for each head, one layer at a time.

    Args:
        layers: those to choose from, from 1; all if not given.
        units: "tokens", or "words", which give what their tokens give on average and get what they get together.

    Raises:
        InputValueError: no such layer or unit, or more lines than a browser draws in seconds.
        MissingExtraError: bertviz, mpld3 or xstatic-jquery is not installed.

    >>> from erniem_lab import MINI, ErnieMForMaskedLM, ErnieMTokenizer, trace
    >>> model, tokenizer = ErnieMForMaskedLM.from_pretrained(MINI), ErnieMTokenizer.from_pretrained(MINI)
    >>> "sha256-" in head_view(trace(model, tokenizer, "Good day.", "Bonjour.")).document
    True
    """
    shown, chosen = _shown(trace, layers, units)
    lines = shown.attention[0].size
    _guard("head_view", lines, HEAD_LINES, shown, "words, or a shorter text")
    data = _data(shown, chosen)
    data["settings"] |= {"default_filter": "0", "layer": chosen[0], "heads": None, "include_layers": chosen}
    html = document("head_view", data, pickers=["layer"], pair=bool(data["second"]))
    return BertvizView("head view", html, still_png(shown, chosen[0], "mean"), HEAD_FRAME + LINE * len(shown.tokens))


def model_view(trace: Trace, *, layers: Sequence[int] | None = None, units: Units = "tokens") -> BertvizView:
    """bertviz's model view: all heads of all layers at once, each of which opens when it is clicked.

    Args:
        layers: those to show, from 1; all if not given.
        units: "tokens", or "words", which give what their tokens give on average and get what they get together.

    Raises:
        InputValueError: no such layer or unit, or more lines than a browser draws in seconds.
        MissingExtraError: bertviz, mpld3 or xstatic-jquery is not installed.

    >>> from erniem_lab import MINI, ErnieMForMaskedLM, ErnieMTokenizer, trace
    >>> model, tokenizer = ErnieMForMaskedLM.from_pretrained(MINI), ErnieMTokenizer.from_pretrained(MINI)
    >>> model_view(trace(model, tokenizer, "Good day."), layers=[1]).title
    'model view'
    """
    shown, chosen = _shown(trace, layers, units)
    heads = shown.attention.shape[1]
    _guard(
        "model_view", shown.attention[: len(chosen)].size, MODEL_LINES, shown, "layers=[...], words, or a shorter text"
    )
    data = _data(shown, chosen)
    included = {"include_layers": chosen, "include_heads": list(range(heads)), "total_heads": heads}
    data["settings"] |= {"default_filter": "0", "display_mode": "light", **included}
    html = document("model_view", data, pickers=[], pair=bool(data["second"]))
    return BertvizView("model view", html, still_png(shown, "mean", "mean"), FRAME + 110 * len(chosen))


def neuron_view(
    model: ErnieMPreTrainedModel,
    tokenizer: ErnieMTokenizer,
    text: str,
    text_pair: str | None = None,
    *,
    layer: int = 1,
    head: int = 0,
) -> BertvizView:
    """bertviz's neuron view: how the parts of a query and a key come together to make a weight.

    Args:
        layer: the one that is shown first, from 1.
        head: the one that is shown first, from 0.

    Raises:
        InputValueError: no such layer or head, or more numbers than a page should hold.
        MissingExtraError: bertviz, mpld3 or xstatic-jquery is not installed.

    >>> from erniem_lab import MINI, ErnieMForMaskedLM, ErnieMTokenizer
    >>> model, tokenizer = ErnieMForMaskedLM.from_pretrained(MINI), ErnieMTokenizer.from_pretrained(MINI)
    >>> neuron_view(model, tokenizer, "Good day.").save("neurons.html").unlink()
    """
    found = trace_neurons(model, tokenizer, text, text_pair)
    trace = found.trace
    (chosen,) = shown_layers(trace, [layer])
    if not 0 <= head < trace.attention.shape[1]:
        raise InputValueError(f"head={head}: give 0 to {trace.attention.shape[1] - 1}")
    _guard("neuron_view", 2 * found.queries.size, NEURON_NUMBERS, trace, "a shorter text")
    data = _data(trace, shown_layers(trace, None))
    data |= {"pieces": NAMED if data["second"] else NAMED[:1]}
    data["neurons"] = {"queries": found.queries.round(3).tolist(), "keys": found.keys.round(3).tolist()}
    shows = {"display_mode": "light", "bidirectional": True, "layer": chosen - 1, "head": head}
    data["settings"] |= {"default_filter": "all", **shows}
    html = document("neuron_view", data, pickers=["layer", "att_head"], pair=bool(data["second"]))
    return BertvizView("neuron view", html, still_png(trace, layer, head), FRAME + LINE * len(trace.tokens))


def _shown(trace: Trace, layers: Sequence[int] | None, units: Units) -> tuple[Trace, list[int]]:
    if units not in ("tokens", "words"):
        raise InputValueError(f"units={units!r}: give 'tokens' or 'words'")
    return (as_words(trace) if units == "words" else trace), shown_layers(trace, layers)


def _data(trace: Trace, layers: Sequence[int]) -> dict[str, Any]:
    """What every view has: weights, once and a byte each, and tokens, none of them invisible."""
    attention = trace.attention[[layer - 1 for layer in layers]]
    second = int(np.argmax(trace.sentence == 1)) if len(trace.texts) > 1 else 0
    weights = base64.b64encode(pack(attention, budget=attention.size).data).decode()
    return {
        "settings": {},
        "tokens": [token if token.strip("▁ ") else "␣" for token in trace.tokens],
        "second": second,
        "shape": attention.shape[:3],
        "weights": weights,
    }


def _guard(name: str, size: int, limit: int, trace: Trace, way: str) -> None:
    if size > limit:
        tokens, (layers, heads) = len(trace.tokens), trace.attention.shape[:2]
        raise InputValueError(
            f"{name} of {tokens} tokens, {layers} layers and {heads} heads would hold {size:,} items, and takes up to "
            f"{limit:,}: give {way}; visual.explorer shows texts of any length"
        )
