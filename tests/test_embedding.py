"""Vectors: the same in company as alone, in the caller's order, of the layer asked for, and nothing else changes."""

from itertools import chain

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from jaxtyping import config as shape_checks

from erniem_lab import MINI, ErnieMForMaskedLM, ErnieMTokenizer
from erniem_lab.embedding import Reader, _rows, embed, embed_layers
from erniem_lab.errors import InputTypeError, InputValueError

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


def test_layers_come_in_the_order_that_they_are_asked_for(loaded):
    every = embed_layers(*loaded, TEXTS, progress=False)
    np.testing.assert_array_equal(embed_layers(*loaded, TEXTS, layers=[-1, 1], progress=False), every[[-1, 1]])
    with pytest.raises(InputValueError, match="layers is empty"):
        embed_layers(*loaded, TEXTS, layers=[], progress=False)


def test_order_is_the_callers_and_a_repeat_is_the_same_bit_by_bit(loaded):
    once = embed(*loaded, TEXTS, progress=False)
    np.testing.assert_array_equal(embed(*loaded, TEXTS, progress=False), once)
    np.testing.assert_allclose(embed(*loaded, TEXTS[::-1], progress=False)[::-1], once, atol=EXACT)


@given(lengths=st.lists(st.integers(1, 30), max_size=40), tokens=st.integers(1, 60))
def test_rows_take_every_text_once_and_leave_no_room_for_a_later_one(lengths, tokens):
    rows = [*_rows(lengths, tokens)]
    assert sorted(chain(*rows)) == list(range(len(lengths)))
    totals = [sum(lengths[i] for i in row) for row in rows]
    assert all(total <= tokens or len(row) == 1 for total, row in zip(totals, rows, strict=True))
    for n, total in enumerate(totals):
        assert all(total + lengths[i] > tokens for i in chain(*rows[n + 1 :]))


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
        ({"layer": -99}, "layer=-99"),
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


@pytest.fixture
def two_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def test_rows_read_by_threads_side_by_side_are_those_read_by_one(loaded, two_threads):
    texts = TEXTS * 4
    together = embed_layers(*loaded, texts, batch_tokens=16, progress=False)
    assert torch.get_num_threads() == 2
    torch.set_num_threads(1)
    np.testing.assert_allclose(together, embed_layers(*loaded, texts, batch_tokens=16, progress=False), atol=EXACT)


def test_a_fault_in_a_row_ends_the_reading_of_all(loaded, two_threads, monkeypatch):
    read, plain = [], Reader._row

    def row(self, texts):
        read.append(texts)
        if len(read) == 3:
            raise MemoryError("no room")
        return plain(self, texts)

    monkeypatch.setattr(Reader, "_row", row)
    with pytest.raises(MemoryError, match="no room"):
        embed(*loaded, TEXTS * 20, batch_tokens=16, progress=False)
    assert len(read) < 20
    assert torch.get_num_threads() == 2


def test_a_tokenizer_in_the_models_place_is_named(loaded, monkeypatch):
    monkeypatch.setattr(shape_checks, "jaxtyping_disable", True)  # as for users, who run without these checks
    for way in (embed, embed_layers):
        with pytest.raises(InputTypeError, match="model is of type ErnieMTokenizer: give the model first"):
            way(loaded[1], loaded[0], TEXTS, progress=False)
