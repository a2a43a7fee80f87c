"""Measures of words on real files: the same as loops, scikit-learn, scipy and seqeval give without the library."""

import numpy as np
import pytest
import torch
from scipy.stats import spearmanr
from seqeval.metrics import f1_score
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from erniem_lab import MINI, ErnieMForMaskedLM, ErnieMTokenizer, trace
from erniem_lab.corpora.conllu import read_conllu
from erniem_lab.corpora.gold_links import open_gold_links
from erniem_lab.corpora.tagging import read_entities
from erniem_lab.metrics import entity_f1
from erniem_lab.probing import (
    from_treebank,
    label_words,
    measure_heads,
    rank_agreement,
    read_layers,
    score_alignment,
    score_heads,
)
from erniem_lab.word_states import embed_words

QUIET = {"progress": False}


@pytest.fixture(scope="module")
def mini():
    return ErnieMForMaskedLM.from_pretrained(MINI), ErnieMTokenizer.from_pretrained(MINI)


@pytest.fixture(scope="module")
def gold(real_data):
    """Pairs of sentences from the middle of the corpus, with sure and possible links."""
    return list(open_gold_links(real_data / "align" / "en-fr"))[100:112]


@pytest.fixture(scope="module")
def treebank(mini, real_data):
    """English words to train on and German ones to read, after the last layer."""
    found = {}
    for code, start in (("en", 0), ("de", 60)):
        trees = list(read_conllu(real_data / "pud" / f"{code}_pud-ud-test.conllu", code))[start : start + 60]
        asked = [from_treebank(tree) for tree in trees]
        vectors = embed_words(*mini, [one.words for one in asked], layers=[2], precision="float32", **QUIET)
        found[code] = vectors, asked
    return found


def error_rate(found, gold):
    """AER of Och and Ney 2003, from sets of links."""
    right = sum(len(links & pair.sure) + len(links & pair.possible) for links, pair in zip(found, gold, strict=True))
    return 1 - right / sum(len(links) + len(pair.sure) for links, pair in zip(found, gold, strict=True))


def mutual_links(likeness, back, first, second):
    """Links between the words of tokens that choose each other, by loops; `first` and `second` are those words."""
    chosen = [max(range(len(second)), key=lambda j: likeness[i][j]) for i in range(len(first))]
    chosen_back = [max(range(len(first)), key=lambda i: back[j][i]) for j in range(len(second))]
    return {(first[i], second[j]) for i, j in enumerate(chosen) if chosen_back[j] == i}


def token_words(encoding, sentence):
    """Places of a sentence's tokens in the text that was read, and the word of each."""
    own = [i for i in range(len(encoding)) if encoding.sentence[i] == sentence and not encoding.special[i]]
    return own, [encoding.words[i] for i in own]


def test_links_from_states_have_the_error_of_a_direct_loop(mini, gold):
    (expected,) = score_alignment(*mini, gold, layers=[2], **QUIET).estimates("aer")
    found = []
    for pair in gold:
        sides = []
        for words in (pair.first.surfaces, pair.second.surfaces):
            encoding = mini[1].encodings([list(words)])[0]
            own, words_of = token_words(encoding, 0)
            states = mini[0].base(torch.tensor([encoding.ids]), output_hidden_states=True).hidden_states[2][0, own]
            sides.append(((states / states.norm(dim=1, keepdim=True)).detach().numpy(), words_of))
        (one, first), (two, second) = sides
        found.append(mutual_links(one @ two.T, two @ one.T, first, second))
    assert error_rate(found, gold) == pytest.approx(expected.value, abs=0.005)  # a near tie may turn


def test_links_from_a_head_have_the_error_of_a_direct_loop(mini, gold):
    scores, found = score_heads(*mini, gold, **QUIET), []
    for pair in gold:
        encoding = mini[1].encodings([list(pair.first.surfaces)], [list(pair.second.surfaces)])[0]
        (one, first), (two, second) = (token_words(encoding, side) for side in (0, 1))
        attention = (
            mini[0].base(torch.tensor([encoding.ids]), output_attentions=True).attentions[1][0, 1].detach().numpy()
        )
        found.append(mutual_links(attention[np.ix_(one, two)], attention[np.ix_(two, one)], first, second))
    place = next(i for i, aligner in enumerate(scores.aligners) if (aligner.layer, aligner.head) == (2, 1))
    assert error_rate(found, gold) == pytest.approx(scores.estimates("aer")[place].value, abs=0.005)


@pytest.mark.parametrize(("question", "solver"), [("pos", LogisticRegression(max_iter=1000)), ("depth", Ridge())])
def test_a_probe_reads_a_treebank_as_scikit_learns_pipeline_does(treebank, question, solver):
    items = {code: label_words(*one, question) for code, one in treebank.items()}
    (found,) = read_layers(items["en"], {"de": items["de"]}, language="en")
    other = make_pipeline(StandardScaler(), solver).fit(items["en"].states[0], items["en"].labels)
    expected = other.score(items["de"].states[0], items["de"].labels)
    assert found.scores().estimates[0].value == pytest.approx(expected, abs=0.005)  # the solver stops somewhere near


def test_heads_are_ranked_as_scipy_ranks_them(mini, gold):
    sides = [[pair.first.text for pair in gold], [pair.second.text for pair in gold]]
    found = [measure_heads([trace(*mini, text) for text in side]) for side in sides]
    expected = spearmanr(*(side.values[side.names.index("previous")].mean(axis=0).ravel() for side in found)).statistic
    value, low, high, _ = rank_agreement(*found, "previous")
    assert value == pytest.approx(expected)
    assert low <= value <= high


@pytest.mark.parametrize("code", ["en", "th"])
def test_entities_of_disturbed_tags_have_seqevals_score(real_data, code):
    path = next(
        path for path in sorted((real_data / "ner" / "panx").rglob("*")) if path.is_file() and code in path.name
    )
    gold = [list(example.tags) for example in read_entities(path, code)][:300]
    draw, known = np.random.default_rng(0), sorted({tag for tags in gold for tag in tags})
    said = [[str(draw.choice(known)) if draw.random() < 0.2 else tag for tag in tags] for tags in gold]
    assert entity_f1(gold, said).value == pytest.approx(f1_score(gold, said))
