"""Word links follow their sources' rules, and their scores agree with a hand and with a direct loop."""

from itertools import permutations, product

import numpy as np
import pytest
import torch

from erniem_lab import MINI, ErnieMForMaskedLM, ErnieMTokenizer, trace
from erniem_lab.batching import collate
from erniem_lab.corpora.alignments import read_numbered_links
from erniem_lab.corpora.examples import AlignedPair, Sentence
from erniem_lab.corpora.world import World
from erniem_lab.errors import InputValueError
from erniem_lab.probing.aligners import score_alignment, score_heads
from erniem_lab.probing.alignment import align_heads, align_words, head_links, sides, word_links
from erniem_lab.probing.alignment_scores import Aligner, AlignmentScores, count, pool_scores
from erniem_lab.probing.linking import METHODS, RULES, link, pool, similarity
from erniem_lab.word_states import PairAttention, WordStates, trace_pair_attention, trace_words

STATES = Aligner("argmax", "any", "apart", 3)
HEAD = Aligner("attention", "any", "together", 2, 1)
PAIRS = [
    (["Good", "day", "."], ["Guten", "Tag", "."]),
    (["Anna", "lives", "in", "the", "big", "city", "of", "Rome", "."], ["Anna", "wohnt", "in", "Rom", "."]),
    (["The", "cat", "sleeps", "."], ["Die", "Katze", "schläft", "."]),
]


@pytest.fixture(scope="module")
def mini():
    return ErnieMForMaskedLM.from_pretrained(MINI), ErnieMTokenizer.from_pretrained(MINI)


@pytest.fixture(scope="module")
def world():
    return [example.pair() for example in World.load().parallel(["en", "de"], 16, seed=1)]


@pytest.fixture(scope="module")
def word_for_word():
    """Sentences of which each word has one partner, by a sure link."""
    return [pair for example in World.load().parallel(["en", "de"], 300, seed=1) if one_to_one(pair := example.pair())]


def one_to_one(pair: AlignedPair) -> bool:
    firsts, seconds = ([one[side] for one in pair.sure] for side in (0, 1))
    return sorted(firsts) == [*range(len(pair.first.words))] and sorted(seconds) == [*range(len(pair.second.words))]


def states_of(surfaces, vectors, tokens=1) -> WordStates:
    """Each word as so many tokens of its vector."""
    owner = np.repeat(np.arange(len(surfaces)), tokens)
    return WordStates(tuple(surfaces), owner, np.repeat(vectors, tokens, axis=0)[None])


def known(pair: AlignedPair, tokens: int) -> tuple[WordStates, WordStates]:
    """Words that are linked have the same vector, and no other has it."""
    vectors = 20.0 * np.eye(len(pair.first.words))
    partner = {second: first for first, second in pair.sure}
    second = vectors[[partner[word] for word in range(len(pair.second.words))]]
    return states_of(pair.first.surfaces, vectors, tokens), states_of(pair.second.surfaces, second, tokens)


def scored(*counts, aligners=(STATES,)) -> AlignmentScores:
    return AlignmentScores(("en", "de"), aligners, np.array(counts))


def drawn(seed: int, pairs: int = 40, aligners: int = 3) -> AlignmentScores:
    """Plausible counts of several aligners."""
    draw = np.random.default_rng(seed)
    sure = draw.integers(4, 9, size=pairs)
    rows = []
    for _ in range(aligners):
        found = draw.integers(0, sure + 1)
        rows.append(np.stack([found + draw.integers(0, 5, size=pairs), sure, found, found], axis=1))
    return scored(*rows, aligners=tuple(Aligner("argmax", "any", "apart", layer) for layer in range(aligners)))


def test_scores_agree_with_a_hand():
    sentences = [Sentence(code, "a b c", ((0, 1), (2, 3), (4, 5))) for code in ("en", "de")]
    gold = AlignedPair(*sentences, frozenset({(0, 0), (1, 1)}), frozenset({(0, 0), (1, 1), (1, 2)}))
    counts = count({(0, 0), (1, 2), (2, 2)}, gold)
    assert counts == (3, 2, 1, 2)
    values = [scored([counts]).estimates(measure)[0].value for measure in ("precision", "recall", "f1", "aer")]
    assert values == pytest.approx([2 / 3, 1 / 2, 4 / 7, 1 - 3 / 5])


def test_scores_are_of_the_corpus_not_a_mean_of_sentences():
    assert scored([(1, 1, 1, 1), (9, 9, 0, 0)]).estimates()[0].value == pytest.approx(1 - 2 / 20)


