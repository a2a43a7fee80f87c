"""The loop: a module and a step function in, a trained module and its curve out.

It knows no model class and no data. Micro-batch number `n` asks the step function for its loss, and all random state
is set from the seed and `n` before it, so that a run that is resumed is the run that was never stopped.
"""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from torch import nn

from erniem_lab.training.curve import LossOf, Step
from erniem_lab.training.harness import put_back, take_out
from erniem_lab.training.plan import Plan
from erniem_lab.training.processes import Processes, processes
from erniem_lab.training.progress import Bar
from erniem_lab.training.run_folder import RunFolder, locked
from erniem_lab.training.signals import obey, requests
from erniem_lab.training.stepper import Stepper


def train(
    module: nn.Module,
    loss_of: LossOf,
    plan: Plan,
    folder: Path | None = None,
    *,
    identity: Mapping[str, Any] | None = None,
    crew: Processes | None = None,
    progress: bool = True,
) -> list[Step]:
    """Train a module in place and give the curve; with a folder, save there and go on from what is saved there.

    Under `torchrun` each process calls this with the same arguments; each takes its share of every step's
    micro-batches, and the first one writes. A run may go on with another number of processes, and sees the same data.

    With a folder, SIGTERM saves after the current step and ends the process with status 143; Ctrl-C saves and raises
    KeyboardInterrupt, at once if it comes twice.

    Args:
        loss_of: the loss of micro-batch number n; the same n must always see the same data. Step s has the numbers
            from s × `plan.accumulate` on. It must call the module that it is given, not one that it holds.
        folder: where checkpoints (`step-00000200/`), `curve.csv` and `run.json` lie.
        identity: what else decides the results, such as hashes of the data, in values that JSON has; a run goes on
            only where it is the same.
        crew: who shares the work; by default all processes that `torchrun` started.

    Raises:
        InputValueError: the loss or the gradient is not finite; the weights are those before that step.
        FileFaultError: the folder is in use, cannot be written to, holds another run's checkpoints or only damaged
            ones, or the last checkpoint could not be written.

    >>> import torch; from erniem_lab.training import Loss
    >>> line = nn.Linear(1, 1)
    >>> loss_of = lambda module, n: Loss((module(torch.ones(8, 1)) - 3).pow(2).mean())
    >>> curve = train(line, loss_of, Plan(100, 0.1), progress=False)
    >>> curve[-1].loss < curve[0].loss
    True
    """
    with ExitStack() as stack:
        crew = crew or processes()
        stepper = Stepper(module, loss_of, plan, crew)
        stack.callback(vars(stepper).clear)  # a copied or divided module must end before its processes part
        run = None if folder is None else RunFolder(folder, plan, identity or {}, str(stepper.device))
        curve = [] if run is None else _recovered(run, stepper, stack)
        request = stack.enter_context(requests(listen=run is not None))
        bar = stack.enter_context(Bar(done=len(curve), total=plan.steps, shown=progress and crew.first))
        while len(curve) < plan.steps:
            curve.append(stepper.step(len(curve)))
            bar.show(curve[-1])
            stop = max(crew.gather(request.signal))
            ends = bool(stop) or len(curve) == plan.steps
            if run is not None and (ends or len(curve) % plan.save_every == 0):
                _save(run, stepper, curve, must=ends)
            if stop:
                obey(stop)
        stepper.finish()
    return curve


def _recovered(run: RunFolder, stepper: Stepper, stack: ExitStack) -> list[Step]:
    """Lock the folder until the stack unwinds, and bring the stepper to where the newest good checkpoint was."""
    stepper.crew.on_first(lambda: stack.enter_context(locked(run.folder)))
    good = stepper.crew.on_first(run.recover)
    if good is None:
        return []
    put_back(good.tensors(), stepper.owner, stepper.optimizer)
    return list(good.curve)


def _save(run: RunFolder, stepper: Stepper, curve: Sequence[Step], *, must: bool) -> None:
    state = take_out(stepper.owner, stepper.optimizer)
    if stepper.crew.first:
        run.save(state, curve, must=must)
