"""This project's contenders, and what they are held against in the same Python; run as a module of its own."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from erniem_lab.bench.exported import onnx_runtime
from erniem_lab.bench.peers import PEERS, Ids, Loader, Order, Work, serve, touch
from erniem_lab.bench.products import limit
from erniem_lab.embedding import embed
from erniem_lab.model import ErnieMModel
from erniem_lab.tokenizer import ErnieMTokenizer


def ours(order: Order) -> Work:
    """`embed`, from texts to vectors."""
    model = ErnieMModel.from_pretrained(order["folder"], device=order["device"])
    tokenizer = ErnieMTokenizer.from_pretrained(order["folder"])
    touch(model)
    how = {"precision": order["precision"], "progress": False}

    def work(texts: Sequence[str], ids: Ids, size: int) -> Any:
        return embed(model, tokenizer, texts, batch_tokens=size or None, **how)

    return work


def tokenizer(order: Order) -> Work:
    """The tokenizer, each text's ids in a list."""
    found = ErnieMTokenizer.from_pretrained(order["folder"], model_max_length=10**9)
    return lambda texts, ids, size: found(list(texts))


def offsets(order: Order) -> Work:
    """The tokenizer, with the characters that each token stands for."""
    found = ErnieMTokenizer.from_pretrained(order["folder"], model_max_length=10**9)
    return lambda texts, ids, size: found(list(texts), return_offsets_mapping=True)


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
    command = [sys.executable, "-c", order["code"]]
    return lambda texts, ids, size: subprocess.run(command, check=True)


OWN: dict[str, Loader] = {
    **PEERS,
    "ours": ours,
    "limit": limit,
    "onnx": onnx_runtime,
    "tokenizer": tokenizer,
    "offsets": offsets,
    "sentencepiece": sentencepiece,
    "load": load,
    "read": read_file,
    "start": start,
}

if __name__ == "__main__":
    serve(OWN)
