"""Token classification on words: labels at first tokens, one prediction a word, long sentences in windows."""

from dataclasses import replace

import numpy as np
import pytest
from task_samples import QUICK, TOKENIZER, sentence, small_checkpoint, tagged

from erniem_lab.corpora.examples import IntentExample, TaggedSentence
from erniem_lab.errors import InputTypeError, InputValueError
from erniem_lab.losses import IGNORED
from erniem_lab.tasks import Reading, Tagging, fit

TASK = Tagging(("O", "B-PER", "I-PER"))
READING = Reading(64)
LONG = TaggedSentence(sentence(" ".join(f"Unbelievable{n}" for n in range(40))), ("B-PER", "I-PER") * 20)


def test_only_a_words_first_token_has_its_label():
    example = TaggedSentence(sentence("Unbelievable Anna sings"), ("O", "B-PER", "O"))
    [feature] = TASK.features([example], TOKENIZER, READING)
    words = feature.encodings[0].words
    labelled = [(word, label) for word, label in zip(words, feature.target, strict=True) if label != IGNORED]
    assert labelled == [(0, 0), (1, 1), (2, 0)]
    assert len(words) > 5


def test_padding_and_added_tokens_have_no_label():
    features = TASK.features([*tagged(1), TaggedSentence(sentence("Anna"), ("B-PER",))], TOKENIZER, READING)
    labels = TASK.inputs(features, 1)["labels"]
    assert labels[1].tolist() == [IGNORED, 1, *[IGNORED] * (labels.shape[1] - 2)]


@pytest.mark.parametrize("stride", [0, 1, 5, 20])
def test_in_windows_each_word_is_labelled_at_its_first_token_and_predicted_once(stride):
    features = TASK.features([LONG], TOKENIZER, Reading(32, stride))
    assert len(features) > 3
    seen = set()
    for feature in features:
        encoding = feature.encodings[0]
        for token, label in enumerate(feature.target):
            if label != IGNORED:
                assert encoding.surface(token).startswith("U")  # the word's first token, wherever the window was cut
                seen.add(encoding.words[token])
    assert seen == set(range(40))
    scores = [np.zeros((feature.length, 3), dtype=np.float32) for feature in features]
    assert len(TASK.predictions([LONG], features, scores)[0].said) == 40


def test_of_two_windows_the_one_with_more_text_around_a_word_decides():
    features = TASK.features([LONG], TOKENIZER, Reading(32, 16))
    scores = [np.zeros((feature.length, 3), dtype=np.float32) for feature in features]
    for number, feature in enumerate(features):
        for token in range(feature.length):
            middle = min(token, feature.length - 1 - token) >= 8
            scores[number][token, 1 if middle else 2] = 5
    inner = TASK.predictions([LONG], features, scores)[0].said[4:-4]
    assert set(inner) == {"B-PER"}


def test_a_word_without_a_token_is_outside():
    example = TaggedSentence(sentence("Anna \u200b sings"), ("B-PER", "O", "O"))
    features = TASK.features([example], TOKENIZER, READING)
    scores = [np.tile(np.array([0, 9, 0], dtype=np.float32), (feature.length, 1)) for feature in features]
    found = TASK.predictions([example], features, scores)[0]
    tokens = set(features[0].encodings[0].words)
    assert [tag for word, tag in enumerate(found.said) if word not in tokens] in ([], ["O"])
    assert (found.said[0], found.said[2]) == ("B-PER", "B-PER")


def test_tags_of_no_scheme_are_scored_by_words_and_entities_by_seqevals_f1():
    assert list(TASK.tallies(_said(["B-PER"], ["B-PER"]))) == [
        "entity F1",
        "accuracy of words",
    ]
    speech = Tagging(("NOUN", "VERB"))
    assert list(speech.tallies(_said(["NOUN"], ["VERB"]))) == ["accuracy of words"]
    assert Tagging.of([TaggedSentence(sentence("a b"), ("NOUN", "VERB"))]).labels == ("NOUN", "VERB")


def _said(gold, said):
    from erniem_lab.tasks import TagPrediction

    return [TagPrediction("en", ("x",) * len(gold), tuple(gold), tuple(said), (1.0,) * len(gold))]


def test_slots_are_tags():
    intent = IntentExample("1", sentence("Wake me", "en"), ("O", "B-who"), "alarm", "Wake me")
    assert Tagging.of([intent]).labels == ("O", "B-who", "I-who")


def test_a_head_is_trained_and_predicts_sentences_with_and_without_tags(tmp_path):
    start = small_checkpoint(tmp_path)
    found = fit(tagged(), tagged(), model=start, settings=replace(QUICK, steps=40, peak_rate=0.02), progress=False)
    assert found.evaluate(tagged()).value > 0.9
    assert found.evaluate([LONG]).value < 1  # longer than the model: read in windows
    said = found.predict([sentence("Anna has 3", "sw")])[0]
    assert (said.gold, said.language, len(said.said)) == (None, "sw", 3)


@pytest.mark.parametrize(
    ("examples", "fault"),
    [
        ([], "examples: none"),
        ([TaggedSentence(sentence("a b"), ("O",))], "example 0: 2 words, 1 tags; give each word one"),
        ([sentence("a b")], "1 of 1 are no TaggedSentence"),
        ([TaggedSentence(sentence("a"), ("B-LOC",))], "example 0: label 'B-LOC' is not one of O, B-PER, I-PER"),
    ],
)
def test_unsound_sentences_are_refused(examples, fault):
    with pytest.raises((InputValueError, InputTypeError), match=fault):
        TASK.labelled(examples)


def test_what_has_no_words_is_refused():
    with pytest.raises(InputTypeError, match="a str has no words to tag"):
        TASK.features(["Anna"], TOKENIZER, READING)
