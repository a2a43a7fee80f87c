"""All contenders in one run: each warmed up, then measured in rounds whose order is drawn."""

import random
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from erniem_lab.bench.contenders import REFERENCE, Contender
from erniem_lab.bench.material import Texts, random_checkpoint
from erniem_lab.bench.measurement import Comparison, Measurement
from erniem_lab.bench.workers import Conditions, Crew, Run
from erniem_lab.config import ErnieMConfig
from erniem_lab.errors import InputValueError

AXES = {
    "texts": (1_000, 3_000, 10_000, 30_000, 100_000),
    "length (tokens)": (16, 32, 64, 128, 256, 512),
    "layers": (3, 6, 12),
    "batch (texts)": (1, 8, 32, 128),
}
"""What grows, and through which values."""


@dataclass(frozen=True)
class Place:
    """What is read at one point: texts, by which checkpoint, and how many at a time (0: each one's own choice)."""

    texts: Texts
    folder: Path
    axis: str = ""
    x: int = 0
    batch: int = 0


def compare(contenders: Sequence[Contender], texts: Texts, given: Conditions, *, progress: bool = True) -> Comparison:
    """Measure contenders on the same texts; whoever cannot run is named among the skipped ones.

    >>> from erniem_lab import MINI
    >>> from erniem_lab.bench import choose
    >>> given = Conditions(MINI, threads=1, rounds=1)
    >>> found = compare(choose(["hf-sorted"])[1:], Texts("one", ("a",), ((0, 2),)), given, progress=False)
    >>> list(found.skipped)
    ['hf-sorted']
    """
    return _measure(contenders, [Place(texts, given.folder)], texts, given, progress)


def measure_curves(
    axes: Mapping[str, Sequence[int]],
    contenders: Sequence[Contender],
    texts: Texts,
    given: Conditions,
    *,
    progress: bool = True,
) -> Comparison:
    """Measure those contenders that read texts at each value of some of `AXES`; of peers, only those that sort.

    Along "texts" the given ones are repeated. Along "length (tokens)" they are joined and cut to that length, as far
    as the model reads, as many as make as many tokens together as the given ones. Along "layers" models are random
    ones of the given one's width. Along "batch (texts)" ours takes the tokens that so many texts have on average.

    Raises:
        InputValueError: no such axis, or a value below 1.
    """
    for axis, values in axes.items():
        if axis not in AXES or not values or min(values) < 1:
            raise InputValueError(f"axes: {axis!r}: {list(values)}: give values from 1 for one of {', '.join(AXES)}")
    readers = [one for one in contenders if one.kind == "ours" or one.sort]
    with tempfile.TemporaryDirectory() as scratch:
        places = [place for axis in axes.items() for place in _places(*axis, texts, given.folder, Path(scratch))]
        return _measure(readers, places, texts, given, progress)


def choose_axes(asked: Sequence[str]) -> dict[str, tuple[int, ...]]:
    """Axes by the beginnings of their names, or all; with values of one's own after an equals sign.

    Raises:
        InputValueError: no such axis, or values that are no numbers.

    >>> choose_axes(["layers", "len=16,64"])
    {'layers': (3, 6, 12), 'length (tokens)': (16, 64)}
    """
    found: dict[str, tuple[int, ...]] = {}
    for one in asked:
        name, _, values = one.partition("=")
        fits = [axis for axis in AXES if name == "all" or axis.startswith(name)]
        if not fits or not all(value.isdecimal() for value in values.split(",") if values):
            raise InputValueError(f"curves={one!r}: give all, or one of {', '.join(AXES)}, as texts or texts=100,1000")
        found |= {axis: tuple(map(int, values.split(","))) if values else AXES[axis] for axis in fits}
    return found


def _places(axis: str, values: Sequence[int], texts: Texts, folder: Path, scratch: Path) -> Iterator[Place]:
    config = ErnieMConfig.from_pretrained(folder)
    for x in values:
        if axis == "texts":
            times = -(-x // len(texts.texts))
            yield Place(Texts(texts.where, (times * texts.texts)[:x], (times * texts.ids)[:x]), folder, axis, x)
        elif axis == "layers":
            shape = (x, config.hidden_size, config.num_attention_heads)
            yield Place(texts, random_checkpoint(scratch / f"{x} layers", folder, *shape), axis, x)
        elif axis == "batch (texts)":
            yield Place(texts, folder, axis, x, batch=x)
        elif x <= config.max_length:
            yield Place(texts.of_length(x, folder), folder, axis, x)


def _measure(
    contenders: Sequence[Contender], places: Sequence[Place], texts: Texts, given: Conditions, progress: bool
) -> Comparison:
    """Rounds over all places and contenders; the first is for warming up, and for memory and vectors."""
    machine, total = given.machine(), (given.rounds + 1) * len(places) * len(contenders)
    runs: dict[tuple[int, str], list[Run]] = {}
    with (
        tempfile.TemporaryDirectory() as scratch,
        Crew(contenders, given) as crew,
        tqdm(total=total, unit="run", disable=not progress) as bar,
    ):
        folder = Path(scratch)
        files = [place.texts.write(folder / f"{number}.json") for number, place in enumerate(places)]
        for turn in range(given.rounds + 1):
            for number, place in enumerate(places):
                task = {"folder": str(place.folder), "texts": files[number], "batch": place.batch}
                for one in random.Random(turn).sample(contenders, len(contenders)):
                    vectors = "" if turn or place.axis else f"{folder / one.name}.npy"
                    runs.setdefault((number, one.name), []).extend(crew.run(one, {**task, "vectors": vectors}))
                    bar.update()
        found = [
            _measurement(one, place, runs[number, one.name], given.alone, folder)
            for number, place in enumerate(places)
            for one in contenders
            if one.name not in crew.skipped
        ]
    return Comparison(f"{given.folder.name}; {texts}", machine, tuple(found), crew.skipped)


def _measurement(one: Contender, place: Place, runs: Sequence[Run], alone: bool, folder: Path) -> Measurement:
    """The first run's memory and vectors, and the seconds of the others."""
    seconds = tuple(run.seconds for run in runs[1:])
    memory = runs[0].bytes if alone and one.job == "embed" and not place.axis else 0
    files = [folder / f"{name}.npy" for name in (one.name, REFERENCE)]
    found = [torch.from_numpy(np.load(file)).double() for file in files if file.exists()]
    cosine = torch.cosine_similarity(found[0], found[1]).min().item() if len(found) == len(files) else None
    return Measurement(one, place.texts.tokens, seconds, memory, cosine, place.axis, place.x)
