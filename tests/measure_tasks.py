"""Measure fine-tuning: each head on the bundled world, English to all, and with `--data` on public files.

    python tests/measure_tasks.py [--model FOLDER] [--data FOLDER] [--only NAME ...] [--seeds N] [--out scores.json]

Each line is a test set: the score with its 95 % interval over examples (and seeds); the gap to the training language;
and how much more that is than what a guess scores that reads nothing, with the interval of the difference (both on
the same resamples). "The best possible" is the score of a head that says at each token what its label says, and the
more frequent answer where the same input has several. Times are of one process's processor, so that other work on the
machine does not count.
"""

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from guesses import guess

from erniem_lab import MINI, ErnieMTokenizer
from erniem_lab.corpora import load
from erniem_lab.corpora.examples import LabelledText, TaggedSentence
from erniem_lab.corpora.loading import language_of
from erniem_lab.corpora.world import World
from erniem_lab.tasks import PRESETS, Evaluation, Settings, Tagging, Task, Transfer, task_of, transfer

SMALL = Settings(batch=32, peak_rate=1e-3, overlong="cut", longest=128)
ANSWERS = replace(SMALL, batch=8, peak_rate=5e-4, layer_decay=0.9)  # of public files: found by many small steps
LEARNT = {
    "entailment": replace(SMALL, steps=400, check_every=100),
    "kinds": replace(SMALL, steps=200, check_every=50),
    "counts": replace(SMALL, steps=400, check_every=100),
    "tagged": replace(SMALL, steps=100, check_every=50),
    "choices": replace(SMALL, steps=400, check_every=100),
    "questions": replace(PRESETS["small-questions"], longest=128, check_every=250),
}
COUNTS = {"questions": 48_000}  # examples to learn from; 6,000 of the others


@dataclass(frozen=True)
class Trial:
    """What is trained on, what the weights are chosen on, and the test sets by language."""

    name: str
    source: str
    train: Sequence[Any]
    check: Sequence[Any]
    tests: dict[str, Sequence[Any]]
    settings: Settings
    task: Task[Any, Any]


def kinds(sentence: TaggedSentence) -> LabelledText:
    """Several labels for a text: which kinds of thing it names."""
    named = tuple(sorted({tag[2:] for tag in sentence.tags if tag != "O"}))
    return LabelledText(sentence.sentence.language, sentence.sentence.text, named)


def counts(sentence: TaggedSentence) -> LabelledText:
    """A number for a text: how many things it names."""
    named = sum(tag.startswith("B-") for tag in sentence.tags)
    return LabelledText(sentence.sentence.language, sentence.sentence.text, float(named))


def world_trial(kind: str) -> Trial:
    derived = {"kinds": kinds, "counts": counts}.get(kind)
    drawn = getattr(World.load(), "tagged" if derived else kind)

    def make(code: str, n: int, seed: int, split: str = "train") -> list[Any]:
        found = drawn(code, n, seed, split=split)
        return [derived(one) for one in found] if derived else found

    tests = {code: make(code, 400, 3, "test") for code in World.load().languages}
    train, check = make("en", COUNTS.get(kind, 6000), 1), make("en", 200, 2, "validation")
    task = Tagging.of(train) if kind == "tagged" else task_of(train)
    return Trial(f"world {kind}", "en", train, check, tests, LEARNT[kind], task)


def read(data: Path, name: str, where: str, split: str) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for example in load(name, folder=data / where, split=split):
        found.setdefault(language_of(example), []).append(example)
    return found


