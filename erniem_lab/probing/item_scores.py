"""Scores of each sentence by itself, the higher the better: what head ablation takes, and sets side by side."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from erniem_lab.corpora.examples import AlignedPair
from erniem_lab.embedding import embed
from erniem_lab.errors import InputValueError
from erniem_lab.pretrained import ErnieMPreTrainedModel
from erniem_lab.probing.alignment import word_links
from erniem_lab.probing.alignment_scores import count
from erniem_lab.probing.linking import Method, similarity
from erniem_lab.probing.retrieval import PLAIN, Rule, find_translations
from erniem_lab.tokenizer import ErnieMTokenizer
from erniem_lab.word_states import trace_words


def retrieval_of_each(
    model: ErnieMPreTrainedModel,
    tokenizer: ErnieMTokenizer,
    first: Sequence[str],
    second: Sequence[str],
    *,
    layer: int = -1,
    rule: Rule = PLAIN,
) -> Float[np.ndarray, " text"]:
    """Whether a text and its translation find each other by a layer's mean states: 1, 0.5 if one way only, or 0.

    Args:
        layer: 0 is the embedding output, -1 the last layer.

    Raises:
        InputValueError: as `embed` and `retrieve`.

    >>> from erniem_lab import MINI, ErnieMForMaskedLM
    >>> model, tokenizer = ErnieMForMaskedLM.from_pretrained(MINI), ErnieMTokenizer.from_pretrained(MINI)
    >>> retrieval_of_each(model, tokenizer, ["Rome", "seven"], ["Rome", "seven"]).tolist()
    [1.0, 1.0]
    """
    vectors = [embed(model, tokenizer, side, layer=layer, progress=False)[None] for side in (first, second)]
    (found,) = find_translations(*vectors, rules={"": rule})
    return np.asarray(found.hits[0].mean(axis=0))


def margin_of_each(
    model: ErnieMPreTrainedModel,
    tokenizer: ErnieMTokenizer,
    first: Sequence[str],
    second: Sequence[str],
    *,
    layer: int = -1,
) -> Float[np.ndarray, " text"]:
    """By how much (of a cosine) a text's translation is nearer than the nearest other text, mean of both ways.

    Above 0 where retrieval finds it, and finer than hits and misses, so that few texts tell more.

    Args:
        layer: 0 is the embedding output, -1 the last layer.

    Raises:
        InputValueError: sides of different length, or fewer than two texts; or as `embed`.

    >>> from erniem_lab import MINI, ErnieMForMaskedLM
    >>> model, tokenizer = ErnieMForMaskedLM.from_pretrained(MINI), ErnieMTokenizer.from_pretrained(MINI)
    >>> bool((margin_of_each(model, tokenizer, ["Rome", "seven"], ["Rome", "seven"]) > 0).all())
    True
    """
    if len(first) != len(second) or len(first) < 2:
        raise InputValueError(f"{len(first)} and {len(second)} texts: give as many of both, and two at least")
    one, two = (embed(model, tokenizer, side, layer=layer, progress=False) for side in (first, second))
    likeness = similarity(one, two, "argmax").astype(np.float64)
    others = np.where(np.eye(len(likeness), dtype=bool), -np.inf, likeness)
    return np.diag(likeness) - (others.max(axis=1) + others.max(axis=0)) / 2


def f1_of_each(
    model: ErnieMPreTrainedModel,
    tokenizer: ErnieMTokenizer,
    examples: Sequence[AlignedPair],
    *,
    layer: int,
    method: Method = "argmax",
) -> Float[np.ndarray, " pair"]:
    """The F1 of each pair's word links, by a layer's states of sentences read apart.

    The mean over pairs is not the F1 of the corpus, in which long pairs count more.

    Raises:
        InputValueError: as `trace_words` and `word_links`.

    >>> from erniem_lab import MINI, ErnieMForMaskedLM
    >>> from erniem_lab.corpora.world import World
    >>> model, tokenizer = ErnieMForMaskedLM.from_pretrained(MINI), ErnieMTokenizer.from_pretrained(MINI)
    >>> pair = World.load().parallel(["en", "en"], 1, patterns=["lives"])[0].pair()
    >>> bool(f1_of_each(model, tokenizer, [pair], layer=0)[0] > 0.5)
    True
    """
    words = [(pair.first.surfaces, pair.second.surfaces) for pair in examples]
    scores = np.zeros(len(examples))
    for number, (one, two) in trace_words(model, tokenizer, words, layers=[layer], progress=False):
        links, sure, found_sure, found_possible = count(word_links(one, two, layer=0, method=method), examples[number])
        precision, recall = found_possible / max(links, 1), found_sure / max(sure, 1)
        scores[number] = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
    return scores
