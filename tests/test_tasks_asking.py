"""Typed texts: each task reads them as its examples, and a form shows what the head says of them."""

import pytest
from task_samples import QUICK, choices, questions, small_checkpoint, tagged, texts

from erniem_lab.corpora.examples import LabelledText
from erniem_lab.errors import InputValueError
from erniem_lab.tasks import Choice, Classification, Questions, Tagging, fit
from erniem_lab.visual.asking import AskForm, said_strip

TASKS = [Classification(("bad", "good")), Choice(), Tagging(("O", "B-PER")), Questions()]
NUMBERS = [LabelledText("en", f"{n} of ten", float(n)) for n in range(6)]
SEVERAL = [LabelledText("en", "a b", ("x",)), LabelledText("en", "c", ("x", "y"))]
ASKED = [
    (texts(), ("The cat sees it.",)),
    (SEVERAL, ("a c",)),
    (NUMBERS, ("7 of ten",)),
    (choices(), ("Anna is tired.", "She sleeps.", "She sings.", "She runs.")),
    (tagged(), ("Anna has <3>.",)),
    (questions(), ("Who sings?", "Anna sings. Omar sleeps.")),
]
IDS = ["label", "labels", "number", "choice", "tags", "answer"]


@pytest.fixture(scope="module")
def start(tmp_path_factory):
    return small_checkpoint(tmp_path_factory.mktemp("start"))


@pytest.mark.parametrize(("examples", "typed"), ASKED, ids=IDS)
def test_every_head_says_of_typed_texts_what_it_says_of_examples(start, examples, typed):
    head = fit(examples, model=start, settings=QUICK, progress=False)
    said = head.ask(*typed, language="sw")
    assert (said.gold, said.language) == (None, "sw")
    assert said.said == head.predict([head.task.typed(typed, "sw")])[0].said
    form = AskForm(head, dict(zip("abcd", typed, strict=False)))
    assert form._repr_mimebundle_()["text/html"].endswith(form.answer.value)
    assert "<3>" not in form.answer.value  # what is typed is text, not HTML


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
def test_another_number_of_texts_or_an_empty_one_is_refused(task):
    with pytest.raises(InputValueError, match=r"texts: \[\]; expected are"):
        task.typed([], "en")
    with pytest.raises(InputValueError, match="none of them empty"):
        task.typed(["", " ", "a"], "en")


def test_words_of_a_typed_sentence_are_parted_at_spaces_and_marks_in_any_script():
    sentence = Tagging(("O",)).typed(["«Anna», हिन्दी में: 巴黎。"], "hi")
    assert sentence.surfaces == ("«", "Anna", "»", ",", "हिन्दी", "में", ":", "巴黎", "。")


def test_a_fault_of_what_was_typed_stands_where_the_answer_would(start):
    head = fit(tagged(), model=start, settings=QUICK, progress=False)
    form = AskForm(head, {"sentence": "Anna sings"})
    form.fields[0].value = " "
    assert "none of them empty" in form.answer.value
    form.fields[0].value = "Omar sings"
    assert "Omar" in form.answer.value


def test_the_said_part_is_shaded_and_each_has_its_probability(start):
    head = fit(texts(), model=start, settings=QUICK, progress=False)
    said = head.ask("The dog sees it.")
    html = said_strip(said, labels=head.task.labels).html
    shaded = html.split("background-color")[1]
    assert html.count("background-color") == 1
    assert f"<bdi>{said.said}</bdi>" in shaded.split("</span>")[0]
    assert f"{100 * max(said.probabilities):.0f} %" in shaded
