"""The masked-language objectives as values: each is a table of who may read whom.

From the figures of Ouyang et al. 2021 (arXiv 2012.15674), sections 3.2 and 3.3. What the figures do not draw, how
tokens that are not masks read, follows from the demand that no mask learns its answer over the layers: originals
read their own sentence's originals only.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from erniem_lab.batching import Batch, Role, kind
from erniem_lab.errors import InputValueError
from erniem_lab.heads import ErnieMForMaskedLM
from erniem_lab.lm_loss import look_up
from erniem_lab.losses import IGNORED
from erniem_lab.pretraining.tables import ReadingTable, reached

HIDDEN_SHARE = 0.15  # the paper does not say; BERT's and XLM-R's


@dataclass(frozen=True)
class Objective:
    """What is guessed from what.

    `secret` names what must never enter the state of a mask, directly or over the layers: pairs of a side ("own",
    "other") and a role. `sentences` is 1 where it learns from single sentences, 2 where it needs their translations.
    """

    name: str
    table: ReadingTable
    secret: tuple[tuple[str, Role], ...]
    sentences: Literal[1, 2] = 2


MMLM = Objective(
    "MMLM",
    ReadingTable.parse("""
               own plain  own hidden  own mask   other plain  other hidden  other mask
       plain       1          .          1            .            .            .
       hidden      .          .          .            .            .            .
       mask        1          .          1            .            .            .
    """),
    secret=(("own", Role.HIDDEN), ("other", Role.PLAIN), ("other", Role.HIDDEN), ("other", Role.MASK)),
    sentences=1,
)
"""Masked language modelling in each sentence by itself."""

TLM = Objective(
    "TLM",
    ReadingTable.parse("""
               own plain  own hidden  own mask   other plain  other hidden  other mask
       plain       1          .          1            1            .            1
       hidden      .          .          .            .            .            .
       mask        1          .          1            1            .            1
    """),
    secret=(("own", Role.HIDDEN), ("other", Role.HIDDEN)),
)
"""Translation language modelling: masks read what is not hidden of both sentences (Conneau and Lample 2019)."""

CAMLM = Objective(
    "CAMLM",
    ReadingTable.parse("""
               own plain  own hidden  own mask   other plain  other hidden  other mask
       plain       1          1          .            .            .            .
       hidden      1          1          .            .            .            .
       mask        .          .          1            1            1            .
    """),
    secret=(("own", Role.PLAIN), ("own", Role.HIDDEN), ("other", Role.MASK)),
)
"""Cross-attention masked language modelling: masks read the whole other sentence and nothing of their own but masks."""

CAMLM_MASKED = Objective(
    "CAMLM (masked context)",
    ReadingTable.parse("""
               own plain  own hidden  own mask   other plain  other hidden  other mask
       plain       1          .          .            .            .            .
       hidden      .          .          .            .            .            .
       mask        .          .          1            1            .            .
    """),
    secret=(("own", Role.PLAIN), ("own", Role.HIDDEN), ("other", Role.HIDDEN), ("other", Role.MASK)),
)
"""CAMLM as surveys write it: what is hidden in the other sentence is not read either."""

BTMLM = Objective("BTMLM", TLM.table, TLM.secret, sentences=1)
"""Back-translation masked language modelling, second step: as TLM, beside a translation that the model wrote itself.

