"""A trace of a guess obeys its objective's table, and its masks look where they may."""

import numpy as np
import pytest

import erniem_lab as el
from erniem_lab.pretraining import CAMLM, MMLM, TLM, trace_guess

PAIR = ("The black cat sleeps.", "Le chat noir dort.")


@pytest.fixture(scope="module")
def mini():
    return el.ErnieMForMaskedLM.from_pretrained(el.MINI), el.ErnieMTokenizer.from_pretrained(el.MINI)


@pytest.mark.parametrize("objective", [MMLM, TLM, CAMLM], ids=lambda one: one.name)
def test_nothing_is_given_to_what_is_forbidden_and_all_to_the_rest(mini, objective):
    found = trace_guess(*mini, objective, *PAIR)
    attention, reads = found.trace.attention, found.allowed.any(axis=-1)
    assert (attention[..., ~found.allowed] == 0).all()
    assert np.allclose(attention[:, :, reads].sum(axis=-1), 1, atol=1e-5)


def test_shares_are_of_all_that_masks_give(mini):
    for objective in (TLM, CAMLM):
        assert sum(trace_guess(*mini, objective, *PAIR).mask_shares().values()) == pytest.approx(1, abs=1e-5)


def test_a_mask_of_camlm_gives_nothing_to_its_own_sentence_and_one_of_tlm_does(mini):
    assert trace_guess(*mini, CAMLM, *PAIR).mask_shares()["own words"] == 0
    assert trace_guess(*mini, TLM, *PAIR).mask_shares()["own words"] > 0
    assert trace_guess(*mini, MMLM, *PAIR).mask_shares()["other sentence"] == 0


def test_a_mask_shows_what_it_asks_for_and_is_of_its_sentence(mini):
    found = trace_guess(*mini, CAMLM, *PAIR, share=0.4, seed=1)
    names = [name for name, mask in zip(found.trace.tokens, found.masks, strict=True) if mask]
    assert names
    assert all(name.startswith("?") for name in names)
    for place in np.flatnonzero(found.masks):
        own = [
            t.strip("▁")
            for t, s in zip(found.trace.tokens, found.trace.sentence, strict=True)
            if s == found.trace.sentence[place]
        ]
        assert found.trace.tokens[place][1:] in own


def test_share_and_seed_choose_what_is_hidden(mini):
    few, many, other = (
        trace_guess(*mini, TLM, *PAIR, share=s, seed=n).masks for s, n in ((0.2, 0), (0.6, 0), (0.6, 1))
    )
    assert few.sum() < many.sum()
    assert (many != other).any()


def test_the_model_is_left_as_it_was(mini):
    model, tokenizer = mini
    model.train()
    trace_guess(model, tokenizer, TLM, *PAIR)
    assert model.training
    model.eval()
