"""Words have the mean of their own tokens' states, whatever else is in the batch, and the answers of their place."""

import numpy as np
import pytest

from erniem_lab import MINI, ErnieMForMaskedLM, ErnieMTokenizer
from erniem_lab.corpora.conllu import read_conllu
from erniem_lab.corpora.world import World
from erniem_lab.errors import InputValueError
from erniem_lab.probing.linking import pool
from erniem_lab.probing.questions import from_treebank, from_world
from erniem_lab.word_states import WordVectors, embed_words, trace_words

SENTENCES = [["Anna", "lives", "in", "Rome", "."], ["你好", "世界"], ["unbelievable", "and", "internationalisation"]]
TREE = """# text = Im Haus schlafen Katzen
1-2 Im _ _ _ _ _ _ _ _
1 in in ADP _ _ 3 case _ _
2 dem der DET _ Case=Dat 3 det _ _
3 Haus Haus NOUN _ Case=Dat|Number=Sing 4 obl _ _
4 schlafen schlafen VERB _ Number=Plur 0 root _ _
5 Katzen Katze _ _ Case=Nom|Number=Plur 4 nsubj _ _
"""


@pytest.fixture(scope="module")
def mini():
    return ErnieMForMaskedLM.from_pretrained(MINI), ErnieMTokenizer.from_pretrained(MINI)


@pytest.fixture(scope="module")
def found(mini) -> WordVectors:
    return embed_words(*mini, SENTENCES, precision="float32", progress=False)


def test_words_come_in_the_order_of_the_sentences(found):
    assert found.sentence.tolist() == [0] * 5 + [1] * 2 + [2] * 3
    assert found.place.tolist() == [0, 1, 2, 3, 4, 0, 1, 0, 1, 2]


def test_a_word_is_the_mean_of_its_tokens(mini, found):
    traced = dict(trace_words(*mini, [(words, words) for words in SENTENCES], progress=False))
    expected = [
        pool(traced[i][0].hidden.transpose(1, 0, 2), traced[i][0].owner).transpose(1, 0, 2) for i in range(len(traced))
    ]
    assert max(len(np.flatnonzero(traced[2][0].owner == word)) for word in range(3)) > 1  # of several tokens
    np.testing.assert_allclose(found.states, np.concatenate(expected, axis=1), atol=2e-6)


@pytest.mark.parametrize("batch_tokens", [1, 30])
def test_batches_change_nothing_but_rounding(mini, found, batch_tokens):
    other = embed_words(*mini, SENTENCES, precision="float32", batch_tokens=batch_tokens, progress=False)
    np.testing.assert_allclose(other.states, found.states, atol=5e-6)


def test_batches_are_as_small_as_asked(mini):
    sizes = []
    with mini[0].base.register_forward_pre_hook(lambda _, inputs: sizes.append(inputs[0].shape[0])):
        embed_words(*mini, SENTENCES, batch_tokens=1, progress=False)
        embed_words(*mini, SENTENCES, progress=False)
    assert sizes == [1, 1, 1, 3]


def test_layers_are_those_that_were_asked_for_in_their_order(mini, found):
    some = embed_words(*mini, SENTENCES, layers=[2, 0], precision="float32", progress=False)
    np.testing.assert_array_equal(some.states, found.states[[2, 0]])


def test_half_precision_rounds_and_is_the_default(mini, found):
    half = embed_words(*mini, SENTENCES, progress=False)
    assert half.states.dtype == np.float16
    np.testing.assert_array_equal(half.states, found.states.astype(np.float16))


def test_progress_is_shown_only_if_wanted(mini, capsys):
    embed_words(*mini, SENTENCES, progress=False)
    assert not capsys.readouterr().err
    embed_words(*mini, SENTENCES)
    assert "3/3" in capsys.readouterr().err


def test_a_word_without_tokens_is_left_out(mini):
    found = embed_words(*mini, [["Good", "\u200b", "day"], ["\u200b"], ["Rome"]], progress=False)
    assert (found.sentence.tolist(), found.place.tolist()) == ([0, 0, 2], [0, 2, 0])


def test_words_beyond_the_model_are_told(mini):
    limit = mini[0].config.max_length
    with pytest.warns(UserWarning, match=f"1 of 2 fill all {limit} tokens"):
        found = embed_words(*mini, [["word"] * (limit + 9), ["Wort"]], layers=[0], progress=False)
    assert found.states.shape[1] < limit


@pytest.mark.parametrize(
    ("sentences", "how", "message"),
    [([], {}, "0 sentences"), (SENTENCES, {"layers": [99]}, r"layers has \[99\]")],
)
def test_what_cannot_be_embedded_is_refused(mini, sentences, how, message):
    with pytest.raises(InputValueError, match=message):
        embed_words(*mini, sentences, progress=False, **how)


def test_a_treebank_answers_for_tokens_that_are_one_word(tmp_path):
    path = tmp_path / "de.conllu"
    path.write_text("\n".join(line if line[0] == "#" else line.replace(" ", "\t") for line in TREE.splitlines()) + "\n")
    (sentence,) = read_conllu(path, "de")
    asked = from_treebank(sentence, ["Case", "Number"])
    assert asked.words == ("Im", "Haus", "schlafen", "Katzen")
    assert asked.answers == {
        "pos": (None, "NOUN", "VERB", None),  # "Im" is two words, and "Katzen" has no tag in this file
        "depth": (None, 1.0, 0.0, 1.0),
        "Case": (None, "Dat", None, "Nom"),
        "Number": (None, "Sing", "Plur", "Plur"),
    }
    assert set(from_treebank(sentence).answers) == {"pos", "depth"}


def test_the_world_answers_with_the_kinds_of_its_tags():
    world = World.load()
    statements = [name for name, pattern in world.patterns.items() if pattern.kind == "statement"]
    asked = [from_world(world, example) for example in world.parallel(["de"], 50, seed=3, patterns=statements)]
    for one, tagged in zip(asked, world.tagged("de", 50, seed=3), strict=True):
        assert one.words == tagged.sentence.surfaces
        assert one.answers["kind"] == tuple(None if tag == "O" else tag[2:] for tag in tagged.tags)


def test_the_world_asks_people_for_their_role_where_two_are_named():
    world = World.load()
    for pattern, roles in (("gives", {"GIVER", "RECEIVER"}), ("is_taller", {"AGENT", "OTHER"}), ("lives", set())):
        (example,) = world.parallel(["ru"], 1, patterns=[pattern])
        assert set(from_world(world, example).answers["role"]) - {None} == roles


def test_the_world_answers_for_the_sentence_that_is_asked_for():
    world = World.load()
    (example,) = world.parallel(["en", "zh"], 1, patterns=["receives"])
    asked = [from_world(world, example, place) for place in (0, 1)]
    assert [one.words for one in asked] == [sentence.surfaces for sentence in example.sentences]
    assert [one.answers["role"][0] for one in asked] == ["RECEIVER", "RECEIVER"]
