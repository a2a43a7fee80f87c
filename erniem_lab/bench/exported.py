"""ONNX Runtime as a contender: the same weights, exported to a graph."""

import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import torch

from erniem_lab.bench.peers import Ids, Order, Work, in_batches, load_xlm_roberta, mean_pooled, padded


class _States(torch.nn.Module):
    """XLM-R's last states, of ids and mask alone, as exporters want it."""

    def __init__(self, model: torch.nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        return self.model(ids, attention_mask=mask).last_hidden_state


def onnx_runtime(order: Order) -> Work:
    """ONNX Runtime on the graph of the same XLM-R: float32, or int8 by its own dynamic quantisation.

    Raises:
        ImportError: onnxruntime, or what exports to it, is not installed.
    """
    import onnxruntime

    graph = _exported(order["folder"])
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = order["threads"]
    graph = graph if order["precision"] == "float32" else _rounded(graph)
    session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])

    def work(texts: Sequence[str], ids: Ids, size: int) -> Any:
        def read(rows: list[int]) -> torch.Tensor:
            batch, mask = padded([ids[i] for i in rows])
            (states,) = session.run(None, {"ids": batch.numpy(), "mask": mask.numpy()})
            return mean_pooled(torch.from_numpy(states), mask)

        return in_batches(read, list(map(len, ids)), size, order["sort"])

    return work


@cache
def _exported(folder: str) -> bytes:
    """The graph with its weights, in float32."""
    import onnx
    import onnxscript  # noqa: F401  # torch's exporter needs it, and says so less plainly

    axes = {0: torch.export.Dim("batch"), 1: torch.export.Dim("seq")}
    module = _States(load_xlm_roberta({"folder": folder, "precision": "float32", "device": "cpu"})).eval()
    how: dict[str, Any] = {"input_names": ["ids", "mask"], "output_names": ["states"]}
    given = padded([[0, 9, 9, 2], [0, 9, 2]])
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "model.onnx"
        torch.onnx.export(module, given, path, dynamo=True, dynamic_shapes=(axes, axes), verbose=False, **how)
        return onnx.load(path).SerializeToString()


def _rounded(graph: bytes) -> bytes:
    """The graph with weights in int8, and states rounded as they come."""
    from onnxruntime.quantization import QuantType, quantize_dynamic

    with tempfile.TemporaryDirectory() as scratch:
        given, made = (Path(scratch) / name for name in ("float32.onnx", "int8.onnx"))
        given.write_bytes(graph)
        quantize_dynamic(given, made, weight_type=QuantType.QInt8, per_channel=True)
        return made.read_bytes()
