"""Teaching a checkpoint to extract: labelled texts or prompts in, a trained extractor out."""

from collections.abc import Sequence
from os import PathLike
from typing import Any

from erniem_lab.tasks.extraction.learning import Prompts
from erniem_lab.tasks.extraction.schema import PromptForm
from erniem_lab.tasks.fitting import Fit, fit
from erniem_lab.tasks.settings import Settings

UIE = Settings(epochs=100, batch=16, peak_rate=1e-5, warmup=0.0)
"""The settings with which PaddleNLP fine-tunes UIE; they fit a model that extracts already, such as uie-m-base."""


def fit_extraction(
    train_on: Sequence[Any],
    check_on: Sequence[Any] = (),
    *,
    model: str | PathLike[str],
    settings: Settings = UIE,
    form: PromptForm = "en",
    folder: str | PathLike[str] | None = None,
    progress: bool = True,
) -> Fit:
    """Teach a checkpoint to answer prompts, as `fit` does; the weights with the best micro F1 on `check_on` are kept.

    Texts with entities and relations, as of `read_doccano` or the bundled world, become prompts, some without an
    answer (`to_prompts`); prompts, as of `read_prompts`, are taken as they are. Weights of PaddleNLP's uie-m models
    go on reading padding, as they were trained. `InformationExtractor` takes the result's `model` and `tokenizer`, or
    the folder `model` in the run's folder.

    Args:
        form: how relations are asked for.

    Raises:
        InputTypeError: examples of another kind.
        InputValueError: no example, a span that is not in its text or in no token, or a prompt that is too long.
        FileFaultError: no such checkpoint, or a folder of another run.

    >>> from erniem_lab import MINI
    >>> from erniem_lab.corpora.world import World
    >>> examples = World.load().extraction("en", 2)
    >>> fitted = fit_extraction(examples, model=MINI, settings=Settings(steps=1, batch=2), progress=False)
    >>> fitted.task.name
    'extraction'
    """
    return fit(train_on, check_on, model=model, settings=settings, task=Prompts(form), folder=folder, progress=progress)
