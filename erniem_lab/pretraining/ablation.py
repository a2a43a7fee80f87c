"""Which objectives make languages meet? The rows of the paper's Table 6, and what scores over several seeds say."""

from collections.abc import Mapping
from os import PathLike

import numpy as np
import pandas as pd
from scipy.stats import t as student

from erniem_lab.errors import FileFaultError, InputValueError

ROWS: Mapping[str, Mapping[str, float]] = {
    "start": {},
    "MMLM": {"MMLM": 1.0},
    "MMLM+TLM": {"MMLM": 0.5, "TLM": 0.5},
    "MMLM+CAMLM": {"MMLM": 0.5, "CAMLM": 0.5},
    "MMLM+BTMLM+CAMLM": {"MMLM": 1 / 3, "CAMLM": 1 / 3, "BTMLM": 1 / 3},
    "all four": {"MMLM": 0.25, "TLM": 0.25, "CAMLM": 0.25, "BTMLM": 0.25},
}
"""The rows of Table 6 and the shares of their objectives; "start" is the initialisation without training."""

COLUMNS = ("row", "seed", "measure", "language", "layer", "value", "n", "unit")
LESS_IS_BETTER = ("aer",)
SOURCE = {"transfer": "en"}  # what a measure was trained in: its score there is no transfer
CONFIDENCE = 0.95


def read_scores(path: str | PathLike[str]) -> pd.DataFrame:
    """A file of scores: one line for each row, seed, measure, language and layer, with `value`, `n` and `unit`.

    Raises:
        FileFaultError: no such file, or not such a table.

    >>> import tempfile
    >>> from pathlib import Path
    >>> path = Path(tempfile.mkdtemp()) / "scores.csv"
    >>> path.write_text("row,seed,measure,language,layer,value,n,unit\\nMMLM,0,tatoeba,fr,1,0.5,1000,accuracy@1\\n") > 0
    True
    >>> len(read_scores(path))
    1
    """
    try:
        scores = pd.read_csv(path)
    except (OSError, ValueError) as fault:
        raise FileFaultError(f"{path}: cannot be read as a table of scores: {fault}") from fault
    absent = [name for name in COLUMNS if name not in scores.columns]
    if absent:
        raise FileFaultError(f"{path}: has no column {', '.join(absent)}; wanted are {', '.join(COLUMNS)}")
    return scores


def mean_scores(scores: pd.DataFrame) -> pd.DataFrame:
    """The mean over languages, for each row, seed, measure and layer; the language of training is left out of transfer.

    >>> some = {"row": "MMLM", "seed": 0, "measure": "transfer", "layer": 1}
    >>> values = [("en", 9.0), ("fr", 1.0), ("sw", 2.0)]
    >>> mean_scores(pd.DataFrame([some | {"language": code, "value": value} for code, value in values]))
        row  seed   measure  layer  value
    0  MMLM     0  transfer      1    1.5
    """
    trained = scores["language"] == scores["measure"].map(SOURCE)
    keys = ["row", "seed", "measure", "layer"]
    return scores[~trained].groupby(keys, sort=False)["value"].mean().reset_index()


def best_layers(means: pd.DataFrame) -> pd.DataFrame:
    """What `mean_scores` gave, of each row and measure at one layer: the best in the mean over seeds.

    >>> some = {"row": "MMLM", "seed": 0, "measure": "aer"}
    >>> means = pd.DataFrame([some | {"layer": 0, "value": 0.7}, some | {"layer": 1, "value": 0.4}])
    >>> best_layers(means)["layer"].item()
    1
    """
    by_layer = means.groupby(["row", "measure", "layer"], sort=False)["value"].mean().reset_index()
    merit = by_layer["value"] * _sign(by_layer["measure"])
    chosen = by_layer.loc[merit.groupby([by_layer["row"], by_layer["measure"]], sort=False).idxmax()]
    return means.merge(chosen[["row", "measure", "layer"]], on=["row", "measure", "layer"])


def over_seeds(means: pd.DataFrame) -> pd.DataFrame:
    """The mean over seeds of each row, measure and layer, with its 95 % interval (Student's t) and `n` seeds.

    With one seed there is no interval: `low` and `high` are missing.

    >>> some = {"row": "MMLM", "measure": "tatoeba", "layer": 1}
    >>> over_seeds(pd.DataFrame([some | {"seed": seed, "value": seed / 10} for seed in range(3)])).round(2)
        row  measure  layer  value   low  high  n
    0  MMLM  tatoeba      1    0.1 -0.15  0.35  3
    """
    groups = means.groupby(["row", "measure", "layer"], sort=False)["value"]
    return groups.apply(_interval).unstack().reset_index().astype({"n": int}).rename_axis(None, axis=1)


def differences(means: pd.DataFrame, base: str) -> pd.DataFrame:
    """Each row less a base row, paired by seed: mean, 95 % interval (Student's t), `n` seeds and a verdict.

    The verdict is "better" or "worse" where the interval leaves out 0, and else "within noise".

    Args:
        means: one value for each row, seed and measure, such as `best_layers` leaves.

    Raises:
        InputValueError: no such base, or several values for one row, seed and measure.

    >>> def value(row, seed): return {"row": row, "seed": seed, "measure": "aer", "value": 0.5 - len(row) / 10}
    >>> some = pd.DataFrame([value(row, seed) for row in ("A", "AB") for seed in range(3)])
    >>> differences(some, "A")["verdict"].item()
    'better'
    """
    keys = ["row", "seed", "measure"]
    if base not in set(means["row"]):
        raise InputValueError(f"base={base!r}: no such row; there are {', '.join(dict.fromkeys(means['row']))}")
    if means.duplicated(keys).any():
        raise InputValueError("means: several layers for a row, seed and measure; choose one, as best_layers does")
    bases = means[means["row"] == base][["seed", "measure", "value"]]
    pairs = means[means["row"] != base].merge(bases, on=["seed", "measure"], suffixes=("", "_base"))
    gains = pairs.assign(value=pairs["value"] - pairs["value_base"]).groupby(["row", "measure"], sort=False)["value"]
    found = gains.apply(_interval).unstack().reset_index().astype({"n": int}).rename_axis(None, axis=1)
    return found.assign(verdict=_verdicts(found))


def _interval(values: "pd.Series[float]") -> "pd.Series[float]":
    count, mean = len(values), values.mean()
    half = student.ppf((1 + CONFIDENCE) / 2, count - 1) * values.sem() if count > 1 else np.nan
    return pd.Series({"value": mean, "low": mean - half, "high": mean + half, "n": count})


def _verdicts(found: pd.DataFrame) -> list[str]:
    signs = _sign(found["measure"])
    clear = (found["low"] > 0) | (found["high"] < 0)
    words = np.where(found["value"] * signs > 0, "better", "worse")
    return [str(word) for word in np.where(clear, words, "within noise")]


def _sign(measures: "pd.Series[str]") -> "pd.Series[int]":
    return 1 - 2 * measures.isin(LESS_IS_BETTER)
