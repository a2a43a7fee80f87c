"""Sentence vectors for a whole corpus: texts of like length in rows without padding, results in the caller's order."""

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from tqdm import tqdm

from erniem_lab.errors import InputTypeError, InputValueError
from erniem_lab.model import ErnieMModel
from erniem_lab.packing import Packing, packed
from erniem_lab.precision import Precision, reading_twin
from erniem_lab.pretrained import ErnieMPreTrainedModel
from erniem_lab.tokenizer import ErnieMTokenizer

Pooling = Literal["mean", "cls"]
BATCH_TOKENS = 4096  # for readers that pad
ROW_TOKENS = {"cpu": 256}  # a layer's states then stay in the processor's cache; more is slower, and takes memory
DEVICE_TOKENS = 16_384


def embed(
    model: ErnieMPreTrainedModel,
    tokenizer: ErnieMTokenizer,
    texts: Sequence[str],
    *,
    layer: int = -1,
    pooling: Pooling = "mean",
    precision: Precision = "float32",
    batch_tokens: int | None = None,
    progress: bool = True,
) -> Float[np.ndarray, "text hidden"]:
    """One vector for each text, in the order of the texts. Texts longer than the model are cut.

    Args:
        layer: whose states are pooled; 0 is the embedding output, -1 the last layer. Layers above are not computed.
        pooling: "mean" over all tokens, [CLS] and [SEP] included as in XTREME; or "cls", the first.
        precision: of the matrix products; see `erniem_lab.precision`.
        batch_tokens: tokens that are computed at a time, at most but for a text that is longer; by default as
            many as are fast on the model's device.

    Raises:
        InputTypeError: a single string, or something other than strings.
        InputValueError: no such layer, pooling or precision.

    >>> from erniem_lab import MINI, ErnieMForMaskedLM
    >>> model, tokenizer = ErnieMForMaskedLM.from_pretrained(MINI), ErnieMTokenizer.from_pretrained(MINI)
    >>> embed(model, tokenizer, ["Good day.", "Bonjour."], progress=False).shape[0]
    2
    """
    return embed_layers(
        model, tokenizer, texts, layers=[layer], pooling=pooling, precision=precision, batch_tokens=batch_tokens,
        progress=progress,
    )[0]  # fmt: skip


def embed_layers(
    model: ErnieMPreTrainedModel,
    tokenizer: ErnieMTokenizer,
    texts: Sequence[str],
    *,
    layers: Sequence[int] | None = None,
    pooling: Pooling = "mean",
    precision: Precision = "float32",
    batch_tokens: int | None = None,
    progress: bool = True,
) -> Float[np.ndarray, "layer text hidden"]:
    """As `embed`, for several layers in one pass: those asked for in their order, or every one, layer 0 first.

    >>> from erniem_lab import MINI, ErnieMForMaskedLM
    >>> model, tokenizer = ErnieMForMaskedLM.from_pretrained(MINI), ErnieMTokenizer.from_pretrained(MINI)
    >>> len(embed_layers(model, tokenizer, ["Bonjour."], progress=False)) == model.config.num_hidden_layers + 1
    True
    """
    if isinstance(texts, str):
        raise InputTypeError(f"texts is the single string {texts[:40]!r}: give a list of strings")
    reader = Reader.of(model, tokenizer, layers, pooling, precision, batch_tokens)
    with ReadingBar(len(texts), shown=progress) as bar:
        return reader.vectors(texts, bar)


