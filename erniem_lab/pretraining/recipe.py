"""A pre-training run as a file: everything that decides it but the text."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from os import PathLike
from pathlib import Path
from typing import Any, Literal

from erniem_lab.config import ErnieMConfig
from erniem_lab.errors import FileFaultError, InputValueError, MissingExtraError
from erniem_lab.pretraining.learner import LESSONS, Choices
from erniem_lab.training import Plan

FRAME = 4  # [CLS] A [SEP] [SEP] B [SEP]


@dataclass(frozen=True)
class TextChoices:
    """Which text, and how much of it at a time.

    `languages` keeps text of these alone (none named: of all); `held_out` keeps one pair in so many of the files out
    of the training, to make choices on (0: none, see `Corpus.fold`); `world` adds that many pairs of English and each
    other language of the bundled world, from its training part; with `pairs=False` the files are left out, and the
    world is all that is read; a sentence is cut to `longest` tokens; a micro-batch has at most `tokens`, padding
    counted; languages are mixed with `temperature`, as in `TextStream`.
    """

    languages: Sequence[str] = ()
    held_out: int = 0
    world: int = 0
    pairs: bool = True
    longest: int = 64
    tokens: int = 8192
    temperature: float = 0.7


@dataclass(frozen=True)
class VocabularyChoices:
    """What `learn_vocabulary` is asked for."""

    pieces: int = 16_000
    coverage: float = 0.9995


@dataclass(frozen=True)
class StartChoices:
    """Where the weights begin.

    All are random, but `words="aligned"` takes word vectors from `aligned_vectors`, and "ranked" has layer 0, with
    these vectors, learn to find translations (`TranslationRanking`) for `steps` steps of `pairs` pairs at `rate`.
    `positions="sinusoids"` has positions begin as those of Vaswani et al. 2017, so that near ones are alike.
    """

    words: Literal["ranked", "aligned", "random"] = "ranked"
    positions: Literal["sinusoids", "random"] = "random"
    steps: int = 4000
    pairs: int = 1024
    rate: float = 2e-3


@dataclass(frozen=True)
class Recipe:
    """What decides a run but its text; each name is a table, or a value, of the TOML file.

    `model` has values of `ErnieMConfig`; `objectives` the share of micro-batches that each objective gets, by its
    name, and `begins` the step from which it is used, where that is not the first; `learner` what the paper leaves
    open.
    """

    model: Mapping[str, Any]
    objectives: Mapping[str, float]
    plan: Plan
    begins: Mapping[str, int] = field(default_factory=dict)
    text: TextChoices = field(default_factory=TextChoices)
    vocabulary: VocabularyChoices = field(default_factory=VocabularyChoices)
    start: StartChoices = field(default_factory=StartChoices)
    learner: Choices = field(default_factory=Choices)

    def __post_init__(self) -> None:
        """Refuse objectives that do not exist, or that all begin late, and pairs longer than the model.

        Raises:
            InputValueError: such an objective or length.
        """
        strange = sorted({*self.objectives, *self.begins} - set(LESSONS))
        if strange:
            raise InputValueError(f"no objective {', '.join(strange)}; there are {', '.join(LESSONS)}")
        if not any(share > 0 and self.begins.get(name, 0) == 0 for name, share in self.objectives.items()):
            raise InputValueError("objectives: none has a share above 0 from the first step on; give one")
        if not (self.text.pairs or self.text.world):
            raise InputValueError("text.pairs=false, text.world=0: no text is left; give a world of 1 or more")
        pair, room = 2 * self.text.longest + FRAME, ErnieMConfig(**self.model).max_length
        if pair > room:
            raise InputValueError(
                f"text.longest={self.text.longest} gives pairs of up to {pair} tokens, and the model takes {room}: "
                f"give at most {(room - FRAME) // 2}, or model.max_position_embeddings of {pair + 2} or more"
            )

    @classmethod
    def read(cls, path: str | PathLike[str], changes: Sequence[str] = ()) -> "Recipe":
        """The recipe in a TOML file.

        Args:
            changes: values in place of those of the file, such as `plan.steps=100`.

        Raises:
            FileFaultError: no such file, or not TOML.
            InputValueError: a table, key, kind of value or objective that no recipe has.
            MissingExtraError: pydantic is not installed.
        """
        try:
            tables = tomllib.loads(Path(path).read_text(encoding="utf-8"))
        except (OSError, ValueError) as fault:
            raise FileFaultError(f"{path}: cannot be read as a TOML recipe: {fault}") from fault
        for change in changes:
            _put(tables, change)
        return _checked(tables, f"{path} with {', '.join(changes)}" if changes else str(path))

    def deciding(self) -> dict[str, Any]:
        """All tables but the plan, which decides for itself whether a run may go on."""
        return {name: table for name, table in asdict(self).items() if name != "plan"}


def _put(tables: dict[str, Any], change: str) -> None:
    """Set one value, written as `table.key=value` in TOML's way; a bare word is a string."""
    name, equals, text = change.partition("=")
    table, _, key = name.strip().rpartition(".")
    if not (equals and key):
        raise InputValueError(f"{change!r}: a change is written as table.key=value, such as plan.steps=100")
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        value = text.strip()
    if table:
        tables[table] = {**tables.get(table, {}), key: value}
    else:
        tables[key] = value


def _checked(tables: Mapping[str, Any], source: str) -> Recipe:
    try:
        from pydantic import TypeAdapter, ValidationError
    except ImportError as fault:
        raise MissingExtraError("recipes need pydantic: pip install 'erniem-lab[train]'") from fault
    try:
        return TypeAdapter(Recipe).validate_python(tables, extra="forbid")
    except ValidationError as fault:
        found = "; ".join(f"{'.'.join(map(str, error['loc'])) or 'recipe'}: {error['msg']}" for error in fault.errors())
        raise InputValueError(f"{source}: not a recipe: {found}") from fault
