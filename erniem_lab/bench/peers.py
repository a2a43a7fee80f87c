"""The other side of a pipe: one contender in a process of its own, which may be another Python without this project.

It is therefore run by its path, and imports nothing of the project. One JSON object on the first line of input says
what to load; each further line asks for one run, and each is answered by a line. Peers other than the tokenizer's
owner are given token ids, so that cutting text costs them nothing.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

Ids = Sequence[Sequence[int]]
Work = Callable[[Sequence[str], Ids, int], Any]  # texts, their ids, and how many at a time; vectors, or whatever
Order = Mapping[str, Any]  # folder, device, threads, precision, sort: what a contender is made of
Loader = Callable[[Order], Work]

STATUS, RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")
PADDING = 1
XLMR_PARTS = (  # ours, XLM-R's
    ("encoder.layers.", "encoder.layer."),
    ("self_attn.self_attn.q_proj", "attention.self.query"),
    ("self_attn.self_attn.k_proj", "attention.self.key"),
    ("self_attn.self_attn.v_proj", "attention.self.value"),
    ("self_attn.out_proj", "attention.output.dense"),
    ("linear1", "intermediate.dense"),
    ("linear2", "output.dense"),
    ("norm1", "attention.output.LayerNorm"),
    ("norm2", "output.LayerNorm"),
    ("layer_norm", "LayerNorm"),
)


def serve(loaders: Mapping[str, Loader]) -> None:
    """Load what the first line lists, say what of it is there, then run one or the other as often as asked."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what libraries print must not look like an answer
    orders = json.loads(sys.stdin.readline())
    torch.set_num_threads(orders[0]["threads"])
    works: dict[str, Work] = {}
    missing: dict[str, str] = {}
    for order in orders:
        try:
            works[order["name"]] = loaders[order["kind"]](order)
        except ImportError as fault:
            missing[order["name"]] = str(fault)
    print(json.dumps(missing), file=answers, flush=True)
    texts, held, device = _Texts(), 0, orders[0]["device"]
    for line in sys.stdin:
        asked = json.loads(line)
        texts.read(asked["texts"])
        held = held or _status("VmRSS")
        print(json.dumps(_run(works[asked["name"]], texts, asked, held, device)), file=answers, flush=True)


class _Texts:
    """The texts of a file and their ids, read again only where the file is another."""

    def __init__(self) -> None:
        self.path = ""
        self.texts: list[str] = []
        self.ids: list[list[int]] = []

    def read(self, path: str) -> None:
        if path != self.path:
            found = json.loads(Path(path).read_text(encoding="utf-8"))
            self.path, self.texts, self.ids = path, found["texts"], found["ids"]


def _run(work: Work, texts: _Texts, asked: Order, held: int, device: str) -> dict[str, float]:
    """Seconds by the clock and of processor time, and the most bytes above those held by what was loaded."""
    if RESET.exists():
        RESET.write_text("5")  # from here on VmHWM is the peak of this run
    loaded = _on_device(device, reset=True)
    busy, start = _busy(), time.perf_counter()
    vectors = work(texts.texts, texts.ids, asked["batch"])
    seconds, busy = time.perf_counter() - start, _busy() - busy
    size = _on_device(device) - loaded if device != "cpu" else _status("VmHWM") - held
    if asked["vectors"]:
        np.save(asked["vectors"], np.asarray(vectors, dtype=np.float32))
    return {"seconds": seconds, "busy": busy, "bytes": size}


def _busy() -> float:
    """Processor seconds of this process and of those that it started."""
    return time.process_time() + sum(os.times()[2:4])


def _status(name: str) -> int:
    """A line of Linux's account of this process, in bytes; 0 elsewhere."""
    lines = STATUS.read_text().splitlines() if STATUS.exists() else []
    return next((1024 * int(line.split()[1]) for line in lines if line.startswith(name)), 0)


def _on_device(device: str, *, reset: bool = False) -> int:
    if device == "cpu":
        return 0
    if reset:
        torch.cuda.reset_peak_memory_stats()
    return torch.cuda.max_memory_allocated()


def in_batches(read: Callable[[list[int]], Any], lengths: Sequence[int], size: int, sort: bool) -> Any:
    """The vectors of texts that are read so many at a time, as they arrive or the longest first."""
    order = sorted(range(len(lengths)), key=lambda i: -lengths[i]) if sort else list(range(len(lengths)))
    parts = [read(order[start : start + size]) for start in range(0, len(order), size)]
    vectors = np.empty((len(order), parts[0].shape[1]), dtype=np.float32)
    vectors[order] = torch.cat(parts).float().cpu().numpy()
    return vectors


def padded(ids: Ids) -> tuple[torch.Tensor, torch.Tensor]:
    """Ids side by side, and what is no padding."""
    longest = max(map(len, ids))
    rows = torch.tensor([[*row, *[PADDING] * (longest - len(row))] for row in ids])
    return rows, (rows != PADDING).long()


