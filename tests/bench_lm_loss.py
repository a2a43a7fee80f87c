"""Memory and time of the loss over a large vocabulary, beside the plain way, in one run of alternating rounds.

    python tests/bench_lm_loss.py [--tokens N] [--vocabulary N] [--hidden N] [--rounds N] [--threads N] [--tied]

Every step, loss and backward pass, runs in a process of its own. Counted is the peak of the process's memory during
the step, beyond what it held before and beyond the gradients that the step leaves behind, which are the same either
way. With `--tied` the states are looked up in the same word vectors, as in pre-training. Speeds are compared by
processor time, which other work on the machine disturbs less. Exits with 1 where the two differ by more than 1e-5 in
float32, or where a goal is missed: at most 1/8 of the memory, at no less than the speed.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from statistics import median

LOOK = 0.002  # seconds between two looks at the memory
WAYS, PRECISIONS = ("plain", "chunked"), ("float32", "bfloat16")
MEMORY, SPEED, DIFFERENCE = 1 / 8, 1.0, 1e-5  # the goals


class Peak:
    """The most bytes that this process holds while the block runs, beyond what it held before."""

    def __enter__(self) -> "Peak":
        self.before = self.most = _resident()
        self.running = True
        self.watcher = threading.Thread(target=self._watch)
        self.watcher.start()
        return self

    def __exit__(self, *fault: object) -> None:
        self.running = False
        self.watcher.join()

    def _watch(self) -> None:
        while self.running:
            self.most = max(self.most, _resident())
            time.sleep(LOOK)


def _resident() -> int:
    pages = Path("/proc/self/statm").read_text().split()[1]
    return int(pages) * 4096


def leaves(given: argparse.Namespace):
    """Words, bias, states (none of their own if tied) as leaves, and targets; the same in each process."""
    import torch

    torch.set_num_threads(given.threads)
    torch.manual_seed(0)
    words = (0.02 * torch.randn(given.vocabulary, given.hidden)).requires_grad_()
    bias = torch.zeros(given.vocabulary, requires_grad=True)
    ids, targets = (torch.randint(given.vocabulary, (given.tokens,)) for _ in range(2))
    states = 50 * words.detach()[ids]
    return words, bias, ids if given.tied else states.requires_grad_(), targets


def loss(way: str, words, bias, states, targets):
    """The loss of one way; states that are ids are looked up first."""
    from torch.nn import functional as F

    from erniem_lab.lm_loss import look_up, masked_lm_loss

    tied = not states.is_floating_point()
    if way == "chunked":
        read, scored = look_up(states, words) if tied else (states, words)
        return masked_lm_loss(50 * read if tied else read, scored, bias, targets)
    read = 50 * F.embedding(states, words) if tied else states
    return F.cross_entropy(F.linear(read, words, bias), targets)


def step(way: str, precision: str, given: argparse.Namespace, file: Path) -> None:
    """Print seconds, bytes, loss, and how far from the plain way's results, which it leaves in the file."""
    import torch

    words, bias, states, targets = leaves(given)
    loss(way, words[:2], bias[:2], torch.zeros(1, given.hidden), torch.zeros(1, dtype=torch.long))  # loads modules
    start, busy = time.perf_counter(), time.process_time()
    with Peak() as peak:
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bfloat16"):
            found = loss(way, words, bias, states, targets)
        found.backward()
    seconds, busy = time.perf_counter() - start, time.process_time() - busy
    gradients = [leaf.grad for leaf in (words, bias, states) if leaf.grad is not None]
    extra, results, far = peak.most - peak.before - sum(one.nbytes for one in gradients), [found, *gradients], 0.0
    if way == "plain" and not file.exists():
        torch.save([one.detach() for one in results], file)
    elif way == "chunked":
        far = max(float((a.detach() - b).abs().max()) for a, b in zip(results, torch.load(file), strict=True))
    print(json.dumps({"seconds": seconds, "busy": busy, "bytes": extra, "loss": found.item(), "far": far}))


def measure(precision: str, rounds: int, arguments: list[str]) -> bool:
    """Run both ways in turn and print their medians; whether the goals are met."""
    found: dict[str, list[dict[str, float]]] = {way: [] for way in WAYS}
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(rounds):
            for way in WAYS:
                command = [sys.executable, __file__, *arguments, "--step", way, precision, f"{folder}/plain.pt"]
                found[way].append(json.loads(subprocess.run(command, check=True, capture_output=True).stdout))
    for way, steps in found.items():
        seconds, busy, size = ([one[key] for one in steps] for key in ("seconds", "busy", "bytes"))
        spread = f"{min(busy):.1f} to {max(busy):.1f}"
        times = f"{median(busy):.1f} s of processor time ({spread}), {median(seconds):.1f} s by the clock"
        print(f"{precision} {way}: {times}, {median(size) / 1e6:,.0f} MB extra", flush=True)
    pairs = list(zip(*found.values(), strict=True))
    memory = median(ours["bytes"] / plain["bytes"] for plain, ours in pairs)
    speed = median(plain["busy"] / ours["busy"] for plain, ours in pairs)
    far = max(ours["far"] for _, ours in pairs)
    print(
        f"{precision}: memory 1/{1 / memory:.1f}, speed x{speed:.2f}, loss and gradients differ by {far:.1e} at most",
        flush=True,
    )
    return memory <= MEMORY and speed >= SPEED and (far <= DIFFERENCE or precision != "float32")


def main() -> None:
    """Read the command line; run one step, or all of them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("tokens", 2000), ("vocabulary", 250_002), ("hidden", 768), ("rounds", 3), ("threads", 2)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--tied", action="store_true")
    parser.add_argument("--precisions", nargs="+", choices=PRECISIONS, default=PRECISIONS)
    parser.add_argument("--step", nargs=3, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.step:
        step(given.step[0], given.step[1], given, Path(given.step[2]))
        return
    print(f"{given.tokens:,} tokens, {given.vocabulary:,} entries, {given.hidden} wide, {given.threads} threads")
    met = [measure(precision, given.rounds, sys.argv[1:]) for precision in given.precisions]
    sys.exit(not all(met))


if __name__ == "__main__":
    main()
