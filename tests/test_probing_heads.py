"""Silencing a head does what cutting its weights out does, and its effect is the fall of the score."""

import numpy as np
import pytest
import torch
from scipy.stats import spearmanr

from erniem_lab import MINI, ErnieMConfig, ErnieMForMaskedLM, ErnieMTokenizer, embed, trace
from erniem_lab.batching import collate
from erniem_lab.corpora.world import World
from erniem_lab.errors import InputValueError
from erniem_lab.guessing import guess_hidden
from erniem_lab.probing.aligners import score_alignment
from erniem_lab.probing.head_overlap import head_overlap, rank_correlation
from erniem_lab.probing.heads import HeadEffects, ablate_heads
from erniem_lab.probing.item_scores import f1_of_each, margin_of_each, retrieval_of_each
from erniem_lab.probing.retrieval import RULES, retrieve
from erniem_lab.silencing import silence

TEXTS = ["The cat sleeps in the house.", "Anna lives in Rome.", "Good day."]


@pytest.fixture(scope="module")
def tokenizer():
    return ErnieMTokenizer.from_pretrained(MINI)


@pytest.fixture
def model(tokenizer):
    torch.manual_seed(0)
    config = ErnieMConfig(
        vocab_size=len(tokenizer), hidden_size=12, num_hidden_layers=2, num_attention_heads=3, intermediate_size=16,
        max_position_embeddings=34, initializer_range=0.5,
    )  # fmt: skip
    return ErnieMForMaskedLM(config).eval()


@pytest.fixture(scope="module")
def pairs():
    return [example.pair() for example in World.load().parallel(["en", "de"], 12, seed=1)]


def effects(drops, items: int = 40, noise: float = 0.0, language: str = "en", seed: int = 0) -> HeadEffects:
    """Heads of one block that lower a score by so much."""
    spread = noise * np.random.default_rng(seed).normal(size=(1, len(drops), items))
    return HeadEffects("task", language, np.ones(items), 1 - np.array(drops, float)[None, :, None] + spread)


def test_a_silenced_head_is_one_whose_output_weights_are_cut(model, tokenizer):
    with silence(model, [(0, 1), (1, 2)]):
        silent = embed(model, tokenizer, TEXTS, progress=False)
    with torch.no_grad():
        for block, head in ((0, 1), (1, 2)):
            model.base.encoder.layers[block].self_attn.out_proj.weight[:, 4 * head : 4 * head + 4] = 0
    np.testing.assert_allclose(embed(model, tokenizer, TEXTS, progress=False), silent, atol=1e-5)


def test_silence_ends_with_its_block_even_if_that_fails(model, tokenizer):
    before = embed(model, tokenizer, TEXTS, progress=False)
    with pytest.raises(ZeroDivisionError), silence(model, [(0, 0)]):
        _ = 1 / 0
    assert np.array_equal(embed(model, tokenizer, TEXTS, progress=False), before)


def test_silence_reaches_heads_of_tasks(model, tokenizer):
    batch = collate(tokenizer.encodings(TEXTS))
    plain = model(batch.input_ids).logits
    with silence(model, [(0, 0)]):
        assert not torch.allclose(model(batch.input_ids).logits, plain)
    with silence(model, []):  # logits of about 10, whose order of sums differs
        torch.testing.assert_close(model(batch.input_ids).logits, plain, atol=1e-4, rtol=1e-5)


def test_no_layer_below_a_head_changes(model, tokenizer):
    plain = trace(model, tokenizer, TEXTS[0]).hidden
    with silence(model, [(1, 0)]):
        silent = trace(model, tokenizer, TEXTS[0]).hidden
    np.testing.assert_array_equal(silent[:2], plain[:2])
    assert not np.allclose(silent[2], plain[2])


def test_each_effect_is_the_score_without_that_head(model, tokenizer):
    def score():
        return embed(model, tokenizer, TEXTS, progress=False).sum(axis=1)

    found = ablate_heads(model, score, task="sum", language="en", progress=False)
    for block, head in ((0, 0), (1, 2)):
        with silence(model, [(block, head)]):
            np.testing.assert_allclose(found.silenced[block, head], score())
    np.testing.assert_allclose(found.whole, score(), atol=1e-4)
    np.testing.assert_allclose(found.drop()[1, 2], (found.whole - found.silenced[1, 2]).mean())
    table = found.to_frame()
    assert table[["layer", "head"]].to_numpy().tolist() == [[layer, head] for layer in (1, 2) for head in range(3)]
    assert (found.task, found.language, set(table["n"]), table["task"][0]) == ("sum", "en", {3}, "sum")


