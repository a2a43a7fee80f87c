"""A pre-training run: vocabulary, stored text, the start, the objectives in turn, and the model that comes out."""

from collections.abc import Sequence
from functools import partial
from os import PathLike
from pathlib import Path

import numpy as np
import torch
from torch import nn

from erniem_lab.batching import PADDING
from erniem_lab.corpora.collect import open_parallel
from erniem_lab.corpora.text import Corpus, TextPair
from erniem_lab.heads import ErnieMForMaskedLM
from erniem_lab.pretrained import digest
from erniem_lab.pretraining.begin import make_start, world_pairs
from erniem_lab.pretraining.learner import LESSONS, XLCO, Learner
from erniem_lab.pretraining.recipe import Recipe
from erniem_lab.pretraining.store import TextStore
from erniem_lab.pretraining.store_files import open_store
from erniem_lab.pretraining.stream import TextStream, sampler
from erniem_lab.tokenizer import ErnieMTokenizer
from erniem_lab.training import Loss, own_device, processes, train


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
        out: the run's folder: recipe (in `run.json`), tokenizer, stored text, start, checkpoints, curve, and `model`.
        start: a checkpoint whose vocabulary and weights to begin with; without one, both are made from the text.

    Returns:
        The folder `out/model`, which `from_pretrained` reads: weights in half precision, and the tokenizer.

    Raises:
        FileFaultError: text that cannot be read, or a folder of another run.
        InputValueError: text that does not fit the recipe.
    """
    crew, out, corpora = processes(), Path(out), corpora_of(recipe, pairs)
    begin = start or crew.on_first(partial(make_start, recipe, corpora, out, progress=progress))
    tokenizer, model = ErnieMTokenizer.from_pretrained(begin), ErnieMForMaskedLM.from_pretrained(begin)
    stored = partial(open_store, tokenizer, corpora, out / "text", longest=recipe.text.longest, progress=progress)
    lessons = Lessons(recipe, crew.on_first(stored), tokenizer)
    text = {corpus.name: corpus.fingerprint for corpus in corpora}
    identity = {**recipe.deciding(), "corpora": text, "weights": digest(model)}
    train(lessons.learner(model).to(own_device()), lessons, recipe.plan, out, identity=identity, progress=progress)
    crew.on_first(partial(_export, model, tokenizer, out / "model"))
    return out / "model"


def _export(model: ErnieMForMaskedLM, tokenizer: ErnieMTokenizer, folder: Path) -> None:
    model.cpu().half().save_pretrained(folder)
    tokenizer.save_pretrained(folder)


class Lessons:
    """The loss of a micro-batch, by its number: which objective, which text, what is hidden.

    Objectives that learn from single sentences get both sides of the pairs, one by one.
    """

    def __init__(self, recipe: Recipe, store: TextStore, tokenizer: ErnieMTokenizer) -> None:
        self.recipe, self.store, self.tokenizer = recipe, store, tokenizer
        wanted = {LESSONS[name] for name in recipe.objectives}
        self.streams = {count: self._stream(store if count > 1 else store.alone()) for count in wanted}

    def __call__(self, module: nn.Module, number: int) -> Loss:
        """The loss of a learner, in nats for each hidden token."""
        name = self.objective(number)
        sample = self.streams[LESSONS[name]][number].to(next(module.parameters()).device)
        tokens = int((sample.batch.kinds != PADDING).sum())
        return Loss(module(name, sample, sampler(self.recipe.plan.seed, number)), name, tokens)

    def learner(self, model: ErnieMForMaskedLM) -> Learner:
        """What learns: pseudo translations are written in languages that the text has pairs with."""
        pairs = np.unique(self.store.language, axis=0)
        partners = torch.zeros(2 * (len(self.store.languages),), dtype=torch.bool)
        partners[pairs[:, 0], pairs[:, 1]] = partners[pairs[:, 1], pairs[:, 0]] = True
        contrast = XLCO in self.recipe.objectives
        languages, choices = self.store.languages, self.recipe.learner
        return Learner(model, self.tokenizer, languages, choices, partners=partners, contrast=contrast)

    def objective(self, number: int) -> str:
        """The name of the objective of a micro-batch, drawn for its step among those that have begun.

        All micro-batches of a step have the same one: where processes hold parts of a model, they must keep in step.
        """
        step = number // self.recipe.plan.accumulate
        begun = [name for name in self.recipe.objectives if self.recipe.begins.get(name, 0) <= step]
        shares = np.array([self.recipe.objectives[name] for name in begun], dtype=float)
        draw = np.random.default_rng([self.recipe.plan.seed, step, 1])
        return str(draw.choice(begun, p=shares / shares.sum()))

    def _stream(self, store: TextStore) -> TextStream:
        text, seed = self.recipe.text, self.recipe.plan.seed
        return TextStream(store, self.tokenizer, tokens=text.tokens, temperature=text.temperature, seed=seed)


def corpora_of(recipe: Recipe, pairs: Sequence[str | PathLike[str]]) -> list[Corpus[TextPair]]:
    """The text that a recipe learns from, out of files and folders of parallel text and the bundled world."""
    corpora = [open_parallel(path) for path in pairs] if recipe.text.pairs else []
    if recipe.text.languages:
        corpora = [corpus.only(recipe.text.languages) for corpus in corpora]
    if recipe.text.held_out:
        corpora = [corpus.fold(recipe.text.held_out, held_out=False) for corpus in corpora]
    return [*corpora, *([world_pairs(recipe.text.world, recipe.plan.seed)] if recipe.text.world else [])]
