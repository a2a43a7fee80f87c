"""The loss in chunks is the plain loss, its gradients too, for every precision and whatever is frozen."""

import itertools
import subprocess
import sys

import pytest
import torch
from torch.nn import functional as F

from erniem_lab import lm_loss
from erniem_lab.config import ErnieMConfig
from erniem_lab.errors import InputValueError
from erniem_lab.heads import ErnieMForMaskedLM
from erniem_lab.lm_loss import look_up, masked_lm_loss

TOKENS, HIDDEN, VOCAB = 23, 8, 61


def parts(dtype=torch.float32):
    """Prepared states, words, bias, all of them leaves; and targets."""
    generator = torch.Generator().manual_seed(0)
    shapes = ((TOKENS, HIDDEN), (VOCAB, HIDDEN), (VOCAB,))
    leaves = [torch.randn(shape, generator=generator).to(dtype).requires_grad_() for shape in shapes]
    return *leaves, torch.randint(VOCAB, (TOKENS,), generator=generator)


def plain(states, words, bias, targets, chunk=None):
    return F.cross_entropy(F.linear(states, words, bias), targets)


def outcome(way, given, **more):
    loss = way(*given, **more)
    loss.backward()
    return [loss.detach(), *(leaf.grad for leaf in given[:3])]


@pytest.mark.parametrize("chunk", [None, 1, 5, TOKENS, 1000])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_value_and_gradients_are_those_of_the_plain_way(dtype, chunk):
    for ours, theirs in zip(
        outcome(masked_lm_loss, parts(dtype), chunk=chunk), outcome(plain, parts(dtype)), strict=True
    ):
        assert ours.dtype == theirs.dtype == dtype
        assert torch.allclose(ours, theirs, rtol=1e-5, atol=1e-7)


def test_at_the_released_vocabulary_size_it_is_the_plain_loss_to_1e_5_and_nearer_to_the_exact_one():
    torch.manual_seed(0)
    given = torch.randn(64, 8), torch.randn(250_002, 8), torch.randn(250_002), torch.randint(250_002, (64,))
    results = []
    for way, dtype in ((masked_lm_loss, torch.float32), (plain, torch.float32), (plain, torch.float64)):
        leaves = [leaf.to(dtype).clone().requires_grad_() for leaf in given[:3]]
        results.append(outcome(way, (*leaves, given[3])))
    for ours, theirs, exact in zip(*results, strict=True):
        assert (ours - theirs).abs().max() <= 1e-5
        assert (ours - exact).abs().max() <= (theirs - exact).abs().max() + 1e-6


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_under_autocast_it_is_as_near_to_the_exact_loss_as_the_plain_way(dtype):
    results = []
    for way in (masked_lm_loss, plain):
        with torch.autocast("cpu", dtype):
            given = parts()
            loss = way(*given, chunk=7)
        loss.backward()
        results.append([loss.detach(), *(leaf.grad for leaf in given[:3])])
    for ours, theirs, exact in zip(*results, outcome(plain, parts()), strict=True):
        assert ours.dtype == torch.float32
        assert (ours - exact).abs().max() <= 1.5 * (theirs - exact).abs().max() + 1e-4


def test_a_model_in_bfloat16_gets_gradients_in_bfloat16():
    loss, *gradients = outcome(masked_lm_loss, parts(torch.bfloat16), chunk=4)
    assert loss.dtype == torch.float32
    assert {gradient.dtype for gradient in gradients} == {torch.bfloat16}
    exact = outcome(
        plain, tuple(leaf.detach().float().requires_grad_() for leaf in parts(torch.bfloat16)[:3]) + parts()[3:]
    )
    assert all(torch.allclose(a.float(), b, rtol=0.05, atol=2e-3) for a, b in zip(gradients, exact[1:], strict=True))


