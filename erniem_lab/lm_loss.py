"""The loss of guessed words over a large vocabulary, without ever holding all scores at once.

The plain way, scores of all tokens and then cross-entropy, holds several matrices of tokens by vocabulary: 2 GB each
for 2,000 tokens and 250,002 entries. Here tokens come in chunks, and each chunk's share of the gradients is computed
while its scores are at hand. This takes no more multiplications than the plain way.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from erniem_lab.errors import InputValueError
from erniem_lab.losses import IGNORED

BUFFER = 2**27  # bytes for a chunk's scores
BLOCK = 2**13  # entries that are widened to float32 together


def masked_lm_loss(
    states: Float[Tensor, "token hidden"],
    words: Float[Tensor, "vocab hidden"],
    bias: Float[Tensor, " vocab"],
    targets: Int[Tensor, " token"],
    *,
    chunk: int | None = None,
) -> Float[Tensor, ""]:
    """The mean over tokens of minus the log-probability of the target, in nats; zero where no token counts.

    It equals `cross_entropy(linear(states, words, bias), targets)`, also under autocast, but is summed in float32
    or finer. Beyond the gradients, which exist either way, it holds the scores of one chunk; under autocast also the
    words in half precision.

    Args:
        targets: a row of `words` each; -100 is not counted.
        chunk: tokens scored at once; as many as 128 MiB hold if not given.

    Raises:
        InputValueError: a target that is no row of `words`, or a chunk below 1.
        RuntimeError: by torch, for a second backward pass through one loss: compute the loss anew.

    >>> states, words = torch.zeros(3, 2), torch.ones(4, 2, requires_grad=True)
    >>> masked_lm_loss(states, words, torch.zeros(4), torch.tensor([0, 3, 1]))
    tensor(1.3863, grad_fn=<_MaskedLMLossBackward>)
    """
    counted = _counted(targets, len(words))
    if not bool(counted.all()):
        states, targets = states[counted], targets[counted]
    if chunk is not None and chunk < 1:
        raise InputValueError(f"chunk={chunk}: give the number of tokens that are scored at once, at least 1")
    given = (states, words, bias, targets.long(), chunk, torch.is_grad_enabled())
    return _MaskedLMLoss.apply(*given)  # type: ignore[no-untyped-call]


def look_up(
    ids: Int[Tensor, "*place"], words: Float[Tensor, "vocab hidden"], padding_idx: int | None = None
) -> tuple[Float[Tensor, "*place hidden"], Float[Tensor, "vocab hidden"]]:
    """The vectors of words, and the words once more for `masked_lm_loss` to score with.

    What the loss then finds as their gradient, the look-up adds its own rows to; looked up otherwise, they would have
    a gradient of their own, as large as all the words.

    >>> vectors, words = look_up(torch.tensor([2, 0]), torch.arange(6.0).view(3, 2))
    >>> vectors.tolist(), words.shape
    ([[4.0, 5.0], [0.0, 1.0]], torch.Size([3, 2]))
    """
    vectors, again = _LookUp.apply(ids, words, padding_idx)  # type: ignore[no-untyped-call]
    return vectors, again


class _LookUp(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, ids: Tensor, words: Tensor, padding_idx: int | None) -> tuple[Tensor, Tensor]:
        ctx.save_for_backward(ids)
        ctx.shape, ctx.kind, ctx.padding_idx = words.shape, words.dtype, padding_idx
        ctx.set_materialize_grads(False)
        return F.embedding(ids, words), words.view_as(words)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *upstream: Tensor | None) -> tuple[None, Tensor | None, None]:
        """The gradient that comes in for the words is the loss's own, which nothing else holds: it is added to."""
        (ids,), (vectors, total) = ctx.saved_tensors, upstream
        if vectors is None:
            return None, total, None
        if total is None:
            total = vectors.new_zeros(ctx.shape, dtype=ctx.kind)
        if ctx.padding_idx is not None:
            vectors = vectors.masked_fill((ids == ctx.padding_idx)[..., None], 0)
        return None, total.index_add_(0, ids.flatten(), vectors.flatten(0, -2).to(total.dtype)), None


def _counted(targets: Tensor, entries: int) -> Tensor:
    counted = targets != IGNORED
    wrong = counted & ((targets < 0) | (targets >= entries))
    if bool(wrong.any()):
        raise InputValueError(
            f"targets hold {targets[wrong][0].item()}: give 0 to {entries - 1}, or {IGNORED} if not counted"
        )
    return counted


