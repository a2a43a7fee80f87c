"""What reading costs as texts grow in number and in length, and as layers and batches grow."""

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tqdm import tqdm

from erniem_lab.bench.contenders import Contender
from erniem_lab.bench.crew import Crew, turned
from erniem_lab.bench.folders import random_checkpoint
from erniem_lab.bench.machine import Machine
from erniem_lab.bench.measurement import Middle, Skipped
from erniem_lab.bench.texts import Texts, of_length, repeated
from erniem_lab.bench.workers import Conditions
from erniem_lab.config import ErnieMConfig
from erniem_lab.errors import InputValueError
from erniem_lab.tokenizer import ErnieMTokenizer

if TYPE_CHECKING:
    import pandas as pd

AXES = {
    "texts": (1_000, 3_000, 10_000, 30_000, 100_000),
    "length (tokens)": (16, 32, 64, 128, 256, 512),
    "layers": (3, 6, 12),
    "batch (texts)": (1, 8, 32, 128),
}
"""What grows, and through which values."""


@dataclass(frozen=True)
class Cost:
    """A contender's seconds, round by round, for `tokens` real tokens at one place of an axis."""

    axis: str
    x: int
    contender: str
    tokens: int
    seconds: tuple[float, ...]

    def rate(self) -> Middle:
        """Tokens per second by the clock."""
        return Middle.of([self.tokens / seconds for seconds in self.seconds])


@dataclass(frozen=True)
class Costs:
    """What one axis, or several, cost each contender in one run."""

    setting: str
    machine: Machine
    points: tuple[Cost, ...]
    skipped: tuple[Skipped, ...]

    def to_frame(self) -> "pd.DataFrame":
        """A row for each number: columns axis, x, contender, measure, unit, value, low, high, n."""
        import pandas as pd

        rows: list[dict[str, Any]] = []
        for one in self.points:
            for measure, unit, found in (("rate", "tokens/s", one.rate()), ("time", "s", Middle.of(one.seconds))):
                names = {"axis": one.axis, "x": one.x, "contender": one.contender, "measure": measure, "unit": unit}
                rows.append({**names, **asdict(found)})
        return pd.DataFrame(rows)

    def to_dict(self) -> dict[str, Any]:
        """Everything, as JSON holds it."""
        return asdict(self)


@dataclass(frozen=True)
class _Place:
    """One value of an axis: a checkpoint and texts, and for the axis of batches how many at a time."""

    axis: str
    x: int
    folder: Path
    texts: Texts
    batch: int | None = None

    def asks(self, one: Contender) -> Contender:
        """The contender with this place's checkpoint, in one process with all of its kind."""
        return replace(one, name=f"{one.name} in {self.folder}", folder=str(self.folder), process=one.kind)

    def size(self, one: Contender) -> int | None:
        """A batch in what a contender counts it in: tokens, or texts."""
        if self.batch is None or one.kind != "ours":
            return self.batch
        return max(1, round(self.batch * self.texts.tokens / len(self.texts.texts)))


def measure_costs(
    axes: Mapping[str, Sequence[int]],
    contenders: Sequence[Contender],
    texts: Sequence[str],
    given: Conditions,
    *,
    progress: bool = True,
) -> Costs:
    """The seconds that contenders take at each value of some of `AXES`, in alternating rounds.

    Along "texts" the given ones are repeated. Along "length (tokens)" they are joined and cut to that length, as far
    as the model reads, as many as make as many tokens together as the given ones. Along "layers" models are random
    ones of the given one's width. Along "batch (texts)" ours takes the tokens that so many texts have on average.

    Raises:
        InputValueError: no such axis, or a value below 1.
    """
    for axis, values in axes.items():
        if axis not in AXES or not values or min(values) < 1:
            raise InputValueError(f"axes: {axis!r}: {list(values)}: give values from 1 for one of {', '.join(AXES)}")
    with tempfile.TemporaryDirectory() as scratch:
        places = [place for axis in axes.items() for place in _places(*axis, texts, given.folder, Path(scratch))]
        asked = dict.fromkeys(place.asks(one) for place in places for one in contenders)
        with Crew(list(asked), given) as crew:
            bar = tqdm(total=(given.rounds + 1) * len(places), unit="point", disable=not progress)
            seconds = _rounds(crew, places, contenders, Path(scratch), given.rounds, bar.update)
        bar.close()
    points = tuple(
        Cost(
            place.axis, place.x, one.name, place.texts.tokens, tuple(seconds[place.asks(one).name, place.axis, place.x])
        )
        for place in places
        for one in contenders
        if place.asks(one).name in crew.workers
    )
    skipped = dict.fromkeys(Skipped(one.contender.partition(" in ")[0], one.why) for one in crew.skipped)
    return Costs(given.folder.name, given.machine, points, tuple(skipped))


def _rounds(
    crew: Crew,
    places: Sequence[_Place],
    contenders: Sequence[Contender],
    scratch: Path,
    rounds: int,
    on_point: Callable[[], object],
) -> dict[tuple[str, str, int], list[float]]:
    """Seconds by contender and place; the first time at each place is for warming up, and left out."""
    seconds: dict[tuple[str, str, int], list[float]] = {}
    files = [place.texts.write(scratch / f"{number}.json") for number, place in enumerate(places)]
    for number in range(-1, rounds):
        for place, file in zip(places, files, strict=True):
            for one in turned(contenders, max(0, number)):
                name = place.asks(one).name
                runs = crew.run(name, file, batch=place.size(one)) if name in crew.workers else []
                if number >= 0:
                    seconds.setdefault((name, place.axis, place.x), []).extend(run.seconds for run in runs)
            on_point()
    return seconds


def _places(axis: str, values: Sequence[int], texts: Sequence[str], folder: Path, scratch: Path) -> list[_Place]:
    tokenizer = ErnieMTokenizer.from_pretrained(folder, model_max_length=10**9)
    config = ErnieMConfig.from_pretrained(folder)
    plain = Texts.of(axis, texts, tokenizer, config.max_length)

    def place(x: int, some: Sequence[str]) -> _Place:
        return _Place(axis, x, folder, Texts.of(axis, some, tokenizer, config.max_length))

    if axis == "texts":
        return [place(x, repeated(texts, x)) for x in values]
    if axis == "batch (texts)":
        return [_Place(axis, x, folder, plain, x) for x in values]
    if axis == "layers":
        width, heads = config.hidden_size, config.num_attention_heads
        made = [random_checkpoint(scratch / f"{x} layers", folder, x, width, heads) for x in values]
        return [_Place(axis, x, one, plain) for x, one in zip(values, made, strict=True)]
    fitting = [x for x in values if x <= config.max_length]
    return [place(x, of_length(texts, tokenizer, x, max(1, plain.tokens // x))) for x in fitting]
