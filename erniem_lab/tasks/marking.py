"""A second lesson for heads of questions: to mark, early on, the tokens of a text that its question has too."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from jaxtyping import Float, Int, Shaped
from torch import Tensor, nn
from torch.nn import functional as F

from erniem_lab.encoding import Encoding
from erniem_lab.heads import ErnieMHead
from erniem_lab.losses import IGNORED

LAYER = 2  # whose states are marked: the layers above it have to carry the marks from a word to the answer


class Marking(nn.Module):
    """Called as the whole model is; with `repeated` the loss has that of the marks in it, `weight` times.

    A large model has learnt on much text to look a word up in another sentence. A small one that has not does not
    learn it from answers alone: it stays with what kind of thing is asked for. Which words the question has too is
    told by the ids, and older readers were given it as a feature ("exact match" in Chen et al. 2017, arXiv
    1704.00051). Here the states of an early layer learn to say it, and the model that remains needs nothing beside it.

    >>> from erniem_lab.config import ErnieMConfig
    >>> from erniem_lab.heads import ErnieMForQuestionAnswering
    >>> tiny = ErnieMConfig(vocab_size=20, hidden_size=8, num_attention_heads=2, num_hidden_layers=1, num_labels=2)
    >>> marking, ids = Marking(ErnieMForQuestionAnswering(tiny).eval(), 1.0), torch.tensor([[0, 5, 2, 2, 5, 2]])
    >>> places = {"start_positions": torch.tensor([4]), "end_positions": torch.tensor([4])}
    >>> alone = marking(ids, **places).loss
    >>> marks = torch.tensor([[-100] * 4 + [1, -100]])
    >>> round((marking(ids, repeated=marks, **places).loss - alone).item(), 4)  # not taught yet: ln 2
    0.6931
    """

    def __init__(self, model: ErnieMHead, weight: float) -> None:
        super().__init__()
        self.model, self.weight = model, weight
        self.layer = min(LAYER, model.config.num_hidden_layers)
        self.mark = nn.Linear(model.config.hidden_size, 1)
        nn.init.zeros_(self.mark.weight)
        nn.init.zeros_(self.mark.bias)

    def forward(
        self,
        input_ids: Int[Tensor, "batch seq"],
        attention_mask: Shaped[Tensor, "..."] | None = None,
        repeated: Int[Tensor, "batch seq"] | None = None,
        **others: Tensor,
    ) -> Any:
        """The head's output; its loss with that of the marks, where these are given."""
        output = self.model(input_ids, attention_mask, output_hidden_states=repeated is not None, **others)
        if repeated is None:
            return output
        counted = repeated != IGNORED
        said: Float[Tensor, " token"] = self.mark(output.hidden_states[self.layer][counted]).squeeze(-1)
        marks = F.binary_cross_entropy_with_logits(said, repeated[counted].to(said.dtype))
        return replace(output, loss=output.loss + self.weight * marks)


def repeated_tokens(pairs: Sequence[Encoding]) -> Int[Tensor, "batch seq"]:
    """1 for each token of a second text that the first has too, 0 for its others, and IGNORED elsewhere.

    >>> pair = Encoding(ids=[0, 9, 2, 2, 8, 9, 2], offsets=[(0, 0)] * 7, sentence=[0, 0, 0, 1, 1, 1, 1],
    ...                 special=[True, False, True, True, False, False, True])
    >>> repeated_tokens([pair]).tolist()
    [[-100, -100, -100, -100, 0, 1, -100]]
    """
    return nn.utils.rnn.pad_sequence([*map(_repeated, pairs)], batch_first=True, padding_value=IGNORED)


def _repeated(pair: Encoding) -> Int[Tensor, " seq"]:
    tokens = [*zip(pair.ids, pair.sentence, pair.special, strict=True)]
    asked = {i for i, sentence, special in tokens if sentence == 0 and not special}
    return torch.tensor(
        [int(i in asked) if sentence == 1 and not special else IGNORED for i, sentence, special in tokens]
    )
