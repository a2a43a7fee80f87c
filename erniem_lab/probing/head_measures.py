"""What does a head look at? Measures of every head's attention over one text or pair."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float

from erniem_lab.corpora.examples import AlignedPair, Link
from erniem_lab.encoding import Encoding
from erniem_lab.probing.alignment import sides, word_links
from erniem_lab.tracing import Trace, Word

Heads = Float[np.ndarray, "block head"]
Links = Collection[Link]


@dataclass(frozen=True)
class Measure:
    """One number for each head, about one text; NaN for all of them where the text has nothing to measure."""

    name: str
    unit: str
    about: str
    of: Callable[[Trace, Links], Heads]


def measures(trace: Trace, links: Links = ()) -> Mapping[str, Heads]:
    """Every measure of `MEASURES` for each head on one text.

    >>> attention = np.full((1, 2, 3, 3), 1 / 3)
    >>> flat = Trace(("a",), ("[CLS]", "▁a", "[SEP]"), (), np.zeros(3, dtype=int),
    ...              (True, False, True), np.zeros((2, 3, 1)), attention)
    >>> float(measures(flat)["separators"][0, 1].round(3))
    0.667
    """
    return {measure.name: measure.of(trace, links) for measure in MEASURES.values()}


def trace_links(trace: Trace, pair: AlignedPair) -> frozenset[Link]:
    """The sure links of a pair, between the words of its trace: those that share a character with the linked words.

    >>> from erniem_lab import MINI, ErnieMForMaskedLM, ErnieMTokenizer, trace
    >>> from erniem_lab.corpora.world import World
    >>> model, tokenizer = ErnieMForMaskedLM.from_pretrained(MINI), ErnieMTokenizer.from_pretrained(MINI)
    >>> pair = World.load().parallel(["en", "de"], 1)[0].pair()
    >>> found = trace(model, tokenizer, pair.first.text, pair.second.text)
    >>> trace_links(found, pair) == pair.sure
    True
    """
    sides = [[word.span for word in trace.words if word.sentence == side] for side in (0, 1)]
    first, second = (
        [[i for i, own in enumerate(spans) if _overlap(own, gold)] for gold in sentence.words]
        for spans, sentence in zip(sides, (pair.first, pair.second), strict=True)
    )
    return frozenset((i, j) for one, two in pair.sure for i in first[one] for j in second[two])


def with_words(trace: Trace, encoding: Encoding, pair: AlignedPair) -> Trace:
    """The trace of a pair with the pair's own words, which a text without spaces does not show by itself.

    A token is of the first word that it shares a character with; one that shares none is of no word.

    Args:
        encoding: what the tokenizer made of both texts.

    >>> from erniem_lab import MINI, ErnieMForMaskedLM, ErnieMTokenizer, trace
    >>> from erniem_lab.corpora.world import World
    >>> model, tokenizer = ErnieMForMaskedLM.from_pretrained(MINI), ErnieMTokenizer.from_pretrained(MINI)
    >>> pair = World.load().parallel(["en", "th"], 1)[0].pair()
    >>> texts = (pair.first.text, pair.second.text)
    >>> found = with_words(trace(model, tokenizer, *texts), tokenizer.encoding(*texts), pair)
    >>> {word.text for word in found.words} <= {*pair.first.surfaces, *pair.second.surfaces}
    True
    """
    inside: dict[tuple[int, tuple[int, int]], list[int]] = {}
    for token, (span, side) in enumerate(zip(encoding.offsets, encoding.sentence, strict=True)):
        gold = (pair.first, pair.second)[side].words
        home = next((word for word in gold if _overlap(span, word)), None)
        if home is not None and not encoding.special[token]:
            inside.setdefault((side, home), []).append(token)
    texts = encoding.texts
    words = (Word(texts[side][slice(*span)], side, span, tuple(own)) for (side, span), own in inside.items())
    return replace(trace, words=tuple(words))


def likely_links(trace: Trace) -> frozenset[Link]:
    """Links between a pair's words that are found, not gold: by the vectors of layer 0 (SimAlign's itermax).

    There are none for a single text.

    >>> from erniem_lab import MINI, ErnieMForMaskedLM, ErnieMTokenizer, trace
    >>> model, tokenizer = ErnieMForMaskedLM.from_pretrained(MINI), ErnieMTokenizer.from_pretrained(MINI)
    >>> likely_links(trace(model, tokenizer, "Good day."))
    frozenset()
    """
    if len(trace.texts) < 2:
        return frozenset()
    return word_links(*sides(trace), layer=0, method="itermax")


def _overlap(one: tuple[int, int], two: tuple[int, int]) -> bool:
    return one[0] < two[1] and two[0] < one[1]


def _plain(trace: Trace) -> Bool[np.ndarray, " token"]:
    return ~np.array(trace.special, dtype=bool)


def _entropy(trace: Trace, _: Links) -> Heads:
    rows = trace.attention[:, :, _plain(trace)]
    logs = np.log(np.where(rows > 0, rows, 1))
    return _numbers(-(rows * logs).sum(axis=-1).mean(axis=-1))


def _distance(trace: Trace, _: Links) -> Heads:
    """Of the attention that stays among the words of a token's own sentence."""
    plain = _plain(trace)
    near = plain & plain[:, None] & (trace.sentence == trace.sentence[:, None])
    places = np.arange(len(plain))
    steps = np.abs(places - places[:, None])
    stays = trace.attention * near
    with np.errstate(invalid="ignore"):
        return _numbers((stays * steps).sum(axis=(-1, -2)) / stays.sum(axis=(-1, -2)))