def test_no_links_are_all_error():
    scores = scored([(0, 5, 0, 0)])
    assert [scores.estimates(measure)[0].value for measure in ("precision", "recall", "f1", "aer")] == [0, 0, 0, 1]


def test_intervals_agree_with_resampling_in_a_loop():
    scores, draw, values = drawn(5), np.random.default_rng(9), []
    for _ in range(2000):
        links, sure, found, possible = scores.counts[0][draw.integers(40, size=40)].sum(axis=0)
        values.append(1 - (found + possible) / (links + sure))
    estimate = scores.estimates()[0]
    assert [estimate.low, estimate.high] == pytest.approx(np.percentile(values, [2.5, 97.5]), abs=0.01)
    assert (estimate.low < estimate.value < estimate.high, estimate.n) == (True, 40)


def test_the_seed_decides_the_interval_and_not_the_value():
    one, same, other = (drawn(5).estimates(seed=seed)[0] for seed in (0, 0, 1))
    assert one == same
    assert one.value == other.value
    assert one.low != other.low


def test_the_best_of_one_half_is_scored_on_the_other():
    scores, half = drawn(3), np.random.default_rng(7).permutation(40)
    sums = scores.counts[:, half[:20]].sum(axis=1)
    errors = 1 - (sums[:, 2] + sums[:, 3]) / (sums[:, 0] + sums[:, 1])
    found = scores.held_out(seed=7)
    rest = scores.counts[errors.argmin(), half[20:]].sum(axis=0)
    assert (found.aligner.layer, found.chosen_at) == (errors.argmin(), pytest.approx(errors.min()))
    assert (found.aer.value, found.aer.n) == (pytest.approx(1 - (rest[2] + rest[3]) / (rest[0] + rest[1])), 20)
    assert scores.held_out(seed=8).aer != found.aer


def test_the_best_has_the_least_error():
    scores = drawn(3)
    errors = [estimate.value for estimate in scores.estimates()]
    assert scores.best().layer == int(np.argmin(errors))


def test_a_table_has_a_row_for_each_aligner_and_measure():
    table = scored([(3, 2, 1, 2)], [(2, 2, 2, 2)], aligners=(STATES, HEAD)).to_frame()
    row = table[(table.measure == "aer") & (table["head"] == 1)].iloc[0]
    assert (len(table), row.layer, row.method, row.value, row.n) == (8, 2, "attention", 0.0, 1)
    assert (row["first"], row["second"]) == ("en", "de")


@pytest.mark.parametrize("words", RULES)
@pytest.mark.parametrize("method", METHODS)
def test_the_world_is_aligned_without_error_where_vectors_tell_the_truth(word_for_word, method, words):
    assert len(word_for_word) > 2
    links = [word_links(*known(pair, tokens=2), layer=0, method=method, words=words) for pair in word_for_word]
    counts = [count(found, pair) for found, pair in zip(links, word_for_word, strict=True)]
    assert scored(counts).estimates()[0].value == 0


def direct_mutual(forward, backward):
    return {
        (i, j)
        for i in range(len(forward))
        for j in range(len(backward))
        if j == max(range(len(backward)), key=lambda k: forward[i][k])
        and i == max(range(len(forward)), key=lambda k: backward[j][k])
    }


def direct_itermax(likeness):
    likeness = (likeness + 1) / 2
    links = direct_mutual(likeness, likeness.T)
    weights = np.ones_like(likeness)
    for i, j in np.ndindex(likeness.shape):
        linked = (i in {one for one, _ in links}) + (j in {two for _, two in links})
        weights[i, j] = (1, 0.9, 0)[linked]
    again = direct_mutual(likeness * weights, (likeness * weights).T)
    return links | {(i, j) for i, j in again if weights[i, j]}


def direct_match(likeness):
    rows, columns = likeness.shape  # no more rows than columns
    best = max(permutations(range(columns), rows), key=lambda order: sum(likeness[range(rows), order]))
    return set(enumerate(best))


def direct_softmax(likeness):
    raised = np.exp(likeness)
    shares = np.minimum(raised / raised.sum(axis=1, keepdims=True), raised / raised.sum(axis=0, keepdims=True))
    return {(i, j) for i, j in np.ndindex(likeness.shape) if shares[i, j] > 0.001}


def direct_transport(likeness):
    plan = [[max(value, 1e-6) for value in row] for row in likeness.tolist()]
    for _ in range(2):
        sums = [sum(column) for column in zip(*plan, strict=True)]
        down = [[value / sums[j] for j, value in enumerate(row)] for row in plan]
        plan = [[value / sum(row) for value in row] for row in down]
    return direct_mutual(plan, list(zip(*down, strict=True)))


