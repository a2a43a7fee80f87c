"""Labelled texts give the schema to extract by, and say what of an extraction is right."""

from dataclasses import replace
from typing import Any

import pytest
from extraction_samples import ANNA, BEN, ROME, TEXT

from erniem_lab.corpora.examples import ExtractionExample, LabelledText, Mention, Relation, Span
from erniem_lab.corpora.world import World
from erniem_lab.errors import InputTypeError, InputValueError
from erniem_lab.tasks.extraction import read_schema
from erniem_lab.tasks.extraction.found import Extraction, Found
from erniem_lab.tasks.extraction.labelled import names_in, renamed, schema_in, score_extractions

EXAMPLE = ExtractionExample(
    "en",
    TEXT,
    (Mention("person", ANNA), Mention("person", BEN), Mention("city", ROME)),
    (Relation(ANNA, "home", ROME), Relation(Span.of(TEXT, 5, 10), "place", ROME)),
)


def as_found(span: Span, **relations: tuple[Found, ...]) -> Found:
    return Found(span.text, (span.start, span.end), 0.9, relations)


def test_a_schema_has_every_kind_and_below_it_the_relations_of_such_things() -> None:
    assert schema_in([EXAMPLE]) == {"person": ["home"], "city": []}


@pytest.mark.parametrize("language", ["en", "th", "ar"])
def test_the_schema_of_the_world_can_be_asked(language: str) -> None:
    schema = schema_in(World.load().extraction(language, 200))
    assert len(read_schema(schema)) == len(schema)


def test_what_is_extracted_as_it_is_labelled_scores_one() -> None:
    found = {"person": (as_found(ANNA, home=(as_found(ROME),)), as_found(BEN)), "city": (as_found(ROME),)}
    scores = score_extractions([Extraction(TEXT, found)], [EXAMPLE])
    assert [scores.estimate(metric).value for metric in scores.metrics] == [1.0, 1.0, 1.0]


def test_a_relation_is_right_only_of_the_right_thing() -> None:
    found = {"person": (as_found(ANNA), as_found(BEN, home=(as_found(ROME),)))}
    [prediction] = score_extractions([Extraction(TEXT, found)], [EXAMPLE]).predictions
    assert prediction.counts == (2, 3, 4)


def test_a_find_is_right_only_at_its_very_characters() -> None:
    wrong = Extraction(TEXT, {"person": (as_found(Span.of(TEXT, 0, 3)),)})
    assert score_extractions([wrong], [EXAMPLE]).predictions[0].counts == (0, 1, 4)


def test_options_that_were_found_are_counted_without_a_place() -> None:
    found = Extraction(TEXT, {"mood[good,bad]": (Found("good", None, 0.9, {}),)})
    assert score_extractions([found], [EXAMPLE]).predictions[0].counts == (0, 1, 4)


def test_scores_have_a_row_for_each_language_and_are_resampled_by_texts() -> None:
    other = replace(EXAMPLE, language="de")
    scores = score_extractions([Extraction(TEXT, {})] * 3, [EXAMPLE, other, other])
    counts = scores.to_frame().groupby("language")["n"].first()
    assert counts.to_dict() == {"de": 2, "en": 1}


def test_texts_are_renamed_by_the_words_of_parallel_ones() -> None:
    own, like = (World.load().extraction(code, 60) for code in ("sw", "en"))
    found = renamed(own, names_in(own, like))
    assert [one.text for one in found] == [one.text for one in own]
    assert [m.kind for one in found for m in one.mentions] == [m.kind for one in like for m in one.mentions]
    assert [r.name for one in found for r in one.relations] == [r.name for one in like for r in one.relations]
    assert [m.span for one in found for m in one.mentions] == [m.span for one in own for m in one.mentions]


def test_what_has_no_new_name_is_left_out() -> None:
    [found] = renamed([EXAMPLE], {"city": "town", "home": "home"})
    assert found.mentions == (Mention("town", ROME),)
    assert found.relations == (Relation(ANNA, "home", ROME),)


@pytest.mark.parametrize("like", [[EXAMPLE, EXAMPLE], [replace(EXAMPLE, relations=())]])
def test_texts_that_do_not_say_the_same_give_no_names(like: Any) -> None:
    with pytest.raises(InputValueError, match=r"like: \d texts for 1.*give one for each"):
        names_in([EXAMPLE], like)


def test_extractions_of_other_texts_are_refused() -> None:
    for extractions in ([], [Extraction("Anna", {})]):
        with pytest.raises(InputValueError, match=r"extract from \[example.text"):
            score_extractions(extractions, [EXAMPLE])
    with pytest.raises(InputTypeError, match="LabelledText"):
        schema_in([LabelledText("en", "a", "b")])
