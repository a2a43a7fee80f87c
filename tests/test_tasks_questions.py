"""Extractive answers: windows, exact characters, the best of several, and none."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from task_samples import QUICK, TOKENIZER, questions, small_checkpoint

from erniem_lab.corpora.examples import OpenQuestion, QuestionExample, Span
from erniem_lab.errors import InputTypeError, InputValueError
from erniem_lab.tasks import Answer, AnswerPrediction, Questions, Reading, fit, open_fitted

READING = Reading(64)
WORDS = ["Anna", "在北京", "naïve", "ﬁne", "١٢", "ไทย", "“so”", "1980s", "x"]
LONG = " ".join(f"word{n}" for n in range(60))


def asked(context: str, start: int, end: int) -> QuestionExample:
    return QuestionExample("en", "Who?", context, (Span.of(context, start, end),))


def certain(feature) -> np.ndarray:
    """Scores that point at the feature's target."""
    scores = np.zeros((feature.length, 2), dtype=np.float32)
    start, end = feature.target
    scores[start, 0] = scores[end, 1] = 9
    return scores


@given(st.lists(st.sampled_from(WORDS), min_size=1, max_size=25), st.integers(0, 24), st.integers(0, 3))
@settings(deadline=None, max_examples=60)
def test_a_target_leads_back_to_the_answers_own_characters(words, first, more):
    """In any script, and wherever windows were cut; a token may be longer than the answer, never shorter."""
    first = min(first, len(words) - 1)
    starts = [len(" ".join(words[:number])) + (number > 0) for number in range(len(words))]
    last = min(first + more, len(words) - 1)
    example = asked(" ".join(words), starts[first], starts[last] + len(words[last]))
    task = Questions()
    features = task.features([example], TOKENIZER, Reading(40, 16))
    held = [feature for feature in features if feature.target != (0, 0)]
    if held:
        found = task.predictions([example], held, [certain(feature) for feature in held])[0].answers[0].span
        assert found is not None
        assert found.text == example.context[found.start : found.end]
        assert (found.start, found.end) == (example.answers[0].start, example.answers[0].end)
    else:
        assert len(TOKENIZER.encoding(example.answers[0].text)) - 2 >= 16  # longer than what windows share


def test_every_window_of_a_long_context_is_read_and_those_without_the_answer_point_at_cls():
    example = asked(LONG, LONG.index("word40"), LONG.index("word40") + 6)
    features = Questions().features([example], TOKENIZER, Reading(48, 12))
    assert len(features) > 4
    assert 1 <= sum(feature.target != (0, 0) for feature in features) <= 2
    assert {feature.example for feature in features} == {0}


def test_the_best_window_decides():
    example = asked(LONG, LONG.index("word40"), LONG.index("word40") + 6)
    features = Questions().features([example], TOKENIZER, Reading(48, 12))
    scores = [certain(feature) if feature.target != (0, 0) else 0.1 * certain(feature) for feature in features]
    assert Questions().predictions([example], features, scores)[0].said == "word40"


def test_answers_are_ranked_do_not_overlap_the_question_and_end_after_they_start():
    example = asked("Anna sings. Omar sleeps.", 0, 4)
    [feature] = Questions().features([example], TOKENIZER, READING)
    draw = np.random.default_rng(0)
    found = Questions().predictions([example], [feature], [draw.normal(size=(feature.length, 2)).astype(np.float32)])[0]
    chances = [answer.probability for answer in found.answers]
    assert chances == sorted(chances, reverse=True)
    assert len(found.answers) == 5
    assert all(
        answer.span and answer.span.text == example.context[answer.span.start : answer.span.end]
        for answer in found.answers
    )


def test_no_answer_is_said_where_it_beats_the_spans_and_only_if_allowed():
    example = QuestionExample("en", "Who flies?", "Anna sings.", ())
    [feature] = Questions().features([example], TOKENIZER, READING)
    scores = [certain(feature)]
    allowed, never = Questions(no_answer=True), Questions()
    assert allowed.predictions([example], [feature], scores)[0].said == ""
    assert never.predictions([example], [feature], scores)[0].said != ""
    assert Questions(no_answer=True, threshold=99.0).predictions([example], [feature], scores)[0].said != ""
    assert allowed.tallies(allowed.predictions([example], [feature], scores))["exact match"].value == 1


def test_answers_are_compared_by_the_rules_of_mlqa_or_of_squad():
    example = QuestionExample("de", "Wer?", "Die Katze schläft.", (Span(4, 9, "Katze"),))
    said = [AnswerPrediction("de", "", ("Katze",), (Answer(Span.of(example.context, 0, 9), 1.0),))]
    assert Questions().tallies(said)["exact match"].value == 1  # MLQA knows that "die" is an article
    assert Questions(rules="squad").tallies(said)["exact match"].value == 0
    assert Questions(rules="squad").tallies(said)["answer F1"].value == pytest.approx(2 / 3)


def test_no_answer_in_one_window_does_not_hide_an_answer_in_another():
    example = asked(LONG, LONG.index("word40"), LONG.index("word40") + 6)
    task = Questions(no_answer=True)
    features = task.features([example], TOKENIZER, Reading(48, 12))
    assert task.predictions([example], features, [certain(feature) for feature in features])[0].said == "word40"


def test_a_head_is_trained_and_answers_open_questions(tmp_path):
    start = small_checkpoint(tmp_path)
    settings = replace(QUICK, steps=60, peak_rate=0.02)
    found = fit(questions(), questions(), model=start, settings=settings, progress=False)
    result = found.evaluate(questions())
    assert result.metrics == ("answer F1", "exact match")
    assert result.value > 0.9
    squad = Questions(rules="squad", no_answer=True)
    fit(questions(), model=start, settings=QUICK, task=squad, folder=tmp_path / "run", progress=False)
    assert open_fitted(tmp_path / "run" / "model").task == squad
    open_one = OpenQuestion("de", "Who sings?", "Anna sings. Omar sleeps.", "q")
    assert found.predict([open_one])[0].gold is None


@pytest.mark.parametrize(
    ("examples", "fault"),
    [
        ([], "examples: none"),
        ([QuestionExample("en", "Who?", "Anna.", (Span(1, 5, "Anna"),))], "example 0: characters 1 to 5"),
        ([OpenQuestion("en", "Who?", "Anna.")], "1 of 1 are no QuestionExample"),
    ],
)
def test_unsound_questions_are_refused(examples, fault):
    with pytest.raises((InputValueError, InputTypeError), match=fault):
        Questions.of(examples)


def test_a_question_that_leaves_no_room_for_its_context_is_named():
    with pytest.raises(InputValueError, match=r"example 0: the question 'word0 .* leaves too little room"):
        Questions().features([OpenQuestion("en", LONG, LONG)], TOKENIZER, READING)
    with pytest.raises(InputTypeError, match="a str is no question"):
        Questions().features(["Who?"], TOKENIZER, READING)
