"""Every interval holds the number that it is of, whatever was measured and however few items there are."""

from collections.abc import Callable, Iterable

import numpy as np
import pytest

from erniem_lab.metrics import Estimate
from erniem_lab.probing import (
    Aligner,
    AlignmentScores,
    HeadEffects,
    HeadMeasures,
    Labelled,
    compare,
    find_translations,
    head_overlap,
    identify_language,
    isoscore,
    language_share,
    mean_cosine,
    mean_of_languages,
    mean_retrieval,
    online_code,
    rank_agreement,
    read_layers,
    selectivity,
)
from erniem_lab.probing.alignment_scores import MEASURES

Drawn = Callable[[np.random.Generator], Iterable[Estimate]]


def sides(draw, texts=40):
    first = draw.normal(size=(2, texts, 6))
    return first, first + draw.normal(size=first.shape)


def labelled(draw, numbers=False):
    states = draw.normal(size=(1, 60, 4))
    labels = states[0, :, 0] + draw.normal(size=60)
    return Labelled(states, labels if numbers else np.where(labels > 0, "a", "b"), np.repeat(np.arange(12), 5),
                    draw.integers(9, size=60).astype(str))  # fmt: skip


def retrieval(draw):
    found = [find_translations(*sides(draw)) for _ in range(3)]
    yield from found[0][0].scores().estimates
    yield from mean_retrieval([one[0] for one in found]).estimates
    yield from mean_of_languages([one[2].scores() for one in found]).estimates


def likeness(draw):
    yield from (one for score in compare(*sides(draw)) for one in score.estimates)


def geometry(draw):
    first, second = sides(draw)
    scores = [mean_cosine(first), isoscore(first), identify_language({"a": first, "b": second})]
    yield from (one for s in (*scores, *language_share({"a": first, "b": second})) for one in s.estimates)


def probes(draw):
    for numbers in (False, True):
        task, control = (read_layers(labelled(draw, numbers), {"": labelled(draw, numbers)}, language="")[0]
                         for _ in range(2))  # fmt: skip
        yield from (*task.scores().estimates, *selectivity(task, control).estimates)
    yield from online_code(labelled(draw), language="").estimates


def links(draw):
    sure, found = draw.integers(1, 9, size=12), draw.integers(0, 9, size=12)
    right = np.minimum(found, sure) // 2
    counts = np.stack([found, sure, right, right + (found > 4)], axis=1)[None]
    scores = AlignmentScores(("en", "de"), (Aligner("argmax", "any", "apart", 0),), counts)
    yield from (one for measure in MEASURES for one in scores.estimates(measure))


def heads(draw):
    true = draw.normal(size=(12, 4, 1))
    effects = [HeadEffects("", "", np.zeros(10), true + draw.normal(size=(12, 4, 10))) for _ in range(2)]
    found = head_overlap(*effects)
    yield from (found.rank, found.jaccard)
    low, high = effects[0].interval()
    yield from map(Estimate, effects[0].drop().ravel(), low.ravel(), high.ravel(), [10] * 48)
    measured = [HeadMeasures("", ("entropy",), true.reshape(1, 1, 12, 4) + draw.normal(size=(1, 9, 12, 4)))
                for _ in range(2)]  # fmt: skip
    yield Estimate(*rank_agreement(*measured, "entropy"))


@pytest.mark.parametrize("measure", [retrieval, likeness, geometry, probes, links, heads])
def test_an_interval_holds_its_estimate(measure: Drawn):
    for seed in range(5):
        for one in measure(np.random.default_rng(seed)):
            assert one.low - 1e-9 <= one.value <= one.high + 1e-9, one
