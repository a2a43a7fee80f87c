"""BTMLM's two steps, language vectors and the contrast: each does what it says, and nothing of it is exported."""

import pytest
import torch
from conftest import GOLDEN
from parallel_samples import pairs
from torch.nn import functional as F

from erniem_lab import ErnieMConfig, ErnieMForMaskedLM, ErnieMTokenizer
from erniem_lab.batching import PADDING, Batch, Role, kind
from erniem_lab.errors import InputValueError
from erniem_lab.losses import IGNORED
from erniem_lab.pretraining import CAMLM, hide, leaks, loss
from erniem_lab.pretraining.contrast import Contrast, one_side
from erniem_lab.pretraining.learner import LESSONS, Choices, Learner
from erniem_lab.pretraining.objectives import BTMLM
from erniem_lab.pretraining.pseudo import add_placeholders, write_pseudo_tokens
from erniem_lab.pretraining.store import store_texts
from erniem_lab.pretraining.stream import Sample, TextStream

PSEUDO = kind(Role.PLAIN, 1)


@pytest.fixture(scope="module")
def tokenizer() -> ErnieMTokenizer:
    return ErnieMTokenizer.from_pretrained(GOLDEN / "tokenizer")


@pytest.fixture(scope="module")
def store(tokenizer):
    return store_texts(tokenizer, pairs("fr", 60, 0) + pairs("sw", 60, 2))


@pytest.fixture
def singles(store, tokenizer) -> Sample:
    return TextStream(store.alone(), tokenizer, tokens=120)[0]


@pytest.fixture
def doubles(store, tokenizer) -> Sample:
    return TextStream(store, tokenizer, tokens=160)[0]


@pytest.fixture
def model(tokenizer) -> ErnieMForMaskedLM:
    torch.manual_seed(0)
    config = ErnieMConfig(len(tokenizer), 16, 2, 2, 32, max_position_embeddings=120, initializer_range=0.5)
    return ErnieMForMaskedLM(config).train()


def make(model, tokenizer, contrast: bool = False, **choices) -> Learner:
    return Learner(model, tokenizer, ("en", "fr", "sw"), Choices(**choices), contrast=contrast)


def seeded(number: int) -> torch.Generator:
    return torch.Generator().manual_seed(number)


def rows(batch: Batch) -> list[tuple[list[int], list[int], list[int]]]:
    """Ids, positions and kinds of each text, without padding."""
    kept = batch.kinds != PADDING
    parts = (batch.input_ids, batch.position_ids, batch.kinds)
    return [tuple(part[i][kept[i]].tolist() for part in parts) for i in range(len(kept))]


def test_placeholders_follow_the_sentence_in_a_frame_of_their_own(singles, tokenizer):
    before, after = rows(singles.batch), rows(add_placeholders(singles.batch, tokenizer, placeholders=0.5))
    for (ids, _, _), (longer, positions, kinds) in zip(before, after, strict=True):
        count = max(1, round(0.5 * (len(ids) - 2)))
        assert longer == [*ids, tokenizer.sep_token_id, *[tokenizer.mask_token_id] * count, tokenizer.sep_token_id]
        assert positions == list(range(len(longer)))
        masks = [kind(Role.MASK, 1)] * count
        assert kinds == [*[kind(Role.PLAIN, 0)] * len(ids), PSEUDO, *masks, PSEUDO]


def test_writing_reads_as_camlm_does_with_the_whole_translation_hidden(singles, tokenizer):
    """The same table over the same roles; what CAMLM keeps beside its masks, nobody but themselves reads."""
    asked = add_placeholders(singles.batch, tokenizer)
    read = CAMLM.table.mask(asked.kinds)
    holes = asked.kinds == kind(Role.MASK, 1)
    sentence = asked.kinds == kind(Role.PLAIN, 0)
    for text in range(len(holes)):
        for query in holes[text].nonzero()[:, 0]:
            assert torch.equal(read[text, query], holes[text] | sentence[text])
        for query in sentence[text].nonzero()[:, 0]:
            assert torch.equal(read[text, query], sentence[text])


