"""What the trainer asks for, micro-batch by micro-batch; between steps the head is scored, and the best one kept."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F
from tqdm.auto import tqdm

from erniem_lab.errors import InputValueError
from erniem_lab.losses import IGNORED
from erniem_lab.metrics import Estimate
from erniem_lab.tasks.batches import Batches
from erniem_lab.tasks.marking import repeated_tokens
from erniem_lab.tasks.settings import BALANCED, Settings
from erniem_lab.tasks.task import Feature, Task
from erniem_lab.training import Loss


@dataclass(frozen=True)
class Check:
    """After so many steps: the mean loss since the last check, and the score on the development set."""

    step: int
    loss: float
    score: Estimate


class EnoughError(Exception):
    """The score has not risen for as long as training was to wait for it."""


class Lessons:
    """The loss of a head, by the number of the micro-batch.

    Args:
        scored: gives the score of the module as it is now; None where there is nothing to score on.
        note: is told all checks, at the start and after each, and whether the last is the best so far.
    """

    def __init__(
        self,
        task: Task[Any, Any],
        features: Sequence[Feature],
        settings: Settings,
        *,
        pad_token_id: int,
        scored: Callable[[], Estimate] | None,
        note: Callable[[Sequence[Check], bool], None],
        checks: Sequence[Check] = (),
        progress: bool = True,
    ) -> None:
        self.task, self.features, self.settings, self.pad_token_id = task, features, settings, pad_token_id
        self.scored, self.note, self.checks = scored, note, list(checks)
        size = -(-settings.batch // settings.accumulate)
        self.batches = Batches([feature.length for feature in features], size, settings.seed)
        self.weights = label_weights(task, features, settings.class_weights)
        self.every, self.losses, self.step = settings.check_steps(len(features)), list[float](), -1
        self.bar = tqdm(total=settings.steps_of(len(features)), disable=not progress, unit="step")

    def __call__(self, module: nn.Module, number: int) -> Loss:
        """The loss of a micro-batch; before the first one of a step, the module is scored where that is due."""
        step = number // self.settings.accumulate
        if step != self.step:
            self.begin(step)
        features = [self.features[row] for row in self.batches[number]]
        inputs = self.task.inputs(features, self.pad_token_id)
        if self.settings.marking:
            inputs["repeated"] = repeated_tokens([feature.encodings[0] for feature in features])
        device = next(module.parameters()).device
        inputs = {name: value.to(device) for name, value in inputs.items()}
        output = module(**inputs)
        loss = output.loss if self.weights is None else _weighted(output.logits, inputs["labels"], self.weights)
        self.losses.append(float(loss.detach()))
        return Loss(loss, tokens=int(inputs["attention_mask"].sum()))

    def begin(self, step: int, *, last: bool = False) -> None:
        """Show that a step begins, or that the last one is done, and score the module where that is due.

        Raises:
            EnoughError: the score has not risen in the last `patience` checks.
        """
        if self.step < 0:
            self.checks = [check for check in self.checks if check.step < step]  # of a run that goes on from here
            self.note(self.checks, False)
        self.bar.update(step - max(self.step, 0))
        self.step = step
        if self.scored is not None and step and (last or step % self.every == 0):
            self._check(self.scored())
        self._show()

    def _check(self, score: Estimate) -> None:
        check = Check(self.step, fmean(self.losses) if self.losses else 0.0, score)
        self.losses.clear()
        self.checks.append(check)
        self.note(self.checks, best(self.checks) is check)
        behind = len(self.checks) - 1 - self.checks.index(best(self.checks))
        if 0 < self.settings.patience <= behind:
            raise EnoughError

    def _show(self) -> None:
        score = {"score": f"{self.checks[-1].score.value:.3f}"} if self.checks else {}
        loss = {"loss": f"{fmean(self.losses[-20:]):.3f}"} if self.losses else {}
        self.bar.set_postfix({**loss, **score}, refresh=False)


def best(checks: Sequence[Check]) -> Check:
    """The check with the highest score, the earliest of several.

    >>> low, high = (Check(step, 0.1, Estimate(step / 10, 0.0, 1.0, 9)) for step in (1, 2))
    >>> best([low, high]).step
    2
    """
    return max(checks, key=lambda check: check.score.value)


def label_weights(
    task: Task[Any, Any], features: Sequence[Feature], wanted: str | Mapping[str, float]
) -> Float[Tensor, " label"] | None:
    """The weight of each label in the loss; None where all count alike.

    Raises:
        InputValueError: weights for a task that has not one label of several, or for labels that it does not have.
    """
    if not wanted:
        return None
    labels = getattr(task, "labels", ())
    targets = torch.tensor([label for feature in features for label in _whole(feature.target)])
    if not labels or targets.is_floating_point():
        raise InputValueError(f"class_weights: {task.name} here does not choose one label of several; leave them out")
    if wanted == BALANCED:
        counts = torch.bincount(targets[targets != IGNORED], minlength=len(labels)).clamp(min=1)
        return counts.sum() / (len(labels) * counts)
    given = dict(wanted) if not isinstance(wanted, str) else {}
    if strange := sorted(given.keys() - set(labels)):
        raise InputValueError(f"class_weights: no label {', '.join(strange)}; there are {', '.join(labels)}")
    return torch.tensor([float(given.get(label, 1.0)) for label in labels])


def _whole(target: Any) -> Sequence[Any]:
    return [target] if isinstance(target, int) else target


def _weighted(
    logits: Float[Tensor, "*place label"], labels: Tensor, weights: Float[Tensor, " label"]
) -> Float[Tensor, ""]:
    return F.cross_entropy(logits.flatten(0, -2), labels.flatten(), weights.to(logits), ignore_index=IGNORED)
