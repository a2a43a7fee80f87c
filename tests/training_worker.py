"""What each process of `torchrun` runs in the tests: the small task, and what came of it, from the first process."""

import json
import os
import signal
import sys
from pathlib import Path

import torch
from torch import nn
from training_samples import loss_of

from erniem_lab.training import Loss, Plan, is_first, train


class Two(nn.Module):
    """Layers in a list, as an encoder has them, dropout, and a weight that only some micro-batches use."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(4, 8)
        self.layers = nn.ModuleList([nn.Linear(8, 8), nn.Linear(8, 8)])
        self.rare = nn.Parameter(torch.zeros(8))
        self.drop, self.last = nn.Dropout(0.3), nn.Linear(8, 1)

    def forward(self, inputs: torch.Tensor, rare: bool = False) -> torch.Tensor:
        states = self.first(inputs)
        for layer in self.layers:
            states = torch.tanh(layer(states))
        return self.last(self.drop(states + self.rare if rare else states))


def plain(module: nn.Module, number: int) -> Loss:
    return Loss(loss_of(module, number).value, "even" if number % 2 == 0 else "odd", 64)


def uneven(module: nn.Module, number: int) -> Loss:
    return plain(lambda inputs: module(inputs, rare=number % 2 == 0), number)


def dying(module: nn.Module, number: int) -> Loss:
    """The last process dies in the middle of step 6, the first time that it comes there."""
    first_time = os.environ.get("TORCHELASTIC_RESTART_COUNT") == "0"
    if number == 27 and first_time:
        os.kill(os.getpid(), signal.SIGKILL)
    return plain(module, number)


def spoilt(module: nn.Module, number: int) -> Loss:
    return Loss(plain(module, number).value * (float("nan") if number == 5 else 1))


def asked_to_stop(module: nn.Module, number: int) -> Loss:
    """Only the last process hears the request."""
    if number == 13 and not (Path(sys.argv[1]) / "step-00000004").exists():
        os.kill(os.getpid(), signal.SIGTERM)
    return plain(module, number)


def main(folder: Path, task: str, changes: str) -> None:
    plan = Plan(**{"steps": 10, "peak_rate": 0.05, "accumulate": 4, "save_every": 3, **json.loads(changes)})
    torch.manual_seed(0)
    module = Two()
    try:
        curve = train(module, globals()[task], plan, folder, progress=False)
    except SystemExit as end:
        print(f"ended with {end.code}")
        raise
    if is_first():
        torch.save({"weights": module.state_dict(), "losses": [step.loss for step in curve]}, folder / "result.pt")


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