def test_pseudo_tokens_are_the_best_guesses_of_one_pass(singles, tokenizer, model):
    written = write_pseudo_tokens(model, singles.batch, tokenizer)
    asked = add_placeholders(singles.batch, tokenizer)
    model.eval()
    scores = model(asked.input_ids, CAMLM.table.mask(asked.kinds), asked.position_ids).logits
    scores[..., tokenizer.all_special_ids] = -torch.inf
    holes = asked.kinds == kind(Role.MASK, 1)
    assert torch.equal(written.input_ids[holes], scores.argmax(dim=-1)[holes])
    assert torch.equal(written.input_ids[~holes], asked.input_ids[~holes])


def test_writing_has_no_gradient_and_leaves_the_model_training(singles, tokenizer, model):
    written = write_pseudo_tokens(model, singles.batch, tokenizer)
    assert model.training
    assert not written.input_ids.requires_grad
    again = write_pseudo_tokens(model, singles.batch, tokenizer)
    assert torch.equal(written.input_ids, again.input_ids)  # without dropout


@pytest.mark.parametrize("sampling", [0.0, 1.0, 100.0])
def test_no_special_token_is_written(singles, tokenizer, model, sampling):
    with torch.no_grad():
        model.lm_head.bias[tokenizer.all_special_ids] = 50.0
    written = write_pseudo_tokens(model, singles.batch, tokenizer, sampling=sampling, generator=seeded(0))
    holes = add_placeholders(singles.batch, tokenizer).kinds == kind(Role.MASK, 1)
    assert not torch.isin(written.input_ids[holes], torch.tensor(tokenizer.all_special_ids)).any()


def test_sampling_draws_by_the_generator_and_the_temperature(singles, tokenizer, model):
    one, two, other = (
        write_pseudo_tokens(model, singles.batch, tokenizer, sampling=5.0, generator=seeded(n)).input_ids
        for n in (0, 0, 1)
    )
    best = write_pseudo_tokens(model, singles.batch, tokenizer).input_ids
    cold = write_pseudo_tokens(model, singles.batch, tokenizer, sampling=1e-4, generator=seeded(0)).input_ids
    assert torch.equal(one, two)
    assert not torch.equal(one, other)
    assert torch.equal(cold, best)


@pytest.mark.parametrize(("how", "named"), [({"placeholders": 0.0}, "placeholders"), ({"sampling": -1.0}, "sampling")])
def test_numbers_that_make_no_sense_are_refused(singles, tokenizer, model, how, named):
    with pytest.raises(InputValueError, match=named):
        write_pseudo_tokens(model, singles.batch, tokenizer, **how)


def test_pairs_get_no_pseudo_translation(doubles, tokenizer, model):
    with pytest.raises(InputValueError, match="second sentences"):
        write_pseudo_tokens(model, doubles.batch, tokenizer)


def test_nothing_of_the_pseudo_translation_is_hidden_and_everything_of_it_is_read(singles, tokenizer, model):
    learner = make(model, tokenizer)
    batch = learner.with_pseudo_tokens(singles, seeded(0)).batch
    riddle = hide(batch, BTMLM, tokenizer.mask_token_id, share=0.5, generator=seeded(0))
    asked = riddle.targets != IGNORED
    assert (riddle.batch.kinds[asked] == kind(Role.MASK, 0)).all()
    pseudo = batch.kinds == PSEUDO
    for text, query in asked.nonzero().tolist():
        assert riddle.mask[text, query][pseudo[text]].all()
    assert leaks(riddle, layers=24) == []


def test_the_loss_of_btmlm_does_not_flow_into_the_writing(singles, tokenizer, model):
    """It equals the loss, and has the gradients, of a batch in which the same pseudo tokens simply stood."""
    model.eval()
    learner = make(model, tokenizer, share=0.5)
    learner("BTMLM", singles, seeded(3)).backward()
    felt = {name: weight.grad.clone() for name, weight in model.named_parameters() if weight.grad is not None}
    model.zero_grad()
    draws = seeded(3)
    batch = learner.with_pseudo_tokens(singles, draws).batch
    loss(model, hide(batch, BTMLM, tokenizer.mask_token_id, share=0.5, generator=draws)).backward()
    assert felt
    assert all(torch.equal(felt[name], model.get_parameter(name).grad) for name in felt)


