"""In Taskflow mode, what PaddleNLP's Taskflow was recorded to extract, number for number; see golden/README.md."""

import json
import random
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from conftest import GOLDEN
from extraction_samples import LENGTH, by_direct_loop, spotter, tiny_extractor, tokenizer
from test_convert import paddle_folder

from erniem_lab import ErnieMConfig, ErnieMForInformationExtraction
from erniem_lab.convert import convert
from erniem_lab.encoding import Encoding
from erniem_lab.errors import InputValueError
from erniem_lab.tasks.extraction import Answer, InformationExtractor, Question, answer, taskflow
from erniem_lab.tasks.extraction.reading import padded_length, read
from erniem_lab.tasks.extraction.spans import Pointers

RECORDED = json.loads((GOLDEN / "taskflow.json").read_text(encoding="utf-8"))
ACROSS_FRAMEWORKS = 1e-4  # Paddle's static graph differs by 1e-5 from its own dynamic one
FORMS: dict[str, Any] = {"en": "en", "ch": "zh"}
CUT = tokenizer("paddle")
MODES: tuple[Any, ...] = ("taskflow", "lab")


@pytest.fixture(scope="module")
def recorded_model() -> ErnieMForInformationExtraction:
    """The weights that `golden/make_taskflow_goldens.py` draws."""
    model = ErnieMForInformationExtraction(ErnieMConfig(**RECORDED["settings"])).eval()
    draw, weights = np.random.RandomState(RECORDED["seed"]), model.state_dict()
    for name in sorted(weights):
        drawn = draw.normal(size=weights[name].shape) * 0.3 + ("norm" in name and "weight" in name)
        bias = RECORDED["biases"].get(name)
        weights[name] = torch.tensor(drawn if bias is None else np.full(drawn.shape, bias), dtype=torch.float32)
    model.load_state_dict(weights)
    return model


def flat(found: Mapping[str, Any], path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], float]]:
    """Each thing found by its path, whatever the order of its list."""
    for name, several in found.items():
        for one in several:
            here = (*path, name, one["text"], one.get("start", -1), one.get("end", -1))
            yield here, one["probability"]
            yield from flat(one.get("relations", {}), here)


@pytest.mark.parametrize("case", RECORDED["cases"], ids=lambda case: str(case["schema"]))
def test_what_taskflow_was_recorded_to_extract_is_extracted(
    case: dict[str, Any], recorded_model: ErnieMForInformationExtraction
) -> None:
    form = FORMS[case["language"]]
    extract = InformationExtractor(recorded_model, CUT, case["schema"], mode="taskflow", prompts=form)
    for ours, theirs in zip(extract(case["texts"]), case["found"], strict=True):
        assert list(ours.found) == list(theirs)
        found, expected = (sorted(flat(one)) for one in (ours.to_dict(), theirs))
        assert [path for path, _ in found] == [path for path, _ in expected]
        assert [p for _, p in found] == pytest.approx([p for _, p in expected], abs=ACROSS_FRAMEWORKS)


@pytest.mark.parametrize("vintage", [{}, {"legacy": True, "weights": "old pdparams"}], ids=str)
def test_a_folder_of_paddles_gives_what_taskflow_was_recorded_to_extract(
    vintage: dict[str, Any], recorded_model: ErnieMForInformationExtraction, tmp_path: Path
) -> None:
    case = RECORDED["cases"][0]
    folder = paddle_folder(tmp_path / "uie-m", recorded_model, **vintage)
    convert(folder, tmp_path / "converted")
    for source in (folder, tmp_path / "converted"):
        flow = InformationExtractor.from_pretrained(source, case["schema"], mode="taskflow")
        found, expected = (sorted(flat(one)) for one in (flow(case["texts"])[0].to_dict(), case["found"][0]))
        assert [path for path, _ in found] == [path for path, _ in expected]
        assert [p for _, p in found] == pytest.approx([p for _, p in expected], abs=ACROSS_FRAMEWORKS)
        lab = InformationExtractor.from_pretrained(source, case["schema"])
        assert lab.tokenizer.mode == "paddle"
        assert padded_length(lab.model.config)


PIECES = ["this ", "is ", "a test", " of 2000", "fox ", "[", "] ", "a, b", "ｆｏｘ", "的", "\u200b"]


def decoded_as_described(
    encoding: Encoding, start: list[float], end: list[float]
) -> set[tuple[str, tuple[int, int] | None, float]]:
    """Taskflow's steps one by one: places, couples, offsets with the prompt's below zero, text or option."""
    [prompt, text], count = encoding.texts, len(start)
    offsets = [*encoding.offsets, *[(0, 0)] * (count - len(encoding))]
    last = next(i for i in range(1, count) if offsets[i] == (0, 0)) - 1
    bias = offsets[last][1] + 1
    moved = [(a - bias, b - bias) if 1 <= i <= last else (a, b) for i, (a, b) in enumerate(offsets)]
    places = ([i for i in range(count) if side[i] > 0.5] for side in (start, end))
    found: set[tuple[str, tuple[int, int] | None, float]] = set()
    for s, e in by_direct_loop(*places):
        first, past, chance = moved[s][0], moved[e][1], start[s] * end[e]
        if past < 0:
            found.add((prompt[first + len(prompt) + 1 : past + len(prompt) + 1], None, chance))
        elif first >= 0:
            found.add((text[first:past], (first, past), chance))
    return found


