"""Stored text to batches: a batch is a function of its number, languages are mixed as asked, little is padded."""

import pickle

import numpy as np
import pytest
import torch
from conftest import GOLDEN
from parallel_samples import pair, pairs, texts

from erniem_lab.batching import collate
from erniem_lab.errors import InputValueError
from erniem_lab.pretraining.store import store_texts
from erniem_lab.pretraining.stream import Frame, TextStream, language_weights, lay_out
from erniem_lab.tokenizer import ErnieMTokenizer


@pytest.fixture(scope="module")
def tokenizer() -> ErnieMTokenizer:
    return ErnieMTokenizer.from_pretrained(GOLDEN / "tokenizer")


@pytest.fixture(scope="module")
def store(tokenizer):
    return store_texts(tokenizer, pairs("fr", 900, 0) + pairs("sw", 100, 2))


@pytest.fixture(scope="module")
def singles(tokenizer):
    return store_texts(tokenizer, texts("fr", 900, 0) + texts("sw", 100, 2))


@pytest.fixture
def both(request):
    return request.getfixturevalue(request.param)


def same(one, two) -> bool:
    parts = ("input_ids", "position_ids", "kinds", "special")
    pairs = [(getattr(one, name), getattr(two, name)) for name in parts]
    return all(a.shape == b.shape and torch.equal(a, b) for a, b in pairs)


@pytest.mark.parametrize("both", ["store", "singles"], indirect=True)
def test_any_batch_can_be_reached_again(both, tokenizer):
    one, two = (TextStream(both, tokenizer, tokens=256, seed=3) for _ in range(2))
    far = one[41]
    assert same(two[41].batch, far.batch)
    assert torch.equal(two[41].languages, far.languages)
    assert not same(one[40].batch, far.batch)


def test_the_order_is_the_same_on_every_machine(store, tokenizer):
    """First tokens and languages of three batches as they were drawn when the order was fixed, with numpy 2."""
    stream = TextStream(store, tokenizer, tokens=64, seed=3)
    found = [
        (stream[number].batch.input_ids[:, 1].tolist(), stream[number].languages.tolist()) for number in (0, 7, 1000)
    ]
    assert found == [([49, 70], [[0, 2], [1, 0]]), ([17], [[0, 1]]), ([66], [[1, 0]])]


def test_another_seed_is_another_order(store, tokenizer):
    one, two = (TextStream(store, tokenizer, tokens=256, seed=seed)[0].batch for seed in (0, 1))
    assert not same(one, two)


def test_a_pickled_stream_gives_the_same_batches(store, tokenizer):
    stream = TextStream(store, tokenizer, tokens=256)
    assert same(pickle.loads(pickle.dumps(stream))[5].batch, stream[5].batch)


def test_a_batch_keeps_to_its_budget_and_reads_little_padding(store, tokenizer):
    stream = TextStream(store, tokenizer, tokens=512)
    batches = [stream[number].batch for number in range(50)]
    assert all(batch.input_ids.numel() <= 512 for batch in batches)
    assert np.mean([(batch.kinds > 0).float().mean().item() for batch in batches]) > 0.9


@pytest.mark.parametrize(("temperature", "share"), [(1.0, 0.1), (0.5, 0.25), (0.0, 0.5)])
def test_languages_are_mixed_by_the_temperature(store, tokenizer, temperature, share):
    stream = TextStream(store, tokenizer, temperature=temperature, tokens=2048)
    drawn = torch.cat([stream[number].languages for number in range(100)])
    assert (drawn == 2).any(dim=1).float().mean().item() == pytest.approx(share, abs=0.02)  # 10,000 draws and more


def test_every_row_comes_as_often_as_its_weight_says(store, tokenizer):
    """Over all buckets: chance of the bucket, times its draws, times the row's part of it."""
    stream = TextStream(store, tokenizer, tokens=512)
    expected = np.zeros(len(store))
    for chance, count, rows, total in zip(
        stream.chances, stream.counts, stream.buckets, stream.cumulative, strict=True
    ):
        expected[rows] = chance * count * np.diff(total, prepend=0) / total[-1]
    weights = language_weights(store.language, 0.7)
    np.testing.assert_allclose(expected / expected.sum(), weights / weights.sum(), rtol=1e-9)


def test_the_two_orders_of_a_language_pair_are_one_kind_of_text():
    assert language_weights(np.array([[0, 1], [1, 0], [2, 0]]), 0.0).tolist() == [0.25, 0.25, 0.5]


def test_both_orders_of_a_pair_occur_and_languages_follow(tokenizer):
    store = store_texts(tokenizer, [pair("fr", "this is a test", "of the small words")])
    stream = TextStream(store, tokenizer, tokens=64)
    samples = [stream[number] for number in range(20)]
    seen = {
        (stream.languages[language], int(opening))
        for sample in samples
        for language, opening in zip(sample.languages[:, 0], sample.batch.input_ids[:, 1], strict=True)
    }
    assert seen == {("en", store.row(0)[0][0]), ("fr", store.row(0)[1][0])}


@pytest.mark.parametrize("both", ["store", "singles"], indirect=True)
def test_rows_are_laid_out_as_encoded_texts_are(both, tokenizer):
    rows = np.array([3, 950, 17])
    order = np.tile(np.arange(both.sentences), (3, 1))
    frame = Frame(tokenizer.cls_token_id, tokenizer.sep_token_id, tokenizer.pad_token_id)
    source = (
        pairs("fr", 900, 0) + pairs("sw", 100, 2) if both.sentences == 2 else texts("fr", 900, 0) + texts("sw", 100, 2)
    )
    chosen = [source[row] for row in rows]
    encodings = [
        tokenizer.encoding(one.first.text, one.second.text) if both.sentences == 2 else tokenizer.encoding(one.text)
        for one in chosen
    ]
    assert same(lay_out(both, rows, order, frame), collate(encodings, tokenizer.pad_token_id))


def test_little_text_is_not_cut_into_buckets_of_a_few_rows(tokenizer, store):
    stream = TextStream(store, tokenizer, tokens=2048)
    assert min(len(rows) for rows in stream.buckets) > 2 * max(stream.counts)


def test_a_row_longer_than_the_budget_comes_alone(store, tokenizer):
    assert len(TextStream(store, tokenizer, tokens=1)[0].batch.input_ids) == 1


@pytest.mark.parametrize(("settings", "number", "named"), [
    ({"tokens": 0}, 0, "tokens=0"), ({}, -1, "number=-1"), ({"seed": -1}, 0, "seed=-1"),
    ({"temperature": float("nan")}, 0, "temperature=nan"),
])  # fmt: skip
def test_a_budget_or_number_that_means_nothing_is_refused(store, tokenizer, settings, number, named):
    with pytest.raises(InputValueError, match=named):
        TextStream(store, tokenizer, **settings)[number]