def test_the_language_to_write_in_is_drawn_among_the_partners(singles, tokenizer, model):
    partners = torch.tensor([[False, True, True], [True, False, False], [True, False, False]])
    learner = Learner(model, tokenizer, ("en", "fr", "sw"), partners=partners)
    drawn = [learner.with_pseudo_tokens(singles, seeded(n)).languages for n in range(20)]
    sources, targets = torch.cat(drawn).T
    assert partners[sources, targets].all()
    assert set(targets[sources == 0].tolist()) == {1, 2}
    alone = Learner(model, tokenizer, ("en", "fr", "sw"), partners=torch.zeros(3, 3, dtype=torch.bool))
    with pytest.raises(InputValueError, match="no partner"):
        alone.with_pseudo_tokens(singles)


def test_a_frozen_writer_writes_in_place_of_the_model(singles, tokenizer, model, tmp_path):
    model.save_pretrained(tmp_path)
    learner = make(model, tokenizer, writer=str(tmp_path))
    with torch.no_grad():
        model.lm_head.bias[50] = 100.0  # from now on the model itself would write nothing else
    live, frozen = (it.with_pseudo_tokens(singles, seeded(0)).batch for it in (make(model, tokenizer), learner))
    assert (live.input_ids[:, -2:] == 50).any()
    assert (frozen.input_ids == 50).sum() < (live.input_ids == 50).sum()
    assert "writer" not in " ".join(learner.state_dict())


def test_language_vectors_start_at_nothing_and_reach_every_token_of_their_language(doubles, tokenizer, model):
    model.eval()
    with_vectors, without = make(model, tokenizer, language_vectors=True), make(model, tokenizer)
    assert torch.equal(with_vectors("TLM", doubles, seeded(0)), without("TLM", doubles, seeded(0)))
    with torch.no_grad():
        with_vectors.languages.weight += torch.tensor([1.0, 2.0, 3.0])[:, None]
    blank = torch.zeros(*doubles.batch.input_ids.shape, model.config.hidden_size)
    added = with_vectors.marked(doubles.languages, blank, doubles.batch)
    assert torch.equal(without.marked(doubles.languages, blank, doubles.batch), blank)
    for text in range(len(added)):
        for sentence in (0, 1):
            own = doubles.batch.kinds[text] == kind(Role.PLAIN, sentence)
            assert torch.allclose(added[text, own], doubles.languages[text, sentence] + torch.ones(1), atol=1e-6)
        assert (added[text, doubles.batch.kinds[text] == PADDING] == 0).all()


@pytest.mark.parametrize("name", ["CAMLM", "BTMLM"])
def test_language_vectors_learn(name, singles, doubles, tokenizer, model):
    learner = make(model, tokenizer, language_vectors=True)
    learner(name, doubles if name == "CAMLM" else singles, seeded(0)).backward()
    assert learner.languages.weight.grad.abs().sum() > 0


def test_an_exported_model_has_nothing_but_the_models_weights(tokenizer, model, tmp_path):
    before = set(model.state_dict())
    learner = make(model, tokenizer, contrast=True, language_vectors=True)
    learner.model.save_pretrained(tmp_path)
    assert set(ErnieMForMaskedLM.from_pretrained(tmp_path).state_dict()) == before
    assert {name.split(".")[0] for name in learner.state_dict()} == {"model", "languages", "contrast"}


def test_the_contrast_is_infonce_written_out(doubles, tokenizer, model):
    contrast = Contrast(model.ernie_m.eval(), queue=8, temperature=0.1).eval()
    contrast.queue.copy_(F.normalize(torch.randn(8, 16), dim=1))
    contrast.filled.fill_(8)
    found = contrast(model.ernie_m, doubles.batch, tokenizer)
    sides = [contrast.vectors(model.ernie_m, one_side(doubles.batch, side, tokenizer)) for side in (0, 1)]
    expected = []
    for number, asked in enumerate(sides[0]):
        right = (asked @ sides[1][number] / 0.1).exp()
        wrong = sum((asked @ other / 0.1).exp() for i, other in enumerate([*sides[1], *contrast.queue]) if i != number)
        expected.append(-(right / (right + wrong)).log())
    assert torch.allclose(found, torch.stack(expected).mean(), rtol=1e-5)


