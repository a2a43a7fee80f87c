"""A pre-training run: vocabulary, stored text, the start, the objectives in turn, and the model that comes out."""

from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import cast

import numpy as np
from torch import nn

from erniem_lab.batching import PADDING
from erniem_lab.corpora.collect import open_parallel
from erniem_lab.corpora.text import Corpus, TextPair
from erniem_lab.heads import ErnieMForMaskedLM
from erniem_lab.pretraining.begin import make_model, make_tokenizer, world_pairs
from erniem_lab.pretraining.objectives import OBJECTIVES, hide, loss
from erniem_lab.pretraining.recipe import Recipe
from erniem_lab.pretraining.store_files import open_store
from erniem_lab.pretraining.stream import TextStream, sampler
from erniem_lab.tokenizer import ErnieMTokenizer
from erniem_lab.training import Loss, own_device, train


def pretrain(
    recipe: Recipe,
    pairs: Sequence[str | PathLike[str]],
    out: str | PathLike[str],
    *,
    start: str | PathLike[str] | None = None,
    progress: bool = True,
) -> Path:
    """Train as the recipe says; go on from what an earlier call with the same arguments left in `out`.

    Args:
        pairs: files or folders of parallel text, as `open_parallel` reads them.
        out: the run's folder: tokenizer, stored text, start, checkpoints, curve, and `model`.
        start: a checkpoint whose vocabulary and weights to begin with; without one, both are made from the text.

    Returns:
        The folder `out/model`, which `from_pretrained` reads: weights in half precision, and the tokenizer.

    Raises:
        FileFaultError: text that cannot be read, or a folder of another run.
        InputValueError: text that does not fit the recipe.
    """
    out, corpora = Path(out), _corpora(recipe, pairs)
    tokenizer = (
        make_tokenizer(recipe, corpora, out / "tokenizer") if start is None else ErnieMTokenizer.from_pretrained(start)
    )
    store = open_store(tokenizer, corpora, out / "text", longest=recipe.text.longest, progress=progress)
    if start is None:
        model = make_model(recipe, tokenizer, store, out / "start", progress=progress)
    else:
        model = ErnieMForMaskedLM.from_pretrained(start)
    stream = TextStream(
        store, tokenizer, tokens=recipe.text.tokens, temperature=recipe.text.temperature, seed=recipe.plan.seed
    )
    identity = {corpus.name: corpus.fingerprint for corpus in corpora}
    lessons = Lessons(recipe, stream, tokenizer)
    train(model.to(own_device()), lessons, recipe.plan, out, identity=identity, progress=progress)
    model.half().save_pretrained(out / "model")
    tokenizer.save_pretrained(out / "model")
    return out / "model"


class Lessons:
    """The loss of a micro-batch, by its number: which objective, which text, what is hidden."""

    def __init__(self, recipe: Recipe, stream: TextStream, tokenizer: ErnieMTokenizer) -> None:
        self.recipe, self.stream = recipe, stream
        self.mask_token_id = tokenizer.mask_token_id

    def __call__(self, module: nn.Module, number: int) -> Loss:
        """The loss, in nats for each hidden token."""
        name, batch = self.objective(number), self.stream[number].batch
        generator = sampler(self.recipe.plan.seed, number)
        riddle = hide(batch, OBJECTIVES[name], self.mask_token_id, share=self.recipe.share, generator=generator)
        return Loss(loss(cast(ErnieMForMaskedLM, module), riddle), name, int((batch.kinds != PADDING).sum()))

    def objective(self, number: int) -> str:
        """The name of the objective of a micro-batch, drawn among those that have begun."""
        step = number // self.recipe.plan.accumulate
        begun = [name for name in self.recipe.objectives if self.recipe.begins.get(name, 0) <= step]
        shares = np.array([self.recipe.objectives[name] for name in begun], dtype=float)
        draw = np.random.default_rng([self.recipe.plan.seed, number, 1])
        return str(draw.choice(begun, p=shares / shares.sum()))


def _corpora(recipe: Recipe, pairs: Sequence[str | PathLike[str]]) -> list[Corpus[TextPair]]:
    corpora = [open_parallel(path) for path in pairs]
    if recipe.text.languages:
        corpora = [corpus.only(recipe.text.languages) for corpus in corpora]
    return [*corpora, *([world_pairs(recipe.text.world, recipe.plan.seed)] if recipe.text.world else [])]
