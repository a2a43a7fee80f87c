"""Measure extraction: a head taught on the bundled world in English, read in all its languages.

    python tests/measure_extraction.py [--model FOLDER] [--steps N] [--seed N] [--data LABELLED ...] [--out scores.json]

`--data` takes labelled files instead, prompts or doccano's exports: the last fifth of each is scored, or, of a file of
less than five texts, the texts that were learnt. Each line is a language: the share of right answers among those
given (precision) and among all there are (recall), and the F1 of both, with 95 % intervals over prompts; "the best
possible" is the F1 of a head that marks exactly the tokens of each answer. Times are of one process's processor, so
that other work on the machine does not count.
"""

import argparse
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from erniem_lab import MINI
from erniem_lab.corpora.extraction import read_doccano, read_prompts
from erniem_lab.corpora.world import World
from erniem_lab.tasks import Evaluation, Fit, InformationExtractor, Prompts, Settings, fit_extraction, to_prompts
from erniem_lab.tasks.extraction import names_in, renamed, schema_in, score_extractions

LEARNT = Settings(batch=16, peak_rate=8e-4, layer_decay=0.8, longest=128)
SURE = 20.0  # log-odds


def best_possible(found: Fit, prompts: Sequence[Any]) -> float:
    """The F1 of scores that say at each token what its label says."""
    features = found.task.features(prompts, found.tokenizer, found.reading)
    scores = [SURE * (2 * np.array(one.target).reshape(2, -1).T - 1) for one in features]
    return Evaluation(found.task, found.task.predictions(prompts, features, scores)).value


def told(name: str, found: Evaluation[Any], ceiling: float) -> dict[str, Any]:
    estimates = {metric: found.estimate(metric) for metric in found.metrics}
    parts = ", ".join(f"{metric} {one}" for metric, one in estimates.items())
    print(f"  {name}: {parts}; best possible {ceiling:.3f}", flush=True)
    return {"tests": name, "best": ceiling, **{metric: vars(one) for metric, one in estimates.items()}}


def taught(train: Sequence[Any], check: Sequence[Any], model: str, settings: Settings) -> Fit:
    began = time.process_time()
    found = fit_extraction(train, check, model=model, settings=settings, progress=False)
    seconds = time.process_time() - began
    print(f"{len(train)} prompts, {settings.steps} steps of {settings.batch}: {seconds:.0f} processor seconds")
    return found


def on_world(model: str, settings: Settings, texts: int, tested: int) -> list[dict[str, Any]]:
    """Each language asked in its own words, in those that were learnt, and in these by the schema of all labels."""
    world = World.load()
    learnt, chosen_on = (to_prompts(world.extraction("en", n, seed, split=part))  # type: ignore[arg-type]
                         for n, seed, part in ((texts, 1, "train"), (60, 2, "validation")))  # fmt: skip
    found, rows = taught(learnt, chosen_on, model, settings), []
    said = world.extraction("en", tested, 3, split="test")
    extract = InformationExtractor(found.model, found.tokenizer, schema_in(world.extraction("en", texts, 1)))
    for code in sorted(world.languages, key=lambda code: code != "en"):
        own = world.extraction(code, tested, 3, split="test")
        for words, asked in {"own": own, "en": renamed(own, names_in(own, said))}.items():
            prompts = to_prompts(asked)
            best = best_possible(found, prompts)
            rows.append(told(f"{code}, asked in {words}", found.evaluate(prompts), best))
        scores = score_extractions(extract([one.text for one in asked]), asked)
        rows.append(told(f"{code}, by schema in en", scores, best))
    return rows


def on_file(path: Path, model: str, settings: Settings) -> list[dict[str, Any]]:
    first = path.read_text(encoding="utf-8").partition("\n")[0]
    examples = list((read_prompts if "result_list" in first else read_doccano)(path, "und"))
    held = len(examples) // 5
    task = Prompts.of(examples)
    train, test = map(task.labelled, (examples[:-held], examples[-held:]) if held else (examples, examples))
    found = taught(train, (), model, settings)
    return [told(f"{path.name}, {'held out' if held else 'learnt'}", found.evaluate(test), best_possible(found, test))]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default=str(MINI))
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--texts", type=int, default=4000)
    parser.add_argument("--tested", type=int, default=100)
    parser.add_argument("--rate", type=float, default=LEARNT.peak_rate)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--data", type=Path, nargs="*", default=[])
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    plan = {"steps": given.steps, "check_every": given.steps // 5, "seed": given.seed, "peak_rate": given.rate}
    settings = Settings(**{**vars(LEARNT), **plan})
    rows = [row for path in given.data for row in on_file(path, given.model, settings)]
    rows = rows if given.data else on_world(given.model, settings, given.texts, given.tested)
    if given.out:
        given.out.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