DIRECT = {
    "argmax": lambda likeness: direct_mutual(likeness, likeness.T),
    "itermax": direct_itermax,
    "match": direct_match,
    "softmax": direct_softmax,
    "transport": direct_transport,
}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("shape", [(1, 1), (2, 6), (5, 6), (4, 4)])
def test_links_agree_with_a_direct_loop(method, shape):
    for seed in range(6):
        likeness = np.random.default_rng(seed).uniform(-1, 1, size=shape) * (4 if method == "softmax" else 1)
        assert set(zip(*np.nonzero(link(likeness, method)), strict=True)) == DIRECT[method](likeness)


def test_methods_differ():
    likeness = np.random.default_rng(1).uniform(-1, 1, size=(6, 8))
    assert len({link(likeness, method).tobytes() for method in METHODS}) == len(METHODS)


def test_cosine_ignores_length_and_rotation_and_the_dot_product_only_rotation():
    draw = np.random.default_rng(0)
    one, two, turn = draw.normal(size=(4, 8)), draw.normal(size=(5, 8)), np.linalg.qr(draw.normal(size=(8, 8)))[0]
    for method in METHODS:
        plain = similarity(one, two, method)
        np.testing.assert_allclose(similarity(one @ turn, two @ turn, method), plain, atol=1e-12)
        assert np.allclose(similarity(3 * one, two, method), plain) == (method not in ("softmax", "transport"))


def test_words_are_linked_by_any_token_or_by_their_mean():
    first = WordStates(("ab", "c"), np.array([0, 0, 1]), np.array([[[1, 0, 0], [0, 4, 0], [0, 0, 1.0]]]))
    second = WordStates(("x", "y"), np.array([0, 1]), np.array([[[1, 0, 0], [0, 1, 0.1]]]))
    assert word_links(first, second, layer=0) == {(0, 0), (0, 1)}
    assert word_links(first, second, layer=0, words="mean") == {(0, 1)}


def test_likeness_is_of_the_likest_tokens():
    first = WordStates(("ab", "nothing"), np.array([0, 0]), np.array([[[1.0, 0], [0, 1]]]))
    second = WordStates(("x",), np.array([0]), np.array([[[0, 2.0]]]))
    found = align_words(first, second, layer=0)
    assert (found.first, found.second, found.links) == (("ab", "nothing"), ("x",), {(0, 0)})
    assert found.likeness.tolist() == [[1.0], [0.0]]
    assert align_words(first, second, layer=0, words="mean").likeness[0, 0] == pytest.approx(2**-0.5)


def test_a_sentence_without_tokens_has_no_links():
    nothing = WordStates(("?",), np.array([], dtype=np.int64), np.zeros((1, 0, 2)))
    something = states_of(["a"], np.eye(1, 2))
    for method in METHODS:
        for words in RULES:
            assert not word_links(nothing, something, layer=0, method=method, words=words)


def test_the_layer_decides(mini):
    (_, pair), *_ = trace_words(*mini, PAIRS, progress=False)
    grids = [align_words(*pair, layer=layer).likeness for layer in (0, 4)]
    assert not np.allclose(*grids)


def planted() -> PairAttention:
    """Head 1 of block 1 links the words crosswise, the others all alike; each first word has two tokens."""
    forward = np.full((2, 2, 4, 2), 0.1)
    forward[1, 1] = [[0, 0.3], [0, 0.2], [0.4, 0], [0.3, 0.1]]
    backward = np.swapaxes(forward, 2, 3).copy()
    owners = (np.array([0, 0, 1, 1]), np.array([0, 1]))
    return PairAttention((("a", "b"), ("x", "y")), owners, forward, backward)


@pytest.mark.parametrize("words", RULES)
def test_a_head_that_links_words_is_read(words):
    assert head_links(planted(), block=1, head=1, words=words) == {(0, 1), (1, 0)}
    for block, head in ((0, 1), (1, 0)):
        assert head_links(planted(), block=block, head=head, words=words) == {(0, 0)}


def test_attention_of_words_is_what_their_tokens_give_on_average_and_together():
    found = align_heads(planted(), block=1, head=1, words="mean")
    np.testing.assert_allclose(found.likeness, [[0, (0.25 + 0.5) / 2], [(0.35 + 0.7) / 2, (0.05 + 0.1) / 2]])


