"""What the bundled world's generator promises: true labels, true spans, splits that share nothing."""

import json
from collections import Counter

import pytest

from erniem_lab.corpora.world import World
from erniem_lab.corpora.world_draw import PARTS, part
from erniem_lab.errors import InputValueError

KINDS = ("tagged", "questions", "entailment", "choices", "extraction")


@pytest.fixture(scope="module")
def world():
    return World.load()


def test_the_world_is_as_large_as_it_claims(world):
    assert len(world.entries) >= 250
    assert len(world.patterns) >= 40
    assert world.distinct_sentences("en") >= 100_000


@pytest.mark.parametrize("kind", KINDS)
def test_a_seed_gives_the_same_examples_again_and_another_seed_others(world, kind):
    make = getattr(world, kind)
    assert make("en", 30, seed=4) == make("en", 30, seed=4)
    assert make("en", 30, seed=4) != make("en", 30, seed=5)


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_gives_as_many_examples_as_asked_for_in_every_split(world, kind):
    for split in PARTS:
        assert len(getattr(world, kind)("en", 12, split=split)) == 12


def test_splits_share_no_fact(world):
    facts = {split: {e.fact for e in world.parallel(["en"], 400, split=split)} for split in PARTS}
    assert all(part(fact) in PARTS[split] for split, found in facts.items() for fact in found)
    assert not facts["train"] & facts["test"]
    assert not facts["validation"] & facts["test"]


def test_questions_of_the_test_split_are_never_seen_in_training(world):
    seen = {(e.question, e.answers[0].text) for e in world.questions("en", 600, split="train")}
    assert not seen & {(e.question, e.answers[0].text) for e in world.questions("en", 60, split="test")}


def test_the_nth_example_says_the_same_in_every_language(world):
    english, german = (world.choices(code, 50, seed=1) for code in ("en", "de"))
    assert [(e.asks, e.label) for e in english] == [(e.asks, e.label) for e in german]
    one, both = world.parallel(["en"], 50, seed=1), world.parallel(["de", "en"], 50, seed=1)
    assert [e.sentences[0] for e in one] == [e.sentences[1] for e in both]


def test_an_answer_is_a_span_of_its_context_and_stands_there_once(world):
    for example in world.questions("en", 150):
        (answer,) = example.answers
        assert example.context[answer.start : answer.end] == answer.text
        assert example.context.count(answer.text) == 1 or answer.text[0].islower()


def test_a_question_has_one_matching_sentence_in_its_context(world):
    for example in world.questions("en", 150, seed=2):
        if example.question.startswith("Where does") and "live" in example.question:
            person = example.question.split()[2]
            assert next(s for s in example.context.split(". ") if person in s).split()[1] == "lives"


def test_sentences_of_a_context_are_parted_as_their_script_does(world):
    assert " " not in world.questions("zh", 1, seed=3)[0].context
    assert world.questions("th", 1, seed=3)[0].context.count(" ") >= 2


def test_entailment_labels_are_equally_frequent_in_every_split(world):
    for split in PARTS:
        counts = Counter(e.label for e in world.entailment("en", 300, split=split))
        assert all(60 < count < 140 for count in counts.values()), counts  # five standard deviations


def test_a_contradiction_never_repeats_its_premise(world):
    for example in world.entailment("en", 200):
        assert example.premise != example.hypothesis


def test_a_known_inference_has_its_label(world):
    found = {(e.premise.split()[1], e.hypothesis.split()[1], e.label) for e in world.entailment("en", 900)}
    assert ("gives", "gets", "entailment") in found
    assert ("lives", "lives", "contradiction") in found
    assert ("lives", "lives", "entailment") not in found


def test_choices_differ_and_their_label_is_balanced(world):
    examples = world.choices("en", 200)
    assert all(len(set(e.choices)) == 2 for e in examples)
    assert 65 < sum(e.label for e in examples) < 135


def test_tags_begin_before_they_continue(world):
    for example in world.tagged("en", 150):
        assert len(example.tags) == len(example.sentence.words)
        for before, tag in zip(("O", *example.tags), example.tags, strict=False):
            assert not tag.startswith("I-") or before[2:] == tag[2:]


@pytest.mark.parametrize(("code", "statements"), [("en", (1,)), ("en", (1, 3)), ("zh", (2,)), ("th", (4,))])
def test_extraction_spans_stand_in_their_text(world, code, statements):
    for example in world.extraction(code, 150, statements=statements):
        spans = [m.span for m in example.mentions] + [s for r in example.relations for s in (r.subject, r.value)]
        assert spans
        assert all(example.text[span.start : span.end] == span.text for span in spans)


def test_a_text_of_several_statements_says_what_each_of_them_says(world):
    single = world.extraction("en", 6)
    for number, text in enumerate(world.extraction("en", 2, statements=(3,))):
        parts = single[3 * number : 3 * number + 3]
        assert text.text == " ".join(part.text for part in parts)
        assert [m.kind for m in text.mentions] == [m.kind for part in parts for m in part.mentions]
        assert [r.value.text for r in text.relations] == [r.value.text for part in parts for r in part.relations]


def test_patterns_can_be_chosen(world):
    assert {e.fact.pattern for e in world.parallel(["en"], 20, patterns=["wears"])} == {"wears"}


def test_examples_are_plain_data(world):
    assert json.dumps(world.parallel(["en", "de"], 1)[0].pair().first.words)


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda w: w.tagged("xx", 1), "language: 'xx'"),
        (lambda w: w.parallel(["en"], 1, patterns=["flies"]), "pattern: 'flies'"),
        (lambda w: w.tagged("en", -1), "n: -1"),
        (lambda w: w.extraction("en", 1, statements=()), "statements"),
        (lambda w: w.extraction("en", 1, statements=(1, 0)), "statements"),
    ],
)
def test_a_wrong_argument_is_named_with_what_is_accepted(world, call, named):
    with pytest.raises(InputValueError, match=named):
        call(world)