def test_answers_are_read_off_probabilities_as_in_taskflow_in_5000_random_cases() -> None:
    draw, numbers = random.Random(0), np.random.default_rng(0)
    for _ in range(50):
        prompt, text = ("a" + "".join(draw.choices(PIECES, k=draw.randint(0, 9))) for _ in range(2))
        encoding = CUT.encoding(prompt, text, truncation=True, max_length=LENGTH)
        for _ in range(100):
            start, end = numbers.random((2, draw.choice([len(encoding), LENGTH]))) ** draw.choice([1, 2, 6])
            answers = taskflow._answers(encoding, Pointers(start, end), 0.5)
            said = {(one.text, one.span, one.probability) for one in answers}
            assert said == decoded_as_described(encoding, start.tolist(), end.tolist())


def test_a_folder_that_paddle_wrote_is_read_with_its_padding_and_its_probabilities() -> None:
    recorded = np.load(GOLDEN / "paddle" / "outputs.npz")
    model = ErnieMForInformationExtraction.from_pretrained(GOLDEN / "paddle" / "UIEM")
    assert padded_length(model.config)
    ids = recorded["ids"].tolist()
    rows = [row[: row.index(1) if 1 in row else len(row)] for row in ids]
    encodings = [Encoding(row, [(0, 0)] * len(row), [0] * len(row), [True] * len(row)) for row in rows]
    found = read(model, encodings, padded_to=len(ids[0]))
    for side, key in (("start", "UIEM.padpos.0"), ("end", "UIEM.padpos.1")):
        assert np.stack([getattr(one, side) for one in found]) == pytest.approx(recorded[key], abs=ACROSS_FRAMEWORKS)


def test_lab_mode_reads_the_weights_of_paddle_as_they_were_trained(
    recorded_model: ErnieMForInformationExtraction,
) -> None:
    text, settings = "This is a test of the fox.", {**RECORDED["settings"], "reads_padding": True}
    padded = ErnieMForInformationExtraction(ErnieMConfig(**settings)).eval()
    padded.load_state_dict(recorded_model.state_dict())
    flow = InformationExtractor(recorded_model, CUT, "thing", mode="taskflow")([text])[0]["thing"]
    lab = InformationExtractor(padded, CUT, "thing")([text])[0]["thing"]
    real = {one.span: one.probability for one in flow if one.text}
    assert {one.span: one.probability for one in lab} == pytest.approx(real)
    assert real


def test_masked_reading_depends_on_no_padding() -> None:
    model = tiny_extractor(CUT)
    short, long = CUT.encodings(["this"], ["is a test"])[0], CUT.encodings(["this"], ["is a test of the fox"])[0]
    alone, together = read(model, [short]), read(model, [short, long])
    assert together[0].start == pytest.approx(alone[0].start, abs=1e-6)
    assert len(read(model, [short], padded_to=LENGTH)[0].start) == LENGTH


def test_taskflow_loses_what_stands_at_the_end_of_a_full_part_and_the_lab_does_not() -> None:
    model, prompt = spotter(CUT), "a"
    text = "!" * 2 * (LENGTH - 4)
    flow = InformationExtractor(model, CUT, prompt, mode="taskflow")([text])[0][prompt]
    lab = InformationExtractor(model, CUT, prompt)([text])[0][prompt]
    assert len(lab) == len(text)
    assert len([one for one in flow if one.text]) == len(text) - 2


def test_taskflow_loses_text_beside_a_long_prompt_and_the_lab_does_not() -> None:
    """Taskflow leaves room for the prompt that is last in the order of characters, here the short one."""
    model, long = spotter(CUT), "a b c d e f g h i j"
    text = "!" * LENGTH
    flow, lab = (InformationExtractor(model, CUT, {"!": ["z", long]}, mode=mode)([text])[0] for mode in MODES)
    top = f"{long} of !"
    asked = [answer([Question(text, prompt)], model, CUT)[0] for prompt in ("z of !", top)]
    assert [len(found) for found in asked] == [LENGTH, LENGTH]
    assert len(lab["!"][0].relations[long]) == LENGTH
    assert len([one for one in flow["!"][0].relations.get(long, ()) if one.text]) < LENGTH


def test_taskflow_finds_empty_spans_and_the_lab_finds_none_and_in_order() -> None:
    model = tiny_extractor(CUT, initializer_range=1.0)
    texts = ["This is a test of the fox.", "The quick fox, a test. " * 9]
    flow, lab = (InformationExtractor(model, CUT, ["thing", "fox"], mode=mode)(texts) for mode in MODES)
    assert not flow.to_frame()["text"].str.strip().all()
    assert lab.to_frame()["text"].str.strip().all()
    for one in lab:
        for name in one.found:
            places = [found.span or (0, 0) for found in one[name]]
            assert places == sorted(set(places))
            assert [one.text[slice(*place)] for place in places] == [found.text for found in one[name]]


def test_parts_are_as_long_as_the_alphabetically_last_prompt_leaves() -> None:
    parts = taskflow.split([Question("x" * 100, "b"), Question("x", "a long one")], LENGTH)
    assert [len(text) for text in parts[0].texts] == [LENGTH - 4, LENGTH - 4, 100 - 2 * (LENGTH - 4)]


def test_a_prompt_that_leaves_no_character_is_refused() -> None:
    with pytest.raises(InputValueError, match=r"prompt 'zzz.*too long: 50 characters"):
        taskflow.split([Question("text", "z" * 50)], LENGTH)


def test_options_are_elected_by_parts_and_then_by_probability() -> None:
    parts = [[Answer("a", None, 0.6)], [Answer("b", None, 0.9), Answer("a", None, 0.9)], [], [Answer("b", None, 0.5)]]
    assert taskflow._elect(parts) == [Answer("b", None, 0.7)]
    assert taskflow._elect([[]]) == []


def test_taskflow_mode_needs_text_cut_as_paddle_cuts_it() -> None:
    with pytest.raises(InputValueError, match=r"mode='taskflow' with a tokenizer of mode='hf'.*mode='paddle'"):
        InformationExtractor(tiny_extractor(CUT), tokenizer(), "a", mode="taskflow")
