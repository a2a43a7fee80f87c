"""Precisions: near enough to float32, the same with and without fast kernels, and the model stays as it is."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from erniem_lab import MINI, ErnieMForMaskedLM, ErnieMTokenizer, precision, silencing
from erniem_lab.embedding import Reader, embed, embed_layers
from erniem_lab.errors import InputValueError
from erniem_lab.precision import reading_twin

TEXTS = ["Good day.", "Bonjour.", "", "The cat sees the old house by the river.", "Yes", "猫は眠る。" * 9]
EVERY = ("float32", "bfloat16", "int8")
LEAST = {"float32": 0.999999, "bfloat16": 0.999, "int8": 0.99}  # cosine to float32 that is promised


@pytest.fixture(scope="module")
def loaded():
    return ErnieMForMaskedLM.from_pretrained(MINI), ErnieMTokenizer.from_pretrained(MINI)


def cosine(one, two):
    return (one * two).sum(-1) / np.linalg.norm(one, axis=-1) / np.linalg.norm(two, axis=-1)


@pytest.mark.parametrize("asked", EVERY)
def test_a_precision_stays_near_and_is_used(loaded, asked):
    exact, found = (embed_layers(*loaded, TEXTS, precision=p, progress=False) for p in ("float32", asked))
    assert cosine(exact, found).min() > LEAST[asked]
    assert np.allclose(exact[-1], found[-1], atol=1e-6) == (asked == "float32")


@pytest.mark.parametrize("broken", ["gone", "other arguments", "wrong numbers"])
@pytest.mark.parametrize("asked", EVERY)
def test_without_fast_kernels_vectors_are_the_same(loaded, monkeypatch, asked, broken):
    fast = embed(*loaded, TEXTS, precision=asked, progress=False)
    faults = {
        "gone": {},
        "other arguments": {"_linear_pointwise": lambda: None, "qlinear_pointwise": lambda: None},
        "wrong numbers": {"_linear_pointwise": lambda x, *_: x[:, :32], "qlinear_pointwise": lambda x, *_: x[:, :32]},
    }[broken]
    one_dnn = SimpleNamespace(_reorder_linear_weight=lambda x: x, qlinear_prepack=lambda x, _: x, **faults)
    monkeypatch.setattr(torch.ops, "mkldnn", one_dnn)
    monkeypatch.setattr(torch.ops, "onednn", one_dnn)
    slow = embed(*loaded, TEXTS, precision=asked, progress=False)
    assert cosine(fast, slow).min() > 0.9999


def test_rounded_maps_are_the_same_without_their_kernel():
    weight, bias, states = (
        torch.randn(96, 64),
        torch.randn(96),
        torch.randn(3, 7, 64) * torch.logspace(-3, 3, 7)[:, None],
    )
    fast, slow = (kind(weight, bias, "gelu")(states) for kind in (precision._Rounded, precision._SlowlyRounded))
    torch.testing.assert_close(fast, slow, rtol=1e-5, atol=1e-5)


def test_a_row_is_rounded_to_the_nearest_of_its_own_whole_numbers():
    rows = torch.cat([torch.randn(50, 64) * torch.logspace(-6, 6, 50)[:, None], torch.zeros(1, 64)])
    whole, largest = precision._rounded(rows)
    exact = rows.double() / largest.double() * precision.LEVELS
    assert (whole - exact - precision.ZERO).abs().max() <= 0.5 + 1e-5  # ties, to float32's own rounding
    assert ((whole[:-1].int() - precision.ZERO).abs().amax(1) == precision.LEVELS).all()


def test_whole_numbers_of_a_text_do_not_depend_on_its_company(loaded):
    found = embed(*loaded, TEXTS, precision="int8", progress=False)
    for text, vector in zip(TEXTS, found, strict=True):
        alone = embed(*loaded, [text], precision="int8", progress=False)[0]
        np.testing.assert_allclose(alone, vector, atol=0.01)  # a rounding that tips over, now and then


def test_hooks_of_any_part_are_kept(loaded):
    model, tokenizer = loaded
    plain = {p: embed(model, tokenizer, TEXTS, precision=p, progress=False) for p in EVERY}
    layer, seen = model.base.encoder.layers[0], []
    parts = (layer.linear1, layer.self_attn.self_attn.q_proj, layer.self_attn.out_proj, layer.self_attn, layer)
    hooks = [part.register_forward_hook(lambda *_: seen.append(1)) for part in parts]
    for asked, expected in plain.items():
        seen.clear()
        found = embed(model, tokenizer, TEXTS, precision=asked, progress=False)
        assert len(seen) == len(parts)
        assert cosine(found, expected).min() > 0.999
    for hook in hooks:
        hook.remove()


def test_silenced_heads_are_silent_in_every_precision(loaded):
    model, tokenizer = loaded
    heads = [(0, head) for head in range(model.config.num_attention_heads)]
    with silencing.silence(model, heads):
        exact, found = (embed(model, tokenizer, TEXTS, precision=p, progress=False) for p in ("float32", "int8"))
    assert cosine(exact, found).min() > 0.99
    assert not np.allclose(exact, embed(model, tokenizer, TEXTS, progress=False), atol=0.01)


def test_a_twin_keeps_the_weights_that_it_was_made_with(loaded):
    model = ErnieMForMaskedLM(loaded[0].config).eval()
    reader = Reader.of(model, loaded[1], [1])
    before = reader.vectors(TEXTS)
    with torch.no_grad():
        model.base.encoder.layers[0].linear1.weight.zero_()
    np.testing.assert_array_equal(reader.vectors(TEXTS), before)
    assert not np.allclose(embed(model, loaded[1], TEXTS, layer=1, progress=False), before[0])


def test_a_half_precision_model_is_read_in_any_precision(loaded):
    model = ErnieMForMaskedLM.from_pretrained(MINI, dtype=torch.bfloat16)
    exact = embed(*loaded, TEXTS, progress=False)
    for asked in EVERY:
        assert cosine(embed(model, loaded[1], TEXTS, precision=asked, progress=False), exact).min() > 0.99


def test_whole_numbers_elsewhere_than_on_a_cpu_are_refused(loaded):
    with torch.device("meta"):
        model = ErnieMForMaskedLM(loaded[0].config)
    with pytest.raises(InputValueError, match="on meta; use 'bfloat16'"):
        reading_twin(model, "int8")
