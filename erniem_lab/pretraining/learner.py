"""What learns in pre-training: the model, and what only pre-training needs, which no exported checkpoint holds."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from erniem_lab.batching import PADDING, Batch, Role
from erniem_lab.errors import InputValueError
from erniem_lab.heads import ErnieMForMaskedLM
from erniem_lab.pretraining.contrast import Contrast
from erniem_lab.pretraining.objectives import BTMLM, HIDDEN_SHARE, OBJECTIVES, hide, loss
from erniem_lab.pretraining.pseudo import DRAWN, write_pseudo_tokens
from erniem_lab.pretraining.stream import Sample
from erniem_lab.tokenizer import ErnieMTokenizer

XLCO = "XLCO"
LESSONS = {**{name: objective.sentences for name, objective in OBJECTIVES.items()}, XLCO: 2}
"""Everything that can be learnt, by its name, and how many sentences a row must have."""


@dataclass(frozen=True)
class Choices:
    """What the paper leaves open; `erniem_lab/pretraining/README.md` says why each default is what it is.

    `share` of a text's tokens are hidden; `language_vectors` adds a learnt vector of its language to each token;
    `placeholders` for each token of a sentence are filled by a pseudo translation, by the most probable token or, with
    `sampling` above 0, by one drawn at that temperature; `writer` is a checkpoint that writes them, in place of the
    model that learns. The last four are those of `Contrast`.
    """

    share: float = HIDDEN_SHARE
    language_vectors: bool = False
    placeholders: float = DRAWN
    sampling: float = 0.0
    writer: str = ""
    queue: int = 4096
    layer: int = -1
    momentum: float = 0.999
    contrast_temperature: float = 0.05


class Learner(nn.Module):
    """The loss of a sample under an objective; `model` is what a checkpoint is exported from.

    Args:
        languages: the languages that samples number.
        partners: which languages a pseudo translation of each language may be in; all others by default.
        contrast: whether XLCO is wanted, which needs a copy of the encoder.

    Raises:
        InputValueError: a language without a partner.
    """

    def __init__(
        self,
        model: ErnieMForMaskedLM,
        tokenizer: ErnieMTokenizer,
        languages: Sequence[str],
        choices: Choices | None = None,
        *,
        partners: Bool[Tensor, "language language"] | None = None,
        contrast: bool = False,
    ) -> None:
        super().__init__()
        self.model, self.tokenizer, self.choices = model, tokenizer, choices or Choices()
        self.partners = ~torch.eye(len(languages), dtype=torch.bool) if partners is None else partners
        self.languages = _zeros(len(languages), model.config.hidden_size) if self.choices.language_vectors else None
        self.contrast = _contrast(model, self.choices) if contrast else None
        self._writer = [ErnieMForMaskedLM.from_pretrained(self.choices.writer)] if self.choices.writer else []

    def forward(self, name: str, sample: Sample, generator: torch.Generator | None = None) -> Float[Tensor, ""]:
        """The loss of an objective, in nats.

        Raises:
            InputValueError: no such objective, or rows with another number of sentences than it needs.
        """
        if name not in LESSONS:
            raise InputValueError(f"{name!r}: no such objective; there are {', '.join(LESSONS)}")
        if sample.languages.shape[1] < LESSONS[name]:
            raise InputValueError(f"{name}: needs pairs of sentences, and the sample has single ones")
        if name == XLCO:
            return self._contrasted(sample)
        if name == BTMLM.name:
            sample = self.with_pseudo_tokens(sample, generator)
        riddle = hide(
            sample.batch, OBJECTIVES[name], self.tokenizer.mask_token_id, share=self.choices.share, generator=generator
        )
        return loss(self.model, riddle, partial(self.marked, sample.languages))

    def with_pseudo_tokens(self, sample: Sample, generator: torch.Generator | None = None) -> Sample:
        """Single sentences, each with a pseudo translation into a language that is drawn among its partners.

        Raises:
            InputValueError: pairs, or a language without a partner.
        """
        targets = self._targets(sample.languages[:, 0], generator)
        languages = torch.stack([sample.languages[:, 0], targets], dim=1)
        batch = write_pseudo_tokens(
            next(iter(self._writer), self.model).to(sample.batch.input_ids.device),
            sample.batch,
            self.tokenizer,
            placeholders=self.choices.placeholders,
            sampling=self.choices.sampling,
            change=None if self._writer else partial(self.marked, languages),
            generator=generator,
        )
        return Sample(batch, languages)

    def marked(
        self, languages: Int[Tensor, "batch sentence"], words: Float[Tensor, "batch seq hidden"], batch: Batch
    ) -> Float[Tensor, "batch seq hidden"]:
        """The word vectors of a batch, each with that of its token's language where languages have one."""
        if self.languages is None:
            return words
        sentence = (batch.kinds - 1).clamp(min=0) // len(Role)
        of_token = self.languages(languages.gather(1, sentence.clamp(max=languages.shape[1] - 1)))
        return words + of_token * (batch.kinds != PADDING)[:, :, None]

    def _contrasted(self, sample: Sample) -> Float[Tensor, ""]:
        if self.contrast is None:
            raise InputValueError(f"{XLCO}: make the learner with contrast=True")
        found: Tensor = self.contrast(self.model.ernie_m, sample.batch, self.tokenizer)
        return found

    def _targets(self, sources: Int[Tensor, " batch"], generator: torch.Generator | None) -> Int[Tensor, " batch"]:
        allowed = self.partners.to(sources.device)[sources]
        if not allowed.any(dim=1).all():
            number = int(sources[~allowed.any(dim=1)][0])
            raise InputValueError(f"language number {number} has no partner to write in: give it one in partners")
        draw = torch.rand(allowed.shape, generator=generator, device=generator.device if generator else None)
        return ((1 + draw.to(allowed.device)) * allowed).argmax(dim=1)


def _zeros(count: int, size: int) -> nn.Embedding:
    table = nn.Embedding(count, size)
    nn.init.zeros_(table.weight)
    return table


def _contrast(model: ErnieMForMaskedLM, choices: Choices) -> Contrast:
    return Contrast(
        model.ernie_m,
        queue=choices.queue,
        layer=choices.layer,
        momentum=choices.momentum,
        temperature=choices.contrast_temperature,
    )
