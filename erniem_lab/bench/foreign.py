"""The other side of a pipe, and transformers 4.40.2 behind it: a process of its own, in another Python.

It is therefore run by its path, and imports nothing of this project. Each line of input is an order for one run, and
each is answered by a line. Whoever reads texts here cuts them as well; other peers are given ids.
"""

import functools
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
Work = Callable[[Sequence[str], Ids, int], Any]  # texts, their ids, how many at a time (0: own choice); vectors, if any
Order = Mapping[str, Any]  # a contender's fields, and folder, device, threads, texts, batch, vectors
Loader = Callable[[Order], Work]
Read = Callable[
    [Sequence[str], Ids], tuple[torch.Tensor, torch.Tensor]
]  # a batch's last states, and what is no padding

STATUS, RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")
PADDING = 1
BATCH = 32


def serve(loaders: Mapping[str, Loader], hint: str) -> None:
    """Run what each line of input orders; whoever is not installed, or fails, is a fault with what to do."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what libraries print must not look like an answer
    ready: dict[tuple[str, str], tuple[Work, int]] = {}
    for line in sys.stdin:
        order = json.loads(line)
        key = order["name"], order["folder"]
        try:
            ready[key] = ready.get(key) or _loaded(loaders, order)
            answer: dict[str, object] = _run(*ready[key], order)
        except ImportError as fault:
            answer = {"fault": f"{fault}; {hint}"}
        except Exception as fault:
            answer = {"fault": f"{type(fault).__name__}: {fault}"}
        print(json.dumps(answer), file=answers, flush=True)


def _loaded(loaders: Mapping[str, Loader], order: Order) -> tuple[Work, int]:
    """A contender ready to run, and the bytes that are held then."""
    _read(order["texts"])
    torch.set_num_threads(order["threads"])
    work = loaders[order["kind"]](order)
    return work, _status("VmRSS") if order["device"] == "cpu" else torch.cuda.memory_allocated()


def _run(work: Work, held: int, order: Order) -> dict[str, object]:
    """Seconds by the clock, and the most bytes above those held by what was loaded."""
    texts, ids = _read(order["texts"])
    on_cpu = order["device"] == "cpu"
    if not on_cpu:
        torch.cuda.reset_peak_memory_stats()
    elif RESET.exists():
        RESET.write_text("5")  # from here on VmHWM is the peak of this run
    start = time.perf_counter()
    vectors = work(texts, ids, order["batch"])
    seconds = time.perf_counter() - start
    peak = _status("VmHWM") if on_cpu else torch.cuda.max_memory_allocated()
    if order["vectors"] and isinstance(vectors, np.ndarray):
        np.save(order["vectors"], vectors)
    return {"seconds": seconds, "bytes": max(0, peak - held)}


@functools.lru_cache(1)
def _read(path: str) -> tuple[list[str], list[list[int]]]:
    found = json.loads(Path(path).read_text(encoding="utf-8"))
    return found["texts"], found["ids"]


def _status(name: str) -> int:
    """A line of Linux's account of this process, in bytes; 0 elsewhere."""
    lines = STATUS.read_text().splitlines() if STATUS.exists() else []
    return next((1024 * int(line.split()[1]) for line in lines if line.startswith(name)), 0)


def in_batches(read: Read, order: Order) -> Work:
    """Vectors of texts that are read so many at a time, as they arrive or the longest first: means over real tokens."""

    def work(texts: Sequence[str], ids: Ids, size: int) -> Any:
        numbers = sorted(range(len(ids)), key=lambda i: -len(ids[i])) if order["sort"] else list(range(len(ids)))
        batches = [numbers[start : start + (size or BATCH)] for start in range(0, len(ids), size or BATCH)]
        with torch.inference_mode():
            parts = [_pooled(*read([texts[i] for i in rows], [ids[i] for i in rows])) for rows in batches]
        vectors = np.empty((len(ids), parts[0].shape[1]), dtype=np.float32)
        vectors[numbers] = torch.cat(parts).float().cpu().numpy()
        return vectors

    return work


def _pooled(states: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    counted = mask[..., None].to(states.dtype)
    return (states * counted).sum(1) / counted.sum(1)


def touch(model: Any) -> Any:
    """The model, every weight read once, so that those that are mapped from a file are counted as loaded."""
    with torch.inference_mode():
        for weight in model.parameters():
            weight.sum()
    return model


def hugging_face(order: Order) -> Work:
    """transformers 4.40.2's own ErnieM, model and tokenizer."""
    from transformers import ErnieMModel, ErnieMTokenizer

    model = touch(ErnieMModel.from_pretrained(order["folder"]).eval().to(order["device"]))
    tokenizer = ErnieMTokenizer.from_pretrained(order["folder"])
    longest = model.config.max_position_embeddings - 2
    batched = {"padding": True, "return_tensors": "pt", "return_attention_mask": True, "truncation": True}

    def read(texts: Sequence[str], ids: Ids) -> tuple[torch.Tensor, torch.Tensor]:
        batch = tokenizer(texts, max_length=longest, **batched).to(model.device)
        return model(**batch).last_hidden_state, batch["attention_mask"]

    return in_batches(read, order)


def hugging_face_ids(order: Order) -> Work:
    """transformers 4.40.2's own tokenizer."""
    from transformers import ErnieMTokenizer

    tokenizer = ErnieMTokenizer.from_pretrained(order["folder"])
    return lambda texts, ids, size: tokenizer(texts)


PEERS: dict[str, Loader] = {"hf": hugging_face, "hf-ids": hugging_face_ids}

if __name__ == "__main__":
    serve(PEERS, "pip install transformers==4.40.2 sentencepiece torch into that environment")
