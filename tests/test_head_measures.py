"""What a head is said to do is what it does: on heads made for one purpose, and over a corpus with its interval."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import spearmanr
from trace_samples import a_pair_trace

from erniem_lab.corpora.examples import AlignedPair, Sentence
from erniem_lab.encoding import Encoding
from erniem_lab.errors import InputValueError
from erniem_lab.probing.head_corpus import HeadMeasures, largest_head, measure_heads, rank_agreement
from erniem_lab.probing.head_measures import MEASURES, likely_links, measures, trace_links, with_words
from erniem_lab.tracing import Trace, Word

COUNT = 12  # [CLS] 1 2 3 4 [SEP] [SEP] 7 8 9 10 [SEP]


def looking(places) -> Trace:
    """A pair in which token i gives all its attention to token places[i]."""
    attention = np.eye(COUNT)[np.asarray(places)][None, None]
    return replace(a_pair_trace(COUNT), attention=attention)


def value(name, trace, links=()) -> float:
    return measures(trace, links)[name].item()


@pytest.mark.parametrize(("name", "step"), [("previous", -1), ("itself", 0), ("next", 1)])
def test_a_position_head_is_found_by_its_step(name, step):
    trace = looking(np.clip(np.arange(COUNT) + step, 0, COUNT - 1))
    assert value(name, trace) == 1
    assert {value(other, trace) for other in {"previous", "itself", "next"} - {name}} == {0}


def test_a_separator_head_is_found():
    assert value("separators", looking([0] * COUNT)) == 1
    assert value("separators", looking(range(COUNT))) == 0


def test_the_entropy_of_even_attention_is_the_logarithm_of_the_length():
    even = replace(a_pair_trace(COUNT), attention=np.full((1, 1, COUNT, COUNT), 1 / COUNT))
    assert value("entropy", even) == pytest.approx(np.log(COUNT))
    assert value("entropy", looking(range(COUNT))) == 0


def test_distance_is_counted_in_the_own_sentence():
    ahead = [0, 3, 4, 1, 2, 5, 6, 9, 10, 7, 8, 11]
    assert value("distance", looking(ahead)) == 2
    assert np.isnan(value("distance", looking([0] * COUNT)))


def test_crossing_is_what_words_give_to_the_other_sentence():
    across = [0, 7, 8, 9, 10, 5, 6, 1, 2, 3, 4, 11]
    assert value("crossing", looking(across)) == 1
    assert value("crossing", looking(range(COUNT))) == 0


def test_a_same_word_head_is_found_in_either_sentence():
    names = ("[CLS]", "▁a", "▁b", "▁a", "▁c", "[SEP]", "[SEP]", "▁d", "b", "▁e", "▁f", "[SEP]")
    repeats = [0, 3, 8, 1, 0, 0, 0, 0, 2, 0, 0, 0]
    assert value("same word", replace(looking(repeats), tokens=names)) == 1
    assert np.isnan(value("same word", looking(repeats)))


def test_an_alignment_head_looks_at_linked_words():
    across = looking([0, 8, 7, 10, 9, 5, 6, 2, 1, 4, 3, 11])
    assert value("alignment", across, [(0, 1), (1, 0), (2, 3), (3, 2)]) == 1
    assert value("alignment", across, [(0, 0), (1, 0)]) == pytest.approx(2 / 3)  # word 1 looks there, and is looked at
    assert np.isnan(value("alignment", across))


def test_words_of_several_tokens_are_read_as_a_whole():
    trace = a_pair_trace(COUNT)
    two = (Word("ab", 0, (0, 2), (1, 2)), Word("c", 0, (3, 4), (3,)), Word("xy", 1, (0, 2), (7, 8)))
    attention = np.zeros((1, 1, COUNT, COUNT))
    attention[..., 7, 3], attention[..., 7, 1], attention[..., 7, 2] = 0.4, 0.3, 0.3
    assert value("alignment", replace(trace, words=two, attention=attention), [(0, 0)]) == 1


def test_single_texts_have_nothing_that_crosses():
    alone = replace(a_pair_trace(COUNT), sentence=np.zeros(COUNT, dtype=np.int64), texts=("a",))
    assert np.isnan(measures(alone)["crossing"]).all()


def test_gold_links_reach_words_that_are_cut_otherwise():
    words = (Word("ab", 0, (0, 2), (1,)), Word("x", 1, (0, 1), (7,)), Word("y", 1, (1, 2), (8,)))
    pair = AlignedPair(
        Sentence("en", "ab", ((0, 1), (1, 2))),
        Sentence("zh", "xy", ((0, 2),)),
        frozenset({(1, 0)}),
        frozenset({(1, 0)}),
    )
    assert trace_links(replace(a_pair_trace(COUNT), words=words), pair) == {(0, 0), (0, 1)}


def test_the_words_of_a_pair_take_the_place_of_those_between_spaces():
    spans = [(0, 0), (0, 2), (2, 3), (3, 4), (4, 5), (0, 0), (0, 0), (0, 1), (1, 2), (2, 3), (3, 4), (0, 0)]
    trace = a_pair_trace(COUNT)
    encoding = Encoding([0] * COUNT, spans, trace.sentence.tolist(), trace.special, texts=["abcde", "wxyz"])
    first = Sentence("th", "abcde", ((0, 3), (3, 4)))
    pair = AlignedPair(first, Sentence("en", "wxyz", ((0, 4),)), frozenset({(1, 0)}), frozenset({(1, 0)}))
    found = with_words(trace, encoding, pair)
    assert [(word.text, word.tokens) for word in found.words] == [("abc", (1, 2)), ("d", (3,)), ("wxyz", (7, 8, 9, 10))]
    assert trace_links(found, pair) == {(1, 0)}


def test_likely_links_are_between_the_words_of_a_pair_only():
    trace = a_pair_trace(COUNT)
    assert all(one < 4 and two < 4 for one, two in likely_links(trace))
    assert likely_links(replace(trace, texts=("a",))) == frozenset()


def test_the_largest_head_is_so_over_all_corpora():
    values = [np.array([[[[3.0, 0.0]]]]), np.array([[[[0.0, 5.0]]]])]
    assert largest_head([HeadMeasures("x", ("entropy",), one) for one in values], "entropy") == (1, 1)


def test_the_largest_head_is_of_the_measure_that_is_named():
    values = np.array([[[[3.0, 0.0]]], [[[0.0, 5.0]]]])
    found = HeadMeasures("x", ("entropy", "next"), values)
    assert [largest_head([found], name) for name in found.names] == [(1, 0), (1, 1)]


def test_texts_are_drawn_by_the_seed():
    found = measure_heads([a_pair_trace(COUNT, seed=seed) for seed in range(8)])
    one, same, other = (found.interval("entropy", seed=seed)[0] for seed in (0, 0, 1))
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)


def test_a_corpus_is_the_mean_of_its_texts_inside_its_interval():
    traces = [a_pair_trace(COUNT, seed=seed) for seed in range(8)]
    found = measure_heads(traces, languages="en-ar")
    single = np.array([measures(trace)["entropy"] for trace in traces])
    low, high = found.interval("entropy")
    assert np.allclose(found.mean("entropy"), single.mean(axis=0))
    assert (low < found.mean("entropy")).all()
    assert (found.mean("entropy") < high).all()
    assert (found.n("entropy"), found.n("alignment")) == (8, 0)


def test_links_are_those_of_their_own_trace():
    traces = [a_pair_trace(COUNT, seed=seed) for seed in range(2)]
    found = measure_heads(traces, links=[[(0, 0)], []])
    assert found.n("alignment") == 1
    with pytest.raises(InputValueError, match="2 traces and 1"):
        measure_heads(traces, links=[[]])


def test_no_trace_and_no_such_measure_are_refused():
    with pytest.raises(InputValueError, match="0 traces"):
        measure_heads([])
    with pytest.raises(InputValueError, match="'none'"):
        measure_heads([a_pair_trace(COUNT)]).mean("none")


def test_the_table_has_a_row_for_each_measure_and_head():
    table = measure_heads([a_pair_trace(COUNT)], languages="en-ar").to_frame()
    assert len(table) == len(MEASURES) * 3 * 4
    assert {"languages", "measure", "unit", "layer", "head", "value", "low", "high", "n"} == set(table.columns)
    assert (set(table["layer"]), set(table["languages"])) == ({1, 2, 3}, {"en-ar"})


def test_heads_that_keep_their_order_agree_and_reversed_ones_do_not():
    values = np.arange(12.0).reshape(1, 1, 3, 4) + np.zeros((1, 5, 1, 1))
    there, back = HeadMeasures("en", ("entropy",), values), HeadMeasures("ar", ("entropy",), -values)
    assert rank_agreement(there, there, "entropy") == (1, 1, 1, 5)
    assert rank_agreement(there, back, "entropy")[0] == -1


def test_agreement_is_spearmans_and_its_interval_draws_texts_by_the_seed():
    draw = np.random.default_rng(0)
    one, two = (HeadMeasures("en", ("entropy",), draw.normal(size=(1, 9, 3, 4))) for _ in range(2))
    value, low, high, n = rank_agreement(one, two, "entropy")
    assert value == pytest.approx(spearmanr(*(side.mean("entropy").ravel() for side in (one, two))).statistic)
    assert (low <= value <= high, n) == (True, 9)
    assert rank_agreement(one, two, "entropy", seed=1)[1] != low


def test_agreement_on_what_no_text_has_is_no_number():
    one = measure_heads([a_pair_trace(COUNT)])
    assert np.isnan(rank_agreement(one, one, "alignment")[0])