def halved(
    data: Path, name: str, where: str, split: str, source: str, settings: Settings, *, most: int = 10_000
) -> Trial:
    """Train and choose on the first half of one language, test on the second half of all: rows are parallel, or not.

    Of the other languages, `most` rows at most; of questions, those whose context was not trained on.
    """
    found = read(data, name, where, split)
    middle = len(found[source]) // 2
    train, check = found[source][: middle - middle // 5], found[source][middle - middle // 5 : middle]
    read_before = {getattr(one, "context", "") for one in found[source][:middle]} - {""}
    unread = [n for n, one in enumerate(found[source]) if getattr(one, "context", "") not in read_before]
    later = {code: [n for n in range(len(rows) // 2, len(rows)) if not read_before or n in unread]
             for code, rows in found.items()}  # fmt: skip
    tests = {code: [found[code][n] for n in rows][: None if code == source else most] for code, rows in later.items()}
    return Trial(name, source, train, check, tests, settings, task_of(found[source]))


def afrisenti(data: Path, settings: Settings) -> Trial:
    folder = data / "sentiment" / "afrisenti"
    train, dev, test = (
        list(load("afrisenti", languages=["sw"], folder=folder, split=part)) for part in ("train", "dev", "test")
    )
    return Trial("afrisenti", "sw", [*train, *dev], (), {"sw": test}, settings, task_of(train))


def xcopa(data: Path, settings: Settings) -> Trial:
    """All languages' validation items together, as one language has 100."""
    train = [one for rows in read(data, "xcopa", "xcopa", "val").values() for one in rows]
    return Trial("xcopa", "zh", train, (), dict(read(data, "xcopa", "xcopa", "test")), settings, task_of(train))


REAL: dict[str, Callable[[Path], Trial]] = {
    "panx": lambda data: halved(data, "panx", "ner/panx", "all", "en", replace(SMALL, steps=200, check_every=50)),
    "xnli": lambda data: halved(data, "xnli", "xnli", "dev", "en", replace(SMALL, steps=150, check_every=50), most=300),
    "afrisenti": lambda data: afrisenti(data, replace(SMALL, steps=150, class_weights="balanced")),
    "xcopa": lambda data: xcopa(data, replace(SMALL, steps=100, peak_rate=3e-4)),
    "xquad": lambda data: halved(
        data, "xquad", "xquad", "all", "en", replace(ANSWERS, steps=200, longest=256, check_every=100), most=60
    ),
}


def best_possible(trial: Trial, model: str) -> float:
    """The score, in the training language, of scores that point at the label, the more frequent one of same inputs."""
    examples, tokenizer = trial.task.labelled(trial.tests[trial.source]), ErnieMTokenizer.from_pretrained(model)
    features = trial.task.features(examples, tokenizer, trial.settings.reading(tokenizer.model_max_length))
    same: dict[Any, Counter[Any]] = {}
    inputs = [tuple(tuple(one.ids) for one in feature.encodings) for feature in features]
    for ids, feature in zip(inputs, features, strict=True):
        target = feature.target
        same.setdefault(ids, Counter())[target if isinstance(target, int) else tuple(target)] += 1  # type: ignore[arg-type]
    said = [same[ids].most_common(1)[0][0] for ids in inputs]
    scores = [pointing(trial.task, target, feature.length) for target, feature in zip(said, features, strict=True)]
    return Evaluation(trial.task, trial.task.predictions(examples, features, scores)).value


def pointing(task: Task[Any, Any], target: Any, length: int) -> np.ndarray:
    """Scores that say what the target says."""
    if task.name == "questions":
        return 9.0 * np.stack([np.arange(length) == place for place in target], axis=1)
    if task.name == "tagging":
        return 9.0 * (np.array(target)[:, None] == np.arange(len(task.labels)))  # type: ignore[attr-defined]
    if isinstance(target, int):
        return 9.0 * (np.arange(max(target + 1, 2)) == target)
    return np.array(target) if len(target) == 1 else 9.0 * (2 * np.array(target) - 1)


def resampled(evaluations: Sequence[Evaluation[Any]], metric: str) -> np.ndarray:
    """Scores on resamples of the items, the mean over seeds; the same items for all sets of the same size."""
    return np.mean([one.tally(metric).resampled() for one in evaluations], axis=0)


def measure(trial: Trial, model: str, seeds: int) -> list[dict[str, Any]]:
    began = time.process_time()
    found = transfer(
        trial.train, trial.tests, trial.check, model=model, source=trial.source, settings=trial.settings,
        task=trial.task, seeds=range(seeds), progress=False,
    )  # fmt: skip
    seconds, best = time.process_time() - began, best_possible(trial, model)
    print(f"{trial.name}: {len(trial.train)} examples, {seeds} seeds, {seconds:.0f} processor seconds with reading, "
          f"the best possible {found.metric} {best:.3f} in {trial.source}")  # fmt: skip
    rows = [row for code in trial.tests for row in one_language(trial, found, code)]
    rows += all_languages([row for row in rows if row["metric"] == found.metric])
    for row in rows:
        own, guessed = row.pop("samples"), row.pop("guessed")
        (low, high), (more_low, more_high) = (
            np.percentile(each, [2.5, 97.5]).tolist() for each in (own, own - guessed)
        )
        row |= {"low": low, "high": high, "more_low": more_low, "more_high": more_high}
        row |= {"trial": trial.name, "seeds": seeds, "best": best, "seconds": seconds}
        print(f"  {row['language']}: {row['metric']} {row['value']:.3f} [{low:.3f}, {high:.3f}] n={row['n']}, "
              f"gap {row['gap']:.3f}; {row['value'] - row['guess']:+.3f} [{more_low:+.3f}, {more_high:+.3f}] to "
              f"{row['of']} {row['guess']:.3f}{'' if more_low > 0 else ': NOT above'}", flush=True)  # fmt: skip
    return rows


def one_language(trial: Trial, found: Transfer, code: str) -> Iterator[dict[str, Any]]:
    """A row for each metric."""
    own = found.evaluations[code]
    name, guessed = guess(own[0], trial.tests[code], trial.train)
    for metric in own[0].metrics:
        value, at_home = (np.mean([one.tally(metric).value for one in found.evaluations[each]])
                          for each in (code, trial.source))  # fmt: skip
        samples = {"samples": resampled(own, metric), "guessed": guessed.tally(metric).resampled()}
        about = {"language": code, "metric": metric, "n": len(own[0].predictions), "of": name, **samples}
        yield {**about, "value": float(value), "gap": float(at_home - value), "guess": guessed.tally(metric).value}


def all_languages(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The mean over several languages; translations of an item are drawn together."""
    mean = {name: np.mean([row[name] for row in rows], axis=0) for name in ("samples", "guessed")}
    score = {name: float(np.mean([row[name] for row in rows])) for name in ("value", "gap", "guess")}
    about = {"language": f"mean of {len(rows)}", "metric": rows[0]["metric"], "of": "guesses"}
    return [{**about, "n": sum(row["n"] for row in rows), **score, **mean}] if len(rows) > 1 else []


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
        report = {"command": " ".join(sys.argv), "rows": rows}
        given.out.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
