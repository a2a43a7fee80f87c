"""In Taskflow mode, what PaddleNLP's Taskflow was recorded to extract, number for number; see golden/README.md."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pytest
import torch
from conftest import GOLDEN
from extraction_samples import LENGTH, spotter, tiny_extractor, tokenizer

from erniem_lab import ErnieMConfig, ErnieMForInformationExtraction
from erniem_lab.encoding import Encoding
from erniem_lab.errors import InputValueError
from erniem_lab.tasks.extraction import Answer, InformationExtractor, Question, taskflow
from erniem_lab.tasks.extraction.reading import read, reads_padding

RECORDED = json.loads((GOLDEN / "taskflow.json").read_text(encoding="utf-8"))
ACROSS_FRAMEWORKS = 1e-4  # Paddle's static graph differs by 1e-5 from its own dynamic one
FORMS = {"en": "en", "ch": "zh"}
CUT = tokenizer("paddle")


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


def test_a_folder_that_paddle_wrote_is_read_with_its_padding_and_its_probabilities() -> None:
    recorded = np.load(GOLDEN / "paddle" / "outputs.npz")
    model = ErnieMForInformationExtraction.from_pretrained(GOLDEN / "paddle" / "UIEM")
    assert reads_padding(model.config)
    ids = recorded["ids"].tolist()
    rows = [row[: row.index(1) if 1 in row else len(row)] for row in ids]
    encodings = [Encoding(row, [(0, 0)] * len(row), [0] * len(row), [True] * len(row)) for row in rows]
    model.config.max_position_embeddings = len(ids[0]) + 2
    found = read(model, encodings, padding_is_read=True)
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
    alone, together = read(model, [short], padding_is_read=False), read(model, [short, long], padding_is_read=False)
    assert together[0].start == pytest.approx(alone[0].start, abs=1e-6)
    assert len(read(model, [short], padding_is_read=True)[0].start) == LENGTH


def test_taskflow_loses_what_stands_at_the_end_of_a_full_part_and_the_lab_does_not() -> None:
    model, prompt = spotter(CUT), "a"
    text = "!" * 2 * (LENGTH - 4)
    flow = InformationExtractor(model, CUT, prompt, mode="taskflow")([text])[0][prompt]
    lab = InformationExtractor(model, CUT, prompt)([text])[0][prompt]
    assert len(lab) == len(text)
    assert len([one for one in flow if one.text]) == len(text) - 2


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
