"""How well hidden tokens are guessed, text by text: the masked-language model's score of a corpus."""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float, Int
from tqdm import tqdm

from erniem_lab.batching import by_length, collate
from erniem_lab.embedding import BATCH_TOKENS
from erniem_lab.encoding import Encoding
from erniem_lab.errors import InputValueError
from erniem_lab.heads import ErnieMForMaskedLM
from erniem_lab.tokenizer import ErnieMTokenizer


@torch.inference_mode()
def guess_hidden(
    model: ErnieMForMaskedLM,
    tokenizer: ErnieMTokenizer,
    texts: Sequence[str],
    *,
    share: float = 0.15,
    seed: int = 0,
    batch_tokens: int = BATCH_TOKENS // 4,
    progress: bool = True,
) -> Float[np.ndarray, " text"]:
    """For each text, the mean log-probability (nats) of its hidden tokens, each replaced by [MASK]; 0 is best.

    The same tokens are hidden whenever texts, share and seed are the same, whatever the model.

    Args:
        share: of a text's tokens, [CLS] and [SEP] not counted; at least one is hidden.
        batch_tokens: tokens in a batch, padding counted.

    Raises:
        InputValueError: a share outside 0 to 1, or a text without tokens.

    >>> from erniem_lab import MINI
    >>> model, tokenizer = ErnieMForMaskedLM.from_pretrained(MINI), ErnieMTokenizer.from_pretrained(MINI)
    >>> bool((guess_hidden(model, tokenizer, ["Good day.", "Bonjour."], progress=False) < 0).all())
    True
    """
    if not 0 < share <= 1:
        raise InputValueError(f"share={share}: give a number above 0 and up to 1")
    encodings = tokenizer.encodings(list(texts), truncation=True, max_length=model.config.max_length)
    draw = np.random.default_rng(seed)
    hidden = [_choose(encoding, share, draw, number) for number, encoding in enumerate(encodings)]
    scores = np.empty(len(encodings))
    training = model.training
    model.eval()
    with tqdm(total=len(encodings), unit="text", disable=not progress) as bar:
        for rows in by_length(list(map(len, encodings)), batch_tokens):
            scores[rows] = _scores(model, tokenizer, [encodings[i] for i in rows], [hidden[i] for i in rows])
            bar.update(len(rows))
    model.train(training)
    return scores


def _choose(encoding: Encoding, share: float, draw: np.random.Generator, number: int) -> Int[np.ndarray, " hidden"]:
    plain = np.flatnonzero(~np.array(encoding.special, dtype=bool))
    if not len(plain):
        raise InputValueError(f"texts[{number}] is {encoding.texts[0]!r:.40}: nothing to hide; leave it out")
    return np.sort(draw.choice(plain, size=max(1, round(share * len(plain))), replace=False))


def _scores(
    model: ErnieMForMaskedLM,
    tokenizer: ErnieMTokenizer,
    encodings: Sequence[Encoding],
    hidden: Sequence[Int[np.ndarray, " _hidden"]],
) -> Float[np.ndarray, " batch"]:
    batch = collate(encodings, tokenizer.pad_token_id).to(model.device)
    counts = list(map(len, hidden))
    rows, columns = np.repeat(np.arange(len(hidden)), counts).tolist(), np.concatenate(hidden).tolist()
    targets = batch.input_ids[rows, columns]
    masked = batch.input_ids.clone()
    masked[rows, columns] = tokenizer.mask_token_id
    states = model.base(masked, batch.position_ids, batch.kinds > 0).last_hidden_state[rows, columns]
    logs = model.score(states).float().log_softmax(dim=-1).gather(1, targets[:, None])[:, 0]
    starts = np.cumsum([0, *counts[:-1]])
    return np.add.reduceat(logs.double().cpu().numpy(), starts) / np.array(counts)
