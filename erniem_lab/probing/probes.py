"""One linear probe: logistic regression for classes, ridge regression for numbers, by scikit-learn."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
from jaxtyping import Float, Shaped

from erniem_lab.errors import InputValueError, MissingExtraError

if TYPE_CHECKING:
    from sklearn.linear_model import LogisticRegression, Ridge

Centre = Literal["none", "language"]
ROUNDS = 1000  # of the solver, at most
States = Float[np.ndarray, "item hidden"]


@dataclass(frozen=True)
class FittedProbe:
    """A probe that has been trained. States are measured from the training's mean, in its standard deviations."""

    centre: Centre
    mean: Float[np.ndarray, " hidden"]
    deviation: Float[np.ndarray, " hidden"]
    solved: "LogisticRegression | Ridge"

    def predict(self, states: States) -> Shaped[np.ndarray, " item"]:
        """The likeliest class, or the number, of each item."""
        return np.asarray(self.solved.predict(self._ready(states)))

    def chances(self, states: States) -> Float[np.ndarray, "item label"]:
        """The probability of each class, in alphabetical order; not for numbers."""
        return np.asarray(self.solved.predict_proba(self._ready(states)))

    def _ready(self, states: States) -> States:
        mean = _mean(states) if self.centre == "language" else self.mean
        return _standard(states, mean, self.deviation)


@dataclass(frozen=True)
class Probe:
    """How probes are trained.

    Args:
        penalty: on squared weights, beside the summed loss: 1 is scikit-learn's default for both kinds.
        centre: "language" takes the mean of the language that is read off its states, which needs no labels; "none"
            measures all languages from the mean of the one that was trained on.

    Raises:
        InputValueError: a penalty that is not above 0, or no such way to centre.

    >>> probe = Probe().fit(np.array([[0.0], [0.1], [5.0], [5.1]]), np.array(["a", "a", "b", "b"]))
    >>> probe.predict(np.array([[0.2], [4.9]])).tolist()
    ['a', 'b']
    """

    penalty: float = 1.0
    centre: Centre = "none"

    def __post_init__(self) -> None:
        if not self.penalty > 0:
            raise InputValueError(f"penalty={self.penalty}: give a number above 0")
        if self.centre not in get_args(Centre):
            raise InputValueError(f"centre={self.centre!r}: give one of {', '.join(get_args(Centre))}")

    def fit(
        self, states: States, labels: Shaped[np.ndarray, " item"], weights: Float[np.ndarray, " item"] | None = None
    ) -> FittedProbe:
        """Train on labels that are classes (text) or numbers.

        Args:
            weights: how much each item counts; all the same if not given.

        Raises:
            InputValueError: a single class.
            MissingExtraError: scikit-learn is not installed.
        """
        try:
            from sklearn.linear_model import LogisticRegression, Ridge
        except ImportError as fault:
            raise MissingExtraError("probes need scikit-learn: pip install 'erniem-lab[lab]'") from fault
        numbers = are_numbers(labels)
        if not numbers and len(np.unique(labels)) < 2:
            raise InputValueError(f"all {len(labels)} labels are {labels[:1].tolist()}: give items of two classes")
        mean, deviation = _mean(states), np.std(states, axis=0, dtype=np.float64)
        ready = _standard(states, mean, deviation)
        solver = Ridge(alpha=self.penalty) if numbers else LogisticRegression(C=1 / self.penalty, max_iter=ROUNDS)
        return FittedProbe(self.centre, mean, deviation, solver.fit(ready, labels, sample_weight=weights))


PLAIN = Probe()


def are_numbers(labels: Shaped[np.ndarray, " item"]) -> bool:
    """Whether labels are numbers, which are predicted, and not classes, which are told apart.

    >>> are_numbers(np.array([1.5])), are_numbers(np.array(["NOUN"]))
    (True, False)
    """
    return bool(np.issubdtype(labels.dtype, np.number))


def _mean(states: States) -> Float[np.ndarray, " hidden"]:
    return np.asarray(np.mean(states, axis=0, dtype=np.float64))


def _standard(states: States, mean: Float[np.ndarray, " hidden"], deviation: Float[np.ndarray, " hidden"]) -> States:
    """A number that never varies stays 0."""
    return (states - mean) / np.where(deviation > 0, deviation, 1.0)