def mean_pooled(states: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """The mean over tokens, padding left out."""
    counted = mask[..., None].to(states.dtype)
    return (states * counted).sum(1) / counted.sum(1)


def hugging_face(order: Order) -> Work:
    """transformers 4.40.2's own ErnieM, model and tokenizer."""
    transformers = _with_ernie_m()
    model = transformers.ErnieMModel.from_pretrained(order["folder"]).eval().to(order["device"])
    cut = hugging_face_tokenizer(order)
    longest = model.config.max_position_embeddings - 2
    touch(model)

    def work(texts: Sequence[str], ids: Ids, size: int) -> Any:
        def read(rows: list[int]) -> torch.Tensor:
            batch = cut([texts[i] for i in rows], [], longest).to(model.device)
            return mean_pooled(model(**batch).last_hidden_state, batch["attention_mask"])

        with torch.inference_mode():
            return in_batches(read, list(map(len, ids)), size, order["sort"])

    return work


def hugging_face_tokenizer(order: Order) -> Work:
    """transformers 4.40.2's own tokenizer; the last argument is the longest text in tokens, or 0."""
    transformers = _with_ernie_m()
    tokenizer = transformers.ErnieMTokenizer.from_pretrained(order["folder"])
    batched = {"padding": True, "return_tensors": "pt", "return_attention_mask": True, "truncation": True}
    return lambda texts, ids, longest: tokenizer(texts, **({**batched, "max_length": longest} if longest else {}))


def hugging_face_load(order: Order) -> Work:
    """transformers 4.40.2's from_pretrained."""
    transformers = _with_ernie_m()
    return lambda texts, ids, size: touch(transformers.ErnieMModel.from_pretrained(order["folder"]))


def _with_ernie_m() -> Any:
    """A transformers that still has the model."""
    transformers = _quiet_transformers()
    if not hasattr(transformers, "ErnieMModel"):
        raise ImportError(f"transformers {transformers.__version__} has no ErnieM; it needs transformers==4.40.2")
    return transformers


def xlm_roberta(order: Order) -> Work:
    """Today's XLM-R with scaled_dot_product_attention and the same weights: its arithmetic is ERNIE-M's."""
    model = load_xlm_roberta(order)

    def work(texts: Sequence[str], ids: Ids, size: int) -> Any:
        def read(rows: list[int]) -> torch.Tensor:
            batch, mask = (part.to(model.device) for part in padded([ids[i] for i in rows]))
            return mean_pooled(model(batch, attention_mask=mask).last_hidden_state, mask)

        with torch.inference_mode():
            return in_batches(read, list(map(len, ids)), size, order["sort"])

    return work


def load_xlm_roberta(order: Order) -> Any:
    """XLM-R with ERNIE-M's weights."""
    transformers = _quiet_transformers()
    from safetensors.torch import load_file

    folder = Path(order["folder"])
    names = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    given = ("vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size", "hidden_act")
    more = ("max_position_embeddings", "layer_norm_eps", "pad_token_id")
    config = transformers.XLMRobertaConfig(**{name: names[name] for name in (*given, *more)}, type_vocab_size=1)
    config._attn_implementation = "sdpa"
    model = transformers.XLMRobertaModel(config, add_pooling_layer=False)
    weights = {_as_xlm_roberta(name): weight for name, weight in load_file(folder / "model.safetensors").items()}
    missing, _ = model.load_state_dict(weights, strict=False)
    for name in missing:  # the one vector of token types, which ERNIE-M has not
        model.state_dict()[name].zero_()
    model = model.eval().to(order["device"], getattr(torch, order["precision"]))
    touch(model)
    return model


def _as_xlm_roberta(name: str) -> str:
    """The name of a weight in XLM-R.

    >>> _as_xlm_roberta("ernie_m.encoder.layers.3.self_attn.self_attn.q_proj.bias")
    'encoder.layer.3.attention.self.query.bias'
    """
    name = name.removeprefix("ernie_m.")
    for ours, theirs in XLMR_PARTS:
        name = name.replace(ours, theirs)
    return name


def sentence_transformers(order: Order) -> Work:
    """sentence-transformers around the same XLM-R; it sorts by length itself."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.models import Pooling

    model, known = load_xlm_roberta(order), dict[str, Sequence[int]]()

    class Reader(torch.nn.Module):
        """XLM-R, with ids that are looked up."""

        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def preprocess(self, texts: Sequence[str], **_: object) -> dict[str, torch.Tensor]:
            return dict(zip(("input_ids", "attention_mask"), padded([known[text] for text in texts]), strict=True))

        def forward(self, features: dict[str, torch.Tensor], **_: object) -> dict[str, torch.Tensor]:
            states = self.model(features["input_ids"], attention_mask=features["attention_mask"]).last_hidden_state
            return {**features, "token_embeddings": states}

    encoder = SentenceTransformer(modules=[Reader(), Pooling(model.config.hidden_size)], device=order["device"])

    def work(texts: Sequence[str], ids: Ids, size: int) -> Any:
        known.update(zip(texts, ids, strict=True))
        return encoder.encode(list(texts), batch_size=size, show_progress_bar=False)

    return work


def _quiet_transformers() -> Any:
    import transformers

    transformers.logging.set_verbosity_error()
    return transformers


def touch(model: Any) -> None:
    """Read every weight once, so that those that are mapped from a file are counted as loaded."""
    with torch.inference_mode():
        for weight in model.parameters():
            weight.sum()


PEERS: dict[str, Loader] = {
    "hf": hugging_face,
    "hf-tokenizer": hugging_face_tokenizer,
    "hf-load": hugging_face_load,
    "xlmr": xlm_roberta,
    "sentence-transformers": sentence_transformers,
}

if __name__ == "__main__":
    serve(PEERS)
