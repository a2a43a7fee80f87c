"""Which recipe? Retrieval by layer on pairs that a run held out, so that choices need no evaluation set.

    python tests/choose_mini.py RECIPE --pairs FOLDER ... --runs RUN ... [--sentences N]

RECIPE says how much was held out (`text.held_out`); each RUN is the folder of a run of it, or of its start. A pair
counts with the first of its English sentences only, and texts shorter than 20 characters are left out.
"""

import argparse
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from measure_mini import means, retrieval

from erniem_lab import ErnieMForMaskedLM, ErnieMTokenizer
from erniem_lab.corpora.collect import open_parallel
from erniem_lab.pretraining.recipe import Recipe

SHORTEST = 20


def held_out(recipe: Recipe, folders: list[Path], count: int) -> dict[str, list[tuple[str, str]]]:
    """Up to so many pairs of English and each other language."""
    found: dict[str, dict[str, str]] = {}
    for folder in folders:
        for pair in open_parallel(folder).only(recipe.text.languages).fold(recipe.text.held_out, held_out=True):
            if len(pair.first.text) >= SHORTEST:
                found.setdefault(pair.second.language, {}).setdefault(pair.first.text, pair.second.text)
    return {code: list(islice(pairs.items(), count)) for code, pairs in sorted(found.items())}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipe", type=Path)
    parser.add_argument("--pairs", type=Path, nargs="+", required=True)
    parser.add_argument("--runs", type=Path, nargs="+", required=True)
    parser.add_argument("--sentences", type=int, default=300)
    given = parser.parse_args()
    pairs = held_out(Recipe.read(given.recipe), given.pairs, given.sentences)
    print({code: len(rows) for code, rows in pairs.items()})
    for run in given.runs:
        folder = next(path for path in (run / "model", run / "start" / "model") if path.exists())
        model = ErnieMForMaskedLM.from_pretrained(folder, dtype=torch.float32)
        table = retrieval(model, ErnieMTokenizer.from_pretrained(folder), pairs)
        best = int(np.argmax(means(table)))
        print(f"{run}: accuracy@1 by layer {means(table)}")
        print(
            "  ",
            {
                code: round((row["from_en"] + row["to_en"]) / 2, 2)
                for code, rows in table.items()
                for row in [rows[best]]
            },
        )


if __name__ == "__main__":
    main()
