"""The progress bar: the loss of each name as a running mean, tokens a second, and the time left."""

from types import TracebackType

from tqdm.auto import tqdm

from erniem_lab.training.curve import Step

MEMORY = 0.95  # of the running means: about the last twenty steps


class Bar:
    """One line on the screen that follows the curve.

    >>> with Bar(done=0, total=2, shown=False) as bar:
    ...     bar.show(Step(0, 3.0, 0.1, 1.5, 64, {"TLM": 3.0}, 0.5))
    ...     bar.show(Step(1, 1.0, 0.1, 1.5, 64, {"TLM": 1.0}, 0.5))
    ...     bar.figures()
    {'TLM': '2.900', 'tokens/s': '128'}
    """

    def __init__(self, *, done: int, total: int, shown: bool) -> None:
        self.bar = tqdm(initial=done, total=total, disable=not shown, unit="step")
        self.losses: dict[str, float] = {}
        self.tokens = self.seconds = 0.0

    def __enter__(self) -> "Bar":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.bar.close()

    def show(self, step: Step) -> None:
        """Take one step further."""
        for name, loss in step.losses.items():
            self.losses[name] = MEMORY * self.losses.get(name, loss) + (1 - MEMORY) * loss
        self.tokens = MEMORY * self.tokens + step.tokens
        self.seconds = MEMORY * self.seconds + step.seconds
        self.bar.set_postfix(self.figures(), refresh=False)
        self.bar.update()

    def figures(self) -> dict[str, str]:
        """What stands beside the bar."""
        speed = {"tokens/s": f"{self.tokens / self.seconds:,.0f}"} if self.tokens and self.seconds else {}
        return {**{name: f"{loss:.3f}" for name, loss in self.losses.items()}, **speed}
