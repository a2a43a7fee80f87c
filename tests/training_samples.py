"""A small net with dropout and its task, so that a run which loses its random state or its place is found out."""

import random
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import nn

from erniem_lab.training import Loss, LossOf, Plan, Step, train

PLAN = Plan(steps=12, peak_rate=0.05, warmup=2, save_every=4)


def net(seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(4, 8), nn.ModuleList([nn.Dropout(0.3)])[0], nn.Linear(8, 1))


def loss_of(module: nn.Module, number: int) -> Loss:
    """How far the net is from summing its input; every kind of random state has a say."""
    inputs = torch.randn(16, 4, generator=torch.Generator().manual_seed(number))
    noise = 0.1 * (random.random() + np.random.rand() + torch.rand(()))
    return Loss((module(inputs) - inputs.sum(dim=1, keepdim=True) - noise).pow(2).mean(), tokens=64)


def stop_at(last: int, how: Callable[[], Any]) -> LossOf:
    """The task up to micro-batch number `last`; at the next one, something happens."""

    def until(module: nn.Module, number: int) -> Loss:
        if number == last + 1:
            how()
        return loss_of(module, number)

    return until


def interrupt() -> None:
    raise RuntimeError("cut off")


def weights(module: nn.Module) -> torch.Tensor:
    return torch.cat([weight.detach().flatten() for weight in module.parameters()]).clone()


def trained(
    plan: Plan = PLAN, folder: Any = None, task: LossOf = loss_of, seed: int = 0, **options: Any
) -> tuple[torch.Tensor, list[Step]]:
    """The weights and the curve of a run."""
    module = net(seed)
    curve = train(module, task, plan, folder, progress=False, **options)
    return weights(module), curve
