"""Who may read whom: the tables say what the paper's figures draw, and no answer leaks, in the table or the model."""

import pytest
import torch

from erniem_lab.batching import KINDS, Batch, Role, collate, kind
from erniem_lab.config import ErnieMConfig
from erniem_lab.encoding import Encoding
from erniem_lab.errors import InputValueError
from erniem_lab.heads import ErnieMForMaskedLM
from erniem_lab.losses import IGNORED
from erniem_lab.pretraining import CAMLM, MMLM, OBJECTIVES, TLM, ReadingTable, hide, leaks, loss, secrets

MASK_ID = 19
EACH = pytest.mark.parametrize("objective", OBJECTIVES.values(), ids=OBJECTIVES)


def encoding(first: list[int], second: list[int]) -> Encoding:
    ids = [0, *first, 2, 2, *second, 2]
    special = [token in (0, 2) for token in ids]
    sentence = [0] * (len(first) + 2) + [1] * (len(second) + 2)
    return Encoding(ids=ids, offsets=[(0, 0)] * len(ids), sentence=sentence, special=special)


@pytest.fixture
def pairs() -> Batch:
    return collate([encoding([5, 6, 7, 8], [9, 10, 11]), encoding([12, 13], [14, 15, 16, 17, 18])])


@pytest.fixture
def model() -> ErnieMForMaskedLM:
    torch.manual_seed(0)
    config = ErnieMConfig(20, 16, 3, 2, 32, max_position_embeddings=40, initializer_range=0.5)
    return ErnieMForMaskedLM(config).double().eval()


def seeded(number: int) -> torch.Generator:
    return torch.Generator().manual_seed(number)


def test_camlm_reads_as_the_papers_figure_draws():
    """x1 x2 M2 x3 | y4 y5 M5 y6 M6 y7, the sequence of figures 2 and 4."""
    first, second = [1, 2, 3, 1], [4, 5, 6, 5, 6, 4]  # kinds: plain, hidden, mask of each sentence
    kinds = torch.tensor([[*first, *second]])
    reads = CAMLM.table.mask(kinds)[0].int().tolist()
    source, target = [1, 1, 0, 1, 0, 0, 0, 0, 0, 0], [0, 0, 0, 0, 1, 1, 0, 1, 0, 1]
    assert reads[0] == reads[1] == reads[3] == source
    assert reads[4] == reads[5] == reads[7] == reads[9] == target
    assert reads[2] == [0, 0, 1, 0, 1, 1, 0, 1, 0, 1]
    assert reads[6] == reads[8] == [1, 1, 0, 1, 0, 0, 1, 0, 1, 0]


def test_tlm_masks_read_both_sentences_and_mmlm_masks_only_their_own():
    assert TLM.table.allows(Role.MASK, "other", Role.PLAIN)
    assert not MMLM.table.allows(Role.MASK, "other", Role.PLAIN)
    assert MMLM.table.allows(Role.MASK, "own", Role.PLAIN)


@EACH
@pytest.mark.parametrize("number", range(5))
def test_no_answer_leaks_over_any_number_of_layers(objective, pairs, number):
    assert leaks(hide(pairs, objective, MASK_ID, share=0.4, generator=seeded(number)), layers=24) == []


def test_a_table_that_lets_originals_read_both_sentences_is_found_to_leak(pairs):
    text = """
               own plain  own hidden  own mask   other plain  other hidden  other mask
       plain       1          1          .            1            1            .
       hidden      1          1          .            1            1            .
       mask        .          .          1            1            1            .
    """
    open_table = type(CAMLM)("open", ReadingTable.parse(text), CAMLM.secret)
    riddle = hide(pairs, open_table, MASK_ID, share=0.4, generator=seeded(0))
    assert leaks(riddle, layers=1) == []
    assert leaks(riddle, layers=2) != []


@EACH
def test_a_masks_scores_have_no_gradient_for_what_it_must_not_see(objective, pairs, model):
    riddle = hide(pairs, objective, MASK_ID, share=0.4, generator=seeded(1))
    words = model.get_input_embeddings()(riddle.batch.input_ids).detach().requires_grad_()
    states = model.ernie_m(
        inputs_embeds=words, position_ids=riddle.batch.position_ids, attention_mask=riddle.mask
    ).last_hidden_state
    hidden_from, seen = secrets(riddle), 0
    for text, query in (riddle.targets != IGNORED).nonzero().tolist():
        scores = model.score(states[text, query]).pow(2).sum()
        (gradient,) = torch.autograd.grad(scores, words, retain_graph=True)
        felt = gradient[text].abs().amax(dim=-1)
        assert (felt[hidden_from[text, query]] == 0).all()
        assert (felt[riddle.mask[text, query]] > 0).all()
        assert (gradient[1 - text] == 0).all()
        seen += 1
    assert seen >= 4