def test_the_mean_of_words_is_of_those_that_have_tokens():
    assert pool(np.array([[1.0, 2], [3, 4], [7, 7]]), np.array([2, 2, 5])).tolist() == [[2, 3], [7, 7]]


def alone(mini, *words):
    """What the encoder says of one text or pair, without padding, and where its sentences' tokens stand."""
    encoding = mini[1].encoding(*words)
    batch = collate([encoding])
    with torch.no_grad():
        output = mini[0].base(batch.input_ids, output_hidden_states=True, output_attentions=True)
    places = [(np.array(encoding.sentence) == side) & ~np.array(encoding.special) for side in (0, 1)]
    hidden, attention = (torch.cat(parts).numpy() for parts in (output.hidden_states, output.attentions))
    return hidden, attention, [np.flatnonzero(place) for place in places]


@pytest.mark.parametrize("batch_tokens", [1, 4096])
def test_states_are_those_of_one_sentence_alone(mini, batch_tokens):
    found = dict(trace_words(*mini, PAIRS, layers=[0, 5], batch_tokens=batch_tokens, progress=False))
    for i, side in product(range(len(PAIRS)), (0, 1)):
        hidden, _, (tokens, _) = alone(mini, PAIRS[i][side])
        assert found[i][side].words == tuple(PAIRS[i][side])
        np.testing.assert_allclose(found[i][side].hidden, hidden[[0, 5]][:, tokens], atol=2e-5)  # order of sums


@pytest.mark.parametrize("batch_tokens", [1, 4096])
def test_sentences_read_together_are_those_of_one_pair_alone(mini, batch_tokens):
    how = {"batch_tokens": batch_tokens, "progress": False}
    states = dict(trace_words(*mini, PAIRS, reading="together", **how))
    found = dict(trace_pair_attention(*mini, PAIRS, **how))
    for i, pair in enumerate(PAIRS):
        hidden, attention, (first, second) = alone(mini, *pair)
        for side, tokens in enumerate((first, second)):
            np.testing.assert_allclose(states[i][side].hidden, hidden[:, tokens], atol=2e-5)
        np.testing.assert_allclose(found[i].forward, attention[:, :, first][..., second], atol=2e-5)
        np.testing.assert_allclose(found[i].backward, attention[:, :, second][..., first], atol=2e-5)


def test_tracing_leaves_the_model_as_it_was(mini):
    model, tokenizer = mini
    model.train()
    try:
        for _ in trace_words(model, tokenizer, PAIRS, progress=False):
            assert not model.training
        assert model.training
    finally:
        model.eval()


def test_a_traced_pair_can_be_aligned(mini):
    pair = sides(trace(*mini, "Anna lives in Rome.", "Anna wohnt in Rom."))
    assert {(0, 0), (2, 2)} <= align_words(*pair, layer=3).links


def test_each_layer_and_method_is_scored_as_if_alone(mini, world):
    together = score_alignment(*mini, world[:8], layers=[4, 1], methods=["match", "argmax"], progress=False)
    for aligner, counts in zip(together.aligners, together.counts, strict=True):
        one = score_alignment(*mini, world[:8], layers=[aligner.layer], methods=[aligner.method], progress=False)
        assert np.array_equal(one.counts[0], counts)
    assert {(aligner.method, aligner.layer) for aligner in together.aligners} == {
        (method, layer) for method in ("match", "argmax") for layer in (1, 4)
    }


@pytest.mark.parametrize("change", [{"reading": "together"}, {"words": "mean"}, {"methods": ["softmax"]}])
def test_every_choice_of_a_score_matters(mini, world, change):
    scores = [score_alignment(*mini, world, layers=[4], **how, progress=False) for how in ({}, change)]
    assert not np.array_equal(scores[0].counts, scores[1].counts)


def test_heads_are_scored_layer_by_layer(mini, world):
    scores = score_heads(*mini, world[:10], progress=False)
    pair = dict(trace_pair_attention(*mini, [(world[3].first.surfaces, world[3].second.surfaces)], progress=False))[0]
    place = scores.aligners.index(Aligner("attention", "any", "together", 4, 2))
    assert tuple(scores.counts[place, 3]) == count(head_links(pair, block=3, head=2), world[3])
    assert not np.array_equal(score_heads(*mini, world[:10], words="mean", progress=False).counts, scores.counts)


