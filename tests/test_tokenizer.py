import copy
import inspect
import json
import pickle
import shutil
from pathlib import Path
from typing import Any

import pytest
from conftest import GOLDEN

from erniem_lab.errors import FileFaultError, InputValueError
from erniem_lab.tokenizer import ErnieMTokenizer

TOY = GOLDEN / "tokenizer"


def recorded(name: str) -> dict[str, Any]:
    return json.loads((TOY / name).read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def tokenizer() -> ErnieMTokenizer:
    return ErnieMTokenizer.from_pretrained(TOY)


@pytest.mark.parametrize(("mode", "name"), [("hf", "peer.json"), ("paddle", "paddle.json")])
def test_ids_and_tokens_are_those_of_both_older_implementations(mode: str, name: str) -> None:
    """Case 74."""
    by_case = {lower: ErnieMTokenizer.from_pretrained(TOY, mode=mode, do_lower_case=lower == "1") for lower in "01"}
    for key, expected in recorded(name).items():
        tokenizer, text = by_case[key[0]], key[2:]
        assert tokenizer(text).input_ids == expected["ids"], key
        assert tokenizer.tokenize(text) == expected["tokens"], key
        assert tokenizer.encoding(text).ids == expected["ids"], key


def test_arguments_come_in_hugging_faces_order() -> None:
    order = "sentencepiece_model_ckpt vocab_file do_lower_case encoding unk_token sep_token pad_token cls_token"
    assert [*inspect.signature(ErnieMTokenizer).parameters][:10] == [*order.split(), "mask_token", "sp_model_kwargs"]


def test_offsets_are_those_of_paddlenlp_wherever_it_gives_them() -> None:
    by_case = {lower: ErnieMTokenizer.from_pretrained(TOY, mode="paddle", do_lower_case=lower == "1") for lower in "01"}
    given = {key: value["off"] for key, value in recorded("paddle.json").items() if isinstance(value["off"], list)}
    assert len(given) == 87
    for key, spans in given.items():
        assert by_case[key[0]].encoding(key[2:]).offsets[1:-1] == [tuple(span) for span in spans], key


def test_decoding_is_transformers_own(tokenizer: ErnieMTokenizer) -> None:
    for key, expected in recorded("peer.json").items():
        if key[0] == "0":
            assert tokenizer.decode(expected["ids"], skip_special_tokens=True) == expected["dec"], key


def test_a_pair_is_framed_and_marked(tokenizer: ErnieMTokenizer) -> None:
    answer = tokenizer("this is", "a test", return_token_type_ids=True, return_special_tokens_mask=True)
    assert answer.input_ids == [0, 17, 95, 39, 2, 2, 11, 78, 96, 2]
    assert answer.token_type_ids == [0, 0, 0, 0, 1, 1, 1, 1, 1, 1]
    assert answer.special_tokens_mask == [1, 0, 0, 0, 1, 1, 0, 0, 0, 1]
    assert tokenizer([("this is", "a test")]).input_ids == [answer.input_ids]


def test_the_first_sep_of_a_pair_is_of_the_first_sentence(tokenizer: ErnieMTokenizer) -> None:
    encoding = tokenizer.encoding("this is", "a test")
    assert encoding.sentence == [0, 0, 0, 0, 0, 1, 1, 1, 1, 1]
    assert encoding.special == [True, False, False, False, True, True, False, False, False, True]
    assert encoding.ids == tokenizer("this is", "a test").input_ids


def test_padding_makes_a_tensor_of_a_batch(tokenizer: ErnieMTokenizer) -> None:
    answer = tokenizer(["this is a test", "x"], padding=True, return_attention_mask=True, return_tensors="pt")
    assert answer.input_ids.tolist() == [[0, 17, 95, 39, 11, 78, 96, 2], [0, 226, 2, 1, 1, 1, 1, 1]]
    assert answer.to("cpu").attention_mask.sum(1).tolist() == [8, 3]
    assert list(tokenizer(["x"])) == ["input_ids"]


def test_padding_can_stand_left_and_reach_a_multiple() -> None:
    left = ErnieMTokenizer.from_pretrained(TOY, padding_side="left")
    assert left(["x"], padding=True, pad_to_multiple_of=4).input_ids == [[1, 0, 226, 2]]
    assert left("x", padding="max_length", max_length=5).input_ids == [1, 1, 0, 226, 2]
    assert left.pad([left("x"), left("this")]).input_ids == [[1, 0, 226, 2], [0, 17, 95, 2]]


def test_rows_that_differ_make_no_tensor(tokenizer: ErnieMTokenizer) -> None:
    with pytest.raises(InputValueError, match="padding=True"):
        tokenizer(["x", "this is"], return_tensors="pt")


@pytest.mark.parametrize(
    ("strategy", "limit", "expected"),
    [("longest_first", 8, [2, 2]), ("longest_first", 9, [3, 2]), ("only_first", 8, [1, 3]), ("only_second", 9, [4, 1])],
)
def test_truncation_takes_from_whom_it_is_told_to(
    tokenizer: ErnieMTokenizer, strategy: str, limit: int, expected: list[int]
) -> None:
    ids = tokenizer("this is a", "a test", truncation=strategy, max_length=limit).input_ids
    middle = ids[1:].index(2) + 1
    assert [middle - 1, len(ids) - middle - 3] == expected
    encoding = tokenizer.encoding("this is a", "a test", truncation=strategy, max_length=limit)
    assert encoding.ids == ids


def test_truncation_may_take_from_the_left() -> None:
    left = ErnieMTokenizer.from_pretrained(TOY, truncation_side="left")
    assert left("this is a test", truncation=True, max_length=4).input_ids == [0, 78, 96, 2]


def test_what_was_cut_off_comes_back_with_its_stride(tokenizer: ErnieMTokenizer) -> None:
    answer = tokenizer("this is a test", truncation=True, max_length=5, stride=1, return_overflowing_tokens=True)
    assert (answer.input_ids, answer.overflowing_tokens) == ([0, 17, 95, 39, 2], [39, 11, 78, 96])
    assert answer.num_truncated_tokens == 3


def test_a_text_that_may_not_give_way_is_an_error(tokenizer: ErnieMTokenizer) -> None:
    with pytest.raises(InputValueError, match="longest_first"):
        tokenizer("this is", "a test", truncation="only_second", max_length=6)
    with pytest.raises(InputValueError, match="raise max_length"):
        tokenizer("this", truncation=True, max_length=1)


def test_words_are_tokenised_alone_and_counted(tokenizer: ErnieMTokenizer) -> None:
    words = ["this", "is", "fox", "2000"]
    encoding = tokenizer.encoding(words)
    assert encoding.tokens[1:-1] == ["▁th", "is", "▁is", "▁fo", "x", "2000"]
    assert encoding.words == [-1, 0, 0, 1, 2, 2, 3, -1]
    assert [encoding.surface(i) for i in range(1, 7)] == ["th", "is", "is", "fo", "x", "2000"]
    assert tokenizer(words, is_split_into_words=True).input_ids == encoding.ids
    assert tokenizer([words], [words], is_split_into_words=True).input_ids == [tokenizer.encoding(words, words).ids]


def test_running_text_counts_its_words_by_spaces(tokenizer: ErnieMTokenizer) -> None:
    encoding = tokenizer.encoding("  The  fox")
    assert list(zip(encoding.tokens, encoding.words, strict=True))[1:-1] == [
        ("T", 0), ("h", 0), ("e", 0), ("▁fo", 1), ("x", 1)
    ]  # fmt: skip
    assert tokenizer.encoding("The quick").words[1:-1] == [0, 0, 0, 1, 1, 1, 1]


def test_asking_for_offsets_changes_no_id(tokenizer: ErnieMTokenizer) -> None:
    texts, pairs = ["this is", "ｘ 中国 [MASK]"], ["İ ½", "a"]
    plain = tokenizer(texts, pairs, padding=True, truncation=True, max_length=9)
    answer = tokenizer(texts, pairs, padding=True, truncation=True, max_length=9, return_offsets_mapping=True)
    assert answer.input_ids == plain.input_ids
    assert [len(row) for row in answer.offset_mapping] == [len(row) for row in plain.input_ids]
    assert answer.offset_mapping[0][:3] == [(0, 0), (0, 2), (2, 4)]


def test_saved_and_copied_tokenizers_outlive_their_folder(tokenizer: ErnieMTokenizer, tmp_path: Path) -> None:
    folder = tmp_path / "tokenizer"
    ErnieMTokenizer.from_pretrained(TOY, do_lower_case=True, mode="paddle").save_pretrained(folder)
    loaded = ErnieMTokenizer.from_pretrained(folder)
    loaded.add_tokens(["<x>"])
    expected = loaded("THIS <x> is 中").input_ids
    shutil.rmtree(folder)
    for copied in (pickle.loads(pickle.dumps(loaded)), copy.deepcopy(loaded)):
        assert copied("THIS <x> is 中").input_ids == expected
    loaded.save_pretrained(folder)
    assert ErnieMTokenizer.from_pretrained(folder)("THIS <x> is 中").input_ids == expected


def test_a_vocabulary_is_saved_alone_with_its_prefix_and_read_by_its_paths(
    tokenizer: ErnieMTokenizer, tmp_path: Path
) -> None:
    """Bug D28: the peer prefixes one of the two files, and names only that one."""
    vocabulary, model = tokenizer.save_vocabulary(tmp_path, "abc")
    assert {path.name for path in tmp_path.iterdir()} == {"abc-vocab.txt", "abc-sentencepiece.bpe.model"}
    assert ErnieMTokenizer(model, vocabulary)("this is 中").input_ids == tokenizer("this is 中").input_ids


def test_added_tokens_get_ids_at_the_end_and_come_back(tokenizer: ErnieMTokenizer, tmp_path: Path) -> None:
    own = copy.deepcopy(tokenizer)
    assert own.add_tokens(["<x>", "this"]) == 2
    assert own.add_special_tokens({"additional_special_tokens": ["[E]"]}) == 1
    assert own("<x>this[E]").input_ids == [0, 582, 583, 584, 2]
    assert (len(own), own.vocab_size, len(tokenizer)) == (585, 582, 582)
    assert own.decode([582, 17, 95, 584]) == "<x> this [E]"  # as transformers does
    own.save_pretrained(tmp_path)
    assert ErnieMTokenizer.from_pretrained(tmp_path)("<x>this[E]").input_ids == [0, 582, 583, 584, 2]
    assert tokenizer("<x>").input_ids != [0, 582, 2]


def test_a_missing_vocabulary_says_what_to_do(tmp_path: Path) -> None:
    shutil.copy(TOY / "sentencepiece.bpe.model", tmp_path)
    with pytest.raises(FileFaultError, match=r"get vocab\.txt from where"):
        ErnieMTokenizer.from_pretrained(tmp_path)
    with pytest.raises(FileFaultError, match="pass vocab_file="):
        ErnieMTokenizer(tmp_path / "sentencepiece.bpe.model")
    shutil.copy(TOY / "vocab.txt", tmp_path / "abc-vocab.txt")
    with pytest.raises(FileFaultError, match=r"rename abc-vocab\.txt"):
        ErnieMTokenizer.from_pretrained(tmp_path)


@pytest.mark.parametrize("content", [b"", b"no model", b"\x0a\xff\xff"])
def test_a_damaged_model_is_named(tmp_path: Path, content: bytes) -> None:
    shutil.copy(TOY / "vocab.txt", tmp_path)
    (tmp_path / "sentencepiece.bpe.model").write_bytes(content)
    with pytest.raises(FileFaultError, match=r"sentencepiece\.bpe\.model"):
        ErnieMTokenizer.from_pretrained(tmp_path)


def test_unknown_strings_and_ids_are_the_unknown_token(tokenizer: ErnieMTokenizer) -> None:
    assert tokenizer.convert_ids_to_tokens([9999, -1, 2]) == ["[UNK]", "[UNK]", "[SEP]"]
    assert tokenizer.convert_tokens_to_ids(["nonesuch", "[MASK]"]) == [3, 581]
    assert tokenizer.all_special_ids == [3, 2, 1, 0, 581]


def test_transformers_form_of_a_config_is_read(tmp_path: Path) -> None:
    for name in ("vocab.txt", "sentencepiece.bpe.model"):
        shutil.copy(TOY / name, tmp_path)
    mask = {"content": "[MASK]", "lstrip": False, "normalized": False, "rstrip": False, "special": True}
    config = {"tokenizer_class": "ErnieMTokenizer", "mask_token": mask, "model_max_length": 1e30, "do_lower_case": True}
    config["added_tokens_decoder"] = {"581": mask}
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(config))
    tokenizer = ErnieMTokenizer.from_pretrained(tmp_path)
    assert (tokenizer.mask_token, tokenizer.model_max_length, tokenizer.do_lower_case) == ("[MASK]", 512, True)
    assert tokenizer("[MASK]").input_ids == [0, 581, 2]


def test_sampling_gives_other_pieces_of_the_same_text(tokenizer: ErnieMTokenizer) -> None:
    drawn = ErnieMTokenizer.from_pretrained(TOY, sp_model_kwargs={"enable_sampling": True, "alpha": 0.1})
    text = "the quick brown fox jumps"
    segmentations = {tuple(drawn.tokenize(text)) for _ in range(20)}
    assert len(segmentations) > 1
    assert {"".join(tokens).replace("▁", "") for tokens in segmentations} == {"thequickbrownfoxjumps"}


def test_ids_of_a_batch_are_those_of_its_texts(tokenizer: ErnieMTokenizer, real_data: Path) -> None:
    texts = (real_data / "spm" / "botchan.txt").read_text(encoding="utf-8").splitlines()[:2000]
    assert tokenizer(texts).input_ids == [tokenizer(text).input_ids for text in texts]