def _offset(step: int) -> Callable[[Trace, Links], Heads]:
    """The share that goes to the token so many places on, of tokens that have one in their sentence."""

    def share(trace: Trace, _: Links) -> Heads:
        plain, places = _plain(trace), np.arange(len(trace.tokens))
        inside = places[(places + step >= 0) & (places + step < len(places)) & plain]
        chosen = inside[plain[inside + step] & (trace.sentence[inside] == trace.sentence[inside + step])]
        return _mean(trace.attention[:, :, chosen, chosen + step])

    return share


def _separators(trace: Trace, _: Links) -> Heads:
    plain = _plain(trace)
    return _mean(trace.attention[:, :, plain][..., ~plain].sum(axis=-1))


def _same_word(trace: Trace, _: Links) -> Heads:
    """Of tokens that stand elsewhere too, in either sentence."""
    names = np.array([token.strip("▁").casefold() for token in trace.tokens])
    plain = _plain(trace) & (names != "")
    same = (names == names[:, None]) & plain & plain[:, None] & ~np.eye(len(names), dtype=bool)
    chosen = same.any(axis=-1)
    return _mean((trace.attention * same).sum(axis=-1)[:, :, chosen])


def _crossing(trace: Trace, _: Links) -> Heads:
    plain = _plain(trace)
    over = plain & (trace.sentence != trace.sentence[:, None])
    chosen = plain if over.any() else np.zeros_like(plain)
    return _mean((trace.attention * over).sum(axis=-1)[:, :, chosen])


def _alignment(trace: Trace, links: Links) -> Heads:
    """Of linked words, both ways: whether the word of the other sentence that is attended to most is linked."""
    sides = [[word.tokens for word in trace.words if word.sentence == side] for side in (0, 1)]
    gold = np.zeros((len(sides[0]), len(sides[1])), dtype=bool)
    for one, two in links:
        gold[one, two] = True
    if not gold.any():
        return np.full(trace.attention.shape[:2], np.nan)
    hits = [_most_attended(trace, *way) for way in ((sides[0], sides[1], gold), (sides[1], sides[0], gold.T))]
    return _mean(np.concatenate(hits, axis=-1))


def _most_attended(
    trace: Trace,
    queries: list[tuple[int, ...]],
    keys: list[tuple[int, ...]],
    gold: Bool[np.ndarray, "query_word key_word"],
) -> Float[np.ndarray, "block head linked"]:
    columns = np.stack([trace.attention[..., list(key)].sum(axis=-1) for key in keys], axis=-1)
    linked = np.flatnonzero(gold.any(axis=1))
    best = [columns[:, :, list(queries[word])].mean(axis=2).argmax(axis=-1) for word in linked]
    return np.stack([gold[word, place] for word, place in zip(linked, best, strict=True)], axis=-1).astype(float)


def _mean(shares: Float[np.ndarray, "block head item"]) -> Heads:
    """NaN where there is no item."""
    return _numbers(shares.mean(axis=-1) if shares.shape[-1] else np.full(shares.shape[:2], np.nan))


def _numbers(values: Float[np.ndarray, "block head"]) -> Heads:
    return values.astype(np.float64)


_ALL = (
    Measure("entropy", "nats", "how evenly a word's attention is spread", _entropy),
    Measure("distance", "tokens", "how far from a word its attention goes, in its sentence", _distance),
    Measure("crossing", "share", "attention of words that goes to the other sentence's words", _crossing),
    Measure("alignment", "share", "linked words whose most attended word across is linked", _alignment),
    Measure("previous", "share", "attention of words to the token before them", _offset(-1)),
    Measure("itself", "share", "attention of words to themselves", _offset(0)),
    Measure("next", "share", "attention of words to the token after them", _offset(1)),
    Measure("separators", "share", "attention of words to [CLS] and [SEP]", _separators),
    Measure("same word", "share", "attention of repeated words to their repetitions", _same_word),
)
MEASURES: Mapping[str, Measure] = {measure.name: measure for measure in _ALL}
"""By name; "share" is of 1. Words here are tokens other than [CLS] and [SEP]."""
