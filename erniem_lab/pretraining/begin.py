"""What a run begins with: a vocabulary, the text as its ids, and a model whose words are already in one space."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import torch

from erniem_lab.config import ErnieMConfig
from erniem_lab.corpora.text import Corpus, TextPair
from erniem_lab.corpora.world import World
from erniem_lab.heads import ErnieMForMaskedLM
from erniem_lab.pretraining.ranking import TranslationRanking
from erniem_lab.pretraining.recipe import Recipe
from erniem_lab.pretraining.start import aligned_vectors, sinusoids
from erniem_lab.pretraining.store import TextStore
from erniem_lab.pretraining.store_files import open_store
from erniem_lab.pretraining.vocabulary import learn_vocabulary
from erniem_lab.tokenizer import ErnieMTokenizer
from erniem_lab.training import Loss, Plan, Processes, train

STILL = 1e-4  # factor of the learning rate of positions that ranking is to leave as they are
UNSEEN = 0.5  # added to each entry's count, so that one that never occurs has a chance above 0


def world_pairs(count: int, seed: int) -> Corpus[TextPair]:
    """English with each other language of the bundled world, `count` times each; the training part only."""
    world = World.load()
    others = [code for code in world.languages if code != "en"]
    examples = ((code, example.sentences) for code in others for example in world.parallel(["en", code], count, seed))
    return Corpus.of("world", (TextPair.of(("en", code), one.text, two.text) for code, (one, two) in examples))


def make_tokenizer(recipe: Recipe, corpora: Iterable[Corpus[TextPair]], folder: Path) -> ErnieMTokenizer:
    """The tokenizer in a folder, learned from the text and written there if it is not there yet."""
    if not (folder / "vocab.txt").exists():
        texts = (side.text for corpus in corpora for pair in corpus for side in (pair.first, pair.second))
        learn_vocabulary(texts, folder, pieces=recipe.vocabulary.pieces, coverage=recipe.vocabulary.coverage)
    longest = ErnieMConfig(**recipe.model).max_position_embeddings - 2
    return ErnieMTokenizer.from_pretrained(folder, model_max_length=longest)


def make_start(recipe: Recipe, corpora: Sequence[Corpus[TextPair]], out: Path, *, progress: bool = True) -> Path:
    """The folder of a checkpoint for a run to begin with; what is in `out` already is not made again.

    Of several processes one makes it, by itself.
    """
    made = out / "start" / "model"
    if not made.exists():
        tokenizer = make_tokenizer(recipe, corpora, out / "tokenizer")
        store = open_store(tokenizer, corpora, out / "text", longest=recipe.text.longest, progress=progress)
        model = make_model(recipe, tokenizer, store, out / "start", progress=progress)
        tokenizer.save_pretrained(made)
        model.save_pretrained(made)
    return made


def make_model(
    recipe: Recipe, tokenizer: ErnieMTokenizer, store: TextStore, folder: Path, *, progress: bool = True
) -> ErnieMForMaskedLM:
    """A model with the recipe's start, on the CPU; `folder` keeps what can be gone on from.

    The bias of the word guesser is the logarithm of each entry's share of the text: so a model that has learnt
    nothing guesses by frequency.
    """
    torch.manual_seed(recipe.plan.seed)
    config = ErnieMConfig(**{**recipe.model, "vocab_size": len(tokenizer), "pad_token_id": tokenizer.pad_token_id})
    model = ErnieMForMaskedLM(config)
    counts = np.bincount(store.ids, minlength=config.vocab_size) + UNSEEN
    with torch.no_grad():
        model.lm_head.bias.copy_(torch.from_numpy(np.log(counts / counts.sum())))
        if recipe.start.positions == "sinusoids":
            table = model.ernie_m.embeddings.position_embeddings.weight
            table.copy_(torch.from_numpy(sinusoids(*table.shape)))
    if recipe.start.words != "random":
        _align(model, store, recipe.plan.seed)
    if recipe.start.words == "ranked":
        ranking = TranslationRanking(
            model.ernie_m.embeddings,
            store,
            tokenizer,
            pairs=recipe.start.pairs,
            temperature=recipe.text.temperature,
            seed=recipe.plan.seed,
        )
        train(ranking, _loss_of, _plan(recipe), folder, crew=Processes(alone=True), progress=progress)
    return model


def _align(model: ErnieMForMaskedLM, store: TextStore, seed: int) -> None:
    """Put aligned vectors in the place of the random ones; entries that never occur keep theirs."""
    words = model.get_input_embeddings().weight
    vectors = torch.from_numpy(aligned_vectors(store, *words.shape, seed=seed)).float()
    with torch.no_grad():
        words.copy_(torch.where(vectors.any(dim=1, keepdim=True), vectors, words))


def _plan(recipe: Recipe) -> Plan:
    start, plan = recipe.start, recipe.plan
    still = {"position_embeddings": STILL} if start.positions == "sinusoids" else {}
    return Plan(
        steps=start.steps,
        peak_rate=start.rate,
        weight_decay=0.0,
        seed=plan.seed,
        save_every=plan.save_every,
        rates=still,
    )


def _loss_of(ranking: torch.nn.Module, number: int) -> Loss:
    return Loss(ranking(number), "ranking")
