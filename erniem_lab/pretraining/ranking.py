"""Layer 0 taught to find translations, before any layer above it learns.

The mean of a sentence's layer-0 states is to lie nearer to that of its translation than to those of the other
sentences drawn with it: translation ranking with a softmax both ways (Yang et al. 2019, arXiv 1902.08564), where the
encoder is no more than word vectors, positions and a norm. It costs minutes on a CPU and gives the objectives what
ERNIE-M had from XLM-R: the words of all languages in one space.
"""

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from erniem_lab.batching import PADDING, Batch
from erniem_lab.model import ErnieMEmbeddings
from erniem_lab.pretraining.store import TextStore
from erniem_lab.pretraining.stream import Frame, language_weights, lay_out
from erniem_lab.tokenizer import ErnieMTokenizer

OFFSET = 0.05  # added to every position: beside it a word's vector can weigh more or less, in spite of the norm


class TranslationRanking(nn.Module):
    """The loss of an embedding layer as a finder of translations; training it changes that layer.

    Args:
        embeddings: the layer; `OFFSET` is added to its positions.
        pairs: how many pairs of the store are drawn to compete; of those with the same first sentence one stays.
        sharpness: what cosines are multiplied by before the softmax.
        temperature: as in `TextStream`.
    """

    def __init__(
        self,
        embeddings: ErnieMEmbeddings,
        store: TextStore,
        tokenizer: ErnieMTokenizer,
        *,
        pairs: int = 1024,
        sharpness: float = 20.0,
        temperature: float = 0.7,
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.embeddings, self.store, self.seed = embeddings, store, seed
        self.pairs, self.sharpness = pairs, sharpness
        self.frame = Frame(tokenizer.cls_token_id, tokenizer.sep_token_id, tokenizer.pad_token_id)
        self.cumulative = np.cumsum(language_weights(store.language, temperature))
        with torch.no_grad():
            embeddings.position_embeddings.weight += OFFSET

    def forward(self, number: int) -> Float[Tensor, ""]:
        """Cross-entropy of finding each sentence's translation among those of a step, both ways, in nats."""
        rows = self.rows(number)
        first, second = (self.vectors(self.sentences(rows, side)) for side in (0, 1))
        cosines = first @ second.T * self.sharpness
        right = torch.arange(len(rows), device=cosines.device)
        return (F.cross_entropy(cosines, right) + F.cross_entropy(cosines.T, right)) / 2

    def vectors(self, batch: Batch) -> Float[Tensor, "batch hidden"]:
        """The mean of each sentence's layer-0 states, of length 1."""
        kept = batch.kinds != PADDING
        words = self.embeddings.word_embeddings(batch.input_ids[kept])
        states = self.embeddings(words[None], batch.position_ids[kept][None])[0]
        sums = states.new_zeros(len(kept), states.shape[1]).index_add(0, kept.nonzero()[:, 0], states)
        return F.normalize(sums, dim=1)

    def rows(self, number: int) -> Int[np.ndarray, " row"]:
        """The pairs that compete in a step, counted from 0."""
        draw = np.random.default_rng([self.seed, number]).random(self.pairs) * self.cumulative[-1]
        drawn = np.minimum(np.searchsorted(self.cumulative, draw, side="right"), len(self.cumulative) - 1)
        return drawn[np.unique(self.store.group[drawn], return_index=True)[1]]

    def sentences(self, rows: Int[np.ndarray, " row"], side: int) -> Batch:
        """The first (0) or second (1) sentences of some pairs, each as [CLS] A [SEP]."""
        batch = lay_out(self.store, rows, np.full((len(rows), 1), side), self.frame)
        return batch.to(self.embeddings.word_embeddings.weight.device)
