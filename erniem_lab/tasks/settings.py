"""How a head is trained, and the paper's settings for its tasks."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from math import ceil
from typing import Any

from erniem_lab.config import ErnieMConfig
from erniem_lab.errors import InputValueError
from erniem_lab.tasks.task import Reading
from erniem_lab.training import Plan

ENCODERS = ("tuned", "frozen")
BALANCED = "balanced"


@dataclass(frozen=True)
class Settings:
    """How a head learns.

    A step reads `batch` examples, in `accumulate` parts; the run ends after `steps`, or, where that is 0, after
    `epochs`. The rate rises over the share `warmup` of the steps and falls to zero; each layer learns by
    `layer_decay` more slowly than the one above it, as in PaddleNLP. The model is scored on the development set every
    `check_every` steps (0: after each epoch), and training ends when `patience` scores in a row were no better (0:
    never). `class_weights` is "balanced" (a label counts as much as it is rare), or a weight for each label; without,
    all count alike. `encoder="frozen"` trains the head alone, on states that are computed once. Texts are read
    `longest` tokens at a time (0: as many as the model takes), windows share `stride` of them, at most a quarter; see
    `Reading`. For questions, `marking` is the weight of a second loss, by which an early layer learns to mark the
    tokens of a text that its question has too: a help to small models, see `Marking`.

    Raises:
        InputValueError: a value that no run can follow.

    >>> Settings(epochs=2, batch=16).steps_of(100)
    14
    """

    epochs: float | int = 3
    steps: int = 0
    batch: int = 32
    peak_rate: float = 5e-5
    warmup: float = 0.1
    weight_decay: float = 0.01
    layer_decay: float = 1.0
    clip: float = 1.0
    seed: int = 0
    check_every: int = 0
    patience: int = 0
    class_weights: str | Mapping[str, float] = field(default_factory=dict)
    encoder: str = "tuned"
    longest: int = 0
    stride: int = 64
    overlong: str = "refuse"
    accumulate: int = 1
    precision: str = "float32"
    marking: float = 0.0

    def __post_init__(self) -> None:
        least = {"epochs": 0, "steps": 0, "batch": 1, "check_every": 0, "patience": 0, "longest": 0, "stride": 0}
        least["marking"] = 0
        for name, bound in least.items():
            if not getattr(self, name) >= bound:
                raise InputValueError(f"{name}={getattr(self, name)!r}: at least {bound} is accepted")
        if not (0 <= self.warmup <= 1 and 0 < self.layer_decay <= 1):
            raise InputValueError(
                f"warmup={self.warmup!r}, layer_decay={self.layer_decay!r}: shares, from 0 (not for the decay) to 1"
            )
        if self.encoder not in ENCODERS:
            raise InputValueError(f"encoder={self.encoder!r}: accepted are {ENCODERS}")
        if self.marking and self.encoder == "frozen":
            raise InputValueError(f"marking={self.marking!r}: a frozen encoder cannot learn it; give 0, or tune it")
        if self.overlong not in ("refuse", "cut"):
            raise InputValueError(f"overlong={self.overlong!r}: accepted are 'refuse' and 'cut'")
        if isinstance(self.class_weights, str) and self.class_weights != BALANCED:
            raise InputValueError(f"class_weights={self.class_weights!r}: give 'balanced', or a weight for each label")

    def reading(self, limit: int) -> Reading:
        """How texts are read by a model that takes `limit` tokens.

        Raises:
            InputValueError: `longest` is more than that.
        """
        if self.longest > limit:
            raise InputValueError(f"longest={self.longest}: the model takes {limit} tokens; give 0 for these, or less")
        longest = self.longest or limit
        return Reading(longest, min(self.stride, longest // 4), "cut" if self.overlong == "cut" else "refuse")

    def steps_of(self, features: int) -> int:
        """How many steps a run takes."""
        return self.steps or ceil(self.epochs * ceil(features / self.batch))

    def plan(self, features: int, config: ErnieMConfig) -> Plan:
        """The trainer's plan for so many features; a checkpoint is saved wherever the model is scored."""
        steps = self.steps_of(features)
        return Plan(
            steps=steps,
            peak_rate=self.peak_rate,
            warmup=ceil(self.warmup * steps),
            weight_decay=self.weight_decay,
            clip=self.clip,
            seed=self.seed,
            save_every=self.check_steps(features),
            accumulate=self.accumulate,
            precision=self.precision,
            rates=layer_rates(config, self.layer_decay),
        )

    def check_steps(self, features: int) -> int:
        """After how many steps the model is scored, each time."""
        return self.check_every or ceil(features / self.batch)


