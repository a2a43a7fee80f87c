"""One text or pair followed through the encoder: words, tokens, states and attention, as numpy arrays.

Torch ends here. What probes and pictures is given a `Trace`, which holds no padding and no tensor; `word_states` gives
the words of many sentences.
"""

from dataclasses import dataclass
from itertools import groupby

import numpy as np
import torch
from jaxtyping import Float, Int

from erniem_lab.batching import collate
from erniem_lab.encoding import Encoding
from erniem_lab.pretrained import ErnieMPreTrainedModel
from erniem_lab.tokenizer import ErnieMTokenizer

HAN = ("\u3400", "\u9fff")  # written without spaces: a word of its own for each character


@dataclass(frozen=True)
class Word:
    """One word of a text: its characters there, and the tokens that it became."""

    text: str
    sentence: int
    span: tuple[int, int]
    tokens: tuple[int, ...]


@dataclass(frozen=True)
class Trace:
    """What the encoder made of one text or pair.

    `sentence` is 0 or 1 for each token; `hidden` has layer 0, the embedding output, first; `attention` is a
    probability for each key, and has no layer 0.
    """

    texts: tuple[str, ...]
    tokens: tuple[str, ...]
    words: tuple[Word, ...]
    sentence: Int[np.ndarray, " token"]
    special: tuple[bool, ...]
    hidden: Float[np.ndarray, "layer token hidden"]
    attention: Float[np.ndarray, "block head query key"]


@torch.inference_mode()
def trace(model: ErnieMPreTrainedModel, tokenizer: ErnieMTokenizer, text: str, text_pair: str | None = None) -> Trace:
    """Follow a text, or a pair read together, through every layer. Dropout is off while it runs.

    Args:
        model: the encoder, or any head, whose encoder is then used.

    Raises:
        InputValueError: more tokens than the model can read.

    >>> from erniem_lab import MINI, ErnieMForMaskedLM
    >>> model, tokenizer = ErnieMForMaskedLM.from_pretrained(MINI), ErnieMTokenizer.from_pretrained(MINI)
    >>> found = trace(model, tokenizer, "Good day.", "Bonjour.")
    >>> [word.text for word in found.words], found.attention.shape[-1] == len(found.tokens)
    (['Good', 'day', '.', 'Bonjour', '.'], True)
    """
    encoding = tokenizer.encoding(text, text_pair)
    batch = collate([encoding], tokenizer.pad_token_id).to(model.device)
    training = model.training
    model.eval()
    output = model.base(
        batch.input_ids, batch.position_ids, batch.kinds > 0, output_hidden_states=True, output_attentions=True
    )
    model.train(training)
    return Trace(
        texts=tuple(encoding.texts),
        tokens=tuple(encoding.tokens),
        words=words(encoding),
        sentence=np.array(encoding.sentence),
        special=tuple(encoding.special),
        hidden=torch.cat(output.hidden_states).float().cpu().numpy(),
        attention=torch.cat(output.attentions).float().cpu().numpy(),
    )


def words(encoding: Encoding) -> tuple[Word, ...]:
    """The words of a text: what stands between spaces, with punctuation and Han characters by themselves."""
    keys = [_word_key(encoding, i) for i in range(len(encoding))]
    groups = groupby((i for i in range(len(encoding)) if not encoding.special[i]), key=lambda i: keys[i])
    return tuple(_word(encoding, tuple(group)) for _, group in groups)


def _word_key(encoding: Encoding, token: int) -> tuple[int, ...]:
    surface = encoding.surface(token).strip()
    alone = len(surface) == 1 and (not surface.isalnum() or HAN[0] <= surface <= HAN[1])
    return (encoding.sentence[token], encoding.words[token], token if alone else -1)


def _word(encoding: Encoding, tokens: tuple[int, ...]) -> Word:
    sentence = encoding.sentence[tokens[0]]
    start, end = encoding.offsets[tokens[0]][0], encoding.offsets[tokens[-1]][1]
    return Word(encoding.texts[sentence][start:end], sentence, (start, end), tokens)
