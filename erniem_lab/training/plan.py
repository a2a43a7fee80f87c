"""How long, how fast and in what numbers a module learns: everything that decides a run but its data."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from erniem_lab.errors import InputValueError

PRECISIONS = ("float32", "bfloat16")
SHARDINGS = ("replicate", "shard")

# What may change when a run goes on.
UNDECIDING = ("steps", "save_every", "keep", "sharding", "compile", "gradient_checkpointing")


@dataclass(frozen=True)
class Plan:
    """How to learn: AdamW, linear warm-up to `peak_rate`, linear decay to zero.

    The decay would reach zero at step `horizon`, or at the end of the run where that is 0. `clip` is the longest
    gradient, with infinity for none. A step is made of `accumulate` micro-batches, whose gradients are averaged.
    `precision="bfloat16"` computes under autocast; weights and optimizer stay as they are. Under `torchrun`,
    `sharding="replicate"` gives each process a copy of the module (DDP), `"shard"` a part of it (FSDP). With
    `gradient_checkpointing` layers are computed again instead of being remembered: less memory, more time. A checkpoint
    is saved every `save_every` steps, and the newest `keep` stay. `rates` has factors of the learning rate, by a part
    of a weight's name: `{"word_embeddings": 0.1}` lets words learn ten times more slowly; the first that fits counts.

    Raises:
        InputValueError: a value that no run can follow.
    """

    steps: int
    peak_rate: float = 1e-3
    warmup: int = 0
    weight_decay: float = 0.01
    clip: float = 1.0
    seed: int = 0
    save_every: int = 200
    horizon: int = 0
    accumulate: int = 1
    precision: str = "float32"
    keep: int = 2
    sharding: str = "replicate"
    compile: bool = False
    gradient_checkpointing: bool = False
    rates: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        least = {"steps": 0, "warmup": 0, "seed": 0, "save_every": 1, "accumulate": 1, "keep": 2, "weight_decay": 0}
        for name, bound in least.items():
            if not getattr(self, name) >= bound:
                raise InputValueError(f"{name}={getattr(self, name)!r}: at least {bound} is accepted; change the plan")
        if not (self.clip > 0 and self.peak_rate > 0):
            raise InputValueError(f"clip={self.clip!r}, peak_rate={self.peak_rate!r}: both must be above 0")
        if not all(factor > 0 for factor in self.rates.values()):
            raise InputValueError(
                f"rates={dict(self.rates)!r}: factors are above 0; to keep a weight as it is, set its requires_grad to "
                "False"
            )
        if 0 < self.horizon < self.steps:
            raise InputValueError(
                f"horizon={self.horizon}: the rate would be negative before steps={self.steps}; give 0 or no less"
            )
        if self.precision not in PRECISIONS:
            raise InputValueError(
                f"precision={self.precision!r}: accepted are {PRECISIONS}; float16 would need its gradients "
                "scaled, bfloat16 needs no scaling and is as fast"
            )
        if self.sharding not in SHARDINGS:
            raise InputValueError(f"sharding={self.sharding!r}: accepted are {SHARDINGS}")

    def rate(self, step: int) -> float:
        """The learning rate of a step, counted from 0.

        >>> plan = Plan(steps=10, peak_rate=1.0, warmup=2)
        >>> [plan.rate(step) for step in (0, 1, 2, 9)]
        [0.5, 1.0, 1.0, 0.125]
        """
        if step < self.warmup:
            return self.peak_rate * (step + 1) / self.warmup
        horizon = self.horizon or self.steps
        return self.peak_rate * (horizon - step) / max(1, horizon - self.warmup)

    def factor(self, name: str) -> float:
        """What the learning rate of a weight is multiplied by.

        >>> plan = Plan(steps=1, rates={"word": 0.1})
        >>> plan.factor("embeddings.word.weight"), plan.factor("pooler.weight")
        (0.1, 1.0)
        """
        return next((factor for part, factor in self.rates.items() if part in name), 1.0)

    def deciding(self) -> dict[str, Any]:
        """The values that decide a step's result, which may not change in the middle of a run.

        >>> Plan(steps=10, save_every=5).deciding() == Plan(steps=5, horizon=10).deciding()
        True
        """
        values = {name: value for name, value in asdict(self).items() if name not in UNDECIDING}
        return {**values, "horizon": self.horizon or self.steps}
