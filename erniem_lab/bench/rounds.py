"""All contenders in one run: each warmed up, then measured in rounds whose order turns."""

import math
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float
from tqdm import tqdm

from erniem_lab.bench.contenders import JOBS, REFERENCE, Contender
from erniem_lab.bench.crew import Crew
from erniem_lab.bench.measurement import Comparison, Measurement, Skipped
from erniem_lab.bench.texts import Texts
from erniem_lab.bench.workers import Conditions, Run


def compare(contenders: Sequence[Contender], texts: Texts, given: Conditions, *, progress: bool = True) -> Comparison:
    """Measure contenders on the same texts, job by job; within a job in alternating rounds.

    A contender that cannot run is named among the skipped ones, and so is one whose process dies.

    >>> from erniem_lab import MINI
    >>> from erniem_lab.bench import Machine, choose
    >>> given = Conditions(MINI, Machine.here(threads=1), rounds=1)
    >>> found = compare(choose(["hf-sorted"])[1:], Texts("one", ("a",), ((0, 2),)), given, progress=False)
    >>> found.skipped[0].contender
    'hf-sorted'
    """
    measured: list[Measurement] = []
    skipped: list[Skipped] = []
    turns = (given.rounds + 1) * len(contenders)
    with tempfile.TemporaryDirectory() as name, tqdm(total=turns, unit="run", disable=not progress) as bar:
        folder = Path(name)
        texts.write(folder / "texts.json")
        for job in JOBS:
            some = [one for one in contenders if one.job == job]
            with Crew(some, given) as crew:
                runs = _runs(crew, folder, given.rounds, bar.update)
            measured += [_measurement(one, runs[one.name], texts, folder) for one in some if one.name in crew.workers]
            skipped += crew.skipped
    return Comparison(f"{given.folder.name}; {texts}", given.machine, tuple(measured), tuple(skipped))


def _runs(crew: Crew, folder: Path, rounds: int, on_run: Callable[[], object]) -> dict[str, list[Run]]:
    """Runs by contender, the warming-up first."""
    runs: dict[str, list[Run]] = {name: [] for name in crew.workers}
    for number in range(-1, rounds):
        for name in crew.turn(max(0, number)):
            vectors = folder / f"{name}.npy" if number < 0 else None
            runs[name] += crew.run(name, folder / "texts.json", vectors=vectors)
            on_run()
    return runs


def _measurement(contender: Contender, runs: Sequence[Run], texts: Texts, folder: Path) -> Measurement:
    warming, *rounds = runs
    seconds, busy = (tuple(getattr(run, name) for run in rounds) for name in ("seconds", "busy"))
    found, wanted = (folder / f"{name}.npy" for name in (contender.name, REFERENCE))
    same = smallest_cosine(np.load(found), np.load(wanted)) if found.exists() and wanted.exists() else math.nan
    return Measurement(
        contender.job,
        contender.name,
        tokens=texts.tokens,
        seconds=seconds,
        busy=busy,
        memory=max(0, warming.bytes),
        agreement=same,
        accepted=contender.agreement,
    )


def smallest_cosine(one: Float[np.ndarray, "text hidden"], other: Float[np.ndarray, "text hidden"]) -> float:
    """How far the worst text's vector is from what it should be: the cosine of both.

    >>> smallest_cosine(np.eye(2), np.array([[2.0, 0.0], [1.0, 0.0]]))
    0.0
    """
    one, other = one.astype(np.float64), other.astype(np.float64)
    lengths = np.linalg.norm(one, axis=1) * np.linalg.norm(other, axis=1)
    return float(((one * other).sum(axis=1) / lengths).min())
