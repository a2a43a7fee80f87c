"""transformers' checks of all tokenizers, by their names there, on the core and through the bridge."""

import inspect
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from bridge_samples import SENTENCE, TOKENIZER, VOCABULARY

import erniem_lab as el
from erniem_lab import transformers_bridge as bridge

SIDES: dict[str, Any] = {"core": el, "bridge": bridge}
PAIR = ("this is", "a test of fox")
SAMPLING = {"enable_sampling": True, "alpha": 0.1, "nbest_size": -1}


def load(side: str, folder: Path = TOKENIZER, **how: Any) -> Any:
    return SIDES[side].ErnieMTokenizer.from_pretrained(folder, **how)


@pytest.fixture(params=SIDES)
def side(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def tokenizer(side: str) -> Any:
    return load(side)


def test_get_vocab(tokenizer: Any) -> None:
    vocabulary = tokenizer.get_vocab()
    assert len(vocabulary) == len(tokenizer) == tokenizer.vocab_size == VOCABULARY
    assert list(vocabulary)[0] == "[CLS]"  # noqa: RUF015
    assert vocabulary["[MASK]"] == VOCABULARY - 1


def test_convert_token_and_id(tokenizer: Any) -> None:
    assert tokenizer.convert_tokens_to_ids("[PAD]") == tokenizer.pad_token_id == 1
    assert tokenizer.convert_ids_to_tokens(1) == "[PAD]"
    assert tokenizer.convert_tokens_to_ids("no such token") == tokenizer.unk_token_id


def test_full_tokenizer(tokenizer: Any) -> None:
    assert tokenizer.tokenize("this is a test") == ["▁th", "is", "▁is", "▁a", "▁t", "est"]
    assert tokenizer.convert_tokens_to_ids(["▁th", "is", "▁is", "▁a"]) == [17, 95, 39, 11]


def test_sequence_builders(tokenizer: Any) -> None:
    first, second = (tokenizer.encode(text, add_special_tokens=False) for text in PAIR)
    assert tokenizer.build_inputs_with_special_tokens(first) == [0, *first, 2]
    assert tokenizer.build_inputs_with_special_tokens(first, second) == [0, *first, 2, 2, *second, 2]


@pytest.mark.parametrize("texts", [PAIR[:1], PAIR])
def test_special_tokens_mask(tokenizer: Any, texts: tuple[str, ...]) -> None:
    found = tokenizer(*texts, return_special_tokens_mask=True)
    plain = [i for i, special in zip(found["input_ids"], found["special_tokens_mask"], strict=True) if not special]
    assert plain == [i for text in texts for i in tokenizer.encode(text, add_special_tokens=False)]


def test_token_type_ids(tokenizer: Any) -> None:
    found = tokenizer(*PAIR, return_token_type_ids=True)
    parts = [tokenizer.encode(text, add_special_tokens=False) for text in PAIR]
    assert found["token_type_ids"] == tokenizer.create_token_type_ids_from_sequences(*parts)
    assert found["token_type_ids"] == [0] * (len(parts[0]) + 1) + [1] * (len(parts[1]) + 3)


@pytest.mark.parametrize(("texts", "count"), [(PAIR[:1], 2), (PAIR, 4)])
def test_number_of_added_tokens(tokenizer: Any, texts: tuple[str, ...], count: int) -> None:
    bare = tokenizer(*texts, add_special_tokens=False)["input_ids"]
    assert len(tokenizer(*texts)["input_ids"]) - len(bare) == count == tokenizer.num_special_tokens_to_add(count == 4)


def test_internal_consistency(tokenizer: Any) -> None:
    ids = tokenizer.convert_tokens_to_ids(tokenizer.tokenize(SENTENCE))
    assert ids == tokenizer.encode(SENTENCE, add_special_tokens=False)
    assert isinstance(tokenizer.decode(ids), str)


def test_conversion_reversible(tokenizer: Any) -> None:
    for token, number in tokenizer.get_vocab().items():
        assert tokenizer.convert_tokens_to_ids(token) == number
        assert tokenizer.convert_ids_to_tokens(number) == token


@pytest.mark.parametrize("padding_side", ["right", "left"])
def test_padding_to_max_length(side: str, padding_side: str) -> None:
    tokenizer = load(side, padding_side=padding_side)
    plain = tokenizer.encode(SENTENCE)
    padded = tokenizer.encode(SENTENCE, padding="max_length", truncation=True, max_length=len(plain) + 5)
    fill = [tokenizer.pad_token_id] * 5
    assert padded == ([*plain, *fill] if padding_side == "right" else [*fill, *plain])


def test_padding_to_multiple_of(tokenizer: Any) -> None:
    for how in ({"padding": True}, {"padding": "longest"}):
        assert len(tokenizer(SENTENCE, pad_to_multiple_of=8, **how)["input_ids"]) % 8 == 0
    plain = tokenizer(SENTENCE, pad_to_multiple_of=8)["input_ids"]
    assert len(plain) == len(tokenizer.encode(SENTENCE))


def test_padding_with_attention_mask(tokenizer: Any) -> None:
    found = tokenizer.pad(
        [{"input_ids": [0, 9, 2], "attention_mask": [1, 1, 1]}, {"input_ids": [0, 2], "attention_mask": [1, 1]}]
    )
    assert found["attention_mask"] == [[1, 1, 1], [1, 1, 0]]
    assert found["input_ids"][1] == [0, 2, 1]


@pytest.mark.parametrize("truncation_side", ["right", "left"])
def test_truncation_side(side: str, truncation_side: str) -> None:
    tokenizer = load(side, truncation_side=truncation_side)
    bare = tokenizer.encode(SENTENCE, add_special_tokens=False)
    kept = bare[:4] if truncation_side == "right" else bare[-4:]
    assert tokenizer.encode(SENTENCE, truncation=True, max_length=6) == [0, *kept, 2]


@pytest.mark.parametrize("strategy", ["longest_first", "only_first", "only_second"])
def test_maximum_encoding_length_pair_input(tokenizer: Any, strategy: str) -> None:
    long, short = SENTENCE, "this"
    texts = (short, long) if strategy == "only_second" else (long, short)
    found = tokenizer(*texts, truncation=strategy, max_length=14)["input_ids"]
    assert len(found) == 14
    whole = tokenizer.encode(short, add_special_tokens=False)
    assert whole == (found[1 : 1 + len(whole)] if strategy == "only_second" else found[-1 - len(whole) : -1])


def test_maximum_encoding_length_single_input(tokenizer: Any) -> None:
    assert len(tokenizer(SENTENCE, truncation=True, max_length=9)["input_ids"]) == 9
    assert len(tokenizer(SENTENCE, max_length=9)["input_ids"]) == 9


def test_batch_encode_plus_batch_sequence_length(tokenizer: Any) -> None:
    texts = [SENTENCE, "this", ""]
    assert tokenizer(texts)["input_ids"] == [tokenizer(text)["input_ids"] for text in texts]


def test_call(tokenizer: Any) -> None:
    assert tokenizer(SENTENCE)["input_ids"] == tokenizer.encode(SENTENCE)
    assert tokenizer(*PAIR)["input_ids"] == tokenizer([PAIR[0]], [PAIR[1]])["input_ids"][0]


def test_pretokenized_inputs(tokenizer: Any) -> None:
    """Each word is cut alone, so a lone "▁" before one is lost: so it is in 4.40.2."""
    words = ["this", "is", "a", "test"]
    found = tokenizer(words, is_split_into_words=True)["input_ids"]
    assert found == [0, *(i for word in words for i in tokenizer.encode(word, add_special_tokens=False)), 2]
    assert tokenizer([words, words[:2]], is_split_into_words=True)["input_ids"][0] == found


def test_pickle_tokenizer(tokenizer: Any) -> None:
    assert pickle.loads(pickle.dumps(tokenizer)).tokenize(SENTENCE) == tokenizer.tokenize(SENTENCE)


@pytest.mark.parametrize("lower", [False, True])
def test_save_and_load_tokenizer(side: str, lower: bool, tmp_path: Path) -> None:
    tokenizer = load(side, do_lower_case=lower)
    tokenizer.add_tokens(["bim", "bambam"])
    tokenizer.add_special_tokens({"additional_special_tokens": ["<extra>"]})
    text = "This IS bim <extra> BAMBAM"
    tokenizer.save_pretrained(tmp_path)
    for other in SIDES:
        again = load(other, tmp_path)
        assert again.encode(text) == tokenizer.encode(text)
        assert again.get_vocab() == tokenizer.get_vocab()
        assert again.do_lower_case == lower


def test_subword_regularization_tokenizer(side: str) -> None:
    tokenizer = load(side, sp_model_kwargs=SAMPLING)
    drawn = {tuple(pickle.loads(pickle.dumps(tokenizer)).tokenize(SENTENCE)) for _ in range(20)}
    assert len(drawn) > 1


def test_save_sentencepiece_tokenizer(side: str, tmp_path: Path) -> None:
    load(side).save_pretrained(tmp_path / "a")
    tokenizer = load(side, tmp_path / "a")
    (tmp_path / "a" / "sentencepiece.bpe.model").unlink()
    tokenizer.save_pretrained(tmp_path / "b")
    assert load(side, tmp_path / "b").tokenize(SENTENCE) == tokenizer.tokenize(SENTENCE)


def test_sentencepiece_tokenize_and_decode(tokenizer: Any) -> None:
    text = "this is a test of it"
    assert tokenizer.convert_tokens_to_string(tokenizer.tokenize(text)) == text
    assert tokenizer.decode(tokenizer.encode(text), skip_special_tokens=True) == text


def test_encode_decode_with_spaces(tokenizer: Any) -> None:
    tokenizer.add_tokens(["[ABC]", "[DEF]"])
    ids = tokenizer.encode("[ABC] [DEF] [ABC]", add_special_tokens=False)
    assert tokenizer.decode(ids).split() == ["[ABC]", "[DEF]", "[ABC]"]


def test_add_tokens_tokenizer(tokenizer: Any) -> None:
    before = len(tokenizer)
    assert tokenizer.add_tokens(["aaaaa bbbbbb", "cccccccccdddddddd"]) == 2
    assert len(tokenizer) == before + 2
    assert tokenizer.vocab_size == before
    ids = tokenizer.encode("aaaaa bbbbbb low cccccccccdddddddd l", add_special_tokens=False)
    assert ids[0] == before
    assert before + 1 in ids


def test_add_special_tokens(tokenizer: Any) -> None:
    tokenizer.add_special_tokens({"cls_token": "[NEW]"})
    assert tokenizer.encode("[NEW]", add_special_tokens=False) == [tokenizer.cls_token_id] == [VOCABULARY]
    assert "[NEW]" not in tokenizer.decode(tokenizer.encode("this"), skip_special_tokens=True)


def test_added_tokens_do_lower_case(side: str) -> None:
    tokenizer = load(side, do_lower_case=True)
    tokenizer.add_tokens(["<kept>"], special_tokens=True)
    assert tokenizer.tokenize("THIS <kept>")[-1] == "<kept>"
    assert tokenizer.tokenize("THIS <kept>")[:-1] == tokenizer.tokenize("this <kept>")[:-1]


def test_added_token_are_matched_longest_first(tokenizer: Any) -> None:
    tokenizer.add_tokens(["extra_id_1"])
    tokenizer.add_tokens(["extra_id_100"])
    assert "extra_id_100" in tokenizer.tokenize("this extra_id_100")


def test_split_special_tokens(side: str) -> None:
    plain, split = load(side), load(side, split_special_tokens=True)
    assert "[MASK]" in plain.tokenize("this [MASK]")
    assert "[MASK]" not in split.tokenize("this [MASK]")


def test_embedded_special_tokens(tokenizer: Any) -> None:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer.encode("A, [MASK] this."))
    assert tokens.count("[MASK]") == 1