@pytest.mark.parametrize("learnt", list(itertools.product([True, False], repeat=3)))
def test_what_is_frozen_gets_no_gradient_and_the_rest_its_own(learnt):
    given, full = parts(), outcome(plain, parts())
    for leaf, learns in zip(given[:3], learnt, strict=True):
        leaf.requires_grad_(learns)
    loss = masked_lm_loss(*given, chunk=6)
    assert loss.requires_grad == any(learnt)
    if any(learnt):
        loss.backward()
    for leaf, learns, gradient in zip(given[:3], learnt, full[1:], strict=True):
        assert (leaf.grad is not None) == learns
        assert not learns or torch.allclose(leaf.grad, gradient, atol=1e-6)


def test_frozen_words_take_no_memory_for_their_gradient():
    states, words, bias, targets = parts()
    kept = masked_lm_loss(states, words.detach(), bias.detach(), targets).grad_fn.saved_tensors
    assert [tensor.shape for tensor in kept] == [states.shape]
    with torch.no_grad():
        assert masked_lm_loss(states, words, bias, targets).grad_fn is None


def test_a_factor_on_the_loss_scales_every_gradient():
    ours, once = parts(), outcome(plain, parts())
    (masked_lm_loss(*ours) * 1024).backward()
    assert all(torch.allclose(leaf.grad, 1024 * one, rtol=1e-4) for leaf, one in zip(ours[:3], once[1:], strict=True))


def test_gradients_of_several_micro_batches_add_up():
    ours, once = parts(), outcome(plain, parts())
    for rows in (slice(0, 11), slice(11, TOKENS)):
        share = len(ours[0][rows]) / TOKENS
        (masked_lm_loss(ours[0][rows], *ours[1:3], ours[3][rows]) * share).backward()
    assert all(torch.allclose(leaf.grad, one, atol=1e-6) for leaf, one in zip(ours[:3], once[1:], strict=True))


def test_a_second_backward_pass_is_refused_and_not_wrong():
    given = parts()
    loss = masked_lm_loss(*given)
    loss.backward(retain_graph=True)
    first = [leaf.grad.clone() for leaf in given[:3]]
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()
    assert all(torch.equal(leaf.grad, before) for leaf, before in zip(given[:3], first, strict=True))


def test_targets_that_do_not_count_change_nothing():
    states, words, bias, targets = parts()
    targets[::2] = -100
    ours = masked_lm_loss(states, words, bias, targets, chunk=3)
    assert torch.allclose(ours, F.cross_entropy(F.linear(states, words, bias), targets))


def test_without_any_token_the_loss_is_zero_and_so_is_every_gradient():
    states, words, bias, targets = parts()
    loss, *gradients = outcome(masked_lm_loss, (states, words, bias, targets.fill_(-100)))
    assert loss == 0
    assert all(gradient is not None and not gradient.any() for gradient in gradients)


def test_a_vocabulary_of_several_blocks_is_one_vocabulary(monkeypatch):
    monkeypatch.setattr(lm_loss, "BLOCK", 7)
    for ours, theirs in zip(outcome(masked_lm_loss, parts(), chunk=5), outcome(plain, parts()), strict=True):
        assert torch.allclose(ours, theirs, rtol=1e-5, atol=1e-6)
    with torch.autocast("cpu", torch.bfloat16):
        given = parts()
        loss = masked_lm_loss(*given, chunk=5)
    loss.backward()
    assert torch.allclose(given[1].grad, outcome(plain, parts())[2], atol=5e-3)


def test_very_large_scores_stay_finite():
    states, words, bias, targets = parts()
    results = outcome(masked_lm_loss, ((1e4 * states.detach()).requires_grad_(), words, bias, targets))
    assert all(torch.isfinite(result).all() for result in results)


@pytest.mark.parametrize("target", [-1, VOCAB])
def test_a_target_outside_the_vocabulary_is_named(target):
    states, words, bias, targets = parts()
    targets[3] = target
    with pytest.raises(InputValueError, match=f"targets hold {target}: give 0 to {VOCAB - 1}"):
        masked_lm_loss(states, words, bias, targets)


