"""A pre-training run from its recipe: vocabulary, word vectors to start from, objectives, weights."""

import json
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from erniem_lab.batching import PADDING
from erniem_lab.config import ErnieMConfig
from erniem_lab.corpora.parallel import read_pairs
from erniem_lab.corpora.text import TextPair
from erniem_lab.corpora.world import World
from erniem_lab.errors import FileFaultError, InputValueError
from erniem_lab.heads import ErnieMForMaskedLM
from erniem_lab.pretraining.objectives import OBJECTIVES, hide, loss
from erniem_lab.pretraining.start import aligned_vectors
from erniem_lab.pretraining.store import TextStore, store_texts
from erniem_lab.pretraining.stream import TextStream, sampler
from erniem_lab.pretraining.vocabulary import learn_vocabulary
from erniem_lab.tokenizer import ErnieMTokenizer
from erniem_lab.training import Loss, Plan, train


@dataclass(frozen=True)
class Recipe:
    """Everything that decides a run but the text: read from a TOML file with these tables.

    `objectives` gives the share of steps that each objective gets; `world` the number of pairs that the bundled
    world adds for each language; `aligned_start` takes word vectors from `aligned_vectors`, and `frozen_words` keeps
    them as they are; `pieces` and `coverage` are those of `learn_vocabulary`.
    """

    model: Mapping[str, Any]
    objectives: Mapping[str, float]
    plan: Plan
    pieces: int = 16_000
    coverage: float = 0.9995
    world: int = 0
    longest: int = 64
    tokens: int = 8192
    temperature: float = 0.7
    share: float = 0.15
    aligned_start: bool = True
    frozen_words: bool = False
    threads: int = 2
    precision: str = "bfloat16"

    @classmethod
    def read(cls, path: str | PathLike[str]) -> "Recipe":
        """The recipe in a TOML file.

        Raises:
            FileFaultError: no such file, or not TOML.
            InputValueError: a table or key that no recipe has, or an objective that does not exist.
        """
        try:
            tables = tomllib.loads(Path(path).read_text(encoding="utf-8"))
            recipe = cls(**{**tables.pop("run", {}), **tables, "plan": Plan(**tables.pop("plan"))})
        except (OSError, tomllib.TOMLDecodeError) as fault:
            raise FileFaultError(f"{path}: cannot be read as a TOML recipe: {fault}") from fault
        except (TypeError, KeyError) as fault:
            raise InputValueError(f"{path}: not a recipe: {fault}") from fault
        strange = sorted(set(recipe.objectives) - set(OBJECTIVES))
        if strange:
            raise InputValueError(f"{path}: no objective {', '.join(strange)}; there are {', '.join(OBJECTIVES)}")
        return recipe


def pretrain(
    recipe: Recipe,
    pairs: str | PathLike[str],
    out: str | PathLike[str],
    *,
    start: str | PathLike[str] | None = None,
    progress: bool = True,
) -> Path:
    """Train as the recipe says on the TSV files of a folder; go on from what an earlier call left in `out`.

    Args:
        start: a checkpoint whose vocabulary and weights to begin with; without one, both are made from the text.

    Returns:
        The folder `out/model`, which `from_pretrained` reads.

    Raises:
        FileFaultError: no `*.tsv` or `*.tsv.gz` in the folder.
    """
    torch.set_num_threads(recipe.threads)
    out, texts = Path(out), partial(_texts, recipe, Path(pairs))
    tokenizer = (
        _tokenizer(recipe, texts, out / "tokenizer") if start is None else ErnieMTokenizer.from_pretrained(start)
    )
    store = store_texts(tokenizer, texts(), longest=recipe.longest)
    model = _start(recipe, tokenizer, store) if start is None else ErnieMForMaskedLM.from_pretrained(start)
    model.get_input_embeddings().weight.requires_grad_(not recipe.frozen_words)
    stream = TextStream(store, tokenizer, tokens=recipe.tokens, temperature=recipe.temperature, seed=recipe.plan.seed)
    curve = train(model, StepLoss(recipe, model, stream, tokenizer), recipe.plan, out, progress=progress)
    model.half().save_pretrained(out / "model")
    tokenizer.save_pretrained(out / "model")
    (out / "curve.json").write_text(json.dumps([[step.step, step.loss] for step in curve]))
    return out / "model"


class StepLoss:
    """The loss of a step, by its number: which objective, which pairs, what is hidden."""

    def __init__(
        self, recipe: Recipe, model: ErnieMForMaskedLM, stream: TextStream, tokenizer: ErnieMTokenizer
    ) -> None:
        self.recipe, self.model, self.stream = recipe, model, stream
        self.mask_token_id = tokenizer.mask_token_id
        self.names = list(recipe.objectives)
        shares = np.array([recipe.objectives[name] for name in self.names], dtype=float)
        self.shares = shares / shares.sum()

    def __call__(self, module: nn.Module, step: int) -> Loss:
        """The loss, in nats for each hidden token, of a micro-batch by its number."""
        name = np.random.default_rng([self.recipe.plan.seed, step, 1]).choice(self.names, p=self.shares)
        batch, generator = self.stream[step].batch, sampler(self.recipe.plan.seed, step)
        riddle = hide(batch, OBJECTIVES[name], self.mask_token_id, share=self.recipe.share, generator=generator)
        half = self.recipe.precision == "bfloat16"
        with torch.autocast("cpu", torch.bfloat16, enabled=half):
            return Loss(loss(self.model, riddle).float(), str(name), int((batch.kinds != PADDING).sum()))


def _tokenizer(recipe: Recipe, pairs: Callable[[], Iterator[TextPair]], folder: Path) -> ErnieMTokenizer:
    if not (folder / "vocab.txt").exists():
        texts = (side.text for pair in pairs() for side in (pair.first, pair.second))
        learn_vocabulary(texts, folder, pieces=recipe.pieces, coverage=recipe.coverage)
    return ErnieMTokenizer.from_pretrained(folder, model_max_length=recipe.model["max_position_embeddings"] - 2)


def _texts(recipe: Recipe, folder: Path) -> Iterator[TextPair]:
    files = sorted(folder.glob("??.tsv*"))
    if not files:
        raise FileFaultError(f"{folder}: no files such as fr.tsv or fr.tsv.gz with the columns en and fr")
    for path in files:
        yield from read_pairs(path)
    if recipe.world:
        yield from _world_pairs(recipe.world, recipe.plan.seed)


def _world_pairs(count: int, seed: int) -> Iterator[TextPair]:
    """English with each other language of the bundled world; the training part only."""
    world = World.load()
    for language in (code for code in world.languages if code != "en"):
        for example in world.parallel(["en", language], count, seed):
            first, second = example.sentences
            yield TextPair.of(("en", language), first.text, second.text)


def _start(recipe: Recipe, tokenizer: ErnieMTokenizer, store: TextStore) -> ErnieMForMaskedLM:
    torch.manual_seed(recipe.plan.seed)
    config = ErnieMConfig(**{**recipe.model, "vocab_size": len(tokenizer), "pad_token_id": tokenizer.pad_token_id})
    model = ErnieMForMaskedLM(config)
    if recipe.aligned_start:
        vectors = torch.from_numpy(aligned_vectors(store, config.vocab_size, config.hidden_size, seed=recipe.plan.seed))
        words = model.get_input_embeddings().weight
        with torch.no_grad():
            words.copy_(torch.where(vectors.abs().sum(1, keepdim=True) > 0, vectors.float(), words))
    return model
