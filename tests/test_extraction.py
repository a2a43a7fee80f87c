"""What a schema asks for is found, wherever in a text of any length it stands."""

import random
from typing import Any

import numpy as np
import pytest
from extraction_samples import LENGTH, by_direct_loop, spotter, tiny_extractor, tokenizer
from hypothesis import given, settings
from hypothesis import strategies as st

from erniem_lab import ErnieMConfig, ErnieMForTokenClassification
from erniem_lab.errors import InputTypeError, InputValueError
from erniem_lab.tasks.extraction import InformationExtractor, Question, answer, extractor, read_schema, schema_of
from erniem_lab.tasks.extraction.schema import Node, ask_of, option_places, prompt_form
from erniem_lab.tasks.extraction.spans import Pointers, pair_up, token_spans

CUT = tokenizer()
FILLER = "this is a test "


def spans(extractor: InformationExtractor, text: str, name: str = "mark") -> list[tuple[int, int] | None]:
    return [found.span for found in extractor([text])[0][name]]


def test_starts_and_ends_pair_up_as_in_taskflow_in_5000_random_cases() -> None:
    draw = random.Random(0)
    for _ in range(5000):
        places = range(draw.randint(1, 30))
        starts, ends = (sorted(draw.sample(places, draw.randint(0, len(places)))) for _ in range(2))
        pairs = pair_up(starts, ends)
        assert set(pairs) == by_direct_loop(starts, ends)
        assert pairs == sorted(pairs)


@pytest.mark.parametrize(
    ("starts", "ends", "expected"),
    [
        ([1, 3], [5], [(3, 5)]),
        ([1], [3, 5], [(1, 3)]),
        ([1, 2], [3, 4], [(2, 3)]),
        ([1, 2, 10], [4, 12], [(2, 4), (10, 12)]),
    ],
)
def test_the_nearest_start_belongs_to_an_end(
    starts: list[int], ends: list[int], expected: list[tuple[int, int]]
) -> None:
    assert pair_up(starts, ends) == expected


def test_a_probability_of_the_threshold_is_not_above_it() -> None:
    even = np.array([0.5, 0.75])
    assert [(span.first, span.last) for span in token_spans(Pointers(even, even))] == [(1, 1)]
    assert len(token_spans(Pointers(even, even), 0.25)) == 2


@pytest.mark.parametrize("words", [0, 3, 8, 20, 50, 200])
def test_a_text_of_any_length_gives_every_span_at_its_place(words: int) -> None:
    extractor = InformationExtractor(spotter(CUT), CUT, "mark")
    text = "".join(f"{FILLER}{'! ' * (number % 3)}" for number in range(words)) + "a!"
    assert spans(extractor, text) == [(place, place + 1) for place, mark in enumerate(text) if mark == "!"]


def test_a_span_longer_than_the_model_reads_at_once_is_found_whole() -> None:
    extractor = InformationExtractor(spotter(CUT, ":", "?"), CUT, "mark")
    text = FILLER * 9 + ":" + FILLER * 30 + "? " + FILLER * 9
    assert spans(extractor, text) == [(text.index(":"), text.index("?") + 1)]


SPOTTERS = {length: spotter(CUT, ":", "?", length) for length in (12, 13, 25, LENGTH)}


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(sorted(SPOTTERS)), st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), max_size=6))
def test_nothing_is_lost_at_a_border_wherever_spans_begin_and_end(length: int, gaps: list[tuple[int, int]]) -> None:
    text, places = "", []
    for before, within in gaps:
        text += "is " * before + ":"
        places.append((len(text) - 1, len(text) + 3 * within + 1))
        text += "is " * within + "? "
    assert spans(InformationExtractor(SPOTTERS[length], CUT, "mark"), text) == places


@pytest.mark.parametrize("text", ["", " ", "\n\u200b"])
def test_in_a_text_without_a_token_nothing_is_found(text: str) -> None:
    assert InformationExtractor(spotter(CUT), CUT, ["mark", "mood[a, b]"])([text])[0].to_dict() == {}
    assert len(InformationExtractor(spotter(CUT), CUT, "mark")([])) == 0


def test_every_token_of_a_long_text_is_read_once() -> None:
    text = "!".join(FILLER * (number % 4) for number in range(40))
    found = answer([Question(text, "mark")], spotter(CUT), CUT)[0]
    assert "".join(one.text for one in found) == "!" * text.count("!")


def test_what_is_found_does_not_depend_on_the_batch() -> None:
    model, texts = tiny_extractor(CUT), [FILLER * number + "it was 2000." for number in range(12)]
    extractor = InformationExtractor(model, CUT, ["mark", "thing"], threshold=0.4)
    together, alone = extractor(texts), [extractor([text], batch_tokens=1)[0] for text in texts]
    assert together.to_frame()[["number", "name", "start", "end"]].values.tolist() == [
        [number, *row]
        for number, one in enumerate(texts)
        for row in extractor([one]).to_frame()[["name", "start", "end"]].values.tolist()
    ]
    probabilities = [found.probability for one in together for found in one["mark"]]
    assert probabilities == pytest.approx([found.probability for one in alone for found in one["mark"]], abs=1e-5)
    assert probabilities


def test_spaces_around_a_span_are_not_of_it() -> None:
    text = "so : is a ? it"
    assert [found.text for found in InformationExtractor(spotter(CUT, ":", "?"), CUT, "mark")([text])[0]["mark"]] == [
        ": is a ?"
    ]


