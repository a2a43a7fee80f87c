"""What a model attends to while it guesses: a text with masks through every layer, read by an objective's table."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Bool, Float, Int

from erniem_lab.batching import Role, collate, kind
from erniem_lab.heads import ErnieMForMaskedLM
from erniem_lab.losses import IGNORED
from erniem_lab.pretraining.objectives import HIDDEN_SHARE, Objective, Riddle, hide
from erniem_lab.tokenizer import ErnieMTokenizer
from erniem_lab.tracing import Trace, Word


@dataclass(frozen=True)
class GuessTrace:
    """A trace with masks in it, who may read whom, and which tokens are masks.

    Attention is 0 wherever the table forbids it. A mask is written as what it asks for, after a question mark; masks
    that stand at the end of the text, as in CAMLM, are of the sentence whose token they ask for.
    """

    trace: Trace
    allowed: Bool[np.ndarray, "query key"]
    masks: Bool[np.ndarray, " token"]

    def mask_shares(self) -> Mapping[str, float]:
        """What the masks give to whom, a mean over all heads, layers and masks; the shares sum to 1.

        >>> from erniem_lab import MINI
        >>> from erniem_lab.pretraining import CAMLM
        >>> model, tokenizer = ErnieMForMaskedLM.from_pretrained(MINI), ErnieMTokenizer.from_pretrained(MINI)
        >>> trace_guess(model, tokenizer, CAMLM, "Good day.", "Bonjour.").mask_shares()["own words"]
        0.0
        """
        given = self.trace.attention[:, :, self.masks].mean(axis=(0, 1), dtype=np.float64)
        own = self.trace.sentence == self.trace.sentence[self.masks][:, None]
        words = ~np.array(self.trace.special) & ~self.masks
        groups = {"own words": own & words, "other sentence": ~own & words, "masks": self.masks | np.zeros_like(own)}
        groups["separators"] = np.array(self.trace.special) | np.zeros_like(own)
        return {name: float((given * group).sum(axis=-1).mean()) for name, group in groups.items()}


@torch.inference_mode()
def trace_guess(
    model: ErnieMForMaskedLM,
    tokenizer: ErnieMTokenizer,
    objective: Objective,
    text: str,
    text_pair: str | None = None,
    *,
    share: float = HIDDEN_SHARE,
    seed: int = 0,
) -> GuessTrace:
    """Hide some tokens of a text or pair as an objective does, and follow it through every layer.

    Args:
        share: of the tokens that are hidden, at least one.

    Raises:
        InputValueError: a share outside 0 to 1, or a text with nothing to hide.

    >>> from erniem_lab import MINI
    >>> from erniem_lab.pretraining import CAMLM
    >>> model, tokenizer = ErnieMForMaskedLM.from_pretrained(MINI), ErnieMTokenizer.from_pretrained(MINI)
    >>> found = trace_guess(model, tokenizer, CAMLM, "Good day.", "Bonjour.")
    >>> bool((found.trace.attention[..., ~found.allowed] == 0).all())
    True
    """
    batch = collate([tokenizer.encoding(text, text_pair)], tokenizer.pad_token_id)
    draw = torch.Generator().manual_seed(seed)
    riddle = hide(batch, objective, tokenizer.mask_token_id, share=share, generator=draw)
    training = model.training
    model.eval()
    inside = (part.to(model.device) for part in (riddle.batch.input_ids, riddle.batch.position_ids, riddle.mask))
    output = model.base(*inside, output_hidden_states=True, output_attentions=True)
    model.train(training)
    allowed = riddle.mask[0].numpy()
    hidden = torch.cat(output.hidden_states).float().cpu().numpy()
    attention = torch.cat(output.attentions).float().cpu().numpy() * allowed
    texts = (text,) if text_pair is None else (text, text_pair)
    found = replace(_named(tokenizer, riddle, hidden, attention), texts=texts)
    return GuessTrace(found, allowed, riddle.targets[0].numpy() != IGNORED)


def _named(
    tokenizer: ErnieMTokenizer,
    riddle: Riddle,
    hidden: Float[np.ndarray, "layer token hidden"],
    attention: Float[np.ndarray, "block head query key"],
) -> Trace:
    """A trace in which every token is a word of its own."""
    asked = riddle.targets[0] != IGNORED
    shown = torch.where(asked, riddle.targets[0], riddle.batch.input_ids[0])
    pairs = zip(tokenizer.convert_ids_to_tokens(shown.tolist()), asked.tolist(), strict=True)
    tokens = tuple(f"?{name.lstrip('▁')}" if mask else name for name, mask in pairs)
    sentence: Int[np.ndarray, " token"] = (riddle.batch.kinds[0] > kind(Role.MASK, 0)).long().numpy()
    special = tuple(riddle.batch.special[0].tolist())
    places = (i for i in range(len(tokens)) if not special[i])
    words = tuple(Word(tokens[i].strip("▁"), int(sentence[i]), (0, 0), (i,)) for i in places)
    return Trace((), tokens, words, sentence, special, hidden, attention)
