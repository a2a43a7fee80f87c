"""Sweep every layer of a checkpoint over pairs of languages: retrieval, likeness, geometry; seconds and peak memory.

    python tests/sweep_tatoeba.py --tatoeba FOLDER [--model FOLDER] [--pooling cls] [--out sweep.csv]

`--tatoeba` takes any folder of parallel text with English that `open_parallel` reads, such as LASER's
`tatoeba.xxx-eng.xxx` and `tatoeba.xxx-eng.eng`. `--half` measures again on vectors kept in half precision, and
prints by how much any number of the table changes.
"""

import argparse
import resource
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm import tqdm

from erniem_lab import MINI, ErnieMForMaskedLM, ErnieMTokenizer, probing
from erniem_lab.collecting import embed_languages
from erniem_lab.corpora.collect import open_parallel
from erniem_lab.probing.similarity import MEASURES

PROBED = 200  # texts of each language for the language probe, whose cost is that of all languages together
LEAST = 40  # texts that the geometry needs
Sides = dict[str, np.ndarray]


def read(folder: Path) -> dict[str, list[str]]:
    """English and the other side of each pair, as `en-de` and `de`."""
    sides: dict[str, list[str]] = {}
    for pair in open_parallel(folder):
        code = pair.second.language
        sides.setdefault(f"en-{code}", []).append(pair.first.text)
        sides.setdefault(code, []).append(pair.second.text)
    return sides


def codes(sides: dict[str, list[str]] | Sides) -> list[str]:
    return [name for name in sides if not name.startswith("en-")]


def scores(vectors: Sides) -> Iterator[probing.LayerScores]:
    """Of each pair every measure, and the means over pairs; then of each language, and of all together."""
    hits, alike = [], []
    for code in tqdm(codes(vectors), unit="pair"):
        sides, names = (vectors[f"en-{code}"], vectors[code]), ("en", code)
        hits += probing.find_translations(*sides, languages=names)
        alike += probing.compare(*sides, languages=names, measures=MEASURES)
        yield from (probing.mean_cosine(sides[1], language=code), probing.isoscore(sides[1], language=code))
    yield from (found.scores(way) for found in hits for way in ("forward", "backward"))
    yield from alike
    for rule in probing.RULES:
        yield probing.mean_retrieval([found for found in hits if found.rule == rule])
    for measure in MEASURES:
        yield probing.mean_of_languages([score for score in alike if score.measure == measure])
    own = {code: vectors[code][:, :PROBED] for code in codes(vectors) if vectors[code].shape[1] >= LEAST}
    yield from (*probing.language_share(own), probing.identify_language(own))


def embedded(model, tokenizer, sides: dict[str, list[str]], pooling: str) -> Sides:
    start = time.perf_counter()
    vectors = embed_languages(model, tokenizer, sides, pooling=pooling)
    texts, kept = sum(map(len, sides.values())), sum(one.nbytes for one in vectors.values()) / 1e6
    print(f"{texts:,} sentences, pooling {pooling}: {kept:.0f} MB, {time.perf_counter() - start:.1f} s")
    return vectors


def measured(vectors: Sides) -> pd.DataFrame:
    start = time.perf_counter()
    table = probing.layer_table(scores(vectors))
    print(f"measured in {time.perf_counter() - start:.1f} s; peak memory {peak():.2f} GB")
    return table


def peak() -> float:
    """Gigabytes that the process held at most, on Linux."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


def show(table: pd.DataFrame) -> None:
    """Percent by language and layer."""
    plain = table[(table["measure"] == "plain") & (table["first"] != "all")]
    plain = plain.assign(asked=plain["first"] + " → " + plain["second"])
    print("accuracy@1, plain, %, asked in the first language")
    print((100 * plain.pivot_table(index="asked", columns="layer", values="value")).round(1).to_string())
    print("means over languages, all measures, %")
    means = table[table["first"] == "all"]
    print((100 * means.pivot_table(index="measure", columns="layer", values="value", sort=False)).round(1).to_string())


def compare_with_half(table: pd.DataFrame, vectors: Sides) -> None:
    half = measured({name: one.astype(np.float16) for name, one in vectors.items()})
    moved = (100 * (table["value"] - half["value"]).abs()).groupby([table["measure"], table["first"] == "all"]).max()
    print("largest change by half precision, in points, of single languages (False) and of means over them (True)")
    print(moved.unstack().round(3).to_string())


def main() -> None:
    start = time.perf_counter()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tatoeba", type=Path, required=True)
    parser.add_argument("--model", default=str(MINI))
    parser.add_argument("--pooling", choices=("mean", "cls"), default="mean")
    parser.add_argument("--half", action="store_true")
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    model, tokenizer = ErnieMForMaskedLM.from_pretrained(given.model), ErnieMTokenizer.from_pretrained(given.model)
    sides = read(given.tatoeba)
    vectors = embedded(model, tokenizer, sides, given.pooling)
    table = measured(vectors)
    show(table)
    if given.half:
        compare_with_half(table, vectors)
    if given.out:
        table.to_csv(given.out, index=False, float_format="%.5f")
    took = f"{time.perf_counter() - start:.0f} s in all, {time.process_time():.0f} s of processor time"
    print(f"{len(codes(sides))} pairs of languages, {took}, peak {peak():.2f} GB")


if __name__ == "__main__":
    main()
