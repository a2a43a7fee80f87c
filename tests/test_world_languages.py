"""Every language of the bundled world is complete, and its words, links and spans are where they claim to be."""

import re

import pytest

from erniem_lab.bundle import WORLD
from erniem_lab.corpora.world import World
from erniem_lab.corpora.world_check import problems
from erniem_lab.corpora.world_files import read_spacing

FIFTEEN = ("ar", "bg", "de", "el", "en", "es", "fr", "hi", "ru", "sw", "th", "tr", "ur", "vi", "zh")
WORLD_ = World.load()


@pytest.fixture(scope="module", params=WORLD_.languages)
def code(request):
    return request.param


@pytest.fixture(scope="module")
def examples(code):
    """Three facts of every pattern, next to English."""
    return [e for id in WORLD_.patterns for e in WORLD_.parallel(["en", code], 3, patterns=[id])]


def test_the_paper_s_fifteen_languages_are_there():
    assert WORLD_.languages == FIFTEEN
    assert tuple(read_spacing(WORLD)) == FIFTEEN


def test_every_slot_of_every_pattern_has_its_form(code):
    assert problems(WORLD_, code) == []


def test_a_hundred_thousand_sentences_can_be_said(code):
    assert WORLD_.distinct_sentences(code) >= 100_000


def test_different_facts_read_differently(code):
    found = WORLD_.parallel([code], 600, seed=1)
    assert len({e.fact for e in found}) == len({e.sentences[0].text for e in found})


def test_words_follow_one_another_and_leave_only_spaces(examples):
    for example in examples:
        sentence, end = example.sentences[1], 0
        for start, stop in sentence.words:
            assert end <= start < stop
            assert not sentence.text[end:start].strip()
            assert sentence.text[start:stop] == sentence.text[start:stop].strip()
            end = stop
        assert end == len(sentence.text)


def test_a_language_without_spaces_is_written_without(code, examples):
    if code == "zh":
        assert not any(re.search(r"\s", e.sentences[1].text) for e in examples)


def test_every_filler_is_linked_to_its_own_words(code, examples):
    """The links of the words that a filler brought lead to the words that the same filler brought in English."""
    for example in examples:
        pair = example.pair()
        english, other = example.writings
        for role, _ in example.fact.roles:
            wanted = {(i, j) for i in english.head_words(role) for j in other.head_words(role)}
            assert wanted
            assert wanted <= pair.sure
        assert pair.sure <= pair.possible


def test_a_filler_s_span_is_written_as_its_lexicon_says(code, examples):
    language = WORLD_.language(code)
    for example in examples:
        for role, filler in example.fact.roles:
            span = example.writings[1].span(role)
            forms = [[word for word in form if word.head] for form in language.items[filler].forms.values()]
            written = {re.sub(r"\s", "", "".join(word.text for word in form)).lower() for form in forms}
            assert re.sub(r"\s", "", span.text).lower().replace("i̇", "i") in {w.replace("i̇", "i") for w in written}
            assert example.sentences[1].text[span.start : span.end] == span.text


def test_a_sentence_starts_with_a_capital_and_ends_in_a_mark(code, examples):
    for example in examples:
        text = example.sentences[1].text
        first = next(letter for letter in text if letter.isalpha())
        assert first == first.upper() or len(first.upper()) > 1
        assert code == "th" or text[-1] in ".?!。？！।؟۔;"
        assert "  " not in text
