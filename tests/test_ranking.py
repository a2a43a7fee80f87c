"""Layer 0 as a finder of translations, on a language pair in which word w is translated by word w + 10."""

import numpy as np
import pytest
import torch
from conftest import GOLDEN
from torch import nn

from erniem_lab import ErnieMConfig, ErnieMTokenizer
from erniem_lab.model import ErnieMEmbeddings
from erniem_lab.pretraining.ranking import OFFSET, TranslationRanking
from erniem_lab.pretraining.store import TextStore, edges
from erniem_lab.training import Loss, Plan, train

CONFIG = ErnieMConfig(
    vocab_size=40, hidden_size=16, num_attention_heads=2, max_position_embeddings=34, hidden_dropout_prob=0.0
)


def word_for_word(rows: int = 200, seed: int = 0) -> TextStore:
    """Sentences of five of ten words, and the same in another order and in the other language's words."""
    draw = np.random.default_rng(seed)
    firsts = np.stack([draw.choice(10, 5, replace=False) for _ in range(rows)]) + 10
    ids = np.concatenate([firsts, draw.permuted(firsts, axis=1) + 10], axis=1)
    return TextStore(
        languages=("en", "xx"),
        ids=ids.ravel().astype(np.int32),
        bounds=edges(np.full((rows, 2), 5)),
        language=np.tile([0, 1], (rows, 1)),
        group=np.unique(firsts, axis=0, return_inverse=True)[1].ravel(),
    )


@pytest.fixture(scope="module")
def tokenizer() -> ErnieMTokenizer:
    return ErnieMTokenizer.from_pretrained(GOLDEN / "tokenizer")


def make(tokenizer, **how) -> TranslationRanking:
    torch.manual_seed(0)
    return TranslationRanking(ErnieMEmbeddings(CONFIG), word_for_word(), tokenizer, **{"pairs": 64, **how})


def loss_of(module: nn.Module, number: int) -> Loss:
    return Loss(module(number))


def right(ranking: TranslationRanking) -> float:
    """How many of 60 sentences have their translation nearest."""
    rows = np.unique(ranking.store.group, return_index=True)[1][:60]
    first, second = (ranking.vectors(ranking.sentences(rows, side)) for side in (0, 1))
    return (first @ second.T).argmax(dim=1).eq(torch.arange(60)).float().mean().item()


def test_layer_0_learns_to_find_translations(tokenizer) -> None:
    ranking = make(tokenizer)
    before = right(ranking)
    train(ranking, loss_of, Plan(steps=150, peak_rate=0.02, weight_decay=0.0), progress=False)
    assert before < 0.2
    assert right(ranking) > 0.8


def test_the_vector_of_a_sentence_does_not_depend_on_its_neighbours(tokenizer) -> None:
    ranking = make(tokenizer)
    together = ranking.vectors(ranking.sentences(np.array([3, 4, 5]), 0))
    alone = ranking.vectors(ranking.sentences(np.array([4]), 0))
    assert torch.allclose(together[1], alone[0], atol=1e-6)


def test_a_vector_is_the_mean_of_the_layers_own_states(tokenizer) -> None:
    ranking = make(tokenizer)
    batch = ranking.sentences(np.array([7]), 1)
    states = ranking.embeddings(ranking.embeddings.word_embeddings(batch.input_ids), batch.position_ids)[0]
    expected = nn.functional.normalize(states.mean(dim=0), dim=0)
    assert torch.allclose(ranking.vectors(batch)[0], expected, atol=1e-6)


def test_a_step_is_a_function_of_seed_and_number(tokenizer) -> None:
    one, other = make(tokenizer), make(tokenizer, seed=1)
    assert (one.rows(3) == make(tokenizer).rows(3)).all()
    assert len(one.rows(3)) != len(one.rows(4)) or (one.rows(3) != one.rows(4)).any()
    assert len(one.rows(3)) != len(other.rows(3)) or (one.rows(3) != other.rows(3)).any()


def test_no_two_rivals_have_the_same_first_sentence(tokenizer) -> None:
    ranking = make(tokenizer, pairs=200)
    groups = ranking.store.group[ranking.rows(0)]
    assert len(np.unique(groups)) == len(groups) < 200


def test_sharpness_and_offset_are_used(tokenizer) -> None:
    assert make(tokenizer)(0) != make(tokenizer, sharpness=5.0)(0)
    torch.manual_seed(0)
    plain = ErnieMEmbeddings(CONFIG).position_embeddings.weight
    assert torch.allclose(make(tokenizer).embeddings.position_embeddings.weight, plain + OFFSET)


def test_temperature_decides_how_often_a_small_language_comes(tokenizer) -> None:
    store = word_for_word()
    language = store.language.copy()
    language[:10, 1] = 2
    mixed = TextStore(("en", "xx", "yy"), store.ids, store.bounds, language, np.arange(200))
    shares = [
        np.mean([(mixed.language[ranking.rows(n), 1] == 2).mean() for n in range(40)])
        for t in (0.0, 1.0)
        for ranking in [TranslationRanking(ErnieMEmbeddings(CONFIG), mixed, tokenizer, pairs=16, temperature=t)]
    ]
    assert shares[0] > 3 * shares[1]
