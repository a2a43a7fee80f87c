"""One text or pair followed through the encoder: words, tokens, states and attention, as numpy arrays.

Torch ends here. What probes and pictures is given a `Trace`, which holds no padding and no tensor; `word_states` gives
the words of many sentences.
"""

import unicodedata
from dataclasses import dataclass
from itertools import groupby

import numpy as np
import torch
from jaxtyping import Float, Int

from erniem_lab.batching import collate
from erniem_lab.encoding import Encoding
from erniem_lab.errors import InputValueError
from erniem_lab.pretrained import ErnieMPreTrainedModel
from erniem_lab.tokenizer import ErnieMTokenizer

HAN = "CJK UNIFIED IDEOGRAPH"  # written without spaces: a word of its own for each token
OF_WORDS, UNSEEN = "LMN", "ZC"  # kinds of characters: letters, their marks, and digits; spaces and joiners
Key = tuple[int, int, int] | None


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
    _demand_room(model, encoding)
    batch = collate([encoding], tokenizer.pad_token_id).to(model.device)
    training = model.training
    model.eval()
    try:
        output = model.base(
            batch.input_ids, batch.position_ids, batch.kinds > 0, output_hidden_states=True, output_attentions=True
        )
    finally:
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
    """The words of a text: what stands between spaces, with punctuation and Han characters by themselves.

    A token that only says where a word begins is of the word that follows, and not of its text.

    >>> from erniem_lab import MINI
    >>> tokenizer = ErnieMTokenizer.from_pretrained(MINI)
    >>> [word.text for word in words(tokenizer.encoding("(हिन्दी में) 中文, น้ำ…"))]
    ['(', 'हिन्दी', 'में', ')', '中', '文', ',', 'น้ำ', '…']
    """
    keys = _keys(encoding)
    tokens = [i for i in range(len(encoding)) if not encoding.special[i] and keys[i] is not None]
    return tuple(_word(encoding, tuple(group)) for _, group in groupby(tokens, key=lambda i: keys[i]))


def _demand_room(model: ErnieMPreTrainedModel, encoding: Encoding) -> None:
    if len(encoding) > (limit := model.config.max_length):
        named = " and ".join(f"{text!r:.60}" for text in encoding.texts)
        raise InputValueError(
            f"text {named} takes {len(encoding)} tokens, and the model reads {limit}: give a shorter one, or its parts"
        )


def _keys(encoding: Encoding) -> list[Key]:
    """For each token what it shares with the others of its word; None if it is of no word."""
    keys: list[Key] = []
    for token in reversed(range(len(encoding))):
        kinds = {unicodedata.category(letter)[0] for letter in encoding.surface(token)}
        if not kinds <= {*UNSEEN}:
            keys.append(_key(encoding, token, bool(kinds & {*OF_WORDS})))
        else:
            after = keys[-1] if keys else None
            keys.append(after if after and after[:2] == (encoding.sentence[token], encoding.words[token]) else None)
    return keys[::-1]


def _key(encoding: Encoding, token: int, letters: bool) -> Key:
    """Its sentence, its place between spaces, and where it stands if it is a word by itself."""
    han = all(unicodedata.name(letter, "").startswith(HAN) for letter in encoding.surface(token).strip())
    alone = han or not letters
    return encoding.sentence[token], encoding.words[token], encoding.offsets[token][0] if alone else -1


def _word(encoding: Encoding, tokens: tuple[int, ...]) -> Word:
    sentence = encoding.sentence[tokens[0]]
    text = encoding.texts[sentence]
    start, end = encoding.offsets[tokens[0]][0], encoding.offsets[tokens[-1]][1]
    start = end - len(text[start:end].lstrip())
    return Word(text[start:end], sentence, (start, end), tokens)
