"""The machine's limit: the matrix products that a model needs for some tokens, and nothing else.

Attention between tokens is left out; for sentences it is less than one in a hundred of all multiplications.
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from erniem_lab.bench.peers import Ids, Order, Work
from erniem_lab.config import ErnieMConfig

ROW = 1024  # tokens that are multiplied at a time: many enough for full speed, few enough for the cache
LEVELS = 127  # of int8 on either side of zero
ZERO = 128  # where zero lies in uint8

Matrix = Float[Tensor, "_ _"]
Product = Callable[[Matrix], Matrix]


def shapes(config: ErnieMConfig) -> list[tuple[int, int]]:
    """Width in and out of each matrix product of a layer; queries, keys and values are one.

    >>> shapes(ErnieMConfig(hidden_size=8, num_attention_heads=2, intermediate_size=32))
    [(8, 24), (8, 8), (8, 32), (32, 8)]
    """
    hidden, inner = config.hidden_size, config.intermediate_size
    return [(hidden, 3 * hidden), (hidden, hidden), (hidden, inner), (inner, hidden)]


def multiplications(config: ErnieMConfig) -> int:
    """How many multiplications with an addition each a token takes in the products of all layers.

    >>> multiplications(ErnieMConfig(hidden_size=8, num_attention_heads=2, intermediate_size=32, num_hidden_layers=2))
    1536
    """
    return config.num_hidden_layers * sum(wide * out for wide, out in shapes(config))


def limit(order: Order) -> Work:
    """The products for as many tokens as the texts have, with weights of each layer's own, by one engine.

    Raises:
        ImportError: this build of torch has no such engine.
    """
    config = ErnieMConfig.from_pretrained(order["folder"])
    device, dtype = order["device"], getattr(torch, order["precision"])
    make = ENGINES[order["engine"]]
    generator = torch.Generator().manual_seed(0)
    sizes = shapes(config) * config.num_hidden_layers
    states = {wide: torch.randn(ROW, wide, generator=generator) for wide, _ in sizes}
    try:
        weights = (0.02 * torch.randn(out, wide, generator=generator) for wide, out in sizes)
        products = [make(weight.to(device), dtype) for weight in weights]
        given = {wide: ENTRIES[dtype](rows).to(device) for wide, rows in states.items()}
        products[0](given[sizes[0][0]])
    except (AttributeError, NotImplementedError, RuntimeError) as fault:
        raise ImportError(f"torch {torch.__version__} has no {order['engine']} for {order['precision']}") from fault

    def work(texts: Sequence[str], ids: Ids, size: int) -> None:
        with torch.inference_mode():
            left = sum(map(len, ids))
            while left > 0:
                for product, (wide, _) in zip(products, sizes, strict=True):
                    product(given[wide][:left])
                left -= ROW
            _finish(device)

    return work


def _plain(weight: Matrix, dtype: torch.dtype) -> Product:
    turned = weight.to(dtype).t().contiguous()
    return lambda states: torch.mm(states, turned)


def _one_dnn(weight: Matrix, dtype: torch.dtype) -> Product:
    laid_out = torch.ops.mkldnn._reorder_linear_weight(weight.to(dtype))
    return lambda states: torch.ops.mkldnn._linear_pointwise(states, laid_out, None, "none", [], "none")


def _one_dnn_int8(weight: Matrix, dtype: torch.dtype) -> Product:
    scale = weight.abs().amax(1) / LEVELS
    laid_out = torch.ops.onednn.qlinear_prepack((weight / scale[:, None]).round().to(torch.int8), None)
    parts = (laid_out, scale, torch.zeros(len(scale), dtype=torch.int64))
    rest: tuple[Any, ...] = (None, 1.0, 0, torch.float32, "none", [], "none")
    return lambda states: torch.ops.onednn.qlinear_pointwise(states, 1.0, ZERO, *parts, *rest)


def _finish(device: str) -> None:
    if device != "cpu":
        torch.cuda.synchronize()


ENGINES = {"mm": _plain, "onednn": _one_dnn, "onednn-int8": _one_dnn_int8}
ENTRIES = {
    torch.float32: lambda rows: rows,
    torch.bfloat16: lambda rows: rows.to(torch.bfloat16),
    torch.int8: lambda rows: (rows * ZERO / 8 + ZERO).clamp(0, 255).to(torch.uint8),
}
