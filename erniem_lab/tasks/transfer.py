"""Zero-shot transfer: a head trained in one language, read in others, over several seeds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float

from erniem_lab.errors import InputValueError
from erniem_lab.metrics import Estimate
from erniem_lab.tasks.fitted import Fitted, task_of
from erniem_lab.tasks.fitting import fit
from erniem_lab.tasks.scoring import Evaluation
from erniem_lab.tasks.settings import Settings
from erniem_lab.tasks.task import Task, about

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Transfer:
    """What heads that were trained in `source` score in each language: one evaluation, and one head, for each seed.

    >>> from erniem_lab.tasks.choice import Choice, ChoicePrediction
    >>> right = Evaluation(Choice(), (ChoicePrediction("en", 1, 1, (0.1, 0.9)),) * 4)
    >>> wrong = Evaluation(Choice(), (ChoicePrediction("sw", 0, 1, (0.1, 0.9)),) * 4)
    >>> print(Transfer("en", (0,), {"en": (right,), "sw": (wrong,)}).gap("sw"))
    1.000 [1.000, 1.000], n=4
    """

    source: str
    seeds: tuple[int, ...]
    evaluations: Mapping[str, tuple[Evaluation[Any], ...]]
    heads: tuple[Fitted, ...] = ()

    @property
    def metric(self) -> str:
        """The metric that the task goes by."""
        return self.evaluations[self.source][0].metrics[0]

    def estimate(self, language: str) -> Estimate:
        """The mean score over seeds, with the interval of drawing test items and seeds anew."""
        return _estimate(self._value(language), self._resampled(language, 0), self._count(language))

    def gap(self, language: str) -> Estimate:
        """How much lower the score is than in the training language; the seeds are drawn together, the items apart."""
        lost = self._resampled(self.source, 0) - self._resampled(language, 1)
        return _estimate(self._value(self.source) - self._value(language), lost, self._count(language))

    def to_frame(self) -> "pd.DataFrame":
        """A row for each language: source, language, metric, value, low, high, n, seeds, gap, gap_low, gap_high."""
        import pandas as pd

        rows = []
        for language in self.evaluations:
            one, gap = self.estimate(language), self.gap(language)
            if language == self.source:
                gap = Estimate(0.0, 0.0, 0.0, gap.n)
            about: dict[str, Any] = {
                "source": self.source,
                "language": language,
                "metric": self.metric,
                "seeds": len(self.seeds),
            }
            score = {"value": one.value, "low": one.low, "high": one.high, "n": one.n}
            rows.append({**about, **score, "gap": gap.value, "gap_low": gap.low, "gap_high": gap.high})
        return pd.DataFrame(rows)

    def _value(self, language: str) -> float:
        return float(np.mean([one.value for one in self.evaluations[language]]))

    def _count(self, language: str) -> int:
        return len(self.evaluations[language][0].predictions)

    def _resampled(self, language: str, seed: int) -> Float[np.ndarray, " sample"]:
        """Scores of resamples, each the mean over as many seeds, drawn with replacement."""
        scores = np.stack([one.tally().resampled(seed=seed) for one in self.evaluations[language]], axis=1)
        count = scores.shape[1]
        drawn = np.random.default_rng(0).integers(count, size=(len(scores), count))
        found: np.ndarray = np.take_along_axis(scores, drawn, axis=1).mean(axis=1)
        return found


def transfer(
    train_on: Sequence[Any],
    tests: Mapping[str, Sequence[Any]],
    check_on: Sequence[Any] = (),
    *,
    model: str | PathLike[str],
    source: str = "en",
    settings: Settings | None = None,
    task: Task[Any, Any] | None = None,
    seeds: Sequence[int] = (0, 1, 2),
    folder: str | PathLike[str] | None = None,
    progress: bool = True,
) -> Transfer:
    """Train a head for each seed on one language, and score all of them on the test sets of each language.

    Args:
        tests: labelled examples by language; `source` is among them.
        check_on: the development set, in the training language: choosing weights on others would be no zero shot.
        seeds: of the head's first weights and the order of the examples.
        folder: for a run folder `seed-0` and so on, each as `fit` writes it.

    Raises:
        InputValueError: no seed, no test set in the training language, or unsound examples.

    >>> from erniem_lab import MINI
    >>> from erniem_lab.corpora.world import World
    >>> world, quick = World.load(), Settings(steps=1, batch=4)
    >>> tests = {code: world.choices(code, 4, split="test") for code in ("en", "sw")}
    >>> found = transfer(world.choices("en", 8), tests, model=MINI, settings=quick, seeds=[0], progress=False)
    >>> found.to_frame()["language"].tolist()
    ['en', 'sw']
    """
    if not seeds or source not in tests:
        raise InputValueError(
            f"seeds={list(seeds)}, source={source!r}, tests in {', '.join(tests) or 'no language'}: give one seed or "
            "more, and a test set in the training language"
        )
    with about("train_on"):
        task = task or task_of(train_on)
    for language, examples in tests.items():
        with about(f"tests[{language!r}]"):
            task.labelled(examples)  # now, not after an hour of training
    heads = [
        fit(
            train_on,
            check_on,
            model=model,
            settings=replace(settings or Settings(), seed=seed),
            task=task,
            folder=None if folder is None else Path(folder) / f"seed-{seed}",
            progress=progress,
        )
        for seed in seeds
    ]
    found = {language: tuple(head.evaluate(examples) for head in heads) for language, examples in tests.items()}
    return Transfer(source, tuple(seeds), found, tuple(heads))


def _estimate(value: float, resampled: Float[np.ndarray, " sample"], count: int) -> Estimate:
    low, high = np.percentile(resampled, [2.5, 97.5])
    return Estimate(value, float(low), float(high), count)