def test_the_progress_of_silencing_is_shown_if_asked_for(model, capsys):
    for shown in (True, False):
        ablate_heads(model, lambda: np.zeros(2), task="", language="", progress=shown)
        assert ("7/7" in capsys.readouterr().err) == shown


def test_a_head_that_adds_nothing_has_no_effect(model, tokenizer):
    with torch.no_grad():
        model.base.encoder.layers[1].self_attn.out_proj.weight[:, 4:8] = 0
    found = ablate_heads(
        model, lambda: guess_hidden(model, tokenizer, TEXTS, progress=False), task="", language="", progress=False
    )
    assert found.drop()[1, 1] == 0.0
    assert np.abs(found.drop()[1, [0, 2]]).min() > 1e-4


def test_intervals_hold_the_drop_and_draw_items_by_their_seed():
    found = effects([0.5, 0.0], noise=0.3)
    low, high = found.interval()
    assert (low < found.drop()).all()
    assert (found.drop() < high).all()
    assert low[0, 0] > 0 > low[0, 1]
    assert not np.array_equal(found.interval(seed=1)[0], low)
    np.testing.assert_allclose((high - low)[0], 2 * 1.96 * 0.3 / np.sqrt(40), rtol=0.4)


def test_the_heads_that_matter_most_come_first():
    assert effects([0.1, 0.5, -0.9, 0.3]).most(3) == [(0, 1), (0, 3), (0, 0)]


def test_halves_part_the_items_by_their_seed():
    found = HeadEffects("", "", np.arange(9.0), np.zeros((1, 2, 9)))
    one, two = found.halves()
    assert sorted([*one.whole, *two.whole]) == list(range(9))
    assert not np.array_equal(found.halves(seed=1)[0].whole, one.whole)


def test_shared_heads_agree_with_a_direct_count():
    one, two = effects([5, 4, 3, 2, 1, 0], language="en"), effects([5, 0, 4, 1, 3, 2], language="de")
    found = head_overlap(one, two, count=3)
    assert (found.first, found.second, found.count) == ("en", "de", 3)
    assert found.jaccard.value == len({0, 1, 2} & {0, 2, 4}) / len({0, 1, 2, 4})
    assert found.rank.value == pytest.approx(spearmanr(range(6), [0, 5, 1, 4, 2, 3]).statistic)
    assert head_overlap(one, two, count=1).jaccard.value == 1.0
    assert found.to_frame()["value"].tolist() == [found.jaccard.value, found.rank.value]


def test_chance_is_what_random_lists_share():
    draw = np.random.default_rng(0)
    lists = [[set(draw.permutation(8)[:3]) for _ in range(2)] for _ in range(20000)]
    shared = np.mean([len(one & two) / len(one | two) for one, two in lists])
    assert head_overlap(effects(range(8)), effects(range(8)), count=3).chance == pytest.approx(shared, abs=0.01)


def test_noise_widens_the_interval_of_overlap():
    clear, vague = (
        head_overlap(effects(range(6), noise=noise, seed=1), effects(range(6), noise=noise, seed=2), count=2)
        for noise in (0.01, 9.0)
    )
    assert (clear.jaccard.low, clear.rank.low) == (1.0, 1.0)
    assert vague.rank.low < 0.6
    other = head_overlap(effects(range(6), noise=9, seed=1), effects(range(6), noise=9, seed=2), count=2, seed=5)
    assert other.rank.low != vague.rank.low


def test_intervals_of_overlap_hold_their_estimate_and_mostly_the_truth():
    """Of drops that are noisy but alike, resamples nearly all agree less than the drops themselves."""
    draw = np.random.default_rng(0)
    true, held = draw.normal(size=(40, 20)), []
    for drops in true:
        one, two = (effects(drops, items=24, noise=1.0, seed=int(draw.integers(1 << 30))) for _ in range(2))
        found = head_overlap(one, two)
        assert all(kind.low <= kind.value <= kind.high for kind in (found.rank, found.jaccard))
        held.append([kind.low <= 1 <= kind.high for kind in (found.rank, found.jaccard)])
    assert np.mean(held, axis=0).min() > 0.7  # of correlations, the middle 95 % of resamples never do


def test_equal_drops_share_their_rank():
    draw = np.random.default_rng(0)
    one, two = draw.integers(3, size=(2, 4, 7)).astype(float)
    expected = [spearmanr(*rows).statistic for rows in zip(one, two, strict=True)]
    np.testing.assert_allclose(rank_correlation(one, two), expected)
    assert rank_correlation(np.zeros((1, 3)), np.arange(3.0)[None]).tolist() == [0.0]


