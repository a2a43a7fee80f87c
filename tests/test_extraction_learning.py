"""Labelled texts become prompts, prompts become labels of tokens, and what is learnt is scored by spans."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from extraction_samples import ANNA, BEN, LENGTH, ROME, TEXT, spotter, tiny_extractor, tokenizer

from erniem_lab.corpora.examples import ExtractionExample, LabelledText, Mention, PromptExample, Relation, Span
from erniem_lab.corpora.extraction import read_doccano, read_prompts
from erniem_lab.corpora.world import World
from erniem_lab.errors import InputTypeError, InputValueError
from erniem_lab.losses import IGNORED
from erniem_lab.tasks.extraction import Answer, InformationExtractor
from erniem_lab.tasks.extraction.fine_tuning import fit_extraction
from erniem_lab.tasks.extraction.learning import PromptPrediction, Prompts
from erniem_lab.tasks.extraction.prompts import choice_prompts, to_prompts
from erniem_lab.tasks.extraction.spans import pair_up
from erniem_lab.tasks.fitting import fit
from erniem_lab.tasks.settings import Settings
from erniem_lab.tasks.task import Reading

CUT = tokenizer()
EXAMPLE = ExtractionExample(
    "en",
    TEXT,
    (Mention("person", ANNA), Mention("person", BEN), Mention("city", ROME)),
    (Relation(ANNA, "home", ROME),),
)
OTHER = ExtractionExample("en", "A cat.", (Mention("animal", Span(2, 5, "cat")),), ())
EVERY = 99  # negatives enough to draw them all


def by_prompt(prompts: tuple[PromptExample, ...], text: str = TEXT) -> dict[str, list[str]]:
    return {one.prompt: [span.text for span in one.found] for one in prompts if one.text == text}


def test_every_kind_and_relation_is_asked_for_once_with_all_its_answers() -> None:
    prompts = by_prompt(to_prompts([EXAMPLE], negatives=0))
    assert prompts == {"person": ["Anna", "Ben"], "city": ["Rome"], "home of Anna": ["Rome"]}


def test_prompts_without_an_answer_are_of_four_sorts() -> None:
    prompts = by_prompt(to_prompts([EXAMPLE, OTHER], negatives=EVERY))
    empty = {prompt for prompt, found in prompts.items() if not found}
    turned, others = {"home of Rome"}, {"home of Ben"}
    kinds_as_relations = {"person of Anna", "city of Anna", "animal of Anna"}
    assert empty == {"animal"} | turned | others | kinds_as_relations


def test_negatives_are_bounded_and_drawn_from_the_seed() -> None:
    examples = World.load().extraction("en", 30)
    prompts = to_prompts(examples, negatives=3)
    positive = sum(bool(one.found) for one in prompts)
    assert len(prompts) - positive <= 3 * positive
    assert prompts == to_prompts(examples, negatives=3)
    assert prompts != to_prompts(examples, negatives=3, seed=1)


def test_relations_are_asked_for_in_chinese_if_wished() -> None:
    assert "Anna的home" in by_prompt(to_prompts([EXAMPLE], form="zh", negatives=0))


def test_options_stand_in_a_new_order_and_are_chosen_where_they_stand() -> None:
    texts = [LabelledText("en", f"text {number}", "good") for number in range(20)]
    prompts = choice_prompts(texts, "mood", ["good", "bad", "so so"])
    assert len({one.prompt for one in prompts}) > 2
    assert all(one.prompt[one.chosen[0].start : one.chosen[0].end] == "good" for one in prompts)
    several = choice_prompts([LabelledText("en", "text", ("bad", "good"))], "mood", ["good", "bad"])
    assert {span.text for span in several[0].chosen} == {"good", "bad"}


@pytest.mark.parametrize("options", [["good,", "bad"], ["good，", "bad"], ["", "bad"]])
def test_options_that_cannot_stand_in_a_prompt_are_refused(options: list[str]) -> None:
    with pytest.raises(InputValueError, match="cannot stand in a prompt"):
        choice_prompts([LabelledText("en", "text", "bad")], "mood", options)


def test_a_label_that_is_no_option_is_refused() -> None:
    with pytest.raises(InputValueError, match="label 'ugly' is not one of good, bad"):
        choice_prompts([LabelledText("en", "text", "ugly")], "mood", ["good", "bad"])


def sides(text: str, *found: tuple[int, int], prompt: str = "a", longest: int = LENGTH) -> list[dict[str, list[str]]]:
    """For each window, the characters of the tokens where a span starts, and where one ends."""
    example = PromptExample("en", text, prompt, tuple(Span.of(text, *place) for place in found), ())
    windows = []
    for feature in Prompts().features([example], CUT, Reading(longest)):
        [encoding], target = feature.encodings, feature.target
        marked = [
            [encoding.surface(i) for i in np.flatnonzero(half).tolist()] for half in np.split(np.array(target), 2)
        ]
        windows.append(dict(zip(("start", "end"), marked, strict=True)))
    return windows


def test_the_tokens_at_both_ends_of_a_span_are_marked() -> None:
    assert sides("this is 2000!", (8, 12)) == [{"start": ["2000"], "end": ["2000"]}]
    assert sides("this is 2000!", (5, 13), (0, 4)) == [{"start": ["th", "is"], "end": ["is", "!"]}]


def test_a_span_cut_by_a_window_is_marked_only_where_its_ends_are() -> None:
    text = "! " * 100
    windows = sides(text, (20, 151))
    assert sum(len(window["start"]) for window in windows) in (1, 2)
    assert sum(len(window["end"]) for window in windows) in (1, 2)
    assert not any(window["start"] and window["end"] for window in windows)


def test_what_is_marked_is_found_again_in_a_text_of_any_length() -> None:
    text = "! this is a test " * 30
    places = [(0, 6), (17 + 2, 17 + 16), (17 * 3 + 2, 17 * 22 + 16), (17 * 28, 17 * 28 + 1)]  # a line has 17 characters
    example = PromptExample("en", text, "a", tuple(Span.of(text, *place) for place in places), ())
    task = Prompts()
    features = task.features([example], CUT, Reading(LENGTH))
    scores = [np.stack(np.split(np.array(one.target, dtype=np.float32), 2), axis=1) * 20 - 10 for one in features]
    [prediction] = task.predictions([example], features, scores)
    assert [answer.span for answer in prediction.found] == places


def test_options_are_marked_in_the_prompt_and_found_again() -> None:
    example = PromptExample("en", "this is a test", "a [this, test]", (), (Span(9, 13, "test"),))
    task = Prompts()
    features = task.features([example], CUT, Reading(LENGTH))
    scores = [np.stack(np.split(np.array(one.target, dtype=np.float32), 2), axis=1) * 20 - 10 for one in features]
    assert task.predictions([example], features, scores)[0].counts == (1, 1, 1)


def test_padding_is_not_counted_unless_it_is_read() -> None:
    examples = [PromptExample("en", text, "a", (), ()) for text in ("this", "this is a test")]
    for task, rest, length in ((Prompts(), IGNORED, None), (Prompts(padded_to=LENGTH), 0, LENGTH)):
        features = task.features(examples, CUT, Reading(LENGTH))
        inputs = task.inputs(features, 1)
        assert inputs["start_positions"].shape == inputs["input_ids"].shape
        assert length in (None, inputs["input_ids"].shape[1])
        assert inputs["end_positions"][0, -1] == rest
        assert bool(inputs["attention_mask"][0, 0]) == (length is None)


def test_the_loss_of_masked_reading_depends_on_no_padding() -> None:
    model, task = tiny_extractor(CUT), Prompts()
    examples = [PromptExample("en", text, "a", (Span(0, 4, "this"),), ()) for text in ("this", "this is a test of it")]
    features = task.features(examples, CUT, Reading(LENGTH))
    short, long = (model(**task.inputs([one], 1)).loss.item() for one in features)
    lengths = [feature.length for feature in features]
    expected = (short * lengths[0] + long * lengths[1]) / sum(lengths)
    assert model(**task.inputs(features, 1)).loss.item() == pytest.approx(expected, abs=1e-5)


def as_answers(pairs: list[tuple[int, int]]) -> tuple[Answer, ...]:
    return tuple(Answer("", pair, 1.0) for pair in pairs)


def test_spans_are_counted_as_in_paddles_evaluator() -> None:
    found, gold = as_answers(pair_up([1, 2, 10], [4, 12])), as_answers(pair_up([2, 10], [4, 11]))
    prediction = PromptPrediction("en", "a", found, gold)
    assert prediction.counts == (1, 2, 2)
    tallies = Prompts().tallies([prediction, replace(prediction, found=()), replace(prediction, gold=())])
    assert {name: one.value for name, one in tallies.items()} == pytest.approx(
        {"span F1": 1 / 4, "precision": 1 / 4, "recall": 1 / 4}
    )
    nothing = Prompts().tallies([replace(prediction, found=(), gold=())])
    assert [one.value for one in nothing.values()] == [0.0, 0.0, 0.0]


def test_a_span_that_no_token_holds_is_refused_with_its_example() -> None:
    text = "this \u200b test"
    example = PromptExample("en", text, "a", (Span.of(text, 5, 6),), ())
    with pytest.raises(InputValueError, match=r"example 1: .*is in no token"):
        Prompts().features([PromptExample("en", "a", "a", (), ()), example], CUT, Reading(LENGTH))


@pytest.mark.parametrize(
    ("examples", "error", "message"),
    [
        ([], InputValueError, "none"),
        ([replace(EXAMPLE, mentions=(Mention("a", Span(0, 3, "Ann2")),))], InputValueError, "not 'Ann2'"),
        ([EXAMPLE, LabelledText("en", "a", "b")], InputTypeError, "example 1 is a LabelledText"),
        ([PromptExample("en", "a", "a", (Span(0, 2, "a"),), ())], InputValueError, "characters 0 to 2 of 1"),
        ([PromptExample("en", "a", "this is a test " * 50, (), ())], InputValueError, "example 0: prompt .*too long"),
    ],
)
def test_examples_that_cannot_be_learnt_from_are_refused(
    examples: Any, error: type[Exception], message: str, checkpoint: Path
) -> None:
    with pytest.raises(error, match=message):
        fit_extraction(examples, model=checkpoint, settings=Settings(steps=1), progress=False)


def test_a_labelled_text_is_no_prompt_until_it_is_made_one() -> None:
    with pytest.raises(InputTypeError, match="a ExtractionExample is no prompt; make prompts of texts by to_prompts"):
        Prompts().features([EXAMPLE], CUT, Reading(LENGTH))


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    spotter(CUT, length=LENGTH).save_pretrained(tmp_path / "start")
    CUT.save_pretrained(tmp_path / "start")
    return tmp_path / "start"


def test_a_head_learns_to_find_and_its_folder_extracts(checkpoint: Path, tmp_path: Path) -> None:
    texts = [f"{'this is ' * (number % 3)}2 ? {number}" for number in range(12)]
    examples = [
        PromptExample("en", text, "mark", (Span.of(text, text.index("?"), text.index("?") + 1),), ()) for text in texts
    ]
    settings = Settings(steps=30, batch=6, peak_rate=0.05, check_every=30)
    folder = tmp_path / "run"
    found = fit_extraction(examples, examples, model=checkpoint, settings=settings, folder=folder, progress=False)
    assert found.evaluate(examples).value == 1.0
    assert found.to_frame()["value"].max() == 1.0
    assert {"curve.csv", "checks.json", "recipe.json", "predictions.jsonl", "model"} <= {
        p.name for p in folder.iterdir()
    }
    extract = InformationExtractor.from_pretrained(folder / "model", "mark")
    assert [one.text for one in extract(["so is it ?"])[0]["mark"]] == ["?"]


@pytest.mark.parametrize("teach", [fit_extraction, fit])
def test_weights_that_read_padding_go_on_doing_so(teach: Any, checkpoint: Path) -> None:
    config = json.loads((checkpoint / "config.json").read_text())
    (checkpoint / "config.json").write_text(json.dumps({**config, "reads_padding": True}))
    (checkpoint / "manifest.json").unlink(missing_ok=True)
    example = PromptExample("en", "a!", "mark", (Span(1, 2, "!"),), ())
    found = teach([example], model=checkpoint, settings=Settings(steps=1, batch=1), progress=False)
    assert found.task == Prompts(padded_to=LENGTH)
    assert found.model.config.reads_padding  # type: ignore[attr-defined]


def test_files_of_paddles_forms_are_learnt_from(checkpoint: Path, tmp_path: Path) -> None:
    entity = {"id": 1, "start_offset": 0, "end_offset": 4, "label": "person"}
    (tmp_path / "d.json").write_text(json.dumps({"text": "Anna sings.", "entities": [entity], "relations": []}))
    (tmp_path / "p.txt").write_text(
        json.dumps({"content": "Anna", "prompt": "a[b,c]", "result_list": [{"text": "b", "start": -5, "end": -4}]})
    )
    for examples in (list(read_doccano(tmp_path / "d.json", "en")), list(read_prompts(tmp_path / "p.txt", "en"))):
        found = fit_extraction(examples, model=checkpoint, settings=Settings(steps=2, batch=1), progress=False)
        assert found.evaluate(examples).metrics == ("span F1", "precision", "recall")