def layer_rates(config: ErnieMConfig, decay: float) -> dict[str, float]:
    """The factor of each layer's rate: the head 1, the last layer `decay`, and so on; the embeddings are the lowest.

    >>> layer_rates(ErnieMConfig(num_hidden_layers=2), 0.5)
    {'encoder.layers.0.': 0.25, 'encoder.layers.1.': 0.5, 'embeddings.': 0.125}
    """
    if decay == 1:
        return {}
    layers = config.num_hidden_layers
    rates = {f"encoder.layers.{layer}.": decay ** (layers - layer) for layer in range(layers)}
    return {**rates, "embeddings.": decay ** (layers + 1)}


_XNLI = Settings(5, batch=32, peak_rate=5e-5, weight_decay=0.0, layer_decay=0.8, longest=256, overlong="cut")
_MLQA = Settings(2, batch=32, peak_rate=3e-4, weight_decay=0.0, layer_decay=0.8, longest=384, stride=128)
_CONLL = Settings(10, batch=16, peak_rate=3e-4, layer_decay=0.8, longest=512)
PRESETS: dict[str, Settings] = {
    "xnli-transfer-base": _XNLI,
    "xnli-transfer-large": _XNLI,
    "xnli-all-base": replace(_XNLI, epochs=2),
    "xnli-all-large": replace(_XNLI, epochs=1),
    "mlqa-base": _MLQA,
    "mlqa-large": replace(_MLQA, peak_rate=8e-5, layer_decay=0.9),
    "conll-transfer-base": replace(_CONLL, peak_rate=4e-4),
    "conll-transfer-large": replace(_CONLL, peak_rate=4e-4),
    "conll-all-base": _CONLL,
    "conll-all-large": replace(_CONLL, peak_rate=2e-4, layer_decay=0.9),
    "small": Settings(steps=300, batch=32, peak_rate=1e-3, overlong="cut"),
    "small-questions": Settings(steps=1500, batch=32, peak_rate=7e-4, overlong="cut", marking=1.0),
}
"""The paper's settings by task, with the batches of its two GPUs taken together; those that begin with "small" are this
project's own, for the bundled checkpoint and others of its size. MLQA's stride is not in the paper: 128 is BERT's."""


def preset_settings(name: str, changes: Sequence[str] = ()) -> Settings:
    """A preset, with some of its values changed, each as `name=value` in TOML's way.

    Raises:
        InputValueError: no such preset or setting, or a value of another kind.

    >>> preset_settings("small", ["steps=20", "encoder=frozen"]).encoder
    'frozen'
    """
    if name not in PRESETS:
        raise InputValueError(f"preset={name!r}: there are {', '.join(PRESETS)}")
    return replace(PRESETS[name], **dict(_changed(change) for change in changes))


def _changed(change: str) -> tuple[str, Any]:
    key, equals, text = change.partition("=")
    known = asdict(Settings())
    if not equals or key not in known:
        raise InputValueError(f"{change!r}: a change is written as name=value, where name is of {', '.join(known)}")
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        value = text.strip()
    accepted: Any = (str, dict) if key == "class_weights" else type(known[key])
    if isinstance(value, bool) or not isinstance(
        value, (int, float) if accepted is float or key == "epochs" else accepted
    ):
        raise InputValueError(f"{change!r}: a value such as {known[key]!r} is expected")
    return key, float(value) if accepted is float else value
