"""One loop for everything that is trained: a step function in, a curve out, and a checkpoint that survives a kill.

The loop knows no model class and no data. Step number `n` asks the step function for its loss, and the random state
is set from the seed and `n` before it, so that a run that is resumed is the run that was never stopped.
"""

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from tqdm import tqdm

from erniem_lab.errors import FileFaultError, InputValueError
from erniem_lab.files.atomic import staged_files

STATE = "state.pt"


@dataclass(frozen=True)
class Plan:
    """How long and how fast to learn: AdamW, linear warm-up to `peak_rate`, linear decay to zero.

    The decay would reach zero at step `horizon`, or at the end of the run where that is 0.
    """

    steps: int
    peak_rate: float = 1e-3
    warmup: int = 0
    weight_decay: float = 0.01
    clip: float = 1.0
    seed: int = 0
    save_every: int = 200
    horizon: int = 0

    def rate(self, step: int) -> float:
        """The learning rate of a step, counted from 0.

        >>> plan = Plan(steps=10, peak_rate=1.0, warmup=2)
        >>> [plan.rate(step) for step in (0, 1, 2, 9)]
        [0.5, 1.0, 1.0, 0.125]
        """
        if step < self.warmup:
            return self.peak_rate * (step + 1) / self.warmup
        horizon = self.horizon or self.steps
        return self.peak_rate * (horizon - step) / max(1, horizon - self.warmup)


@dataclass(frozen=True)
class Step:
    """One point of a curve: the loss before the update (nats for language modelling)."""

    step: int
    loss: float
    rate: float
    gradient_norm: float


def train(
    model: nn.Module,
    loss_of: Callable[[int], Float[Tensor, ""]],
    plan: Plan,
    folder: Path | None = None,
    *,
    progress: bool = True,
) -> list[Step]:
    """Train a model in place and give the curve; with a folder, save there and go on from what is saved there.

    Args:
        loss_of: the loss of step number n; the same n must always see the same data.
        folder: where `state.pt` lies. It holds weights, optimizer and curve in one file, replaced as a whole.

    Raises:
        InputValueError: the loss or the gradient is not finite; the weights are those before that step.
        FileFaultError: the saved state belongs to another plan or model, or is damaged.

    >>> line = nn.Linear(1, 1)
    >>> curve = train(line, lambda step: (line(torch.ones(8, 1)) - 3).pow(2).mean(), Plan(100, 0.1), progress=False)
    >>> curve[-1].loss < curve[0].loss
    True
    """
    optimizer = torch.optim.AdamW(_groups(model, plan.weight_decay), betas=(0.9, 0.98), eps=1e-6)
    curve = _resume(model, optimizer, plan, folder)
    model.train()
    bar = tqdm(range(len(curve), plan.steps), initial=len(curve), total=plan.steps, disable=not progress, unit="step")
    for step in bar:
        curve.append(_update(model, optimizer, loss_of, plan, step))
        bar.set_postfix(loss=f"{curve[-1].loss:.3f}", refresh=False)
        if folder is not None and ((step + 1) % plan.save_every == 0 or step + 1 == plan.steps):
            _save(model, optimizer, plan, folder, curve)
    model.eval()
    return curve


def _update(
    model: nn.Module, optimizer: torch.optim.Optimizer, loss_of: Callable[[int], Tensor], plan: Plan, step: int
) -> Step:
    torch.manual_seed(plan.seed * 1_000_003 + step)
    loss = loss_of(step)
    optimizer.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    norm = nn.utils.clip_grad_norm_(model.parameters(), plan.clip)
    if not (math.isfinite(loss.item()) and math.isfinite(norm.item())):
        raise InputValueError(
            f"step {step}: the loss is {loss.item()}, the gradient's length {norm.item()}; nothing was updated: "
            "lower the learning rate, or look for bad values in the data of this step"
        )
    for group in optimizer.param_groups:
        group["lr"] = plan.rate(step)
    optimizer.step()
    return Step(step, loss.item(), plan.rate(step), norm.item())


def _groups(model: nn.Module, decay: float) -> list[dict[str, Any]]:
    """Matrices shrink with time; biases and norms do not."""
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    return [
        {"params": [weight for weight in weights if weight.ndim > 1], "weight_decay": decay},
        {"params": [weight for weight in weights if weight.ndim <= 1], "weight_decay": 0.0},
    ]


def _save(model: nn.Module, optimizer: torch.optim.Optimizer, plan: Plan, folder: Path, curve: list[Step]) -> None:
    state = {
        "plan": asdict(plan),
        "model": model.state_dict(),
        "optimizer": optimizer.state_dict(),
        "curve": [asdict(step) for step in curve],
    }
    with staged_files(folder) as stage:
        torch.save(state, stage(STATE))


def _resume(model: nn.Module, optimizer: torch.optim.Optimizer, plan: Plan, folder: Path | None) -> list[Step]:
    path = folder / STATE if folder is not None else None
    if path is None or not path.exists():
        return []
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
        changed = {name for name, value in asdict(plan).items() if state["plan"][name] != value}
        if changed:
            raise ValueError(f"it was saved with other values of {', '.join(sorted(changed))}")
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        return [Step(**step) for step in state["curve"]]
    except Exception as fault:
        raise FileFaultError(
            f"{path}: cannot go on from this state: {fault}; name another folder, or delete it"
        ) from fault
