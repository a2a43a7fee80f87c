"""Training steps beside another program that is busy, with and without what `import erniem_lab` asks of threads.

    python tests/bench_busy.py [--rounds N] [--seconds N] [--batch N] [--length N]

The bundled checkpoint takes steps on as many threads as torch gives it, in processes of their own: alone, then beside a
program of another session that keeps one processor busy. "usual" is torch as it comes, "ours" has GOMP_SPINCOUNT=1000.
Both programs need the same priority, also of their sessions: one that others give way to hardly waits.
Printed are medians over the rounds of milliseconds a step, and the ratio of the two ways with its range.
"""

import argparse
import os
import subprocess
import sys
import time
from statistics import median

BUSY = [sys.executable, "-c", "while True: pass"]
USUAL = {"GOMP_SPINCOUNT": "300000"}  # what GNU OpenMP takes where nothing is said


def step_time(seconds: float, batch: int, length: int) -> float:
    """Seconds that a step takes, over as many as fit."""
    from erniem_lab import MINI, ErnieMForMaskedLM  # isort: skip  # before torch, or it is too late
    import torch

    model = ErnieMForMaskedLM.from_pretrained(MINI).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4)
    ids = torch.randint(10, 5000, (batch, length), generator=torch.Generator().manual_seed(0))
    taken: list[float] = []
    while sum(taken[1:]) < seconds:  # the first is not counted
        began = time.perf_counter()
        model(ids, labels=ids).loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        taken.append(time.perf_counter() - began)
    return sum(taken[1:]) / len(taken[1:])


def in_a_process(given: argparse.Namespace, environment: dict[str, str]) -> float:
    options = [f"--{name}={getattr(given, name)}" for name in ("seconds", "batch", "length")]
    command = [sys.executable, __file__, "--one", *options]
    return float(subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout)


def rounds(given: argparse.Namespace) -> list[tuple[float, float]]:
    """Seconds a step, of the usual way and of ours, in turns."""
    plain = {name: value for name, value in os.environ.items() if name not in ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY")}
    return [(in_a_process(given, plain | USUAL), in_a_process(given, plain)) for _ in range(given.rounds)]


def show(where: str, found: list[tuple[float, float]]) -> None:
    usual, ours = (1000 * median(times) for times in zip(*found, strict=True))
    ratios = sorted(one / other for one, other in found)
    print(f"{where}: usual {usual:.0f} ms a step, ours {ours:.0f} ms; "
          f"ratio {median(ratios):.2f} [{ratios[0]:.2f}, {ratios[-1]:.2f}]", flush=True)  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--length", type=int, default=32)
    parser.add_argument("--one", action="store_true", help="measure in this process")
    given = parser.parse_args()
    if given.one:
        print(step_time(given.seconds, given.batch, given.length))
        return
    show("alone", rounds(given))
    busy = subprocess.Popen(BUSY, start_new_session=True)  # as another user's program, or a browser
    try:
        show("beside a busy program", rounds(given))
    finally:
        busy.kill()


if __name__ == "__main__":
    main()
