"""Fine-tuning: labelled examples and a checkpoint in, a trained head and its history out."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import Tensor, nn

from erniem_lab.config import ErnieMConfig
from erniem_lab.errors import InputValueError
from erniem_lab.files.atomic import write_atomically
from erniem_lab.files.json_file import parse_object
from erniem_lab.metrics import Estimate
from erniem_lab.pretrained import digest
from erniem_lab.tasks.fitted import Fitted, new_head, task_of
from erniem_lab.tasks.frozen import FrozenHead
from erniem_lab.tasks.lessons import Check, EnoughError, Lessons
from erniem_lab.tasks.marking import Marking
from erniem_lab.tasks.questions import Questions
from erniem_lab.tasks.scoring import Evaluation, score_features
from erniem_lab.tasks.settings import Settings
from erniem_lab.tasks.task import Feature, Task, about
from erniem_lab.tokenizer import ErnieMTokenizer
from erniem_lab.training import own_device, processes, train

if TYPE_CHECKING:
    import pandas as pd

DECISIVE = ("batch", "class_weights", "encoder", "check_every", "marking")  # settings that the trainer's plan lacks
MODEL, CHECKS, RECIPE, PREDICTIONS = "model", "checks.json", "recipe.json", "predictions.jsonl"
TRAIN_ON, CHECK_ON = "train_on", "check_on"


@dataclass(frozen=True)
class Fit(Fitted):
    """What `fit` gives: the head with its best weights, and how the score rose."""

    settings: Settings = field(default_factory=Settings)
    checks: tuple[Check, ...] = ()

    def to_frame(self) -> "pd.DataFrame":
        """A row for each check: step, loss, value, low, high, n."""
        import pandas as pd

        return pd.DataFrame([{"step": one.step, "loss": one.loss, **asdict(one.score)} for one in self.checks])


def fit(
    train_on: Sequence[Any],
    check_on: Sequence[Any] = (),
    *,
    model: str | PathLike[str],
    settings: Settings | None = None,
    task: Task[Any, Any] | None = None,
    folder: str | PathLike[str] | None = None,
    progress: bool = True,
) -> Fit:
    """Train a head on labelled examples; the weights that score best on `check_on` are kept.

    Also under `torchrun`, where the processes share each step's micro-batches.

    Args:
        check_on: the development set; without one, the last weights are the best.
        model: a checkpoint to begin with, folder or hub id.
        task: what is learnt; by default what the examples' type says, with the labels that occur.
        folder: for checkpoints, `recipe.json`, `curve.csv`, `checks.json`, the predictions for `check_on`, and
            `model`, which is the best so far at any time. A run that was stopped goes on from there.

    Raises:
        InputTypeError: examples of another kind, of several kinds, or without labels.
        InputValueError: no example, unsound ones, unknown labels, or texts that are too long; all faults are listed.
        FileFaultError: no such checkpoint, or a folder of another run.

    >>> from erniem_lab import MINI
    >>> from erniem_lab.corpora.world import World
    >>> world = World.load()
    >>> train, check = (world.entailment("en", 16, split=split) for split in ("train", "validation"))
    >>> found = fit(train, check, model=MINI, settings=Settings(steps=2, batch=4), progress=False)
    >>> len(found.predict(world.entailment("sw", 3)))
    3
    """
    settings = settings or Settings()
    with about(TRAIN_ON):
        task = task or task_of(train_on)
        learnt = task.labelled(train_on)
    with about(CHECK_ON):
        held_out = task.labelled(check_on) if check_on else ()
    run = _Run(task, settings, str(model), None if folder is None else Path(folder))
    checks = run.learn(learnt, held_out, progress)
    return Fit(run.task, run.net, run.tokenizer, run.reading, settings, tuple(checks))


class _Run:
    """One head on its way: the model, what of it learns, and the best that it has been."""

    def __init__(self, task: Task[Any, Any], settings: Settings, source: str, folder: Path | None) -> None:
        self.settings, self.source, self.folder = settings, source, folder
        self.tokenizer, config = ErnieMTokenizer.from_pretrained(source), ErnieMConfig.from_pretrained(source)
        self.task = task.read_by(config)
        self.reading = settings.reading(min(config.max_length, self.tokenizer.model_max_length))
        self.net = new_head(self.task, source, reading=self.reading, seed=settings.seed).to(own_device())
        self.module = self._module()
        self.best: dict[str, Tensor] = {}
        self.crew = processes()

    def _module(self) -> nn.Module:
        """What learns: the model, the head alone, or the model with marks."""
        if not self.settings.marking:
            return FrozenHead(self.net) if self.settings.encoder == "frozen" else self.net
        if not isinstance(self.task, Questions):
            what = f"marking={self.settings.marking}: that is for questions, and the examples are for {self.task.name}"
            raise InputValueError(f"{what}; leave it out")
        return Marking(self.net, self.settings.marking).to(own_device())

    def learn(self, train_on: Sequence[Any], check_on: Sequence[Any], progress: bool) -> list[Check]:
        """Train, leave the best weights in the model, and write what belongs to the run."""
        with about(TRAIN_ON):
            features = self._features(train_on)
        with about(CHECK_ON):
            held_out = self._features(check_on)
        lessons = Lessons(
            self.task,
            features,
            self.settings,
            pad_token_id=self.tokenizer.pad_token_id,
            scored=(lambda: self._evaluated(check_on, held_out).estimate()) if check_on else None,
            note=self._note,
            checks=self._recovered(),
            progress=progress and self.crew.first,
        )
        plan = self.settings.plan(len(features), self.net.config)
        with lessons.bar:
            try:
                train(
                    self.module,
                    lessons,
                    plan,
                    self.folder,
                    identity=self._identity([*features, *held_out]) if self.folder else {},
                    crew=self.crew,
                    progress=False,
                )
                lessons.begin(plan.steps, last=True)
            except EnoughError:
                pass
        self._finish(lessons.checks)
        if check_on:
            self._write(PREDICTIONS, self._evaluated(check_on, held_out).lines())
        return lessons.checks

    def _features(self, examples: Sequence[Any]) -> list[Feature]:
        return self.task.features(examples, self.tokenizer, self.reading) if examples else []

    def _evaluated(self, examples: Sequence[Any], features: Sequence[Feature]) -> Evaluation[Any]:
        scores = score_features(self.module, self.task, features, pad_token_id=self.tokenizer.pad_token_id)
        return Evaluation(self.task, self.task.predictions(examples, features, scores))

    def _note(self, checks: Sequence[Check], is_best: bool) -> None:
        """Keep the weights, if they are the best so far, and write the recipe and the list of checks."""
        if is_best:
            self.best = {name: value.detach().clone() for name, value in self.module.state_dict().items()}
            self._save_model()
        self._write(RECIPE, self._recipe())
        self._write(CHECKS, json.dumps([asdict(check) for check in checks], indent=1))

    def _recovered(self) -> list[Check]:
        """The checks of a run that goes on."""
        path = None if self.folder is None else self.folder / CHECKS
        if path is None or not path.is_file():
            return []
        found = parse_object(f'{{"checks": {path.read_text(encoding="utf-8")}}}', path, "list of checks")["checks"]
        return [Check(one["step"], one["loss"], Estimate(**one["score"])) for one in found]

    def _finish(self, checks: Sequence[Check]) -> None:
        """Give the model its best weights: its last where nothing was scored, its folder's where the run went on."""
        if not checks:
            self._save_model()
        elif self.best:
            self.module.load_state_dict(self.best)
        elif self.folder is not None:
            self.net.load_state_dict(self.task.head.from_pretrained(self.folder / MODEL).state_dict())
        self.net.eval()

    def _save_model(self) -> None:
        if self.folder is not None and self.crew.first:
            self.net.save_pretrained(self.folder / MODEL)
            self.tokenizer.save_pretrained(self.folder / MODEL)

    def _write(self, name: str, text: str) -> None:
        if self.folder is not None and self.crew.first:
            write_atomically(self.folder / name, lambda file: file.write(text.encode("utf-8", "surrogatepass")))

    def _recipe(self) -> str:
        about = {"model": self.source, "task": self.task.described(), "labels": getattr(self.task, "labels", ())}
        return json.dumps({**about, "settings": asdict(self.settings)}, indent=2, ensure_ascii=False)

    def _identity(self, features: Sequence[Feature]) -> dict[str, str]:
        """What decides the results beside the plan: settings, the text as ids with labels, the first weights."""
        text = hashlib.sha256()
        for feature in features:
            text.update(repr(([one.ids for one in feature.encodings], feature.target)).encode())
        decided = {name: getattr(self.settings, name) for name in DECISIVE}
        return {"settings": json.dumps(decided), "text": text.hexdigest(), "weights": digest(self.net)}
