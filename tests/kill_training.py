"""Kill a training process at random moments, let it go on each time, and count what was lost.

    python tests/kill_training.py --kills 200

A checkpoint is torn if its weights, its optimizer and its curve are not of one step of the run that was never killed;
unloadable if it has the name of a checkpoint and is not whole; a step is lost if a later process does it again.
"""

import argparse
import hashlib
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from erniem_lab.errors import ErnieMLabError
from erniem_lab.training import Loss, Plan, saved_weights, train
from erniem_lab.training.checkpoints import Checkpoint, find_checkpoint, newest_first, read_checkpoint
from erniem_lab.training.harness import MODULE

WIDTH = 128
LONGEST = 0.6  # seconds; from before the first step to some hundred steps on
PLAN = Plan(steps=1500, save_every=3)


@dataclass
class Figures:
    """What became of the kills: counts, and the most steps that one kill lost."""

    kills: int = 0
    in_a_save: int = 0
    checkpoints: int = 0
    torn: int = 0
    unloadable: int = 0
    steps_lost: int = 0
    ended: int = 0
    ended_right: int = 0


def learner() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(8, WIDTH), nn.Dropout(0.1), nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, 1))


def loss_of(module: nn.Module, number: int) -> Loss:
    return Loss(module(torch.randn(4, 8)).pow(2).mean())


def digest(weights: Mapping[str, Tensor]) -> str:
    """One hash of a module's weights."""
    found = hashlib.sha256()
    for name in sorted(weights):
        found.update(name.encode() + weights[name].numpy().tobytes())
    return found.hexdigest()


def truth(plan: Plan) -> list[str]:
    """The hash of the weights after 0, 1, 2 ... steps of a run that nobody disturbs."""
    found: list[str] = []
    module = learner()

    def watched(module: nn.Module, number: int) -> Loss:
        found.append(digest(module.state_dict()))
        return loss_of(module, number)

    train(module, watched, plan, progress=False)
    return [*found, digest(module.state_dict())]


def is_torn(good: Checkpoint, true: Sequence[str]) -> bool:
    """Whether weights and optimizer are of different steps; the curve's length was checked on reading."""
    state = good.tensors()
    weights = {name.partition(":")[2]: value for name, value in state.items() if name.startswith(MODULE)}
    counts = {int(value) for name, value in state.items() if name.startswith("step:")}
    return digest(weights) != true[good.step] or counts != {good.step}


def child(plan: Plan, folder: Path, counter: int) -> int:
    """Start the run in a process of its own, which writes a byte for each micro-batch that it begins."""
    process = os.fork()
    if process:
        return process
    status = 1
    try:
        train(learner(), lambda module, number: (os.write(counter, b"."), loss_of(module, number))[1], plan, folder,
              progress=False)  # fmt: skip
        status = 0
    except ErnieMLabError as fault:
        print(fault, file=sys.stderr)
    finally:
        os._exit(status)


def kill_once(plan: Plan, folder: Path, after: float) -> tuple[bool, int]:
    """Whether the process was killed before its end, and at which step."""
    start = good.step if (good := find_checkpoint(folder).good) else 0
    reading, writing = os.pipe()
    process = child(plan, folder, writing)
    os.close(writing)
    time.sleep(after)
    os.kill(process, signal.SIGKILL)
    _, status = os.waitpid(process, 0)
    with os.fdopen(reading, "rb") as begun:
        at = start + len(begun.read())
    return os.WIFSIGNALED(status), at


def examine(folder: Path, true: Sequence[str], figures: Figures) -> int:
    """Look at everything with the name of a checkpoint; gives the step at which the run will go on."""
    newest = 0
    for path in newest_first(folder):
        figures.checkpoints += 1
        try:
            good = read_checkpoint(path)
        except OSError as fault:
            figures.unloadable += 1
            print(f"unloadable: {fault}", file=sys.stderr)
            continue
        figures.torn += is_torn(good, true)
        newest = max(newest, good.step)
    return newest


def kill_many(kills: int, seed: int, folder: Path, plan: Plan = PLAN) -> Figures:
    """The figures of so many kills of a run that goes on after each; when it is done, another one begins."""
    torch.set_num_threads(1)
    dice, true, figures, run = random.Random(seed), truth(plan), Figures(), folder / "run-1"
    while figures.kills < kills:
        killed, at = kill_once(plan, run, dice.uniform(0.0, LONGEST))
        figures.kills += killed
        figures.in_a_save += killed and any(run.glob(".*.part"))
        newest = examine(run, true, figures)
        figures.steps_lost = max(figures.steps_lost, at - 1 - newest)
        if newest == plan.steps:
            figures.ended_right += digest(saved_weights(run)) == true[-1]
            figures.ended += 1
            run = folder / f"run-{figures.ended + 1}"
    return figures


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        figures = kill_many(options.kills, options.seed, Path(folder))
    print(f"seed {options.seed}, torch {torch.__version__}:", figures)


if __name__ == "__main__":
    main()
