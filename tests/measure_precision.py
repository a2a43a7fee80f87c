"""Measure what a precision costs: cosine to float32, and accuracy of retrieval between languages, in points.

    python tests/measure_precision.py --tatoeba FOLDER [--model FOLDER] [--layer -1] [--sentences 1000] [--start-up]

`--tatoeba` takes files in LASER's form, `tatoeba.xxx-eng.xxx` and `tatoeba.xxx-eng.eng`. Accuracy is the mean of both
ways. `--start-up` prints instead how long importing takes, and loading the model beside reading its file.
"""

import argparse
import resource
import subprocess
import sys
import time
import warnings
from pathlib import Path
from statistics import median

import numpy as np
from measure_mini import tatoeba_pairs

from erniem_lab import MINI, ErnieMModel, ErnieMTokenizer
from erniem_lab.embedding import embed
from erniem_lab.probing import retrieve

LOWER = ("bfloat16", "int8")
ROUNDS = 3


def cosine(one: np.ndarray, two: np.ndarray) -> np.ndarray:
    return (one * two).sum(-1) / np.linalg.norm(one, axis=-1) / np.linalg.norm(two, axis=-1)


def accuracy(sides: list[np.ndarray]) -> float:
    (found,) = retrieve(*(side[None] for side in sides))
    return 50 * (found.forward.value + found.backward.value)


def measure(
    model: ErnieMModel, tokenizer: ErnieMTokenizer, pairs: dict[str, list[tuple[str, str]]], layer: int
) -> None:
    near: dict[str, list[np.ndarray]] = {name: [] for name in LOWER}
    moved: dict[str, list[float]] = {name: [] for name in LOWER}
    for language, sentences in pairs.items():
        vectors = {
            name: [
                embed(model, tokenizer, list(side), layer=layer, precision=name, progress=False)
                for side in zip(*sentences, strict=True)
            ]
            for name in ("float32", *LOWER)
        }
        exact = accuracy(vectors["float32"])
        for name in LOWER:
            near[name] += map(cosine, vectors[name], vectors["float32"])
            moved[name].append(accuracy(vectors[name]) - exact)
        changes = ", ".join(f"{name} {moved[name][-1]:+.2f}" for name in LOWER)
        print(f"{language} (n {len(sentences)}): float32 {exact:.2f} %; in points: {changes}", flush=True)
    for name in LOWER:
        every = np.concatenate(near[name])
        print(
            f"{name}: cosine min {every.min():.6f} mean {every.mean():.6f} (n {len(every)}); "
            f"accuracy {np.mean(moved[name]):+.3f} points in the mean, "
            f"{min(moved[name]):+.2f} to {max(moved[name]):+.2f}"
        )


def seconds(code: str) -> float:
    """User and system time of a new Python, so that other work on the machine counts little."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def start_up(model: str) -> None:
    lines = {"torch": "import torch", "the library": "import torch, erniem_lab",
             "the model's names": "import torch, erniem_lab; erniem_lab.ErnieMModel, erniem_lab.embed"}  # fmt: skip
    taken: dict[str, list[float]] = {name: [] for name in lines}
    for _ in range(ROUNDS):
        for name, line in lines.items():
            taken[name].append(seconds(line))
    print(", ".join(f"import of {name} {median(values):.2f} s" for name, values in taken.items()), flush=True)
    read, loaded = [], []
    for _ in range(ROUNDS):
        start = time.process_time()
        size = sum(len(path.read_bytes()) for path in Path(model).glob("*.safetensors"))
        read.append(time.process_time() - start)
        start = time.process_time()
        sum(float(weight.view(-1)[::512].sum()) for weight in ErnieMModel.from_pretrained(model).parameters())
        loaded.append(time.process_time() - start)
    print(f"reading {size / 1e6:.0f} MB: {median(read):.2f} s of the processor's time")
    print(f"from_pretrained, then every page: {median(loaded):.2f} s, {median(loaded) / median(read):.2f} times that")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tatoeba", type=Path)
    parser.add_argument("--model", default=str(MINI))
    parser.add_argument("--layer", type=int, default=-1)
    parser.add_argument("--sentences", type=int, default=1000, help="of each language")
    parser.add_argument("--languages", nargs="*", help="three letters each; all by default")
    parser.add_argument("--start-up", action="store_true")
    given = parser.parse_args()
    warnings.filterwarnings("ignore", message=".*pooler")
    if given.start_up:
        return start_up(given.model)
    if given.tatoeba is None:
        parser.error("--tatoeba FOLDER is needed")
    pairs = tatoeba_pairs(given.tatoeba)
    chosen = {code: pairs[code][: given.sentences] for code in given.languages or pairs}
    measure(ErnieMModel.from_pretrained(given.model), ErnieMTokenizer.from_pretrained(given.model), chosen, given.layer)
    return None


if __name__ == "__main__":
    main()
