"""The same arithmetic by other libraries: today's XLM-R with ERNIE-M's weights, given ids."""

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from erniem_lab.bench.foreign import BATCH, PADDING, Ids, Order, Work, in_batches, touch

PARTS = (  # ours, XLM-R's
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
SHAPE = ("vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size", "hidden_act")
MORE = ("max_position_embeddings", "layer_norm_eps", "pad_token_id")


def by_transformers(order: Order) -> Work:
    """transformers 5, with scaled_dot_product_attention."""
    model = _xlm_roberta(order["folder"]).to(order["device"], getattr(torch, order["precision"]))

    def read(texts: Sequence[str], ids: Ids) -> tuple[torch.Tensor, torch.Tensor]:
        batch, mask = (part.to(model.device) for part in _padded(ids))
        return model(batch, attention_mask=mask).last_hidden_state, mask

    return in_batches(read, order)


def by_sentence_transformers(order: Order) -> Work:
    """sentence-transformers, which sorts by length itself."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.models import Pooling

    model, known = _xlm_roberta(order["folder"]), dict[str, Sequence[int]]()

    class Reader(torch.nn.Module):
        """XLM-R, with ids that are looked up."""

        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def preprocess(self, texts: Sequence[str], **_: object) -> dict[str, torch.Tensor]:
            return dict(zip(("input_ids", "attention_mask"), _padded([known[text] for text in texts]), strict=True))

        def forward(self, features: dict[str, torch.Tensor], **_: object) -> dict[str, torch.Tensor]:
            states = self.model(features["input_ids"], attention_mask=features["attention_mask"]).last_hidden_state
            return {**features, "token_embeddings": states}

    encoder = SentenceTransformer(modules=[Reader(), Pooling(model.config.hidden_size)], device=order["device"])

    def work(texts: Sequence[str], ids: Ids, size: int) -> Any:
        known.update(zip(texts, ids, strict=True))
        return encoder.encode(list(texts), batch_size=size or BATCH, show_progress_bar=False)

    return work


def by_onnx_runtime(order: Order) -> Work:
    """ONNX Runtime on an exported graph: float32, or int8 by its own dynamic quantisation."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = order["threads"]
    graph = _exported(order["folder"], order["precision"])
    session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])

    def read(texts: Sequence[str], ids: Ids) -> tuple[torch.Tensor, torch.Tensor]:
        batch, mask = _padded(ids)
        (states,) = session.run(None, {"ids": batch.numpy(), "mask": mask.numpy()})
        return torch.from_numpy(states), mask

    return in_batches(read, order)


def _exported(folder: str, precision: str) -> bytes:
    """The graph with its weights, in float32, or in int8 with states rounded as they come."""
    import onnx
    import onnxscript  # noqa: F401  # torch's exporter needs it, and says so less plainly
    from onnxruntime.quantization import QuantType, quantize_dynamic

    axes = {0: torch.export.Dim("batch"), 1: torch.export.Dim("seq")}
    how: dict[str, Any] = {"input_names": ["ids", "mask"], "output_names": ["states"], "dynamic_shapes": (axes, axes)}
    model, given = _xlm_roberta(folder), _padded([[0, 9, 9, 2], [0, 9, 2]])
    with tempfile.TemporaryDirectory() as scratch:
        whole, rounded = (Path(scratch) / name for name in ("float32.onnx", "int8.onnx"))
        torch.onnx.export(model, given, whole, dynamo=True, verbose=False, **how)
        if precision == "int8":
            quantize_dynamic(whole, rounded, weight_type=QuantType.QInt8, per_channel=True)
        return onnx.load(rounded if precision == "int8" else whole).SerializeToString()


def _xlm_roberta(folder: str) -> Any:
    """XLM-R with ERNIE-M's weights."""
    import transformers
    from safetensors.torch import load_file

    names = json.loads((Path(folder) / "config.json").read_text(encoding="utf-8"))
    config = transformers.XLMRobertaConfig(**{name: names[name] for name in SHAPE + MORE}, type_vocab_size=1)
    config._attn_implementation = "sdpa"
    model = transformers.XLMRobertaModel(config, add_pooling_layer=False)
    weights = {_renamed(name): weight for name, weight in load_file(Path(folder) / "model.safetensors").items()}
    missing, _ = model.load_state_dict(weights, strict=False)
    for name in missing:  # the one vector of token types, which ERNIE-M has not
        model.state_dict()[name].zero_()
    return touch(model.eval())


def _renamed(name: str) -> str:
    """The name of a weight in XLM-R.

    >>> _renamed("ernie_m.encoder.layers.3.self_attn.self_attn.q_proj.bias")
    'encoder.layer.3.attention.self.query.bias'
    """
    name = name.removeprefix("ernie_m.")
    for ours, theirs in PARTS:
        name = name.replace(ours, theirs)
    return name


def _padded(ids: Ids) -> tuple[torch.Tensor, torch.Tensor]:
    """Ids side by side, and what is no padding."""
    longest = max(map(len, ids))
    rows = torch.tensor([[*row, *[PADDING] * (longest - len(row))] for row in ids])
    return rows, (rows != PADDING).long()
