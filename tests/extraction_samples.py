"""Extractors whose answers are known without training, as what a token says depends on the token alone; and a rule."""

import torch
from conftest import GOLDEN

from erniem_lab import ErnieMConfig, ErnieMForInformationExtraction, ErnieMTokenizer
from erniem_lab.corpora.examples import Span

TEXT = "Anna sings to Ben in Rome."
ANNA, BEN, ROME = Span.of(TEXT, 0, 4), Span.of(TEXT, 14, 17), Span.of(TEXT, 21, 25)
LENGTH = 40  # tokens at once, so that a text of a few lines is a long one


def tokenizer(mode: str = "hf") -> ErnieMTokenizer:
    return ErnieMTokenizer.from_pretrained(GOLDEN / "tokenizer", mode=mode)


def tiny_extractor(cut: ErnieMTokenizer, length: int = LENGTH, **settings: object) -> ErnieMForInformationExtraction:
    """Random weights, large enough that probabilities differ."""
    torch.manual_seed(0)
    shape = {"hidden_size": 16, "num_attention_heads": 2, "num_hidden_layers": 1, "intermediate_size": 32}
    values = {"initializer_range": 0.5, "max_position_embeddings": length + 2, **shape, **settings}
    return ErnieMForInformationExtraction(ErnieMConfig(vocab_size=len(cut), **values)).eval()


def spotter(
    cut: ErnieMTokenizer, starts: str = "!", ends: str = "!", length: int = LENGTH
) -> ErnieMForInformationExtraction:
    """Starts a span at each mark of `starts` and ends one at each of `ends`; punctuation is a token everywhere."""
    model = tiny_extractor(cut, length, hidden_size=4)
    layer, words = model.ernie_m.encoder.layers[0], model.ernie_m.embeddings.word_embeddings.weight
    signs = torch.eye(4)
    with torch.no_grad():
        for silent in (layer.self_attn.out_proj, layer.linear2, model.ernie_m.embeddings.position_embeddings):
            silent.weight.zero_()
        words.copy_(signs[2].expand_as(words))
        for side, sign, marks in ((model.linear_start, signs[0], starts), (model.linear_end, signs[1], ends)):
            for mark in marks:
                words[cut.convert_tokens_to_ids(mark)] += 2 * sign
            side.weight.copy_(20 * sign[None])
            side.bias.fill_(-5.0)
    return model


def by_direct_loop(starts: list[int], ends: list[int]) -> set[tuple[int, int]]:
    """Taskflow's rule as it is described: two pointers over sorted places, each end keeps the last start it saw."""
    i = j = 0
    couple: dict[int, int] = {}
    while i < len(starts) and j < len(ends):
        if starts[i] == ends[j]:
            couple[ends[j]] = starts[i]
            i, j = i + 1, j + 1
        elif starts[i] < ends[j]:
            couple[ends[j]] = starts[i]
            i += 1
        else:
            j += 1
    return {(start, end) for end, start in couple.items()}
