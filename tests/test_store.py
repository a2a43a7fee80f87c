"""Text is tokenised once and kept whole: ids, languages, and who shares a first sentence."""

import numpy as np
import pytest
from conftest import GOLDEN
from parallel_samples import pair, sentences

from erniem_lab.corpora.text import Text
from erniem_lab.errors import InputValueError
from erniem_lab.pretraining.start import aligned_vectors
from erniem_lab.pretraining.store import store_texts
from erniem_lab.pretraining.vocabulary import learn_vocabulary
from erniem_lab.tokenizer import ErnieMTokenizer


@pytest.fixture(scope="module")
def tokenizer() -> ErnieMTokenizer:
    return ErnieMTokenizer.from_pretrained(GOLDEN / "tokenizer")


def ids(tokenizer, *sides: str) -> tuple[list[int], ...]:
    return tuple(tokenizer(text, add_special_tokens=False)["input_ids"] for text in sides)


def test_a_pair_keeps_the_ids_and_languages_of_both_sentences(tokenizer):
    store = store_texts(tokenizer, [pair("fr", "this is", "a test"), pair("de", "", "a test"), pair("sw", "a", "is")])
    assert [store.row(i) for i in range(len(store))] == [ids(tokenizer, "this is", "a test"), ids(tokenizer, "a", "is")]
    assert [[store.languages[place] for place in row] for row in store.language] == [["en", "fr"], ["en", "sw"]]


def test_single_sentences_are_rows_of_one(tokenizer):
    store = store_texts(tokenizer, [Text("fr", "this is"), Text("sw", "a test")])
    assert store.sentences == 1
    assert store.row(1) == ids(tokenizer, "a test")


def test_long_sentences_are_cut(tokenizer):
    assert [len(side) for side in store_texts(tokenizer, [pair("fr", "a " * 50, "is")], longest=7).row(0)] == [7, 1]


def test_special_tokens_that_stand_in_a_text_are_not_stored(tokenizer):
    rows = [pair("fr", "a [MASK] test", "is"), pair("fr", "a test", "the [SEP]"), pair("fr", "a test", "\u4f60")]
    assert [store.row(0) for store in [store_texts(tokenizer, rows)]] == [ids(tokenizer, "a test", "\u4f60")]


def test_pairs_with_the_same_first_sentence_are_one_group(tokenizer):
    store = store_texts(tokenizer, [pair("fr", "a test", "is"), pair("de", "this", "of"), pair("sw", "a test", "the")])
    assert store.group.tolist() == [0, 1, 0]


def test_sides_stand_alone_and_a_shared_one_only_once(tokenizer):
    store = store_texts(tokenizer, [pair("fr", "a test", "is"), pair("de", "this", "of"), pair("sw", "a test", "the")])
    alone = store.alone()
    assert [alone.row(i)[0] for i in range(len(alone))] == list(ids(tokenizer, "a test", "this", "is", "of", "the"))
    assert [alone.languages[place] for place in alone.language[:, 0]] == ["en", "en", "fr", "de", "sw"]
    assert np.shares_memory(alone.ids, store.ids)


@pytest.mark.parametrize(("texts", "named"), [
    ([pair("fr", "", " ")], "none with text"), ([], "none with text"),
    ([pair("fr", "a", "is"), Text("fr", "is")], "mixed"),
])  # fmt: skip
def test_texts_that_cannot_be_stored_are_refused(tokenizer, texts, named):
    with pytest.raises(InputValueError, match=named):
        store_texts(tokenizer, texts)


def test_a_length_or_tokenizer_that_cannot_be_kept_is_refused(tokenizer):
    with pytest.raises(InputValueError, match="longest=0"):
        store_texts(tokenizer, [pair("fr", "a", "is")], longest=0)
    drawing = ErnieMTokenizer.from_pretrained(GOLDEN / "tokenizer", sp_model_kwargs={"enable_sampling": True})
    with pytest.raises(InputValueError, match="enable_sampling"):
        store_texts(drawing, [pair("fr", "a", "is")])


def test_aligned_vectors_bring_translations_together(tokenizer):
    """Words a and b always stand across from each other; c never does."""
    word = {text: ids(tokenizer, text)[0][0] for text in ("this", "test", "small")}
    rows = [("this", "test"), ("small", "words")] * 2 + [(one, one) for one in sentences(40, 5)]
    source = [pair("fr", f"{one} {i % 7}", two) for i, (one, two) in enumerate(rows)]
    vectors = aligned_vectors(store_texts(tokenizer, source), len(tokenizer), 8)
    cosine = vectors @ vectors.T / np.maximum(np.outer(*[np.linalg.norm(vectors, axis=1)] * 2), 1e-9)
    assert cosine[word["this"], word["test"]] > cosine[word["small"], word["test"]]


def test_a_vocabulary_learned_from_text_is_one_the_tokenizer_reads(tmp_path):
    texts = [f"{text} 你好 2026," for text in sentences(300, 7)]
    learn_vocabulary(texts, tmp_path, pieces=60)
    tokenizer = ErnieMTokenizer.from_pretrained(tmp_path)
    special = (tokenizer.cls_token_id, tokenizer.pad_token_id, tokenizer.sep_token_id, tokenizer.unk_token_id)
    assert special == (0, 1, 2, 3)
    assert tokenizer.mask_token_id == len(tokenizer) - 1
    assert tokenizer.unk_token_id not in tokenizer(texts[0])["input_ids"]
    assert not [token for token in tokenizer.get_vocab() if len(token) > 1 and "好" in token]