@pytest.mark.parametrize("score", [score_alignment, score_heads])
def test_batches_are_as_small_as_asked_and_progress_is_shown_if_wanted(mini, world, score, capsys):
    sizes = []
    with mini[0].base.register_forward_pre_hook(lambda _, inputs: sizes.append(inputs[0].shape[0])):
        small = score(*mini, world[:3], batch_tokens=1)
        assert (set(sizes), "3/3" in capsys.readouterr().err) == ({1}, True)
        assert np.array_equal(score(*mini, world[:3], progress=False).counts, small.counts)
    assert (max(sizes), capsys.readouterr().err) == (3, "")


def test_training_taught_mini_to_align(mini, world):
    trained = score_alignment(*mini, world, layers=[2, 4], progress=False)
    untrained = score_alignment(ErnieMForMaskedLM(mini[0].config), mini[1], world, layers=[2, 4], progress=False)
    assert trained.held_out().aer.high < untrained.held_out().aer.low


def test_real_gold_is_scored(mini, real_data):
    place = real_data / "align" / "en-fr"
    texts = (place / "test.en", place / "test.fr")
    examples = list(read_numbered_links(texts, place / "alignv2.txt", ("en", "fr")))[:40]
    aer = score_alignment(*mini, examples, layers=[2], progress=False).estimates()[0]
    assert aer.n == 40
    assert 0.2 < aer.value < 0.5  # 0.348 [0.335, 0.362] for all 447, measured when the probe was written


@pytest.mark.parametrize("layer", [1, -1])
def test_a_layer_that_is_not_there_is_refused(layer):
    states = states_of(["a"], np.eye(1))
    with pytest.raises(InputValueError, match=rf"layer={layer}: the states have layers 0 to 0"):
        word_links(states, states, layer=layer)


@pytest.mark.parametrize(("block", "head"), [(2, 0), (0, 2), (-1, 0)])
def test_a_head_that_is_not_there_is_refused(block, head):
    with pytest.raises(InputValueError, match=rf"block={block}, head={head}: there are blocks 0 to 1"):
        head_links(planted(), block=block, head=head)


@pytest.mark.parametrize("layers", [[7], [-1], []])
def test_layers_that_are_not_there_are_refused(mini, world, layers):
    with pytest.raises(InputValueError, match="layers"):
        score_alignment(*mini, world[:2], layers=layers, progress=False)


def test_examples_that_cannot_be_scored_are_refused(mini, world):
    french = [example.pair() for example in World.load().parallel(["en", "fr"], 1)]
    bare = AlignedPair(world[0].first, world[0].second, frozenset(), world[0].possible)
    for examples, message in (([], "none"), (world[:1] + french, "en-de, en-fr"), ([bare], "without a sure link")):
        with pytest.raises(InputValueError, match=message):
            score_alignment(*mini, examples, progress=False)


def test_what_was_held_out_is_a_row_of_a_table():
    found = drawn(3).held_out()
    (row,) = found.to_frame().to_dict("records")
    assert (row["first"], row["second"], row["layer"], row["measure"]) == ("en", "de", found.aligner.layer, "aer")
    assert (row["value"], row["low"], row["high"], row["n"]) == (found.aer.value, found.aer.low, found.aer.high, 20)
    assert row["chosen_at"] == found.chosen_at


def test_pooled_scores_are_those_of_all_pairs_together():
    one, other = drawn(1), AlignmentScores(("en", "fr"), drawn(2).aligners, drawn(2).counts)
    both = pool_scores([one, other])
    assert both.languages == ("en", "all")
    assert pool_scores([one, one]).languages == ("en", "de")
    links, sure, found_sure, found_possible = (one.counts.sum(axis=1) + other.counts.sum(axis=1)).T
    expected = 1 - (found_sure + found_possible) / (links + sure)
    assert [found.value for found in both.estimates()] == pytest.approx(expected.tolist())
    with pytest.raises(InputValueError, match="all of the same aligners"):
        pool_scores([one, drawn(1, aligners=2)])


def test_one_pair_has_no_halves():
    with pytest.raises(InputValueError, match="give more examples"):
        scored([(3, 2, 1, 2)]).held_out()


def test_one_text_has_no_two_sides(mini):
    with pytest.raises(InputValueError, match="trace a pair"):
        sides(trace(*mini, "Good day."))


def test_words_beyond_the_model_are_told_and_have_no_states(mini):
    long = [(["word"] * 600, ["Wort"])]
    with pytest.warns(UserWarning, match="1 of 1 fill all 256 tokens"):
        (_, (first, _)), *_ = trace_words(*mini, long, progress=False)
    assert len(first.words) == 600
    assert first.owner.max() < 600 - 1
