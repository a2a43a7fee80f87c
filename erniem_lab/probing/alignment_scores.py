"""How well links agree with gold ones: precision, recall, F1 and alignment error rate of a corpus, with intervals."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
from jaxtyping import Float, Int

from erniem_lab.corpora.examples import AlignedPair, Link
from erniem_lab.errors import InputValueError
from erniem_lab.metrics import Estimate
from erniem_lab.probing.resampling import resampled_sums
from erniem_lab.probing.tables import table

if TYPE_CHECKING:
    import pandas as pd

Measure = Literal["precision", "recall", "f1", "aer"]
MEASURES: tuple[Measure, ...] = get_args(Measure)
COLUMNS = ("first", "second", "method", "words", "reading", "layer", "head", "measure", "value", "low", "high", "n")
KINDS = {"head": "Int64"}  # none where a layer has no part in it


@dataclass(frozen=True)
class Aligner:
    """What made the links: a method, how words come of tokens, how pairs were read, and whose numbers they are.

    `head` is None where the states of the whole layer were compared. Layer 0 is the embedding output, and has none.
    """

    method: str
    words: str
    reading: str
    layer: int
    head: int | None = None


@dataclass(frozen=True)
class HeldOut:
    """The aligner of least error on one half of the pairs, its error there, and with an interval on the other half."""

    languages: tuple[str, str]
    aligner: Aligner
    chosen_at: float
    aer: Estimate

    def to_frame(self) -> "pd.DataFrame":
        """One row: the aligner, its AER on the other half with low, high and n, and `chosen_at`.

        Raises:
            MissingExtraError: pandas is not installed.
        """
        row = (*self.languages, *_names(self.aligner), "aer", self.aer.value, self.aer.low, self.aer.high, self.aer.n)
        return table([row], COLUMNS, KINDS).assign(chosen_at=self.chosen_at)


@dataclass(frozen=True)
class AlignmentScores:
    """Agreement with gold links, for several aligners of one corpus.

    `counts` are for each pair of sentences: its links, its sure gold links, links that are sure, links that are
    possible. All scores are of the sums over the corpus, and their intervals of resampled pairs of sentences.
    """

    languages: tuple[str, str]
    aligners: tuple[Aligner, ...]
    counts: Int[np.ndarray, "aligner pair 4"]

    def estimates(self, measure: Measure = "aer", *, seed: int = 0) -> list[Estimate]:
        """One score of each aligner; all of them see the same resampled pairs.

        Precision is the share of links that are possible (0 where there is no link), recall that of sure links that
        were found, F1 their harmonic mean, and AER 1 - (sure found + possible found) / (links + sure).
        """
        if measure not in MEASURES:
            raise InputValueError(f"measure={measure!r}: give one of {', '.join(MEASURES)}")
        pairs, place = self.counts.shape[1], MEASURES.index(measure)
        values = _measures(self.counts.sum(axis=1))[place]
        low, high = np.percentile(_measures(resampled_sums(self.counts, seed))[place], [2.5, 97.5], axis=0)
        return [Estimate(float(a), float(b), float(c), pairs) for a, b, c in zip(values, low, high, strict=True)]

    def best(self) -> Aligner:
        """The aligner of least AER over all pairs: a choice made on the data that it is scored on."""
        return self.aligners[int(_measures(self.counts.sum(axis=1))[-1].argmin())]

    def held_out(self, *, seed: int = 0) -> HeldOut:
        """The best aligner of one half, drawn by `seed`, scored on the other half.

        Raises:
            InputValueError: fewer than two pairs, or a half without a sure link.
        """
        order = np.random.default_rng(seed).permutation(self.counts.shape[1])
        one, other = (self._of(half) for half in np.array_split(order, 2))
        best = int(_measures(one.counts.sum(axis=1))[-1].argmin())
        chosen_at = float(_measures(one.counts.sum(axis=1))[-1][best])
        return HeldOut(self.languages, self.aligners[best], chosen_at, other.estimates(seed=seed)[best])

    def to_frame(self) -> "pd.DataFrame":
        """A row for each aligner and measure, with value, low, high and n.

        Raises:
            MissingExtraError: pandas is not installed.
        """
        rows = [
            (*self.languages, *_names(aligner), measure, score.value, score.low, score.high, score.n)
            for measure in MEASURES
            for aligner, score in zip(self.aligners, self.estimates(measure), strict=True)
        ]
        return table(rows, COLUMNS, KINDS)

    def _of(self, pairs: Int[np.ndarray, " pair"]) -> "AlignmentScores":
        part = self.counts[:, pairs]
        if not part[..., 1].any():
            raise InputValueError(f"{self.counts.shape[1]} examples: a half has no sure link; give more examples")
        return AlignmentScores(self.languages, self.aligners, part)


def count(links: Collection[Link], gold: AlignedPair) -> tuple[int, int, int, int]:
    """What the scores are made of: links, sure gold links, links that are sure, links that are possible.

    >>> from erniem_lab.corpora.world import World
    >>> gold = World.load().parallel(["en", "de"], 1, seed=0)[0].pair()
    >>> count(gold.sure, gold) == (len(gold.sure),) * 4
    True
    """
    found = frozenset(links)
    return len(found), len(gold.sure), len(found & gold.sure), len(found & gold.possible)


def languages_of(examples: Sequence[AlignedPair]) -> tuple[str, str]:
    """The languages that all examples share.

    Raises:
        InputValueError: no example, several pairs of languages, or no sure link at all.

    >>> from erniem_lab.corpora.world import World
    >>> languages_of([World.load().parallel(["en", "de"], 1, seed=0)[0].pair()])
    ('en', 'de')
    """
    found = sorted({(pair.first.language, pair.second.language) for pair in examples})
    if len(found) != 1:
        listed = ", ".join("-".join(pair) for pair in found) or "none"
        raise InputValueError(f"examples are of these pairs of languages: {listed}; give those of one pair at a time")
    if not any(pair.sure for pair in examples):
        raise InputValueError(f"{len(examples)} examples without a sure link: scores need gold links that are sure")
    return found[0]


def pool_scores(scores: Sequence[AlignmentScores]) -> AlignmentScores:
    """Several corpora as one, such as those of all languages; `languages` are "all" where they differ.

    Raises:
        InputValueError: no scores, or scores of different aligners.

    >>> one = AlignmentScores(("en", "de"), (Aligner("argmax", "any", "apart", 0),), np.array([[[2, 2, 1, 1]]]))
    >>> pool_scores([one, one]).languages, float(pool_scores([one, one]).estimates()[0].value)
    (('en', 'de'), 0.5)
    """
    if len({one.aligners for one in scores}) != 1:
        raise InputValueError(f"{len(scores)} scores of different aligners: give one or more, all of the same aligners")
    firsts, seconds = ({one.languages[side] for one in scores} for side in (0, 1))
    languages = ("all" if len(firsts) > 1 else firsts.pop(), "all" if len(seconds) > 1 else seconds.pop())
    return AlignmentScores(languages, scores[0].aligners, np.concatenate([one.counts for one in scores], axis=1))


def _names(aligner: Aligner) -> tuple[str, str, str, int, int | None]:
    return aligner.method, aligner.words, aligner.reading, aligner.layer, aligner.head


def _measures(totals: Float[np.ndarray, "*rest 4"] | Int[np.ndarray, "*rest 4"]) -> list[Float[np.ndarray, "*rest"]]:
    """The four measures of sums of counts, in the order of their names."""
    links, sure, found_sure, found_possible = np.moveaxis(np.asarray(totals, dtype=np.float64), -1, 0)
    precision, recall = _share(found_possible, links), _share(found_sure, sure)
    f1 = _share(2 * precision * recall, precision + recall)
    return [precision, recall, f1, 1 - _share(found_sure + found_possible, links + sure)]


def _share(part: Float[np.ndarray, "*rest"], whole: Float[np.ndarray, "*rest"]) -> Float[np.ndarray, "*rest"]:
    return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)