The first step, the writing, reads by CAMLM's table (`erniem_lab.pretraining.pseudo`).
"""

OBJECTIVES = {objective.name: objective for objective in (MMLM, TLM, CAMLM, CAMLM_MASKED, BTMLM)}


# Makes of the word vectors of a batch's ids what the model reads.
Change = Callable[[Float[Tensor, "batch seq hidden"], Batch], Float[Tensor, "batch seq hidden"]]


@dataclass(frozen=True)
class Riddle:
    """A batch with tokens hidden, and what they were: `targets` holds an id at every mask and -100 elsewhere."""

    batch: Batch
    targets: Int[Tensor, "batch seq"]
    objective: Objective

    @property
    def mask(self) -> Bool[Tensor, "batch query key"]:
        """Who may read whom, True for yes."""
        return self.objective.table.mask(self.batch.kinds)


def hide(
    batch: Batch,
    objective: Objective,
    mask_token_id: int,
    *,
    share: float = HIDDEN_SHARE,
    generator: torch.Generator | None = None,
) -> Riddle:
    """Hide a share of each text's tokens, at least one, as the objective needs it.

    Where nobody may read what is hidden, a mask takes its place. Where somebody may, the original stays and its
    mask is appended at the end of the text, with the position of the token that it stands for. Every mask is the
    [MASK] token. The batch that is passed in is not changed.

    Raises:
        InputValueError: a share outside 0 to 1, or a text with nothing to hide.
    """
    if not 0 < share <= 1:
        raise InputValueError(f"share={share}: give a number above 0 and up to 1")
    chosen = _choose(batch, share, generator)
    if objective.table.keeps_originals:
        return _beside(batch, chosen, objective, mask_token_id)
    targets = batch.input_ids.masked_fill(~chosen, IGNORED)
    shift = Role.MASK - Role.PLAIN
    masked = Batch(
        batch.input_ids.masked_fill(chosen, mask_token_id),
        batch.position_ids,
        batch.kinds + shift * chosen,
        batch.special,
    )
    return Riddle(masked, targets, objective)


def loss(
    model: ErnieMForMaskedLM,
    riddle: Riddle,
    change: Change | None = None,
) -> Float[Tensor, ""]:
    """The mean of minus the log-probability of each hidden token, in nats; only masks are scored.

    Args:
        change: what is read in place of the word vectors of the ids.
    """
    batch, table = riddle.batch, model.get_input_embeddings()
    words, scored = look_up(batch.input_ids, table.weight, table.padding_idx)
    words = words if change is None else change(words, batch)
    states = model.ernie_m(
        inputs_embeds=words, position_ids=batch.position_ids, attention_mask=riddle.mask
    ).last_hidden_state
    asked = riddle.targets != IGNORED
    return model.guess_loss(states[asked], riddle.targets[asked], scored)


def leaks(riddle: Riddle, layers: int) -> list[tuple[int, int, int]]:
    """Every (text, mask, token) where the token's embedding can reach the mask and is a secret to it.

    An empty list is the proof, over the table, that no answer leaks. Whether the model obeys the table is another
    matter: there the gradient of a mask's scores for these embeddings must be exactly zero.
    """
    found = []
    masks = riddle.mask.cpu()
    for text, mask in enumerate(masks):
        secret = secrets(riddle)[text].cpu() & reached(mask, layers)
        found += [(text, int(query), int(key)) for query, key in secret.nonzero().tolist()]
    return found


def secrets(riddle: Riddle) -> Bool[Tensor, "batch query key"]:
    """True where the query is a mask and the key is what its objective keeps secret from it."""
    kinds = riddle.batch.kinds
    found = torch.zeros_like(riddle.mask)
    for side, role in riddle.objective.secret:
        for mine in (0, 1):
            theirs = mine if side == "own" else 1 - mine
            found |= (kinds == kind(Role.MASK, mine))[:, :, None] & (kinds == kind(role, theirs))[:, None, :]
    return found


def _choose(batch: Batch, share: float, generator: torch.Generator | None) -> Bool[Tensor, "batch seq"]:
    """For each text, so many of its tokens at random."""
    free = ~batch.special & (batch.kinds > 0)
    count = free.sum(dim=1)
    if not count.all():
        row = int((count == 0).nonzero()[0])
        raise InputValueError(f"text {row} of the batch has no token that could be hidden: leave empty texts out")
    wanted = (share * count).round().clamp(min=1)
    draw = torch.rand(free.shape, generator=generator, device=generator.device if generator else None)
    rank = draw.to(free.device).masked_fill(~free, 2.0).argsort(dim=1).argsort(dim=1)
    return rank < wanted[:, None]


def _beside(batch: Batch, chosen: Bool[Tensor, "batch seq"], objective: Objective, mask_token_id: int) -> Riddle:
    """Originals stay, and a mask for each hidden one is appended, with its position."""
    seq, count = chosen.shape[1], int(chosen.sum(dim=1).max())
    order = (~chosen).long().argsort(dim=1, stable=True)[:, :count]  # the hidden tokens of each text come first
    real = chosen.gather(1, order)
    shift = (Role.MASK - Role.PLAIN) * real
    masks = Batch(
        torch.where(real, mask_token_id, 0),
        batch.position_ids.gather(1, order) * real,
        (batch.kinds.gather(1, order) + shift) * real,
        ~real,
    )
    kept = batch.kinds + (Role.HIDDEN - Role.PLAIN) * chosen
    joined = Batch(
        torch.cat([batch.input_ids, masks.input_ids], dim=1),
        torch.cat([batch.position_ids, masks.position_ids], dim=1),
        torch.cat([kept, masks.kinds], dim=1),
        torch.cat([batch.special, masks.special], dim=1),
    )
    answers = batch.input_ids.gather(1, order).masked_fill(~real, IGNORED)
    blank = batch.input_ids.new_full((len(chosen), seq), IGNORED)
    return Riddle(joined, torch.cat([blank, answers], dim=1), objective)
