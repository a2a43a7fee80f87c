"""Vectors: the same in company as alone, in the caller's order, of the layer asked for, and nothing else changes."""

import numpy as np
import pytest
import torch
from jaxtyping import config as shape_checks

from erniem_lab import MINI, ErnieMForMaskedLM, ErnieMTokenizer, silencing
from erniem_lab.embedding import Reader, embed, embed_layers
from erniem_lab.errors import InputTypeError, InputValueError
from erniem_lab.precision import reading_twin

TEXTS = ["Good day.", "Bonjour.", "", "The cat sees the old house by the river.", "Yes", "Good day.", "猫は眠る。" * 9]
EXACT = 1e-5


@pytest.fixture(scope="module")
def loaded():
    return ErnieMForMaskedLM.from_pretrained(MINI), ErnieMTokenizer.from_pretrained(MINI)


@pytest.fixture(scope="module")
def layers_of_each(loaded):
    """Every layer's states of each text, read alone by the model itself."""
    model, tokenizer = loaded
    with torch.no_grad():
        outputs = [model.base(torch.tensor([tokenizer(text).input_ids]), output_hidden_states=True) for text in TEXTS]
    return [torch.cat(output.hidden_states).numpy() for output in outputs]


def cosine(one, two):
    return (one * two).sum(-1) / np.linalg.norm(one, axis=-1) / np.linalg.norm(two, axis=-1)


@pytest.mark.parametrize("pooling", ["mean", "cls"])
@pytest.mark.parametrize("batch_tokens", [None, 1, 40])
def test_vectors_are_those_of_each_text_alone(loaded, layers_of_each, pooling, batch_tokens):
    found = embed_layers(*loaded, TEXTS, pooling=pooling, batch_tokens=batch_tokens, progress=False)
    alone = [states.mean(axis=1) if pooling == "mean" else states[:, 0] for states in layers_of_each]
    np.testing.assert_allclose(found, np.stack(alone, axis=1), atol=EXACT)


def test_each_layer_by_itself_is_that_of_all_layers(loaded):
    every = embed_layers(*loaded, TEXTS, progress=False)
    for layer in (*range(len(every)), -1):
        np.testing.assert_array_equal(embed(*loaded, TEXTS, layer=layer, progress=False), every[layer])


def test_order_is_the_callers_and_a_repeat_is_the_same_bit_by_bit(loaded):
    once = embed(*loaded, TEXTS, progress=False)
    np.testing.assert_array_equal(embed(*loaded, TEXTS, progress=False), once)
    np.testing.assert_allclose(embed(*loaded, TEXTS[::-1], progress=False)[::-1], once, atol=EXACT)


@pytest.mark.parametrize(("precision", "least"), [("bfloat16", 0.999), ("int8", 0.99)])
def test_lower_precision_stays_near_and_is_used(loaded, precision, least):
    exact, found = (embed_layers(*loaded, TEXTS, precision=p, progress=False) for p in ("float32", precision))
    assert cosine(exact, found).min() > least
    assert not np.allclose(exact[-1], found[-1], atol=1e-6)


def test_whole_numbers_of_a_text_do_not_depend_on_its_company(loaded):
    found = embed(*loaded, TEXTS, precision="int8", progress=False)
    for text, vector in zip(TEXTS, found, strict=True):
        alone = embed(*loaded, [text], precision="int8", progress=False)[0]
        np.testing.assert_allclose(alone, vector, atol=0.01)  # a rounding that tips over, now and then


def test_no_texts_give_no_vectors(loaded):
    assert embed(*loaded, [], progress=False).shape == (0, loaded[0].config.hidden_size)


def test_a_long_text_is_cut(loaded):
    model, tokenizer = loaded
    long = "cat " * 2 * model.config.max_length
    cut = tokenizer(long, truncation=True, max_length=model.config.max_length).input_ids
    with torch.no_grad():
        expected = model.base(torch.tensor([cut])).last_hidden_state[0].mean(0)
    np.testing.assert_allclose(embed(*loaded, [long], progress=False)[0], expected, atol=EXACT)


def test_reading_leaves_the_model_as_it_was(loaded):
    model, tokenizer = loaded
    before = {name: weight.clone() for name, weight in model.state_dict().items()}
    model.train()
    embed(model, tokenizer, TEXTS, layer=1, precision="int8", progress=False)
    assert all(module.training for module in model.modules())
    assert all(torch.equal(before[name], weight) for name, weight in model.state_dict().items())
    model.eval()


def test_hooks_of_any_part_are_kept(loaded):
    model, tokenizer = loaded
    plain = {p: embed(model, tokenizer, TEXTS, precision=p, progress=False) for p in ("float32", "bfloat16", "int8")}
    layer, seen = model.base.encoder.layers[0], []
    parts = (layer.linear1, layer.self_attn.self_attn.q_proj, layer.self_attn.out_proj, layer.self_attn, layer)
    hooks = [part.register_forward_hook(lambda *_: seen.append(1)) for part in parts]
    for precision, expected in plain.items():
        seen.clear()
        found = embed(model, tokenizer, TEXTS, precision=precision, progress=False)
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
    before = reader.vectors(TEXTS, progress=False)
    with torch.no_grad():
        model.base.encoder.layers[0].linear1.weight.zero_()
    np.testing.assert_array_equal(reader.vectors(TEXTS, progress=False), before)
    assert not np.allclose(embed(model, loaded[1], TEXTS, layer=1, progress=False), before[0])


def test_a_half_precision_model_is_read_in_any_precision(loaded):
    model = ErnieMForMaskedLM.from_pretrained(MINI, dtype=torch.bfloat16)
    exact = embed(*loaded, TEXTS, progress=False)
    for precision in ("float32", "bfloat16", "int8"):
        assert cosine(embed(model, loaded[1], TEXTS, precision=precision, progress=False), exact).min() > 0.99


def test_progress_is_in_texts_and_tokens(loaded, capsys):
    embed(*loaded, TEXTS)
    shown = capsys.readouterr().err
    assert f"{len(TEXTS)}/{len(TEXTS)}" in shown
    assert "tokens/s" in shown
    embed(*loaded, TEXTS, progress=False)
    assert not capsys.readouterr().err


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"layer": 99}, "layer=99"),
        ({"pooling": "max"}, "pooling='max'"),
        ({"precision": "int4"}, "precision='int4'"),
        ({"batch_tokens": 0}, "batch_tokens=0"),
    ],
)
def test_what_is_not_known_is_refused(loaded, monkeypatch, wrong, message):
    monkeypatch.setattr(shape_checks, "jaxtyping_disable", True)  # as for users, who run without these checks
    with pytest.raises(InputValueError, match=message):
        embed(*loaded, TEXTS, progress=False, **wrong)
    for texts in ("Good day.", ["Good day.", None]):
        with pytest.raises(InputTypeError, match="give"):
            embed(*loaded, texts, progress=False)


def test_whole_numbers_elsewhere_than_on_a_cpu_are_refused(loaded):
    with torch.device("meta"):
        model = ErnieMForMaskedLM(loaded[0].config)
    with pytest.raises(InputValueError, match="on meta; use 'bfloat16'"):
        reading_twin(model, "int8")
