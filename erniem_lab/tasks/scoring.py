"""A head put to use: features through the model, predictions out of it, and their scores by language."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Generic

import numpy as np
import torch
from torch import nn

from erniem_lab.batching import by_length
from erniem_lab.metrics import Confusion, Estimate, Tally, confusion
from erniem_lab.tasks.task import Feature, P, Scores, Task

if TYPE_CHECKING:
    import pandas as pd

BATCH_TOKENS = 4096
READ = ("input_ids", "attention_mask", "position_ids")


@dataclass(frozen=True)
class Evaluation(Generic[P]):
    """The predictions for a set of examples, and their scores.

    >>> from erniem_lab.tasks.choice import Choice, ChoicePrediction
    >>> said = ChoicePrediction("en", 1, 1, (0.1, 0.9)), ChoicePrediction("sw", 0, 1, (0.4, 0.6))
    >>> found = Evaluation(Choice(), said)
    >>> found.value, [row.value for row in found.to_frame().itertuples()]
    (0.5, [1.0, 0.0])
    """

    task: Task[Any, P]
    predictions: tuple[P, ...]

    @property
    def metrics(self) -> tuple[str, ...]:
        """The names of the task's metrics."""
        return tuple(self.task.tallies(self.predictions))

    @property
    def value(self) -> float:
        """The metric that the task goes by, of all predictions."""
        return self.tally().value

    def tally(self, metric: str = "") -> Tally:
        """A metric of all predictions, to be resampled; by default the one that the task goes by."""
        tallies = self.task.tallies(self.predictions)
        return tallies[metric or next(iter(tallies))]

    def estimate(self, metric: str = "") -> Estimate:
        """A metric of all predictions, with its interval over examples."""
        return self.tally(metric).estimate()

    def by_language(self) -> "dict[str, Evaluation[P]]":
        """The predictions of each language, in the order in which languages first occur."""
        parts: dict[str, list[P]] = {}
        for one in self.predictions:
            parts.setdefault(one.language, []).append(one)  # type: ignore[attr-defined]
        return {language: Evaluation(self.task, tuple(found)) for language, found in parts.items()}

    def confusion(self) -> Confusion:
        """Which label was taken for which; of words in tagging. Without a cell where answers are no labels."""
        return confusion(*self.task.sides(self.predictions), getattr(self.task, "labels", ()))

    def to_frame(self) -> "pd.DataFrame":
        """A row for each language and metric: language, metric, value, low, high, n."""
        import pandas as pd

        rows = [
            {"language": language, "metric": metric, **asdict(tally.estimate())}
            for language, part in self.by_language().items()
            for metric, tally in self.task.tallies(part.predictions).items()
        ]
        return pd.DataFrame(rows)

    def lines(self) -> str:
        """The predictions as JSON lines, one for each example."""
        return "".join(json.dumps(asdict(one), ensure_ascii=False) + "\n" for one in self.predictions)  # type: ignore[call-overload]


def score_features(
    module: nn.Module,
    task: Task[Any, Any],
    features: Sequence[Feature],
    *,
    pad_token_id: int = 1,
    batch_tokens: int = BATCH_TOKENS,
) -> list[Scores]:
    """The head's scores of each feature, in order; for tokens, without those of padding."""
    found: list[Scores] = [np.empty(0)] * len(features)
    device, was_training = next(module.parameters()).device, module.training
    module.eval()
    with torch.inference_mode():
        for rows in by_length([feature.length * len(feature.encodings) for feature in features], batch_tokens):
            inputs = task.inputs([features[row] for row in rows], pad_token_id)
            output = module(**{name: inputs[name].to(device) for name in READ})
            scores = task.scores(output).float().cpu().numpy()
            for row, score in zip(rows, scores, strict=True):
                found[row] = score if score.ndim == 1 else score[: features[row].length]
    module.train(was_training)
    return found
