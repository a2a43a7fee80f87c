"""This project's contenders, and what they are held against in the same Python; run as a module of its own."""

import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import pairwise
from pathlib import Path
from timeit import repeat
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from erniem_lab.bench.foreign import Ids, Loader, Order, Work, serve, touch
from erniem_lab.bench.xlm_roberta import by_onnx_runtime, by_sentence_transformers, by_transformers
from erniem_lab.config import ErnieMConfig
from erniem_lab.embedding import embed
from erniem_lab.model import ErnieMModel
from erniem_lab.tokenizer import ErnieMTokenizer

ROW = 1024  # tokens that are multiplied at a time: many enough for full speed, few enough for the cache
LEVELS = 127  # of int8 on either side of zero
ZERO = 128  # where zero lies in uint8

Matrix = Float[Tensor, "_ _"]
Product = Callable[[Tensor], Tensor]


def ours(order: Order) -> Work:
    """`embed`, from texts to vectors."""
    model = touch(ErnieMModel.from_pretrained(order["folder"], device=order["device"]))
    tokenizer = ErnieMTokenizer.from_pretrained(order["folder"])

    def work(texts: Sequence[str], ids: Ids, size: int) -> Any:
        row = max(1, size * sum(map(len, ids)) // len(ids)) if size else None
        return embed(model, tokenizer, texts, precision=order["precision"], batch_tokens=row, progress=False)

    return work


def tokenizer(order: Order, offsets: bool = False) -> Work:
    """The tokenizer, each text's ids in a list, with or without the characters that they stand for."""
    found = ErnieMTokenizer.from_pretrained(order["folder"], model_max_length=10**9)
    return lambda texts, ids, size: found(list(texts), return_offsets_mapping=offsets)


def sentencepiece(order: Order) -> Work:
    """The library under every such tokenizer, alone."""
    found = ErnieMTokenizer.from_pretrained(order["folder"]).sp_model
    return lambda texts, ids, size: found.encode(list(texts))


def load(order: Order) -> Work:
    """`from_pretrained`, every weight read once."""
    return lambda texts, ids, size: touch(ErnieMModel.from_pretrained(order["folder"]))


def read_file(order: Order) -> Work:
    """The weights' file, read once."""
    files = sorted(Path(order["folder"]).glob("*.safetensors"))
    return lambda texts, ids, size: [len(path.read_bytes()) for path in files]


def start(order: Order) -> Work:
    """A Python that runs one line and ends."""
    return lambda texts, ids, size: subprocess.run([sys.executable, "-c", f"import torch; {order['kind']}"], check=True)


def limit(order: Order) -> Work:
    """The matrix products alone, for as many tokens, by the engine that is fastest here.

    Attention between tokens is left out; for sentences it is less than one in a hundred of all multiplications.

    Raises:
        RuntimeError: this build of torch multiplies in no such precision.
    """
    engines = [multiply for engine in ENGINES[order["precision"]] for multiply in _by_engine(engine, order)]
    if not engines:
        raise RuntimeError(f"torch {torch.__version__} has no matrix products in {order['precision']}")
    fastest = min(engines, key=lambda multiply: min(repeat(partial(multiply, ROW), number=1, repeat=4)))
    return lambda texts, ids, size: fastest(sum(map(len, ids)))


def shapes(config: ErnieMConfig) -> list[tuple[int, int]]:
    """Width in and out of each matrix product; queries, keys and values are one.

    >>> shapes(ErnieMConfig(hidden_size=8, num_attention_heads=2, intermediate_size=32, num_hidden_layers=1))
    [(8, 24), (8, 8), (8, 32), (32, 8)]
    """
    hidden, inner = config.hidden_size, config.intermediate_size
    return [(hidden, 3 * hidden), (hidden, hidden), (hidden, inner), (inner, hidden)] * config.num_hidden_layers


def _by_engine(engine: Callable[[Matrix, str], Product], order: Order) -> Iterator[Callable[[int], None]]:
    """All products for so many tokens, with weights of each layer's own; nothing where torch has no such engine."""
    sizes = shapes(ErnieMConfig.from_pretrained(order["folder"]))
    device, generator = order["device"], torch.Generator().manual_seed(0)
    states = {wide: ENTRIES[order["precision"]](torch.randn(ROW, wide, generator=generator)) for wide, _ in sizes}
    states = {wide: rows.to(device) for wide, rows in states.items()}
    weights = (0.02 * torch.randn(out, wide, generator=generator) for wide, out in sizes)
    try:
        products = [engine(weight.to(device), order["precision"]) for weight in weights]
        products[0](states[sizes[0][0]])
    except (AttributeError, NotImplementedError, RuntimeError):
        return

    @torch.inference_mode()
    def multiply(tokens: int) -> None:
        for begin, end in pairwise([*range(0, tokens, ROW), tokens]):
            for product, (wide, _) in zip(products, sizes, strict=True):
                product(states[wide][: end - begin])
        if device != "cpu":
            torch.cuda.synchronize()

    yield multiply


def _plain(weight: Matrix, precision: str) -> Product:
    turned = weight.to(getattr(torch, precision)).t().contiguous()
    return lambda states: torch.mm(states, turned)


def _one_dnn(weight: Matrix, precision: str) -> Product:
    laid_out = torch.ops.mkldnn._reorder_linear_weight(weight.to(getattr(torch, precision)))
    return lambda states: torch.ops.mkldnn._linear_pointwise(states, laid_out, None, "none", [], "none")


def _one_dnn_int8(weight: Matrix, precision: str) -> Product:
    scale = weight.abs().amax(1) / LEVELS
    laid_out = torch.ops.onednn.qlinear_prepack((weight / scale[:, None]).round().to(torch.int8), None)
    parts = (laid_out, scale, torch.zeros(len(scale), dtype=torch.int64))
    rest: tuple[Any, ...] = (None, 1.0, 0, torch.float32, "none", [], "none")
    return lambda states: torch.ops.onednn.qlinear_pointwise(states, 1.0, ZERO, *parts, *rest)


ENGINES = {"float32": (_plain, _one_dnn), "bfloat16": (_plain, _one_dnn), "int8": (_one_dnn_int8,)}
ENTRIES: dict[str, Product] = {
    "float32": lambda rows: rows,
    "bfloat16": lambda rows: rows.bfloat16(),
    "int8": lambda rows: (rows * ZERO / 8 + ZERO).clamp(0, 255).to(torch.uint8),
}
OWN: dict[str, Loader] = {
    "ours": ours,
    "xlmr": by_transformers,
    "sentence-transformers": by_sentence_transformers,
    "onnx": by_onnx_runtime,
    "limit": limit,
    "ids": tokenizer,
    "offsets": partial(tokenizer, offsets=True),
    "sentencepiece": sentencepiece,
    "load": load,
    "read": read_file,
    "import erniem_lab": start,
    "import torch": start,
}

if __name__ == "__main__":
    serve(OWN, "pip install 'erniem-lab[bench]'")