def test_the_contrast_compares_the_layer_that_it_is_told_to(doubles, tokenizer, model):
    side = one_side(doubles.batch, 0, tokenizer)
    kept = side.kinds != PADDING
    encoder = model.ernie_m.eval()
    states = encoder(side.input_ids, side.position_ids, kept, output_hidden_states=True).hidden_states
    for layer in (0, 1, -1):
        expected = [rows[own].mean(dim=0) for rows, own in zip(states[layer], kept, strict=True)]
        found = Contrast(encoder, layer=layer).vectors(encoder, side)
        assert torch.allclose(found, F.normalize(torch.stack(expected), dim=1), atol=1e-6)


def test_every_choice_has_a_say(singles, tokenizer, model):
    def written(number=0, **choices):
        return make(model, tokenizer, **choices).with_pseudo_tokens(singles, seeded(number)).batch.input_ids

    assert written(placeholders=2.0).shape[1] > written().shape[1]
    assert torch.equal(written(1), written())
    assert not torch.equal(written(1, sampling=5.0), written(sampling=5.0))
    chosen = {"queue": 7, "layer": 1, "momentum": 0.5, "contrast_temperature": 0.2}
    contrast = make(model, tokenizer, contrast=True, **chosen).contrast
    assert [len(contrast.queue), contrast.layer, contrast.momentum, contrast.temperature] == [*chosen.values()]


def test_a_side_of_a_pair_is_the_sentence_by_itself(store, tokenizer):
    sample = TextStream(store, tokenizer, tokens=160)[1]
    for text, ids in enumerate(sample.batch.input_ids):
        for side in (0, 1):
            alone = rows(one_side(sample.batch, side, tokenizer))[text]
            own = ids[(sample.batch.kinds[text] == kind(Role.PLAIN, side)) & ~sample.batch.special[text]].tolist()
            assert alone[0] == [tokenizer.cls_token_id, *own, tokenizer.sep_token_id]
            assert alone[1] == list(range(len(alone[0])))


def test_the_copy_follows_slowly_and_the_queue_turns(doubles, tokenizer, model):
    contrast = Contrast(model.ernie_m, queue=5, momentum=0.75).train()
    with torch.no_grad():
        for weight in model.ernie_m.parameters():
            weight.add_(1.0)
    before = [weight.clone() for weight in contrast.copy.parameters()]
    contrast(model.ernie_m, doubles.batch, tokenizer)
    assert all(torch.allclose(new, old + 0.25) for new, old in zip(contrast.copy.parameters(), before, strict=True))
    count = len(doubles.batch.input_ids)
    assert 1 < int(contrast.filled) == int(contrast.place) == count < 5
    contrast(model.ernie_m, doubles.batch, tokenizer)
    assert (int(contrast.filled), int(contrast.place)) == (5, 2 * count - 5)
    assert torch.allclose(contrast.queue.norm(dim=1), torch.ones(5))


def test_the_copy_drops_nothing_out_while_the_model_learns(doubles, tokenizer, model):
    learner = make(model, tokenizer, contrast=True).train()
    side = one_side(doubles.batch, 1, tokenizer)
    once, again = (learner.contrast.vectors(learner.contrast.copy, side) for _ in range(2))
    assert torch.equal(once, again)
    assert learner.model.training


@pytest.mark.parametrize("name", LESSONS)
def test_every_objective_gives_a_loss_that_reaches_the_words(name, singles, doubles, tokenizer, model):
    learner = make(model, tokenizer, contrast=True)
    found = learner(name, singles if LESSONS[name] == 1 else doubles, seeded(0))
    found.backward()
    assert found.item() > 0
    assert model.get_input_embeddings().weight.grad.abs().sum() > 0


@pytest.mark.parametrize("name", LESSONS)
def test_an_objective_gives_the_same_loss_for_the_same_seed(name, singles, doubles, tokenizer, model):
    learner = make(model.eval(), tokenizer, contrast=True).eval()
    sample = singles if LESSONS[name] == 1 else doubles
    one, two = (learner(name, sample, seeded(5)) for _ in range(2))
    assert torch.equal(one, two)


def test_pairs_are_demanded_by_those_that_need_them(singles, tokenizer, model):
    learner = make(model, tokenizer)
    with pytest.raises(InputValueError, match="TLM: needs pairs"):
        learner("TLM", singles)
    with pytest.raises(InputValueError, match="no such objective"):
        learner("MLM", singles)


def test_a_contrast_has_to_be_asked_for(doubles, tokenizer, model):
    with pytest.raises(InputValueError, match="contrast=True"):
        make(model, tokenizer)("XLCO", doubles)