def test_relations_are_asked_of_each_find_to_any_depth() -> None:
    schema = {"one": {"two": ["three", "four"]}, "five": []}
    found = InformationExtractor(spotter(CUT), CUT, schema)(["a ! b", "none"])
    assert list(found[0].found) == ["one", "five"]
    below = found[0]["one"][0].relations["two"][0].relations
    assert {name: [one.text for one in several] for name, several in below.items()} == {"three": ["!"], "four": ["!"]}
    assert found[1].to_dict() == {}
    assert found.to_frame()["name"].tolist() == ["one", "one / two", "one / two / three", "one / two / four", "five"]
    assert found.to_frame()["subject"].tolist() == ["", "!", "!", "!", ""]


def test_an_option_that_holds_is_given_without_a_place() -> None:
    extractor = InformationExtractor(spotter(CUT), CUT, "mood[!, a]")
    found = extractor(["this is a test"])
    assert found[0].to_dict() == {"mood[!, a]": [{"text": "!", "probability": pytest.approx(1, abs=1e-3)}]}
    assert found.to_frame()["start"].isna().all()


def test_marks_in_the_text_are_no_options_and_options_no_finds() -> None:
    found = InformationExtractor(spotter(CUT), CUT, ["mood[a, b]", "!"])(["a ! b"])
    assert found[0]["mood[a, b]"] == ()
    assert [one.span for one in found[0]["!"]] == [(2, 3)]


def test_a_model_is_left_in_the_mode_it_was_in() -> None:
    model = spotter(CUT).train()
    InformationExtractor(model, CUT, "mark")(["a!"])
    assert model.training


@pytest.mark.parametrize("wide", ["人物", {"person": ["职业"]}])
def test_a_schema_with_chinese_characters_asks_in_chinese(wide: Any) -> None:
    assert prompt_form(read_schema(wide)) == "zh"
    assert InformationExtractor(spotter(CUT), CUT, wide).prompts == "zh"


def test_the_form_of_prompts_can_be_given() -> None:
    assert InformationExtractor(spotter(CUT), CUT, "职业", prompts="en").prompts == "en"
    assert ask_of("ｊｏｂ", "Ａｎｎａ", "en") == "job of Anna"


def test_a_mode_or_form_that_is_not_known_is_refused() -> None:
    with pytest.raises(InputValueError, match="mode='fast': give one of lab, taskflow"):
        extractor._one_of("mode", "fast", ("lab", "taskflow"))


def test_options_are_read_in_both_widths() -> None:
    assert Node("情感［正向，负向］").options == ("正向", "负向")
    assert [("a [b , c d]")[slice(*place)] for place in option_places("a [b , c d]")] == ["b", "c d"]


@pytest.mark.parametrize("text", ["person,city", '["person", "city"]', "person， city"])
def test_a_schema_can_be_written_in_one_argument(text: str) -> None:
    assert schema_of(text) == ["person", "city"]


@pytest.mark.parametrize("empty", [[], {}, "", " ", ["a", ""], {"a": {"": []}}, "mood[]", "mood[ , ]"])
def test_a_schema_that_asks_for_nothing_is_refused(empty: Any) -> None:
    with pytest.raises(InputValueError, match=r"schema.*(asks for nothing|empty name|without options)"):
        read_schema(empty)


@pytest.mark.parametrize("wrong", [3, None, b"a", [["a"]], [3], {"a": 3}, {3: "a"}, {"a": ["b", None]}])
def test_a_schema_of_another_type_is_refused(wrong: Any) -> None:
    with pytest.raises(InputTypeError, match=r"schema.*; (give a name|names are strings)"):
        read_schema(wrong)


@pytest.mark.parametrize("twice", [["a", "a"], [{"a": "b"}, "a"], {"a": ["b", {"b": "c"}]}])
def test_a_name_that_is_there_twice_is_refused(twice: Any) -> None:
    with pytest.raises(InputValueError, match="twice"):
        read_schema(twice)


def test_a_prompt_that_leaves_no_room_is_refused_before_anything_is_read() -> None:
    with pytest.raises(InputValueError, match=r"prompt 'this is.*too long.*of the 40 tokens"):
        InformationExtractor(spotter(CUT), CUT, {"a": [FILLER * 5]})


def test_a_find_too_long_to_be_asked_about_is_kept_and_told() -> None:
    extractor = InformationExtractor(spotter(CUT, ":", "?"), CUT, {"mark": "part"})
    text = f"a :{FILLER * LENGTH}? b"
    with pytest.warns(UserWarning, match=r"prompt 'part of :this.*not asked"):
        found = extractor([text])
    assert [one.relations for one in found[0]["mark"]] == [{}]


def test_a_model_with_another_head_is_refused() -> None:
    tiny = ErnieMConfig(vocab_size=len(CUT), hidden_size=4, num_attention_heads=2, num_hidden_layers=1)
    with pytest.raises(InputTypeError, match="model is an ErnieMForTokenClassification: give an ErnieMForInformation"):
        InformationExtractor(ErnieMForTokenClassification(tiny), CUT, "mark")


def test_a_single_string_is_no_list_of_texts() -> None:
    with pytest.raises(InputTypeError, match="texts is 'a text', a str: give a list of strings"):
        InformationExtractor(spotter(CUT), CUT, "mark")("a text")
