"""Where a command's examples come from: files in the field's forms, or the bundled world, by one word for each kind."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from os import PathLike
from pathlib import Path
from typing import Any

from erniem_lab.corpora.choices import read_choices
from erniem_lab.corpora.classification import read_entailment, read_labelled, read_pairs_labelled
from erniem_lab.corpora.examples import LabelledPair, LabelledText
from erniem_lab.corpora.extraction import read_doccano, read_prompts
from erniem_lab.corpora.intents import read_intents
from erniem_lab.corpora.languages import is_language, language_code
from erniem_lab.corpora.questions import read_questions
from erniem_lab.corpora.tagging import read_entities, read_tagged
from erniem_lab.corpora.world import World
from erniem_lab.corpora.world_draw import Split
from erniem_lab.errors import InputValueError
from erniem_lab.tasks.extraction.learning import Prompts
from erniem_lab.tasks.fitted import task_of
from erniem_lab.tasks.tagging import Tagging
from erniem_lab.tasks.task import Task

UNKNOWN = "und"  # ISO 639's code for a language that nobody named
WORLD = "world:"
COUNTS: dict[Split, int] = {"train": 2000, "validation": 300, "test": 500}

Read = Callable[[str | PathLike[str], str], Iterator[Any]]


@dataclass(frozen=True)
class Source:
    """A kind of examples: its reader, the bundled world's examples of that kind ("": none), and the task."""

    read: Read
    world: str = ""
    task: Callable[[Sequence[Any]], Task[Any, Any]] = task_of


def open_examples(kind: str, place: str, split: Split, language: str = "") -> list[Any]:
    r"""The examples of a file, or of the bundled world where the place is "world:en" or "world:en,fr".

    Args:
        kind: one of `SOURCES`.
        split: the part of the world that is drawn from, and by which its number of examples goes.
        language: of the file; otherwise its name or its folder's tells, as in `dev-en.tsv`.

    Raises:
        InputValueError: no such kind, or the world has no such examples; a line that does not fit.
        FileFaultError: no such file, or a damaged one.

    >>> [example.language for example in open_examples("choice", "world:en,sw", "test")][::500]
    ['en', 'sw']
    """
    if kind not in SOURCES:
        raise InputValueError(f"{kind!r}: no such kind of examples; there are {', '.join(SOURCES)}")
    source = SOURCES[kind]
    if not place.startswith(WORLD):
        return list(source.read(place, language or language_of_name(Path(place))))
    if not source.world:
        able = ", ".join(name for name, other in SOURCES.items() if other.world)
        raise InputValueError(f"{place!r}: the bundled world has no {kind}; it has {able}")
    make = getattr(World.load(), source.world)
    codes = place.removeprefix(WORLD).split(",")
    return [example for code in codes for example in make(code, COUNTS[split], seed=0, split=split)]


def task_for(kind: str, examples: Sequence[Any]) -> Task[Any, Any]:
    """The task that a kind of examples is for.

    Raises:
        InputTypeError: examples without labels.
        InputValueError: none, or unsound ones.

    >>> task_for("entities", World.load().tagged("en", 20)).name
    'tagging'
    """
    return SOURCES[kind].task(examples)


def language_of_name(path: Path) -> str:
    """The language that the name of a file, or else of its folder, has as a word; "und" where neither does.

    >>> [language_of_name(Path(name)) for name in ("xnli/dev-en.tsv", "swh/test.tsv", "mine.tsv")]
    ['en', 'sw', 'und']
    """
    words = [*reversed(re.split("[._-]", path.name)), *re.split("[._-]", path.parent.name)]
    return next((language_code(word) for word in words if is_language(word)), UNKNOWN)


def _numbers(read: Read, path: str | PathLike[str], language: str) -> Iterator[Any]:
    """Texts or pairs with numbers for labels."""
    for number, example in enumerate(read(path, language), start=1):
        if not isinstance(example, LabelledText | LabelledPair) or isinstance(example.label, tuple):
            raise InputValueError(f"{path}: example {number} has no number for a label; give each row one")
        try:
            yield replace(example, label=float(example.label))
        except ValueError as fault:
            raise InputValueError(f"{path}: example {number}: label {example.label!r:.40} is no number") from fault


SOURCES: dict[str, Source] = {
    "entailment": Source(read_entailment, "entailment"),
    "pairs": Source(read_pairs_labelled),
    "texts": Source(read_labelled),
    "numbers": Source(partial(_numbers, read_labelled)),
    "pair-numbers": Source(partial(_numbers, read_pairs_labelled)),
    "intents": Source(read_intents),
    "slots": Source(read_intents, task=Tagging.of),
    "entities": Source(read_entities, "tagged", Tagging.of),
    "tags": Source(read_tagged, task=Tagging.of),
    "choice": Source(read_choices, "choices"),
    "questions": Source(read_questions, "questions"),
    "records": Source(read_doccano, "extraction", Prompts.of),
    "prompts": Source(read_prompts, task=Prompts.of),
}
"""The kinds that `erniem-lab finetune` knows, by the word that names them."""
