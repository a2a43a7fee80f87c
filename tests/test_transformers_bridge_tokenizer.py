"""The bridge's tokenizer gives the core's ids and spans under every one of transformers' calls."""

import copy
import json
import pickle
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from bridge_samples import SENTENCE, TOKENIZER, VOCABULARY
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from transformers import AddedToken

import erniem_lab as el
from erniem_lab.errors import InputValueError
from erniem_lab.transformers_bridge import ErnieMTokenizer

PAIR = ("this is", "a test of 2000 fox")


@pytest.fixture(scope="module")
def both() -> tuple[Any, el.ErnieMTokenizer]:
    return ErnieMTokenizer.from_pretrained(TOKENIZER), el.ErnieMTokenizer.from_pretrained(TOKENIZER)


def test_ids_are_those_recorded_from_transformers_4_40_2() -> None:
    recorded = json.loads((TOKENIZER / "peer.json").read_text(encoding="utf-8"))
    kinds = {
        str(int(lower)): ErnieMTokenizer.from_pretrained(TOKENIZER, do_lower_case=lower) for lower in (False, True)
    }
    for case, entry in recorded.items():
        lower, text = case.split("|", 1)
        assert kinds[lower](text)["input_ids"] == entry["ids"], text
        assert kinds[lower].tokenize(text) == entry["tokens"], text


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(first=st.text(max_size=30), second=st.none() | st.text(max_size=30))
def test_any_text_or_pair_gets_the_cores_encoding(both: Any, first: str, second: str | None) -> None:
    tokenizer, core = both
    expected = core.encoding(first, second)
    found = tokenizer(first, second, return_offsets_mapping=True, return_token_type_ids=True)
    assert found["input_ids"] == list(expected.ids)
    assert found["offset_mapping"] == list(expected.offsets)
    assert found["token_type_ids"] == core(first, second, return_token_type_ids=True)["token_type_ids"]
    assert found["token_type_ids"] == found[0].type_ids
    assert found.tokens() == list(expected.tokens)


@pytest.mark.parametrize("strategy", ["longest_first", "only_first", "only_second"])
@pytest.mark.parametrize("side", ["left", "right"])
def test_long_pairs_are_cut_as_by_the_core(strategy: Any, side: Any) -> None:
    tokenizer = ErnieMTokenizer.from_pretrained(TOKENIZER, truncation_side=side)
    core = el.ErnieMTokenizer.from_pretrained(TOKENIZER, truncation_side=side)
    texts = ("this is a test of it all", "this is another test of it all")
    found = tokenizer(*texts, truncation=strategy, max_length=22)["input_ids"]
    assert found == core(*texts, truncation=strategy, max_length=22)["input_ids"]


@pytest.mark.parametrize("how", [{"padding": True}, {"padding": "max_length", "max_length": 40, "truncation": True}])
@pytest.mark.parametrize("side", ["left", "right"])
def test_batches_are_padded_as_by_the_core(both: Any, how: dict[str, Any], side: Any) -> None:
    tokenizer, _ = both
    core = el.ErnieMTokenizer.from_pretrained(TOKENIZER, padding_side=side)
    texts = [SENTENCE, "this", ""]
    asked = {"return_attention_mask": True, "return_special_tokens_mask": True, "return_tensors": "np", **how}
    found, expected = tokenizer(texts, padding_side=side, **asked), core(texts, **asked)
    assert found.keys() == expected.keys()
    assert all(np.array_equal(found[name], expected[name]) for name in expected)


def test_padding_is_no_part_of_a_text(both: Any) -> None:
    found = both[0]([SENTENCE, "this is"], padding=True, pad_to_multiple_of=8, return_offsets_mapping=True)
    assert len(found.input_ids[1]) % 8 == 0
    assert found.sequence_ids(1)[-1] is None
    assert found.word_ids(1) == [None, 0, 0, 1] + [None] * (len(found.input_ids[1]) - 4)
    assert found.offset_mapping[1][-1] == (0, 0)


