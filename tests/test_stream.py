"""Text to batches: a step is a function of its number, languages are mixed as asked, and bad lines are named."""

import gzip

import numpy as np
import pytest
import torch
from conftest import GOLDEN

from erniem_lab.corpora.parallel import read_pairs
from erniem_lab.errors import FileFaultError, InputValueError
from erniem_lab.pretraining.start import aligned_vectors
from erniem_lab.pretraining.stream import PairStream, store_pairs
from erniem_lab.pretraining.vocabulary import learn_vocabulary
from erniem_lab.tokenizer import ErnieMTokenizer

WORDS = [
    "this",
    "is",
    "a",
    "test",
    "of",
    "the",
    "small",
    "words",
    "that",
    "we",
    "have",
    "in",
    "some",
    "order",
    "here",
    "now",
]


@pytest.fixture(scope="module")
def tokenizer() -> ErnieMTokenizer:
    return ErnieMTokenizer.from_pretrained(GOLDEN / "tokenizer")


def sentences(count: int, seed: int) -> list[str]:
    draw = np.random.default_rng(seed)
    return [" ".join(draw.choice(WORDS, draw.integers(2, 12))) for _ in range(count)]


@pytest.fixture(scope="module")
def store(tokenizer):
    pairs = [("fr", one, two) for one, two in zip(sentences(900, 0), sentences(900, 1), strict=True)]
    pairs += [("sw", one, two) for one, two in zip(sentences(100, 2), sentences(100, 3), strict=True)]
    return store_pairs(tokenizer, pairs)


def test_a_pair_keeps_the_ids_of_both_sentences(tokenizer):
    store = store_pairs(tokenizer, [("fr", "this is", "a test"), ("de", "", "a test")])
    assert len(store) == 1
    assert store.pair(0) == tuple(
        tokenizer(text, add_special_tokens=False)["input_ids"] for text in ("this is", "a test")
    )


def test_long_sentences_are_cut(tokenizer):
    assert [len(side) for side in store_pairs(tokenizer, [("fr", "a " * 50, "is")], longest=7).pair(0)] == [7, 1]


def test_pairs_with_the_same_first_sentence_are_one_group(tokenizer):
    store = store_pairs(tokenizer, [("fr", "a test", "is"), ("de", "this", "of"), ("sw", "a test", "the")])
    assert store.group.tolist() == [0, 1, 0]


def test_any_step_can_be_reached_again(store, tokenizer):
    one, two = (PairStream(store, tokenizer, tokens=256, seed=3) for _ in range(2))
    far = one[41]
    assert torch.equal(two[41].input_ids, far.input_ids)
    assert one[40].input_ids.shape != far.input_ids.shape or not torch.equal(one[40].input_ids, far.input_ids)


def test_another_seed_is_another_order(store, tokenizer):
    batches = [PairStream(store, tokenizer, tokens=256, seed=seed)[0].input_ids for seed in (0, 1)]
    assert batches[0].shape != batches[1].shape or not torch.equal(*batches)


def test_a_batch_keeps_to_its_budget_and_reads_little_padding(store, tokenizer):
    stream = PairStream(store, tokenizer, tokens=512)
    batches = [stream[step] for step in range(50)]
    assert all(batch.input_ids.numel() <= 512 for batch in batches)
    assert np.mean([(batch.kinds > 0).float().mean().item() for batch in batches]) > 0.85


@pytest.mark.parametrize(("temperature", "share"), [(1.0, 0.1), (0.5, 0.25), (0.0, 0.5)])
def test_languages_are_mixed_by_the_temperature(store, tokenizer, temperature, share):
    stream = PairStream(store, tokenizer, temperature=temperature)
    weight = sum(
        np.diff(cumulative, prepend=0)[store.language[bucket] == 1].sum()
        for bucket, cumulative in zip(stream.buckets, stream.cumulative, strict=True)
    )
    assert weight == pytest.approx(share)


def test_both_orders_of_a_pair_occur(tokenizer):
    first = store_pairs(tokenizer, [("fr", "this is a test", "of the small words")])
    stream = PairStream(first, tokenizer, tokens=64)
    openings = {int(stream[step].input_ids[row, 1]) for step in range(20) for row in range(2)}
    assert openings == {side[0] for side in first.pair(0)}


def test_aligned_vectors_bring_translations_together(tokenizer):
    """Words a and b always stand across from each other; c never does."""
    ids = {word: tokenizer(word, add_special_tokens=False)["input_ids"][0] for word in ("this", "test", "small")}
    pairs = [("fr", "this", "test"), ("fr", "small", "words")] * 2 + [("fr", one, one) for one in sentences(40, 5)]
    pairs = [(language, f"{one} {i % 7}", two) for i, (language, one, two) in enumerate(pairs)]
    vectors = aligned_vectors(store_pairs(tokenizer, pairs), len(tokenizer), 8)
    cosine = vectors @ vectors.T / np.maximum(np.outer(*[np.linalg.norm(vectors, axis=1)] * 2), 1e-9)
    assert cosine[ids["this"], ids["test"]] > cosine[ids["small"], ids["test"]]


def test_a_vocabulary_learned_from_text_is_one_the_tokenizer_reads(tmp_path):
    texts = [f"{text} 你好 2026," for text in sentences(300, 7)]
    learn_vocabulary(texts, tmp_path, pieces=60)
    tokenizer = ErnieMTokenizer.from_pretrained(tmp_path)
    assert (tokenizer.cls_token_id, tokenizer.pad_token_id, tokenizer.sep_token_id, tokenizer.unk_token_id) == (
        0,
        1,
        2,
        3,
    )
    assert tokenizer.mask_token_id == len(tokenizer) - 1
    assert tokenizer.unk_token_id not in tokenizer(texts[0])["input_ids"]
    assert not [token for token in tokenizer.get_vocab() if len(token) > 1 and "好" in token]


def test_pairs_are_read_from_plain_and_packed_files(tmp_path):
    text = 'en\tsw\tsource\nA "cat".\tPaka.\tme\r\nTwo\x1clines.\tMbili.\tme\n'
    (tmp_path / "sw.tsv").write_bytes(text.encode())
    (tmp_path / "sw.tsv.gz").write_bytes(gzip.compress(text.encode()))
    expected = [("sw", 'A "cat".', "Paka."), ("sw", "Two\x1clines.", "Mbili.")]
    assert list(read_pairs(tmp_path / "sw.tsv")) == list(read_pairs(tmp_path / "sw.tsv.gz")) == expected


@pytest.mark.parametrize(
    ("content", "error", "place"),
    [
        (b"en\tsw\nonly one\n", InputValueError, ":2:"),
        (b"en\tsw\na\tb\nc\t\xff\n", FileFaultError, ":3:"),
    ],
)
def test_a_bad_line_is_named(tmp_path, content, error, place):
    (tmp_path / "sw.tsv").write_bytes(content)
    with pytest.raises(error, match=place):
        list(read_pairs(tmp_path / "sw.tsv"))
