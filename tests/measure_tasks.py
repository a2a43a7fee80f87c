"""Measure fine-tuning: each head on the bundled world, English to all, and with `--data` on public files.

    python tests/measure_tasks.py [--model FOLDER] [--data FOLDER] [--only NAME ...] [--seeds N] [--out scores.json]

Each line is a test set: the score with its 95 % interval over examples (and seeds), and the score of a guess that
knows no text. Times are of one process's processor, so that other work on the machine does not count.
"""

import argparse
import json
import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from erniem_lab import MINI
from erniem_lab.corpora import load
from erniem_lab.corpora.examples import Span
from erniem_lab.corpora.world import World
from erniem_lab.tasks import Answer, AnswerPrediction, Evaluation, Settings, Tagging, TagPrediction, transfer

SMALL = Settings(batch=32, peak_rate=1e-3, overlong="cut", longest=128)
LEARNT = {
    "entailment": replace(SMALL, steps=400, check_every=100),
    "tagged": replace(SMALL, steps=100, check_every=50),
    "choices": replace(SMALL, steps=400, check_every=100),
    "questions": replace(SMALL, steps=1600, batch=16, peak_rate=2e-3, check_every=200),
}


@dataclass(frozen=True)
class Trial:
    """What is trained on, what the weights are chosen on, and the test sets by language."""

    name: str
    source: str
    train: Sequence[Any]
    check: Sequence[Any]
    tests: dict[str, Sequence[Any]]
    settings: Settings
    task: Any = None


def world_trial(kind: str, count: int = 6000) -> Trial:
    make = getattr(World.load(), kind)
    tests = {code: make(code, 400, 3, split="test") for code in World.load().languages}
    task = Tagging.of(make("en", 200, 1)) if kind == "tagged" else None
    train, check = make("en", count, 1), make("en", 200, 2, split="validation")
    return Trial(f"world {kind}", "en", train, check, tests, LEARNT[kind], task)


def read(data: Path, name: str, where: str, split: str) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for example in load(name, folder=data / where, split=split):
        found.setdefault(getattr(example, "language", "") or example.sentence.language, []).append(example)
    return found


def halved(data: Path, name: str, where: str, split: str, source: str, settings: Settings) -> Trial:
    """Train and choose on the first half of one language, test on the second half of all: rows are parallel, or not."""
    found = read(data, name, where, split)
    middle = len(found[source]) // 2
    train, check = found[source][: middle - middle // 5], found[source][middle - middle // 5 : middle]
    return Trial(name, source, train, check, {code: rows[len(rows) // 2 :] for code, rows in found.items()}, settings)


def afrisenti(data: Path, settings: Settings) -> Trial:
    folder = data / "sentiment" / "afrisenti"
    train, check, test = (
        list(load("afrisenti", languages=["sw"], folder=folder, split=part)) for part in ("train", "dev", "test")
    )
    return Trial("afrisenti", "sw", train, check, {"sw": test}, settings)


def xcopa(data: Path, settings: Settings) -> Trial:
    """All languages' validation items together, as one language has 100."""
    train = [one for rows in read(data, "xcopa", "xcopa", "val").values() for one in rows]
    tests = read(data, "xcopa", "xcopa", "test")
    return Trial("xcopa", "zh", train, (), {"zh": tests.pop("zh"), **tests}, settings)


REAL: dict[str, Callable[[Path], Trial]] = {
    "panx": lambda data: halved(data, "panx", "ner/panx", "all", "en", replace(SMALL, steps=200, check_every=50)),
    "xnli": lambda data: halved(data, "xnli", "xnli", "dev", "en", replace(SMALL, steps=200, check_every=50)),
    "afrisenti": lambda data: afrisenti(data, replace(SMALL, steps=200, check_every=50)),
    "xcopa": lambda data: xcopa(data, replace(SMALL, steps=200)),
    "xquad": lambda data: halved(
        data, "xquad", "xquad", "all", "en", replace(SMALL, steps=150, batch=16, longest=256, check_every=50)
    ),
}


def guessed(evaluation: Evaluation[Any], train: Sequence[Any]) -> tuple[str, float]:
    """What a guess without reading scores: the most frequent answer, or, for spans and tags, a random one."""
    draw, said = random.Random(0), []
    first = evaluation.predictions[0]
    if isinstance(first, TagPrediction):
        tags = [tag for example in train for tag in example.tags]
        for one in evaluation.predictions:
            said.append(replace(one, said=tuple(draw.choice(tags) for _ in one.words)))
        return "random tags", Evaluation(evaluation.task, tuple(said)).value
    if isinstance(first, AnswerPrediction):
        return "random words", float("nan")
    common = Counter(one.gold for one in evaluation.predictions).most_common(1)[0][0]
    said = [replace(one, said=common) for one in evaluation.predictions]
    return "most frequent label", Evaluation(evaluation.task, tuple(said)).value


def random_spans(examples: Sequence[Any], evaluation: Evaluation[Any]) -> float:
    """The score of as many words as answers have in the mean, anywhere in the context."""
    draw, said = random.Random(0), []
    for example, one in zip(examples, evaluation.predictions, strict=True):
        words = example.context.split() or [example.context]
        start = draw.randrange(len(words))
        text = " ".join(words[start : start + 3])
        said.append(replace(one, answers=(Answer(Span(0, len(text), text), 1.0),)))
    return Evaluation(evaluation.task, tuple(said)).value


def measure(trial: Trial, model: str, seeds: int) -> list[dict[str, Any]]:
    began = time.process_time()
    found = transfer(
        trial.train,
        trial.tests,
        trial.check,
        model=model,
        source=trial.source,
        settings=trial.settings,
        task=trial.task,
        seeds=range(seeds),
        progress=False,
    )
    seconds = time.process_time() - began
    print(f"{trial.name}: {len(trial.train)} examples, {found.metric}, {seeds} seeds, {seconds:.0f} processor seconds")
    rows = []
    for row in found.to_frame().to_dict("records"):
        first = found.evaluations[row["language"]][0]
        guess, value = guessed(first, trial.train)
        if guess == "random words":
            value = random_spans(trial.tests[row["language"]], first)
        better = "above" if row["low"] > value else "NOT above"
        print(f"  {row['language']}: {row['value']:.3f} [{row['low']:.3f}, {row['high']:.3f}] n={row['n']}, "
              f"gap {row['gap']:.3f}; {better} {guess} {value:.3f}", flush=True)  # fmt: skip
        rows.append({"trial": trial.name, **row, "guess": value, "seconds": seconds})
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default=str(MINI))
    parser.add_argument("--data", type=Path)
    parser.add_argument("--only", nargs="*", default=[*LEARNT, *REAL])
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    makers = {kind: partial(world_trial, kind) for kind in LEARNT}
    makers |= {name: partial(make, given.data) for name, make in REAL.items() if given.data}
    rows = [row for name in given.only if name in makers for row in measure(makers[name](), given.model, given.seeds)]
    if given.out:
        given.out.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