def test_answers_say_where_characters_and_words_stand(both: Any) -> None:
    found = both[0](*PAIR)
    second = PAIR[1]
    for place, character in enumerate(second):
        token = found.char_to_token(place, sequence_index=1)
        if token is not None:
            start, end = found.token_to_chars(token)
            assert character in second[start:end]
            assert found.token_to_sequence(token) == 1
    word = found.char_to_word(second.index("fox"), sequence_index=1)
    assert second[slice(*found.word_to_chars(word, sequence_index=1))] == "fox"
    assert found.word_to_tokens(0, sequence_index=0) == (1, 3)
    assert (found.token_to_chars(0), found.char_to_token(99)) == (None, None)


def test_offsets_of_given_words_count_from_each_word(both: Any) -> None:
    words = ["this", "2000", "中文"]
    found = both[0](words, is_split_into_words=True, return_offsets_mapping=True)
    numbers = found.word_ids()
    pieces = [words[n][a:b] for n, (a, b) in zip(numbers, found.offset_mapping, strict=True) if n is not None]
    assert "".join(pieces) == "".join(words)


@pytest.mark.parametrize("stride", [0, 2])
def test_a_long_context_comes_in_windows_that_cover_it(both: Any, stride: int) -> None:
    context = f"{SENTENCE} " * 4
    found = both[0](
        PAIR[0],
        context,
        truncation="only_second",
        max_length=24,
        stride=stride,
        return_overflowing_tokens=True,
        return_offsets_mapping=True,
    )
    assert found["overflow_to_sample_mapping"] == [0] * len(found["input_ids"])
    spans = [
        {span for span, text in zip(row, found.sequence_ids(i), strict=True) if text == 1}
        for i, row in enumerate(found["offset_mapping"])
    ]
    whole = both[1].encoding(PAIR[0], context)
    expected = {
        span
        for span, text, special in zip(whole.offsets, whole.sentence, whole.special, strict=True)
        if text and not special
    }
    assert set().union(*spans) == expected
    assert all(len(one & other) == stride for one, other in pairwise(spans))


def test_windows_of_a_batch_name_their_texts(both: Any) -> None:
    found = both[0](["this", SENTENCE], truncation=True, max_length=12, return_overflowing_tokens=True)
    assert found["overflow_to_sample_mapping"][0] == 0
    assert {*found["overflow_to_sample_mapping"][1:]} == {1}


def test_windows_of_a_pair_take_the_second_text(both: Any) -> None:
    with pytest.raises(InputValueError, match="only_second"):
        both[0](*PAIR, truncation="only_first", max_length=8, return_overflowing_tokens=True)


def test_text_without_its_frame_is_the_text_alone(both: Any) -> None:
    tokenizer, core = both
    bare = tokenizer(SENTENCE, add_special_tokens=False, truncation=True, max_length=5)
    assert bare["input_ids"] == list(core.encoding(SENTENCE).ids[1:6])


CALLS: dict[str, Callable[[Any], Any]] = {
    "encode": lambda t: t.encode(*PAIR),
    "call": lambda t: t(*PAIR)["input_ids"],
    "batch": lambda t: t([PAIR])["input_ids"][0],
    "lists": lambda t: t([PAIR[0]], [PAIR[1]])["input_ids"][0],
    "tensors": lambda t: t(*PAIR, return_tensors="pt")["input_ids"][0].tolist(),
    "built": lambda t: t.build_inputs_with_special_tokens(
        *(t.convert_tokens_to_ids(t.tokenize(part)) for part in PAIR)
    ),
    "pad": lambda t: t.pad([t(*PAIR)], return_tensors="np")["input_ids"][0].tolist(),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS.keys())
def test_every_way_to_ask_gives_the_same_ids(both: Any, call: Callable[[Any], Any]) -> None:
    assert call(both[0]) == both[1](*PAIR)["input_ids"]