def test_model_input_names_signature(tokenizer: Any) -> None:
    taken = inspect.signature(el.ErnieMModel.forward).parameters
    assert all(name in taken for name in tokenizer.model_input_names)


@pytest.mark.parametrize("kind", ["np", "pt"])
def test_batch_encode_plus_tensors(tokenizer: Any, kind: str) -> None:
    texts = [SENTENCE, "this"]
    with pytest.raises(ValueError):
        tokenizer(texts, return_tensors=kind)
    found = tokenizer(texts, padding=True, return_tensors=kind)["input_ids"]
    assert isinstance(found, torch.Tensor if kind == "pt" else np.ndarray)


def test_batch_encode_plus_padding(tokenizer: Any) -> None:
    found = tokenizer([SENTENCE, "this"], padding="max_length", max_length=30, truncation=True)["input_ids"]
    assert {len(row) for row in found} == {30}


def test_batch_encode_plus_overflowing_tokens(tokenizer: Any) -> None:
    found = tokenizer([SENTENCE], truncation=True, max_length=9, return_overflowing_tokens=True)
    assert all(len(row) <= 9 for row in found["input_ids"])
    assert {"overflowing_tokens", "overflow_to_sample_mapping"} & {*found}


def test_prepare_for_model_and_pad(tokenizer: Any) -> None:
    rows = [tokenizer("this"), tokenizer(SENTENCE)]
    assert tokenizer.pad(rows)["input_ids"] == tokenizer(["this", SENTENCE], padding=True)["input_ids"]


def test_clean_up_tokenization_spaces(side: str) -> None:
    for clean, text in ((True, "a, b. don't"), (False, "a , b . do n't")):
        tokenizer = load(side, clean_up_tokenization_spaces=clean)
        assert tokenizer.clean_up_tokenization("a , b . do n't") == "a, b. don't"
        ids = tokenizer.encode("a , b . do n't", add_special_tokens=False)
        assert tokenizer.decode(ids) == text
        assert tokenizer.decode(ids, clean_up_tokenization_spaces=True) == "a, b. don't"


def test_compare_add_special_tokens(tokenizer: Any) -> None:
    for asked in (False, True):
        assert (
            len(tokenizer.encode(SENTENCE, add_special_tokens=asked)) == len(tokenizer.tokenize(SENTENCE)) + 2 * asked
        )


def test_torch_encode_plus_sent_to_model(side: str) -> None:
    tokenizer = load(side)
    model = el.ErnieMModel(el.ErnieMConfig(VOCABULARY, 16, 1, 2, 32, max_position_embeddings=60)).eval()
    for texts in (SENTENCE, [SENTENCE, "this"]):
        model(**tokenizer(texts, padding=True, return_tensors="pt"))
