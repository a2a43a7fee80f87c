"""The measures on a checkpoint's states of real sentences: the same as the papers' formulas computed directly."""

import numpy as np
import pytest
from probing_textbook import TEXTBOOK, retrieval_loop, textbook_isoscore
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.model_selection import PredefinedSplit, cross_val_predict

from erniem_lab import MINI, ErnieMForMaskedLM, ErnieMTokenizer
from erniem_lab.collecting import embed_languages
from erniem_lab.corpora.line_files import read_line_pairs
from erniem_lab.probing import (
    RULES,
    compare,
    find_translations,
    identify_language,
    isoscore,
    language_share,
    mean_cosine,
)
from erniem_lab.probing.geometry import FOLDS
from erniem_lab.probing.layer_scores import groups_of
from erniem_lab.probing.similarity import MEASURES

TEXTS = 150
LAYERS = (0, -1)


@pytest.fixture(scope="module")
def states(real_data):
    """English and Thai states of the same sentences, in single and in half precision."""
    files = [real_data / "tatoeba" / f"tatoeba.tha-eng.{code}" for code in ("eng", "tha")]
    pairs = list(read_line_pairs(*files, ("en", "th")))[:TEXTS]
    texts = {"en": [pair.first.text for pair in pairs], "th": [pair.second.text for pair in pairs]}
    model, tokenizer = ErnieMForMaskedLM.from_pretrained(MINI), ErnieMTokenizer.from_pretrained(MINI)
    found = {
        kind: embed_languages(model, tokenizer, texts, precision=kind, progress=False)
        for kind in ("float32", "float16")
    }
    return {kind: [found[kind][code][list(LAYERS)] for code in ("en", "th")] for kind in found}


@pytest.mark.parametrize("name", RULES)
def test_retrieval_is_that_of_a_direct_loop(name, states):
    first, second = (side[:, :50].astype(np.float64) for side in states["float32"])
    (found,) = find_translations(first, second, rules={name: RULES[name]})
    for layer in range(len(LAYERS)):
        expected = retrieval_loop(first[layer], second[layer], RULES[name])
        np.testing.assert_array_equal(found.hits[layer, 0], expected)


@pytest.mark.parametrize("name", [name for name in MEASURES if name != "svcca"])
def test_likeness_is_that_of_the_textbook(name, states):
    first, second = states["float32"]
    (score,) = compare(first, second, measures=[name])
    for layer, found in enumerate(score.estimates):
        expected = TEXTBOOK[name](first[layer].astype(np.float64), second[layer].astype(np.float64))
        assert found.value == pytest.approx(expected, abs=1e-9)


def test_svcca_is_that_of_orthogonal_bases(states):
    """Canonical correlations as cosines between the spaces that the kept axes span (scikit-learn's takes too long)."""
    first, second = states["float32"]
    (score,) = compare(first, second, measures=["svcca"])
    for layer, found in enumerate(score.estimates):
        bases = []
        for side in (first[layer], second[layer]):
            u, s, _ = np.linalg.svd(side.astype(np.float64) - side.astype(np.float64).mean(axis=0))
            bases.append(u[:, : int(np.searchsorted(np.cumsum(s**2) / np.sum(s**2), 0.99)) + 1])
        assert found.value == pytest.approx(np.linalg.svd(bases[0].T @ bases[1])[1].mean(), abs=1e-6)


def test_isotropy_is_that_of_all_pairs_and_of_the_papers_algorithm(states):
    english = states["float32"][0].astype(np.float64)
    for layer, (cosine, even) in enumerate(
        zip(mean_cosine(english).estimates, isoscore(english).estimates, strict=True)
    ):
        unit = english[layer] / np.linalg.norm(english[layer], axis=1, keepdims=True)
        pairs = (unit @ unit.T)[np.tril_indices(TEXTS, -1)]
        assert cosine.value == pytest.approx(pairs.mean(), abs=1e-10)
        assert even.value == pytest.approx(textbook_isoscore(english[layer]), abs=1e-10)


def test_what_languages_keep_to_themselves_is_that_of_sums_of_squares_and_of_scikit_learns_probe(states):
    own = {code: side.astype(np.float64) for code, side in zip(("en", "th"), states["float32"], strict=True)}
    share, told = language_share(own)[0], identify_language(own)
    folds = np.tile(groups_of(TEXTS) % FOLDS, 2)
    probe = LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto")
    for layer in range(len(LAYERS)):
        every, codes = np.concatenate([side[layer] for side in own.values()]), np.repeat([0, 1], TEXTS)
        apart = ((np.diff([side[layer].mean(axis=0) for side in own.values()], axis=0) / 2) ** 2).sum() * len(every)
        total = ((every - every.mean(axis=0)) ** 2).sum()
        hits = cross_val_predict(probe, every, codes, cv=PredefinedSplit(folds)) == codes
        assert share.estimates[layer].value == pytest.approx(apart / total, abs=1e-10)
        assert told.estimates[layer].value == pytest.approx(hits.mean())


def test_half_precision_changes_no_likeness_by_a_tenth_of_a_point(states):
    for half, full in zip(compare(*states["float16"]), compare(*states["float32"]), strict=True):
        for one, other in zip(half.estimates, full.estimates, strict=True):
            assert one.value == pytest.approx(other.value, abs=0.001), half.measure