def test_a_chunk_of_nothing_is_refused():
    with pytest.raises(InputValueError, match="chunk=0"):
        masked_lm_loss(*parts(), chunk=0)


@pytest.fixture
def model():
    torch.manual_seed(0)
    config = ErnieMConfig(VOCAB, 16, 2, 2, 32, max_position_embeddings=40, initializer_range=0.5)
    return ErnieMForMaskedLM(config).double().eval()


def test_a_models_gradients_are_those_of_the_plain_way_though_words_are_read_and_guessed(model):
    ids, targets = torch.randint(VOCAB, (2, 9)), torch.randint(VOCAB, (18,))
    ways = (lambda s: model.guess_loss(s, targets), lambda s: F.cross_entropy(model.score(s), targets))
    results = []
    for way in ways:
        model.zero_grad()
        way(model.base(ids).last_hidden_state.flatten(0, 1)).backward()
        results.append({name: weight.grad.clone() for name, weight in model.named_parameters()})
    assert all(torch.allclose(results[0][name], results[1][name], atol=1e-12) for name in results[0])


COMPILED = """
import torch
from erniem_lab.lm_loss import look_up, masked_lm_loss
states, words, targets = torch.randn(7, 4), torch.randn(9, 4, requires_grad=True), torch.arange(7)
twice = torch.compile(lambda words: 2 * masked_lm_loss(states, words, words[:, 0], targets, chunk=3), backend="eager")
for loss in (twice(words), 2 * torch.nn.functional.cross_entropy(states @ words.T + words[:, 0], targets)):
    loss.backward()
    print(f"{loss.item():.4f} {words.grad.norm().item():.4f}")
    words.grad = None
"""


@pytest.mark.slow
def test_a_compiled_caller_gets_the_same_loss_and_gradient():
    """In a process of its own: the compiler cannot follow the checks of shapes that the test run adds."""
    command = [sys.executable, "-W", "ignore", "-c", COMPILED]
    ours, theirs = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split("\n")[:2]
    assert ours == theirs != ""


def tied(way, padding_idx):
    """Loss and gradients where states are looked up in the words that score them."""
    _, words, bias, targets = parts()
    ids = torch.arange(TOKENS).view(1, -1) % 7
    if way == "look_up":
        vectors, scored = look_up(ids, words, padding_idx)
        loss = masked_lm_loss(vectors[0].tanh(), scored, bias, targets)
    else:
        loss = plain(F.embedding(ids, words, padding_idx)[0].tanh(), words, bias, targets)
    loss.backward()
    return [loss.detach(), words.grad, bias.grad]


@pytest.mark.parametrize("padding_idx", [None, 3])
def test_words_that_are_looked_up_and_score_get_one_gradient_that_is_the_sum_of_both(padding_idx):
    for ours, theirs in zip(tied("look_up", padding_idx), tied("plain", padding_idx), strict=True):
        assert torch.allclose(ours, theirs, rtol=1e-5, atol=1e-7)


def test_a_look_up_adds_to_the_gradient_of_the_loss_where_that_lies():
    _, words, bias, targets = parts()
    places = []
    vectors, scored = look_up(torch.arange(TOKENS), words)
    scored.register_hook(lambda gradient: places.append(gradient.data_ptr()))
    masked_lm_loss(vectors, scored, bias, targets).backward()
    assert places == [words.grad.data_ptr()]


def test_words_looked_up_for_one_use_only_have_the_gradient_of_that_use():
    words = parts()[1]
    vectors, scored = look_up(torch.tensor([2, 2, 5]), words)
    [read] = torch.autograd.grad(vectors.sum(), words, retain_graph=True)
    assert read.sum(1).tolist() == [HIDDEN * {2: 2, 5: 1}.get(row, 0) for row in range(VOCAB)]
    [scoring] = torch.autograd.grad(scored.sum(), words)
    assert torch.equal(scoring, torch.ones_like(words))
