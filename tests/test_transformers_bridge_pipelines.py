"""transformers' pipelines run on ERNIE-M, and what they say of places in a text is exact."""

import math
from pathlib import Path
from typing import Any

import pytest
from bridge_samples import SENTENCE, checkpoint, pipeline

import erniem_lab as el

TEXTS = [
    SENTENCE,
    "Ｆｕｌｌ ｗｉｄｔｈ café",
    "مرحبا بالعالم",
    "e\u0301t\u00e9 \u0939\u093f\u0928\u094d\u0926\u0940  two   spaces",
]
QUESTION = "is this a fox?"


@pytest.fixture(scope="module")
def tagger(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = checkpoint(tmp_path_factory.mktemp("tagger"), "ErnieMForTokenClassification", num_labels=3)
    return pipeline("token-classification", folder)


@pytest.fixture(scope="module")
def answerer(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return pipeline("question-answering", checkpoint(tmp_path_factory.mktemp("qa"), "ErnieMForQuestionAnswering"))


@pytest.mark.parametrize("text", TEXTS)
def test_every_token_of_a_tagged_text_has_its_exact_place(tagger: Any, text: str) -> None:
    encoding = tagger.tokenizer.core.encoding(text)
    places = [span for span, special in zip(encoding.offsets, encoding.special, strict=True) if not special]
    assert [(found["start"], found["end"]) for found in tagger(text)] == places
    assert "".join(text[start:end] for start, end in places).replace(" ", "") == text.replace(" ", "")


@pytest.mark.parametrize("text", TEXTS)
def test_entities_cover_the_text_without_overlap(tagger: Any, text: str) -> None:
    found = tagger(text, aggregation_strategy="simple")
    ends = [0, *(entity["end"] for entity in found)]
    assert all(start <= entity["start"] < entity["end"] for start, entity in zip(ends, found, strict=False))


def test_words_given_as_a_list_are_placed_in_their_text(tagger: Any) -> None:
    words = ["this", "is", "2000", "中文"]
    found = tagger([words], is_split_into_words=True)[0]
    joined = " ".join(words)
    assert "".join(joined[token["start"] : token["end"]] for token in found) == "".join(words)


def test_batches_say_what_single_texts_say(tagger: Any) -> None:
    whole = tagger(TEXTS, batch_size=4)
    for text, tokens in zip(TEXTS, whole, strict=True):
        for one, other in zip(tagger(text), tokens, strict=True):
            assert (one["index"], one["start"], one["end"]) == (other["index"], other["start"], other["end"])
            assert math.isclose(one["score"], other["score"], rel_tol=1e-4)


def test_a_text_is_classified(tmp_path: Path) -> None:
    classify = pipeline("text-classification", checkpoint(tmp_path, "ErnieMForSequenceClassification", num_labels=3))
    scores = classify(SENTENCE, top_k=None)
    assert {score["label"] for score in scores} == {"LABEL_0", "LABEL_1", "LABEL_2"}
    assert math.isclose(sum(score["score"] for score in scores), 1, rel_tol=1e-5)
    assert len(classify([{"text": "this", "text_pair": "is"}, {"text": "a", "text_pair": "test"}])) == 2


def test_features_are_the_states_of_the_last_layer(tmp_path: Path) -> None:
    features = pipeline("feature-extraction", checkpoint(tmp_path))(SENTENCE, return_tensors=True)
    model, tokenizer = el.ErnieMModel.from_pretrained(tmp_path), el.ErnieMTokenizer.from_pretrained(tmp_path)
    expected = model(**tokenizer(SENTENCE, return_tensors="pt")).last_hidden_state
    assert features.shape == expected.shape
    assert bool((features - expected).abs().max() < 1e-5)


def test_a_mask_is_filled(tmp_path: Path) -> None:
    fill = pipeline("fill-mask", checkpoint(tmp_path, "ErnieMForMaskedLM"))
    guesses = fill("this is [MASK] test", top_k=3)
    assert [guess["score"] for guess in guesses] == sorted((guess["score"] for guess in guesses), reverse=True)
    assert all(fill.tokenizer.decode([guess["token"]]) == guess["token_str"] for guess in guesses)


def test_labels_are_found_by_entailment(tmp_path: Path) -> None:
    labels = {"id2label": {0: "contradiction", 1: "neutral", 2: "entailment"}, "label2id": None}
    zero_shot = pipeline("zero-shot-classification", checkpoint(tmp_path, "ErnieMForSequenceClassification", **labels))
    found = zero_shot(SENTENCE, candidate_labels=["fox", "test", "2000"])
    assert {*found["labels"]} == {"fox", "test", "2000"}
    assert math.isclose(sum(found["scores"]), 1, rel_tol=1e-5)


# What transformers 4.57.6's own pipeline said of the same folder and texts: score, start, end, answer.
WITH_TRANSFORMERS_4: list[tuple[str, dict[str, Any], list[tuple[float, int, int, str]]]] = [
    (f"{SENTENCE} " * 3, {}, [(0.0088945, 74, 88, "a test, 中文 and")]),
    (
        f"{SENTENCE} " * 30,
        {"max_seq_len": 64, "doc_stride": 16, "top_k": 3},
        [
            (0.0424521, 655, 675, "fox. this is a test,"),
            (0.0334831, 165, 169, "this"),
            (0.0329903, 198, 216, "this is a test, 中文"),
        ],
    ),
    (
        f"{SENTENCE} " * 3,
        {"handle_impossible_answer": True, "top_k": 4, "align_to_words": False, "max_answer_len": 4},
        [
            (0.0043443, 74, 81, "a test,"),
            (0.0024623, 85, 88, "and"),
            (0.0017337, 14, 16, ", "),
            (0.0017066, 85, 89, "and "),
        ],
    ),
]


@pytest.mark.parametrize(("context", "how", "recorded"), WITH_TRANSFORMERS_4)
def test_answers_are_those_of_transformers_4(answerer: Any, context: str, how: dict[str, Any], recorded: Any) -> None:
    answers = answerer(question=QUESTION, context=context, **how)
    found = answers if isinstance(answers, list) else [answers]
    assert [(a["start"], a["end"], a["answer"]) for a in found] == [entry[1:] for entry in recorded]
    assert [round(a["score"], 7) for a in found] == pytest.approx([entry[0] for entry in recorded], rel=1e-4)
    assert all(context[a["start"] : a["end"]] == a["answer"] for a in found)


def test_questions_come_in_every_form_and_in_batches(answerer: Any) -> None:
    contexts = [SENTENCE, f"{SENTENCE} " * 20]
    single = [answerer(question=QUESTION, context=context) for context in contexts]
    listed = answerer([{"question": QUESTION, "context": context} for context in contexts])
    batched = answerer(question=[QUESTION] * 2, context=contexts, batch_size=4)
    assert listed == single
    assert [answer["answer"] for answer in batched] == [answer["answer"] for answer in single]


@pytest.mark.parametrize("how", [{"top_k": 0}, {"max_answer_len": 0}])
def test_an_option_that_no_answer_can_meet_is_named(answerer: Any, how: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=next(iter(how))):
        answerer(question=QUESTION, context=SENTENCE, **how)


def test_a_question_needs_a_context(answerer: Any) -> None:
    with pytest.raises(ValueError, match="context"):
        answerer(question=QUESTION, context="")