@dataclass(frozen=True)
class Reader:
    """A model made ready to read any number of texts; `layers` are those whose states are pooled."""

    model: ErnieMModel
    tokenizer: ErnieMTokenizer
    layers: Sequence[int]
    pooling: Pooling
    row_tokens: int

    @classmethod
    def of(
        cls,
        model: ErnieMPreTrainedModel,
        tokenizer: ErnieMTokenizer,
        layers: Sequence[int] | None = None,
        pooling: Pooling = "mean",
        precision: Precision = "float32",
        batch_tokens: int | None = None,
    ) -> "Reader":
        """A reader with weights of its own, those that the model has now.

        Args:
            layers: from 0, or from the last by negative numbers; every one if not given.

        Raises:
            InputTypeError: something other than a model.
            InputValueError: no such layer, pooling or precision.

        >>> from erniem_lab import MINI, ErnieMForMaskedLM
        >>> model, tokenizer = ErnieMForMaskedLM.from_pretrained(MINI), ErnieMTokenizer.from_pretrained(MINI)
        >>> Reader.of(model, tokenizer, [0, 1]).vectors(["Bonjour."]).shape[:2]
        (2, 1)
        """
        if not isinstance(model, ErnieMPreTrainedModel):
            raise InputTypeError(f"model is of type {type(model).__name__}: give the model first, then its tokenizer")
        count = model.config.num_hidden_layers
        chosen = [_layer(layer, count) for layer in (range(count + 1) if layers is None else layers)]
        if not chosen:
            raise InputValueError("layers is empty: give the numbers of one layer or more")
        if pooling not in get_args(Pooling):
            raise InputValueError(f"pooling={pooling!r}: give 'mean' or 'cls'")
        if batch_tokens is not None and batch_tokens < 1:
            raise InputValueError(f"batch_tokens={batch_tokens}: give at least 1, or None for what suits the device")
        tokens = batch_tokens or ROW_TOKENS.get(model.device.type, DEVICE_TOKENS)
        return cls(reading_twin(model, precision, max(chosen)), tokenizer, chosen, pooling, tokens)

    def vectors(self, texts: Sequence[str], bar: "ReadingBar | None" = None) -> Float[np.ndarray, "layer text hidden"]:
        """A vector for each layer and text; the bar, if there is one, moves on."""
        config = self.model.config
        vectors = np.empty((len(self.layers), len(texts), config.hidden_size), dtype=np.float32)
        ids = self.tokenizer(list(texts), truncation=True, max_length=config.max_length)["input_ids"] if texts else []
        rows = [*_rows(list(map(len, ids)), self.row_tokens)]
        with _side_by_side(len(rows), self.model.device) as for_each:
            found = for_each(self._row, [[ids[i] for i in numbers] for numbers in rows])
            for numbers, row in zip(rows, found, strict=True):
                vectors[:, numbers] = row
                if bar is not None:
                    bar.add(len(numbers), sum(len(ids[i]) for i in numbers))
        return vectors

    @torch.inference_mode()
    def _row(self, texts: Sequence[Sequence[int]]) -> Float[np.ndarray, "layer text hidden"]:
        ids, places, packing = packed(texts)
        row, positions = torch.tensor([[ids], [places]], device=self.model.device)
        several = len(self.layers) > 1
        output = self.model(row, positions, packing, output_hidden_states=several, return_dict=True)
        states = output.hidden_states if several else {self.layers[0]: output.last_hidden_state}
        return np.stack([_pool(states[layer], packing, self.pooling).cpu().numpy() for layer in self.layers])


class ReadingBar(tqdm):  # type: ignore[type-arg]
    """A progress bar in texts and in tokens per second.

    Args:
        texts: how many there are, if that is known.
        done: how many of them an earlier run has read.

    >>> with ReadingBar(3, shown=False) as bar:
    ...     bar.add(texts=3, tokens=20)
    >>> bar.tokens
    20
    """

    def __init__(self, texts: int | None, shown: bool, done: int = 0) -> None:
        super().__init__(total=texts, initial=done, unit="text", disable=not shown)
        self.tokens = 0

    def add(self, texts: int, tokens: int) -> None:
        """Count what has been read."""
        self.tokens += tokens
        self.update(texts)
        if not self.disable:
            self.set_postfix_str(f"{self.tokens / max(self.format_dict['elapsed'], 1e-9):,.0f} tokens/s", refresh=False)


@contextmanager
def _side_by_side(rows: int, device: torch.device) -> Iterator[Callable[..., Iterator[Any]]]:
    """A `map` in which each of torch's threads reads rows of its own.

    Threads that share a row wait for one another after every step; here they meet at the end. A few rows are shared.
    """
    threads = torch.get_num_threads()
    if device.type != "cpu" or threads == 1 or rows < 2 * threads:
        yield map
        return
    pool = ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,))
    try:
        yield pool.map
    finally:
        pool.shutdown(cancel_futures=True)
        torch.set_num_threads(threads)  # for threads that start later


def _layer(given: int, layers: int) -> int:
    if not -layers - 1 <= given <= layers:
        raise InputValueError(f"layer={given}: give 0 (embeddings) to {layers}, or -1 for the last")
    return range(layers + 1)[given]


def _rows(lengths: Sequence[int], tokens: int) -> Iterator[list[int]]:
    """Numbers of texts by length, in rows of so many tokens at most, the longest first.

    What is left of a row is filled with shorter texts where there are some: rows of one length have the same matrix
    products, and oneDNN keeps about half a megabyte of code for each that is new.

    >>> list(_rows([3, 9, 4, 5, 1], 8))
    [[1], [3, 0], [2, 4]]
    """
    waiting: dict[int, list[int]] = {}
    for i in reversed(range(len(lengths))):
        waiting.setdefault(lengths[i], []).append(i)
    ladder = sorted(waiting)
    while ladder:
        row: list[int] = []
        room, step = tokens, len(ladder) - 1
        while step >= 0:
            length = ladder[step]
            row.append(waiting[length].pop())
            room -= length
            if not waiting[length]:
                del ladder[step]
            step = bisect_right(ladder, room) - 1
        yield row


def _pool(states: Float[Tensor, "1 seq hidden"], packing: Packing, pooling: Pooling) -> Float[Tensor, "text hidden"]:
    if pooling == "cls":
        return states[0, packing.starts()].float()
    return torch.cat([run.of(states).mean(dim=1, dtype=torch.float32) for run in packing.runs()])