def test_guesses_agree_with_a_direct_computation(model, tokenizer):
    found = guess_hidden(model, tokenizer, TEXTS, share=1.0, progress=False)
    for text, score in zip(TEXTS, found, strict=True):
        ids = torch.tensor([tokenizer.encoding(text).ids])
        masked = ids.clone()
        masked[0, 1:-1] = tokenizer.mask_token_id
        chances = model(masked).logits[0, 1:-1].softmax(dim=-1)
        expected = chances.gather(1, ids[0, 1:-1, None]).log().mean()
        assert score == pytest.approx(expected.item(), abs=1e-4)


def test_guesses_use_share_seed_and_batches_as_said(model, tokenizer, capsys):
    plain = guess_hidden(model, tokenizer, TEXTS, progress=False)
    assert not capsys.readouterr().err
    np.testing.assert_allclose(guess_hidden(model, tokenizer, TEXTS, batch_tokens=1), plain, atol=1e-5)
    assert "3/3" in capsys.readouterr().err
    assert not np.allclose(guess_hidden(model, tokenizer, TEXTS, seed=1, progress=False), plain)
    assert not np.allclose(guess_hidden(model, tokenizer, TEXTS, share=0.6, progress=False), plain)
    seen = []
    with model.base.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0])):
        guess_hidden(model, tokenizer, TEXTS, share=0.01, batch_tokens=1, progress=False)
        assert [int((ids == tokenizer.mask_token_id).sum()) for ids in seen] == [1, 1, 1]


def test_retrieval_of_each_is_what_retrieve_averages(model, tokenizer, pairs):
    sides = [pair.first.text for pair in pairs], [pair.second.text for pair in pairs]
    for layer, rule in ((-1, RULES["plain"]), (0, RULES["plain"]), (-1, RULES["centred"])):
        each = retrieval_of_each(model, tokenizer, *sides, layer=layer, rule=rule)
        vectors = [embed(model, tokenizer, side, layer=layer, progress=False)[None] for side in sides]
        (found,) = retrieve(*vectors, rule)
        assert each.mean() == pytest.approx((found.forward.value + found.backward.value) / 2)


def test_margins_are_above_zero_where_retrieval_finds_the_translation(model, tokenizer, pairs):
    sides = [pair.first.text for pair in pairs], [pair.second.text for pair in pairs]
    for layer in (0, -1):
        one, two = (embed(model, tokenizer, side, layer=layer, progress=False) for side in sides)
        cosines = one @ two.T / np.linalg.norm(one, axis=1)[:, None] / np.linalg.norm(two, axis=1)
        expected = [
            cosines[i, i] - (np.delete(cosines[i], i).max() + np.delete(cosines[:, i], i).max()) / 2
            for i in range(len(pairs))
        ]
        found = margin_of_each(model, tokenizer, *sides, layer=layer)
        np.testing.assert_allclose(found, expected, atol=1e-5)
        hits = retrieval_of_each(model, tokenizer, *sides, layer=layer)
        assert (found[hits == 1] > 0).all()
        assert (found[hits == 0] <= 0).all()


@pytest.mark.parametrize(("method", "layer"), [("argmax", 1), ("itermax", 1), ("argmax", 0)])
def test_f1_of_each_is_that_of_a_corpus_of_one(model, tokenizer, pairs, method, layer):
    each = f1_of_each(model, tokenizer, pairs[:4], layer=layer, method=method)
    how = {"layers": [layer], "methods": [method], "progress": False}
    expected = [score_alignment(model, tokenizer, [pair], **how).estimates("f1")[0].value for pair in pairs[:4]]
    np.testing.assert_allclose(each, expected)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda model, tokenizer: silence(model, [(2, 0)]).__enter__(), "blocks 0 to 1, heads 0 to 2"),
        (lambda model, tokenizer: silence(model, [(0, -1)]).__enter__(), r"\(0, -1\)"),
        (lambda model, tokenizer: ablate_heads(model, lambda: np.zeros(0), task="", language=""), "score gave"),
        (lambda model, tokenizer: guess_hidden(model, tokenizer, TEXTS, share=0.0), "share=0.0"),
        (lambda model, tokenizer: guess_hidden(model, tokenizer, ["a", ""], progress=False), r"texts\[1\]"),
        (lambda model, tokenizer: margin_of_each(model, tokenizer, ["a"], ["b"]), "1 and 1 texts"),
        (lambda model, tokenizer: effects([1, 2]).most(3), "count=3: give 1 to 2"),
        (lambda model, tokenizer: effects([1, 2], items=1).halves(), "two or more"),
        (lambda model, tokenizer: head_overlap(effects([1, 2]), effects([1]), count=1), "one model's"),
        (lambda model, tokenizer: head_overlap(effects([1, 2]), effects([1, 2]), count=0), "count=0"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_refused(model, tokenizer, call, message):
    with pytest.raises(InputValueError, match=message):
        call(model, tokenizer)
