"""A head on an encoder that does not learn: each text is encoded once, and the head trains on its states."""

import copy
from typing import Any

import torch
from jaxtyping import Bool, Float, Int, Shaped
from torch import Tensor, nn

from erniem_lab.heads import ErnieMForMultipleChoice, ErnieMForSequenceClassification, ErnieMHead
from erniem_lab.outputs import EncoderOutput


class FrozenHead(nn.Module):
    """Called as the whole model is; the states of each text are computed once and kept on the CPU.

    Its weights are the model's own head (with the pooler, where the head has one), so that the model has learnt what
    this has learnt. Where a head reads only the first token's state, only that is kept.

    >>> from erniem_lab.config import ErnieMConfig
    >>> from erniem_lab.heads import ErnieMForSequenceClassification
    >>> tiny = ErnieMConfig(vocab_size=20, hidden_size=8, num_attention_heads=2, num_hidden_layers=1)
    >>> model = ErnieMForSequenceClassification(tiny).eval()
    >>> frozen, ids = FrozenHead(model).eval(), torch.tensor([[0, 5, 2]])
    >>> bool((frozen(ids, ids > -1).logits == model(ids).logits).all()), len(frozen.states)
    (True, 1)
    """

    def __init__(self, model: ErnieMHead) -> None:
        super().__init__()
        encoder = model.ernie_m.eval()
        self.unlearning = (encoder,)  # in a tuple, so that it is no part of the module: neither trained nor saved
        self.first_only = isinstance(model, ErnieMForMultipleChoice | ErnieMForSequenceClassification)
        self.head = copy.copy(model)
        self.head._modules = {**model._modules, model.base_model_prefix: _Given(encoder.pooler)}
        self.states: dict[bytes, Float[Tensor, "seq hidden"]] = {}

    @property
    def device(self) -> torch.device:
        """Where the head lies."""
        return next(self.parameters()).device

    def forward(
        self,
        input_ids: Int[Tensor, "*row seq"],
        attention_mask: Bool[Tensor, "*row seq"],
        position_ids: Shaped[Tensor, "..."] | None = None,
        **labels: Tensor,
    ) -> Any:
        """The head's output for the states of these ids."""
        rows = input_ids.flatten(0, -2)
        lengths = attention_mask.flatten(0, -2).sum(dim=1).tolist()
        keys = [row[:length].numpy().tobytes() for row, length in zip(rows.cpu(), lengths, strict=True)]
        new = list({key: number for number, key in enumerate(keys) if key not in self.states}.values())
        if new:
            found = self._encoded(rows[new], attention_mask.flatten(0, -2)[new])
            for number, state in zip(new, found, strict=True):
                self.states[keys[number]] = state[: 1 if self.first_only else lengths[number]].clone()
        states = nn.utils.rnn.pad_sequence([self.states[key] for key in keys], batch_first=True)
        return self.head(
            inputs_embeds=states.to(self.device).reshape(*input_ids.shape[:-1], *states.shape[1:]), **labels
        )

    def _encoded(
        self, rows: Int[Tensor, "text seq"], mask: Bool[Tensor, "text seq"]
    ) -> Float[Tensor, "text seq hidden"]:
        with torch.inference_mode(False), torch.no_grad():  # in this order; what is kept is trained on later
            states: Tensor = self.unlearning[0](rows.clone(), attention_mask=mask.clone()).last_hidden_state
        return states.float().cpu()


class _Given(nn.Module):
    """Stands where the encoder stood, and answers with the states that it is given."""

    def __init__(self, pooler: nn.Module | None) -> None:
        super().__init__()
        self.pooler = pooler

    def forward(self, inputs_embeds: Float[Tensor, "batch seq hidden"], **_: Any) -> EncoderOutput:
        return EncoderOutput(inputs_embeds, None if self.pooler is None else self.pooler(inputs_embeds))
