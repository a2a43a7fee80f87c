"""What reading costs as texts grow in number and in length, and as layers and batches grow."""

import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tqdm import tqdm

from erniem_lab.bench.contenders import Contender
from erniem_lab.bench.crew import Crew
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
    """One value of an axis: a model and texts, and for the axis of batches how many at a time."""

    x: int
    folder: Path
    texts: Texts
    batch: int | None = None


def measure_costs(
    axis: str,
    values: Sequence[int],
    contenders: Sequence[Contender],
    texts: Sequence[str],
    given: Conditions,
    *,
    progress: bool = True,
) -> Costs:
    """The seconds that contenders take at each value of one of `AXES`, in alternating rounds.

    Along "texts" the given ones are repeated; along "length (tokens)" they are joined to that length, as many as make
    as many tokens together as the given ones have; along "layers" models are random ones of the given one's width;
    along "batch (texts)" the reference takes as many tokens as so many texts have on average.

    Raises:
        InputValueError: no such axis, or a value that the model cannot have.
    """
    if axis not in AXES or not values or min(values) < 1:
        raise InputValueError(f"axis={axis!r}, values={list(values)}: give one of {', '.join(AXES)}, and 1 or more")
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        places = _places(axis, values, texts, given.folder, Path(name))
        folders = dict.fromkeys(place.folder for place in places)
        about = [(folder, Conditions(folder, given.machine, given.rounds, given.peer)) for folder in folders]
        crews = {folder: stack.enter_context(Crew(contenders, one)) for folder, one in about}
        bar = stack.enter_context(tqdm(total=(given.rounds + 1) * len(places), unit="point", disable=not progress))
        seconds: dict[tuple[str, int], list[float]] = {}
        for number in range(-1, given.rounds):
            for place in places:
                crew, file = crews[place.folder], place.texts.write(Path(name) / f"{place.x}.json")
                for one in crew.turn(max(0, number)):
                    runs = crew.run(one, file, batch=_batch(crew, one, place))
                    seconds.setdefault((one, place.x), []).extend(run.seconds for run in runs)
                bar.update()
    points = [
        Cost(axis, place.x, one.name, place.texts.tokens, tuple(seconds[one.name, place.x][1:]))
        for place in places
        for one in contenders
        if one.name in crews[place.folder].workers
    ]
    skipped = dict.fromkeys(one for crew in crews.values() for one in crew.skipped)
    return Costs(f"{given.folder.name}", given.machine, tuple(points), tuple(skipped))


def _batch(crew: Crew, name: str, place: _Place) -> int | None:
    """What a contender counts its batches in: tokens, or texts."""
    if place.batch is None or crew.workers[name].contenders[name].kind != "ours":
        return place.batch
    return max(1, round(place.batch * place.texts.tokens / len(place.texts.texts)))


def _places(axis: str, values: Sequence[int], texts: Sequence[str], folder: Path, scratch: Path) -> list[_Place]:
    tokenizer = ErnieMTokenizer.from_pretrained(folder, model_max_length=10**9)
    config = ErnieMConfig.from_pretrained(folder)

    def encoded(some: Sequence[str]) -> Texts:
        return Texts.of(axis, some, tokenizer, config.max_length)

    plain = encoded(texts)
    if axis == "texts":
        return [_Place(x, folder, encoded(repeated(texts, x))) for x in values]
    if axis == "batch (texts)":
        return [_Place(x, folder, plain, x) for x in values]
    if axis == "layers":
        width, heads = config.hidden_size, config.num_attention_heads
        made = [random_checkpoint(scratch / f"layers-{x}", folder, x, width, heads) for x in values]
        return [_Place(x, one, plain) for x, one in zip(values, made, strict=True)]
    fitting = [x for x in values if x <= config.max_length]
    counts = [max(1, plain.tokens // x) for x in fitting]
    long = [of_length(texts, tokenizer, x, count) for x, count in zip(fitting, counts, strict=True)]
    return [_Place(x, folder, encoded(some)) for x, some in zip(fitting, long, strict=True)]