@dataclass(frozen=True)
class _Gradients:
    """Sums over the tokens that were scored so far, of the sum of their losses; None for what is frozen."""

    states: Tensor | None
    words: Tensor | None
    bias: Tensor | None

    @property
    def wanted(self) -> bool:
        """Whether there is anything to add to."""
        return any(total is not None for total in (self.states, self.words, self.bias))

    def add(self, rows: slice, errors: Tensor, states: Tensor, words: Tensor) -> None:
        """What a chunk of tokens adds: `errors` are probabilities, less 1 at the target."""
        if self.states is not None:
            self.states[rows] = errors @ words
        if self.words is not None and self.words.dtype == words.dtype:
            self.words.addmm_(errors.T, states)
        elif self.words is not None:
            for total, block in zip(torch.split(self.words, BLOCK), torch.split(errors, BLOCK, dim=1), strict=True):
                total.add_(block.T @ states)


class _MaskedLMLoss(torch.autograd.Function):
    """Gradients are computed with the loss, and scaled when they are asked for."""

    @staticmethod
    def forward(
        ctx: Any, states: Tensor, words: Tensor, bias: Tensor, targets: Tensor, chunk: int | None, learning: bool
    ) -> Tensor:
        """The mean loss; `learning` is False where no gradient will be asked for."""
        device = states.device.type
        auto = torch.is_autocast_enabled(device) and states.dtype != torch.float64
        kind = torch.get_autocast_dtype(device) if auto else words.dtype
        sums = torch.promote_types(kind, torch.float32)
        needs = [learning and need for need in ctx.needs_input_grad[:3]]
        asked = zip((states, words, bias), needs, strict=True)
        fresh = [torch.zeros_like(given, dtype=sums) if need else None for given, need in asked]
        gradients, table, offset = _Gradients(*fresh), words.to(kind), bias.to(kind)
        total = torch.zeros((), dtype=sums, device=states.device)
        with torch.autocast(device, enabled=False):
            for rows in _chunks(len(states), chunk or _fitting(table)):
                total += _chunk_loss(rows, states[rows].to(kind), table, offset, targets[rows], gradients)
        ctx.needed, ctx.kinds, ctx.count = needs, (states.dtype, words.dtype, bias.dtype), max(1, len(states))
        ctx.save_for_backward(*(gradient for gradient in fresh if gradient is not None))
        return total / ctx.count

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *upstream: Tensor) -> tuple[Tensor | None, ...]:
        """The gradients, scaled in place: a second pass finds them changed, and torch says so."""
        scale = upstream[0] / ctx.count
        scaled = (gradient.mul_(scale) for gradient in ctx.saved_tensors)
        pairs = zip(ctx.needed, ctx.kinds, strict=True)
        return *(next(scaled).to(kind) if need else None for need, kind in pairs), None, None, None


def _chunk_loss(
    rows: slice, states: Tensor, words: Tensor, bias: Tensor, targets: Tensor, gradients: _Gradients
) -> Tensor:
    """The sum of a chunk's losses. The one large matrix is first of scores, then of errors: less 1 at the target."""
    wide = torch.promote_types(words.dtype, torch.float32)
    scores = torch.addmm(bias, states, words.T)
    asked = scores.gather(1, targets[:, None]).to(wide)
    losses = _mass(scores, wide) - asked
    if gradients.wanted:
        _to_probabilities(scores, losses + asked, gradients.bias)
        if gradients.bias is not None:
            gradients.bias.index_add_(0, targets, torch.full_like(losses[:, 0], -1.0))
        scores[torch.arange(len(targets), device=targets.device), targets] = torch.expm1(-losses[:, 0]).to(scores.dtype)
        gradients.add(rows, scores, states, words)
    return losses.sum()


def _mass(scores: Tensor, wide: torch.dtype) -> Tensor:
    """The logarithm of each row's sum of exponentials, [token, 1].

    The blocks' results have their place before the blocks come: small tensors that stay behind between large ones
    that go would keep the memory of these from being used again.
    """
    blocks = torch.split(scores, BLOCK, dim=1)
    masses = scores.new_empty(len(scores), len(blocks), dtype=wide)
    for number, block in enumerate(blocks):
        masses[:, number] = block.to(wide).logsumexp(1)
    return masses.logsumexp(1, keepdim=True)


def _to_probabilities(scores: Tensor, mass: Tensor, sums: Tensor | None) -> None:
    """Replace scores by their probabilities, block by block, and add up those of each entry in `sums`."""
    for start in range(0, scores.shape[1], BLOCK):
        block = scores[:, start : start + BLOCK]
        shares = block.to(mass.dtype).sub_(mass).exp_()
        block.copy_(shares)
        if sums is not None:
            sums[start : start + BLOCK] += shares.sum(0)


def _chunks(count: int, size: int) -> Iterator[slice]:
    return (slice(start, start + size) for start in range(0, count, size))


def _fitting(words: Tensor) -> int:
    """As many tokens as have room for their scores."""
    return max(1, BUFFER // (words.itemsize * len(words)))