def test_a_mask_comes_along_unless_only_ids_are_named_as_inputs(both: Any, tmp_path: Path) -> None:
    assert list(both[0]("this")) == ["input_ids", "attention_mask"]
    named = ErnieMTokenizer.from_pretrained(TOKENIZER, model_input_names=["input_ids"])
    named.save_pretrained(tmp_path)
    assert list(ErnieMTokenizer.from_pretrained(tmp_path)("this")) == ["input_ids"]


@pytest.mark.parametrize("special", [False, True])
def test_added_tokens_are_recognised_and_travel_to_both_sides(tmp_path: Path, special: bool) -> None:
    tokenizer = ErnieMTokenizer.from_pretrained(TOKENIZER)
    assert tokenizer.add_tokens(["<new>", "[MASK]"], special_tokens=special) == 1
    ids = tokenizer("this <new> is")["input_ids"]
    assert VOCABULARY in ids
    tokenizer.save_pretrained(tmp_path)
    for kind in (ErnieMTokenizer, el.ErnieMTokenizer):
        again = kind.from_pretrained(tmp_path)
        assert again("this <new> is")["input_ids"] == ids
        assert ("<new>" in again.all_special_tokens) == special
        assert len(again) == VOCABULARY + 1


def test_a_token_that_takes_spaces_with_it_is_refused(both: Any) -> None:
    with pytest.raises(InputValueError, match="lstrip"):
        copy.deepcopy(both[0]).add_tokens([AddedToken("<new>", lstrip=True)])


def test_another_token_can_take_a_role() -> None:
    tokenizer = ErnieMTokenizer.from_pretrained(TOKENIZER)
    tokenizer.add_special_tokens({"sep_token": "<end>"})
    assert tokenizer("this")["input_ids"][-1] == tokenizer.sep_token_id == VOCABULARY


@pytest.mark.parametrize("split", [False, True])
def test_special_tokens_in_a_text_are_text_where_asked_for(both: Any, split: bool) -> None:
    ids = both[0]("this [MASK] is", split_special_tokens=split)["input_ids"]
    assert (both[0].mask_token_id in ids) is not split


def test_a_copy_and_a_pickle_need_no_file(both: Any) -> None:
    for twin in (copy.deepcopy(both[0]), pickle.loads(pickle.dumps(both[0]))):
        assert twin(SENTENCE)["input_ids"] == both[0](SENTENCE)["input_ids"]
        assert twin.get_vocab() == both[0].get_vocab()


def test_text_comes_back_as_from_the_core(both: Any) -> None:
    tokenizer, core = both
    ids = core(*PAIR)["input_ids"]
    for how in ({}, {"skip_special_tokens": True}, {"clean_up_tokenization_spaces": False}):
        assert tokenizer.decode(ids, **how) == core.decode(ids, **how)
    assert tokenizer.batch_decode([ids, ids]) == [core.decode(ids)] * 2


def test_masks_of_special_tokens_are_the_cores(both: Any) -> None:
    tokenizer, core = both
    ids = core(*PAIR)["input_ids"]
    assert tokenizer.get_special_tokens_mask(ids, already_has_special_tokens=True) == (
        core.get_special_tokens_mask(ids, already_has_special_tokens=True)
    )
    assert tokenizer.num_special_tokens_to_add(pair=True) == 4


def test_a_collator_masks_whole_words(both: Any) -> None:
    collate = transformers.DataCollatorForLanguageModeling(both[0], mlm_probability=0.5)
    torch.manual_seed(0)
    batch = collate([both[0](SENTENCE), both[0]("this is")])
    assert batch["input_ids"].shape == batch["labels"].shape
    assert bool((batch["labels"] != -100).any())


def test_ids_in_place_of_text_are_framed(both: Any) -> None:
    assert both[0].encode([17, 95]) == [0, 17, 95, 2]


def test_a_folder_of_released_form_knows_its_length() -> None:
    assert ErnieMTokenizer.from_pretrained(TOKENIZER).model_max_length == 512
