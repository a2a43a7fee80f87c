"""A head that was trained: opened from its folder, or new on an encoder, and put to use."""

import warnings
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from os import PathLike
from typing import Any

import torch

from erniem_lab.config import ErnieMConfig
from erniem_lab.errors import InputTypeError, InputValueError
from erniem_lab.heads import ErnieMHead
from erniem_lab.tasks.choice import Choice
from erniem_lab.tasks.classification import Classification
from erniem_lab.tasks.extraction.learning import Prompts
from erniem_lab.tasks.questions import Questions
from erniem_lab.tasks.scoring import Evaluation, score_features
from erniem_lab.tasks.tagging import Tagging
from erniem_lab.tasks.task import Reading, Task
from erniem_lab.tokenizer import ErnieMTokenizer

TASKS: tuple[type[Any], ...] = (Classification, Choice, Tagging, Questions, Prompts)
NOTE = "erniem_lab"  # the key under which a config's `task_specific_params` tell what a head was trained for
NEW_HEAD = r"(?s).*these are not in the file and are initialised.*"


@dataclass(frozen=True)
class Fitted:
    """A model with a head, and how texts are to be read for it."""

    task: Task[Any, Any]
    model: ErnieMHead
    tokenizer: ErnieMTokenizer
    reading: Reading

    def predict(self, examples: Sequence[Any]) -> tuple[Any, ...]:
        """A prediction for each example, with labels or without: `Text`, `TextPair`, `Sentence`, `OpenQuestion`.

        Raises:
            InputTypeError: examples of another kind.
            InputValueError: a text that is too long.
        """
        features = self.task.features(examples, self.tokenizer, self.reading)
        scores = score_features(self.model, self.task, features, pad_token_id=self.tokenizer.pad_token_id)
        return self.task.predictions(examples, features, scores)

    def ask(self, *texts: str, language: str = "und") -> Any:
        """What the head says of texts that somebody typed; `gold` is None.

        A sentence to tag, a text or a pair to label, a question and its context, or a premise and its choices, of
        which one is the effect.

        Raises:
            InputValueError: another number of texts than the task has, an empty one, or one that is too long.

        >>> from erniem_lab import MINI
        >>> from erniem_lab.corpora.world import World
        >>> from erniem_lab.tasks import Settings, fit
        >>> head = fit(World.load().tagged("en", 8), model=MINI, settings=Settings(steps=1, batch=4), progress=False)
        >>> head.ask("Anna is in Rome.").words
        ('Anna', 'is', 'in', 'Rome', '.')
        """
        return replace(self.predict([self.task.typed(texts, language)])[0], gold=None)

    def evaluate(self, examples: Sequence[Any]) -> Evaluation[Any]:
        """Predictions for examples with labels, and their scores.

        Raises:
            InputTypeError: examples without labels, or of another kind.
            InputValueError: none, unsound ones, or unknown labels.
        """
        return Evaluation(self.task, self.predict(self.task.labelled(examples)))


def task_of(examples: Sequence[Any]) -> Task[Any, Any]:
    """The task that examples are of, by their type.

    Raises:
        InputTypeError: examples of a type that no head here learns from.
        InputValueError: no example.

    >>> from erniem_lab.corpora.examples import ChoiceExample
    >>> task_of([ChoiceExample("en", "Anna is tired.", "effect", ("She sleeps.", "She sings."), 0)]).name
    'choice'
    """
    if not examples:
        raise InputValueError("examples: none; is the file only a header, or the language another one?")
    kind = KINDS.get(type(examples[0]).__name__)
    if kind is None:
        raise InputTypeError(
            f"examples: a {type(examples[0]).__name__} has no label to learn from; accepted are {', '.join(KINDS)}"
        )
    found: Task[Any, Any] = kind.of(examples)
    return found


KINDS: dict[str, type[Any]] = {
    "LabelledText": Classification,
    "LabelledPair": Classification,
    "EntailmentExample": Classification,
    "IntentExample": Classification,
    "ChoiceExample": Choice,
    "TaggedSentence": Tagging,
    "QuestionExample": Questions,
    "ExtractionExample": Prompts,
    "PromptExample": Prompts,
}
"""Which task each type of example is of; intents are tagged with `Tagging.of`."""


def new_head(task: Task[Any, Any], source: str | PathLike[str], *, reading: Reading, seed: int) -> ErnieMHead:
    """The checkpoint's encoder with a head for the task; a head that the checkpoint lacks is drawn from the seed."""
    note = {NOTE: {**task.described(), "reading": asdict(reading)}}
    with torch.random.fork_rng(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", NEW_HEAD, UserWarning)
        torch.manual_seed(seed)
        return task.head.from_pretrained(source, **task.config(), task_specific_params=note)


def open_fitted(source: str | PathLike[str]) -> Fitted:
    """The head in a folder that `fit` wrote, or any checkpoint with a head, its labels named in its config.

    Raises:
        FileFaultError: no checkpoint there.
        InputValueError: a checkpoint without a head.
    """
    config, tokenizer = ErnieMConfig.from_pretrained(source), ErnieMTokenizer.from_pretrained(source)
    note = (getattr(config, "task_specific_params", None) or {}).get(NOTE, {})
    task = _described(config, note, str(source))
    limit = min(config.max_length, tokenizer.model_max_length)
    reading = Reading(**note.get("reading", {"longest": limit, "overlong": "cut"}))
    return Fitted(task, task.head.from_pretrained(source), tokenizer, reading)


def _described(config: ErnieMConfig, note: dict[str, Any], source: str) -> Task[Any, Any]:
    """The task by its note, or by the class of the checkpoint."""
    name, architecture = note.get("task"), (config.architectures or [""])[0]
    kind = next(
        (kind for kind in TASKS if name == kind.name or (not name and architecture == kind.head.__name__)), None
    )
    labels = tuple(config.id2label[number] for number in range(config.num_labels))
    if kind is Classification:
        problem: Any = config.problem_type or ("regression" if len(labels) == 1 else "single_label_classification")
        return Classification(() if problem == "regression" else labels, problem)
    if kind is Tagging:
        return Tagging(labels)
    if kind is Questions:
        return Questions(**{key: note[key] for key in ("no_answer", "threshold", "rules") if key in note})
    if kind is Choice:
        return Choice()
    if kind is Prompts:
        return Prompts(note.get("form", "en")).read_by(config)
    raise InputValueError(f"{source}: a checkpoint of {architecture or 'no named class'} has no head to use; train one")
