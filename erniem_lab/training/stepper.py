"""One step of learning: micro-batches in, gradients averaged and checked, weights changed."""

import math
import random
from collections.abc import Sequence
from itertools import chain
from statistics import fmean
from time import perf_counter
from typing import Any, cast

import numpy as np
import torch
from torch import nn
from torch.distributed.tensor import DTensor

from erniem_lab.errors import InputValueError
from erniem_lab.training.curve import LossOf, Part, Step, losses_by_name
from erniem_lab.training.harness import Harness, harness, put_back, take_out
from erniem_lab.training.plan import Plan
from erniem_lab.training.processes import Processes

BETAS, EPSILON = (0.9, 0.98), 1e-6  # as RoBERTa was trained, whose schedule XLM-R and ERNIE-M follow


class Stepper:
    """A module, its optimizer and its share of the work, as one process sees them.

    Steps and micro-batches are counted from 0. `owner` holds the weights that learn: the module, or its parts.
    """

    def __init__(self, module: nn.Module, loss_of: LossOf, plan: Plan, crew: Processes) -> None:
        crew.share_of(0, plan.accumulate)
        self.module, self.loss_of, self.plan, self.crew = module, loss_of, plan, crew
        if plan.gradient_checkpointing:
            _compute_again(module)
        self.harness: Harness = harness(module, plan, crew)
        self.owner = self.harness.owner.train()
        called = self.harness.called
        self.called = cast(nn.Module, torch.compile(called)) if plan.compile else called
        self.device = next(self.owner.parameters()).device
        self.optimizer = torch.optim.AdamW(_groups(self.owner, plan), betas=BETAS, eps=EPSILON)

    def step(self, step: int) -> Step:
        """Take step number `step`.

        Raises:
            InputValueError: the loss or the gradient is not finite; nothing was updated.
        """
        began = perf_counter()
        self.optimizer.zero_grad(set_to_none=True)
        share = self.crew.share_of(step, self.plan.accumulate)
        own = [self._micro_batch(number, last=number == share[-1]) for number in share]
        parts = sorted(chain.from_iterable(self.crew.gather(own)), key=lambda part: part.micro_batch)
        norm = float(_whole(nn.utils.clip_grad_norm_(self.owner.parameters(), self.plan.clip)))
        _demand_finite(step, parts, norm)
        rate = self.plan.rate(step)
        for group in self.optimizer.param_groups:
            group["lr"] = rate * group["factor"]
        self.optimizer.step()
        loss, tokens = fmean(part.loss for part in parts), sum(part.tokens for part in parts)
        return Step(step, loss, rate, norm, tokens, losses_by_name(parts), perf_counter() - began)

    def finish(self) -> None:
        """Leave the module as it is to be used: with the weights that were learnt, in evaluation mode."""
        if self.owner is not self.module:
            put_back(take_out(self.owner, self.optimizer), self.module)
        self.module.eval()

    def _micro_batch(self, number: int, *, last: bool) -> Part:
        """Add the gradient of one micro-batch; the last one's backward pass averages those of all processes."""
        seed_everything(self.plan.seed, number)
        half = self.plan.precision == "bfloat16"
        with self.harness.synchronised(last):
            with torch.autocast(self.device.type, torch.bfloat16, enabled=half):
                loss = self.loss_of(self.called, number)
            mean = self.harness.anchored(loss.value.float()) * (self.crew.size / self.plan.accumulate)
            mean.backward()  # type: ignore[no-untyped-call]
        return Part(number, loss.name, loss.value.item(), loss.tokens)


def seed_everything(seed: int, number: int) -> None:
    """Set the random state of torch, Python and numpy for one micro-batch of a run.

    >>> seed_everything(0, 7); first = torch.rand(1), random.random(), np.random.rand()
    >>> seed_everything(0, 7); first == (torch.rand(1), random.random(), np.random.rand())
    True
    """
    state = int(np.random.SeedSequence([seed, number]).generate_state(1)[0])
    torch.manual_seed(state)
    random.seed(state)
    np.random.seed(state)


def _compute_again(module: nn.Module) -> None:
    """Let every stack of layers in a module compute its states again on the way back."""
    stacks = [part for part in module.modules() if hasattr(part, "gradient_checkpointing")]
    if not stacks:
        raise InputValueError(
            f"gradient_checkpointing=True: {type(module).__name__} has no part that can compute its layers again; "
            "change the plan"
        )
    for stack in stacks:
        stack.gradient_checkpointing = True  # type: ignore[assignment]


def _groups(module: nn.Module, plan: Plan) -> list[dict[str, Any]]:
    """Weights by their factor of the rate; matrices shrink with time, biases and norms do not."""
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for name, weight in module.named_parameters():
        if weight.requires_grad:
            decay = plan.weight_decay if weight.ndim > 1 else 0.0
            groups.setdefault((plan.factor(name), decay), []).append(weight)
    return [{"params": weights, "weight_decay": decay, "factor": factor} for (factor, decay), weights in groups.items()]


def _demand_finite(step: int, parts: Sequence[Part], norm: float) -> None:
    """Raise if a loss or the gradient is no number, naming the micro-batches that are to blame."""
    bad = [part for part in parts if not math.isfinite(part.loss)]
    if math.isfinite(norm) and not bad:
        return
    named = ", ".join(f"{part.micro_batch} ({part.name} is {part.loss})" for part in bad or parts)
    raise InputValueError(
        f"step {step}: {f'the loss of micro-batch {named}' if bad else f'the gradient of micro-batches {named}'} is "
        f"not finite, the gradient's length is {norm}; nothing was updated: lower the learning rate, or look for bad "
        f"values in micro-batches {[part.micro_batch for part in parts]} of the data"
    )


def _whole(norm: torch.Tensor) -> torch.Tensor:
    return norm.full_tensor() if isinstance(norm, DTensor) else norm
