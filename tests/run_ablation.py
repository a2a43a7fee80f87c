"""The paper's Table 6 in small: each row of objectives trained with several seeds from one start, and measured.

    python tests/run_ablation.py --pairs FOLDER --tatoeba FOLDER --align FOLDER --out FOLDER [--seeds N ...]

Writes `ablation.csv` into the last folder after each model; what is there already is not done again. Nothing is tuned
on what is measured: every layer is listed.
"""

import argparse
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from measure_mini import tatoeba_pairs
from sklearn.linear_model import LogisticRegression

from erniem_lab import ErnieMModel, ErnieMTokenizer
from erniem_lab.corpora.alignments import read_numbered_links, read_pharaoh
from erniem_lab.corpora.examples import AlignedPair, EntailmentExample
from erniem_lab.corpora.world import World
from erniem_lab.embedding import embed_layers
from erniem_lab.pretraining.ablation import COLUMNS, ROWS
from erniem_lab.pretraining.recipe import Recipe
from erniem_lab.pretraining.run import pretrain
from erniem_lab.probing import retrieve
from erniem_lab.probing.aligners import score_alignment

RECIPE = Path(__file__).parents[1] / "data" / "ablation" / "recipe.toml"
EXAMPLES = 600  # premises and hypotheses of the bundled world, for training in English and for testing in each language
Finding = tuple[str, str, int, float, int, str]  # measure, language, layer, value, n, unit


def recipe(given: argparse.Namespace, seed: int, *changes: str) -> Recipe:
    return Recipe.read(RECIPE, [*given.set, f"plan.seed={seed}", *changes])


def train_row(given: argparse.Namespace, row: str, seed: int) -> Path:
    """The folder of a row's model; all rows of a seed begin at the same start."""
    home = given.out / f"seed-{seed}"
    start = pretrain(recipe(given, seed, "plan.steps=0"), given.pairs, home / "start")
    if not ROWS[row]:
        return start
    shares = ", ".join(f"{name} = {share}" for name, share in ROWS[row].items())
    late = recipe(given, seed).plan.steps // 2  # BTMLM needs what CAMLM has learnt
    changes = [f"objectives={{ {shares} }}", *([f"begins.BTMLM={late}"] if "BTMLM" in ROWS[row] else [])]
    return pretrain(recipe(given, seed, *changes), given.pairs, home / row, start=home / "start" / "start" / "model")


def retrieval(model, tokenizer, folder: Path) -> Iterator[Finding]:
    for language, pairs in tatoeba_pairs(folder).items():
        sides = [embed_layers(model, tokenizer, list(side), progress=False) for side in zip(*pairs, strict=True)]
        for found in retrieve(*sides):
            value = (found.forward.value + found.backward.value) / 2
            yield "tatoeba", language, found.layer, value, found.forward.n, "accuracy@1"


def features(model, tokenizer, examples: list[EntailmentExample]) -> np.ndarray:
    """For each layer and example: both vectors' difference and product (Conneau et al. 2017)."""
    one, two = (embed_layers(model, tokenizer, [getattr(e, side) for e in examples], progress=False)
                for side in ("premise", "hypothesis"))  # fmt: skip
    return np.concatenate([one, two, np.abs(one - two), one * two], axis=2)


def transfer(model, tokenizer, world: World) -> Iterator[Finding]:
    """A linear classifier of entailment on each layer's frozen vectors: trained in English, tested in the others."""
    english = world.entailment("en", EXAMPLES, seed=0)
    trained = features(model, tokenizer, english)
    labels = [example.label for example in english]
    judges = [LogisticRegression(max_iter=300, C=0.1).fit(layer, labels) for layer in trained]
    for language in world.languages:
        examples = world.entailment(language, EXAMPLES, seed=1, split="test")
        for layer, (judge, tested) in enumerate(zip(judges, features(model, tokenizer, examples), strict=True)):
            value = float(judge.score(tested, [example.label for example in examples]))
            yield "transfer", language, layer, value, len(examples), "accuracy"


def gold(folder: Path) -> Iterator[tuple[str, Iterable[AlignedPair]]]:
    for name, links in (("de-en", "alignv2.txt"), ("en-fr", "alignv2.txt"), ("ro-en", "align.txt")):
        one, two = name.split("-")
        texts = (folder / name / f"test.{one}", folder / name / f"test.{two}")
        yield name, read_numbered_links(texts, folder / name / links, (one, two))
    chinese = folder / "awesome_zh-en"
    yield "zh-en", read_pharaoh(chinese / "zhen.src-tgt", chinese / "zhen.gold", ("zh", "en"), start=1)


def alignment(model, tokenizer, folder: Path) -> Iterator[Finding]:
    """Alignment error rate of words that are each other's nearest, by layer (SimAlign's argmax)."""
    for name, examples in gold(folder):
        scores = score_alignment(model, tokenizer, examples, progress=False)
        for aligner, found in zip(scores.aligners, scores.estimates("aer"), strict=True):
            yield "aer", name, aligner.layer, found.value, found.n, "alignment error rate"


def measured(folder: Path, given: argparse.Namespace) -> Iterator[Finding]:
    model, tokenizer = ErnieMModel.from_pretrained(folder, dtype=torch.float32), ErnieMTokenizer.from_pretrained(folder)
    yield from retrieval(model, tokenizer, given.tatoeba)
    yield from alignment(model, tokenizer, given.align)
    yield from transfer(model, tokenizer, World.load())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=Path, nargs="+", required=True)
    for name in ("tatoeba", "align", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--rows", nargs="+", default=list(ROWS), choices=ROWS)
    parser.add_argument("--set", nargs="+", default=[])
    given = parser.parse_args()
    for seed in given.seeds:
        for row in given.rows:
            table = given.out / f"seed-{seed}" / f"{row}.csv"
            if not table.exists():
                findings = pd.DataFrame(measured(train_row(given, row, seed), given), columns=COLUMNS[2:])
                findings.insert(0, "seed", seed)
                findings.insert(0, "row", row)
                findings.to_csv(table, index=False, float_format="%.5f")
    tables = [pd.read_csv(path) for row in ROWS for path in sorted(given.out.glob(f"seed-*/{row}.csv"))]
    pd.concat(tables).to_csv(given.out / "ablation.csv", index=False)


if __name__ == "__main__":
    main()