@EACH
def test_what_is_hidden_can_be_read_off_the_targets(objective, pairs):
    riddle = hide(pairs, objective, MASK_ID, share=0.4, generator=seeded(2))
    asked = riddle.targets != IGNORED
    assert (riddle.batch.input_ids[asked] == MASK_ID).all()
    for text, column in asked.nonzero().tolist():
        place = riddle.batch.position_ids[text, column]
        assert riddle.targets[text, column] == pairs.input_ids[text, place]


@EACH
def test_the_share_that_is_hidden_is_the_share_that_was_asked_for(objective, pairs):
    riddle = hide(pairs, objective, MASK_ID, share=0.5, generator=seeded(3))
    assert (riddle.targets != IGNORED).sum(dim=1).tolist() == [4, 4]  # of seven each, 3.5 rounded to even


@EACH
def test_hiding_changes_nothing_that_was_passed_in(objective, pairs):
    before = [part.clone() for part in (pairs.input_ids, pairs.position_ids, pairs.kinds, pairs.special)]
    hide(pairs, objective, MASK_ID, generator=seeded(4))
    after = (pairs.input_ids, pairs.position_ids, pairs.kinds, pairs.special)
    assert all(torch.equal(one, two) for one, two in zip(before, after, strict=True))


@EACH
def test_the_same_seed_hides_the_same_tokens(objective, pairs):
    one, two, other = (hide(pairs, objective, MASK_ID, share=0.4, generator=seeded(n)) for n in (7, 7, 8))
    assert torch.equal(one.targets, two.targets)
    assert not (one.targets.shape == other.targets.shape and torch.equal(one.targets, other.targets))


@EACH
def test_special_tokens_are_never_hidden(objective, pairs):
    riddle = hide(pairs, objective, MASK_ID, share=1.0, generator=seeded(5))
    assert set(riddle.targets.unique().tolist()) == {IGNORED, *range(5, 19)}


@EACH
def test_the_loss_is_that_of_scoring_everything(objective, pairs, model):
    riddle = hide(pairs, objective, MASK_ID, share=0.4, generator=seeded(6))
    batch = riddle.batch
    plain = model(batch.input_ids, riddle.mask, batch.position_ids, labels=riddle.targets)
    assert torch.allclose(loss(model, riddle), plain.loss, rtol=1e-12)


@EACH
def test_only_masks_are_scored(objective, pairs, model, monkeypatch):
    riddle, scored = hide(pairs, objective, MASK_ID, share=0.4, generator=seeded(6)), []
    monkeypatch.setattr(model, "guess_loss", lambda states, *_: scored.append(len(states)) or states.sum())
    loss(model, riddle)
    assert scored == [int((riddle.targets != IGNORED).sum())]


@EACH
def test_padding_changes_no_loss(objective, model):
    short, long = encoding([5, 6], [9, 10]), encoding([7] * 9, [8] * 9)
    together = collate([short, long])
    alone = collate([short])
    padded = Batch(
        *(part[:1] for part in (together.input_ids, together.position_ids, together.kinds, together.special))
    )
    one, two = (loss(model, hide(batch, objective, MASK_ID, share=1.0)) for batch in (alone, padded))
    assert torch.allclose(one, two, rtol=1e-12)


@pytest.mark.parametrize("share", [0.0, -0.1, 1.5, float("nan")])
def test_a_share_that_is_no_share_is_refused(share, pairs):
    with pytest.raises(InputValueError, match="share"):
        hide(pairs, TLM, MASK_ID, share=share)


def test_a_text_without_tokens_is_refused():
    with pytest.raises(InputValueError, match="text 0"):
        hide(collate([encoding([], [])]), TLM, MASK_ID)


def test_a_table_of_another_form_is_refused():
    with pytest.raises(InputValueError, match="reading table"):
        ReadingTable.parse("own plain\nplain 1")


def test_kinds_number_every_role_of_both_sentences_once():
    numbers = [kind(role, sentence) for sentence in (0, 1) for role in Role]
    assert sorted(numbers) == list(range(1, KINDS))
