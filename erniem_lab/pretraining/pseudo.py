"""The first step of back-translation masked language modelling: a pseudo translation, written in one pass.

Ouyang et al. 2021, section 3.3 and figure 4: placeholders follow the sentence, every one reads the sentence and all
placeholders, and what is guessed for them becomes the second sentence, of which nothing is to be learnt. That is
CAMLM with the whole other sentence hidden, which is why a model that has learnt CAMLM can do it.
"""

from dataclasses import replace

import torch
from jaxtyping import Float, Int
from torch import Tensor

from erniem_lab.batching import PADDING, Batch, Role, kind
from erniem_lab.errors import InputValueError
from erniem_lab.heads import ErnieMForMaskedLM
from erniem_lab.pretraining.objectives import CAMLM, Change
from erniem_lab.tokenizer import ErnieMTokenizer

CHUNK = 512  # placeholders that are scored together: their scores stay in the processor's cache, or nearly
DRAWN = 0.75  # placeholders for each token of the sentence: the paper's figure draws three for four


def add_placeholders(batch: Batch, tokenizer: ErnieMTokenizer, *, placeholders: float = DRAWN) -> Batch:
    """Single sentences, each with masks for a second one: [CLS] A [SEP] [SEP] M … M [SEP].

    The [SEP]s that frame the masks belong to the second sentence, so that CAMLM's table lets no mask read them.
    Positions run on, as in every pair. The masks count as special: none is ever hidden.

    Args:
        placeholders: how many for each token of the sentence; rounded, at least one.

    Raises:
        InputValueError: a number that is not above 0, or a batch of pairs.
    """
    if not placeholders > 0:
        raise InputValueError(f"placeholders={placeholders}: give a number above 0, such as {DRAWN}")
    if (batch.kinds > kind(Role.MASK, 0)).any():
        raise InputValueError("batch has second sentences: pseudo tokens are written for single sentences")
    lengths = (batch.kinds != PADDING).sum(dim=1)
    counts = (placeholders * (~batch.special).sum(dim=1)).round().long().clamp(min=1)
    seq = int((lengths + counts).max()) + 2
    column = torch.arange(seq, device=lengths.device).expand(len(lengths), seq)
    start, end = lengths[:, None], (lengths + counts)[:, None] + 1  # both [SEP]s of the second sentence
    is_mask, is_frame = (column > start) & (column < end), (column == start) | (column == end)
    ids = _widened(batch.input_ids, seq, tokenizer.pad_token_id).masked_fill(column >= start, tokenizer.pad_token_id)
    ids = ids.masked_fill(is_mask, tokenizer.mask_token_id).masked_fill(is_frame, tokenizer.sep_token_id)
    kinds = _widened(batch.kinds, seq, PADDING)
    kinds = kinds.masked_fill(is_mask, kind(Role.MASK, 1)).masked_fill(is_frame, kind(Role.PLAIN, 1))
    special = _widened(batch.special.long(), seq, 1).bool()
    return Batch(ids, column * (kinds != PADDING), kinds, special)


def write_pseudo_tokens(
    model: ErnieMForMaskedLM,
    batch: Batch,
    tokenizer: ErnieMTokenizer,
    *,
    placeholders: float = DRAWN,
    sampling: float = 0.0,
    change: Change | None = None,
    generator: torch.Generator | None = None,
) -> Batch:
    """Single sentences, each with the pseudo translation that the model writes: [CLS] A [SEP] [SEP] H … H [SEP].

    One pass without gradients and without dropout; no special token is written. The pseudo tokens are originals of
    the second sentence that are never hidden.

    Args:
        placeholders: as in `add_placeholders`.
        sampling: 0 takes the most probable token of each placeholder; above, one is drawn at that temperature.
        change: what is read in place of the word vectors; where languages have vectors of their own, these tell the
            language to write in.
        generator: of the draws; without one, torch's own.

    Raises:
        InputValueError: a temperature below 0, and as `add_placeholders`.
    """
    if not sampling >= 0:
        raise InputValueError(f"sampling={sampling}: give a temperature, or 0 for the most probable token")
    asked = add_placeholders(batch, tokenizer, placeholders=placeholders)
    holes = asked.kinds == kind(Role.MASK, 1)
    banned = torch.tensor(tokenizer.all_special_ids, device=holes.device)
    written = []
    for states in torch.split(_states(model, asked, change)[holes], CHUNK):
        scores = _scores(model, states).index_fill(1, banned, -torch.inf)
        written.append(scores.argmax(dim=1) if sampling == 0 else _drawn(scores.float() / sampling, generator))
    return replace(
        asked,
        input_ids=asked.input_ids.masked_scatter(holes, torch.cat(written)),
        kinds=asked.kinds.masked_fill(holes, kind(Role.PLAIN, 1)),
        special=asked.special | (asked.kinds > kind(Role.MASK, 0)),
    )


@torch.no_grad()
def _states(model: ErnieMForMaskedLM, asked: Batch, change: Change | None) -> Float[Tensor, "batch seq hidden"]:
    was_training = model.training
    model.eval()
    try:
        words = model.get_input_embeddings()(asked.input_ids)
        words = words if change is None else change(words, asked)
        mask = CAMLM.table.mask(asked.kinds)
        return model.ernie_m(
            inputs_embeds=words, position_ids=asked.position_ids, attention_mask=mask
        ).last_hidden_state
    finally:
        model.train(was_training)


@torch.no_grad()
def _scores(model: ErnieMForMaskedLM, states: Float[Tensor, "hole hidden"]) -> Float[Tensor, "hole vocab"]:
    return model.score(states)


def _drawn(scores: Float[Tensor, "hole vocab"], generator: torch.Generator | None) -> Int[Tensor, " hole"]:
    """One entry for each row, by its probability; never one whose probability is 0."""
    reached = scores.softmax(dim=1).double().cumsum(dim=1)
    draw = torch.rand(len(scores), 1, generator=generator, device=generator.device if generator else None)
    return (reached <= draw.to(reached.device) * reached[:, -1:]).sum(dim=1)


def _widened(part: Int[Tensor, "batch short"], seq: int, fill: int) -> Int[Tensor, "batch seq"]:
    wide = part.new_full((len(part), seq), fill)
    wide[:, : part.shape[1]] = part
    return wide
