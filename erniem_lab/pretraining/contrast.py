"""XLCO, InfoXLM's contrast (Chi et al. 2021, arXiv 2007.07834): the outside comparison to the paper's objectives.

A sentence's vector, by the model that learns, is to be nearer to its translation's, by a slowly moving copy of the
model, than to those of many earlier sentences, which wait in a queue.
"""

import copy

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from erniem_lab.batching import PADDING, Batch, Role, kind
from erniem_lab.errors import InputValueError
from erniem_lab.model import ErnieMModel
from erniem_lab.tokenizer import ErnieMTokenizer


class Contrast(nn.Module):
    """The copy and the queue, which are saved and resumed with the model.

    Args:
        model: the encoder that learns.
        queue: how many vectors of earlier sentences wait; fewer count until it has been filled once.
        layer: whose states are averaged over the sentence; counted from 1, 0 is the embedding output.
        momentum: how much of the copy stays in each step.
        temperature: what cosines are divided by.

    In several processes each has a queue of its own, and the first one's is saved.
    """

    queue: Tensor
    filled: Tensor
    place: Tensor

    def __init__(
        self,
        model: ErnieMModel,
        *,
        queue: int = 4096,
        layer: int = -1,
        momentum: float = 0.999,
        temperature: float = 0.05,
    ) -> None:
        super().__init__()
        self.copy = copy.deepcopy(model).requires_grad_(False).eval()
        self.layer, self.momentum, self.temperature = layer, momentum, temperature
        self.register_buffer("queue", torch.zeros(queue, model.config.hidden_size))
        self.register_buffer("filled", torch.zeros((), dtype=torch.long))
        self.register_buffer("place", torch.zeros((), dtype=torch.long))

    def forward(self, model: ErnieMModel, pairs: Batch, tokenizer: ErnieMTokenizer) -> Float[Tensor, ""]:
        """Cross-entropy of finding each first sentence's translation, in nats; moves copy and queue on.

        Raises:
            InputValueError: a row without a second sentence.
        """
        first, second = (one_side(pairs, sentence, tokenizer) for sentence in (0, 1))
        asked = self.vectors(model, first)
        with torch.no_grad():
            if self.training:
                self._follow(model)
            answers = self.vectors(self.copy, second)
        waiting = self.queue[: int(self.filled)].clone()
        cosines = asked @ torch.cat([answers, waiting]).T / self.temperature
        if self.training:
            self._enqueue(answers)
        return F.cross_entropy(cosines, torch.arange(len(asked), device=cosines.device))

    def train(self, mode: bool = True) -> "Contrast":
        """As in every module, but the copy never drops anything out."""
        super().train(mode)
        self.copy.eval()
        return self

    def vectors(self, model: ErnieMModel, sentences: Batch) -> Float[Tensor, "batch hidden"]:
        """The mean of a layer's states over each sentence, [CLS] and [SEP] included, of length 1."""
        kept = sentences.kinds != PADDING
        states = model(sentences.input_ids, sentences.position_ids, kept, output_hidden_states=True).hidden_states
        return F.normalize((states[self.layer] * kept[:, :, None]).sum(dim=1).float(), dim=1)

    @torch.no_grad()
    def _follow(self, model: ErnieMModel) -> None:
        for old, new in zip(self.copy.parameters(), model.parameters(), strict=True):
            old.lerp_(new, 1 - self.momentum)

    @torch.no_grad()
    def _enqueue(self, answers: Float[Tensor, "batch hidden"]) -> None:
        size = len(self.queue)
        places = (self.place + torch.arange(len(answers), device=answers.device)) % size
        self.queue[places[-size:]] = answers[-size:]
        self.place.copy_((self.place + len(answers)) % size)
        self.filled.copy_((self.filled + len(answers)).clamp(max=size))


def one_side(pairs: Batch, sentence: int, tokenizer: ErnieMTokenizer) -> Batch:
    """The first (0) or second (1) sentence of each pair by itself, as [CLS] A [SEP].

    Raises:
        InputValueError: a row without it.
    """
    own = pairs.kinds == kind(Role.PLAIN, sentence)
    if not own.any(dim=1).all():
        raise InputValueError(f"the batch has rows without sentence {sentence}: a contrast needs pairs")
    order = (~own).long().argsort(dim=1, stable=True)[:, : int(own.sum(dim=1).max())]
    real = own.gather(1, order)
    ids = torch.where(real, pairs.input_ids.gather(1, order), tokenizer.pad_token_id)
    ids[:, 0] = tokenizer.cls_token_id
    places = torch.arange(order.shape[1], device=order.device) * real
    return Batch(ids, places, kind(Role.PLAIN, 0) * real, pairs.special.gather(1, order) | ~real)
