"""Encoded prompts and texts through the model, to the probability of each token that a span starts or ends there.

UIE-M was trained, and is used by PaddleNLP, without a mask: every input is filled up to the longest length with padding
at position 0, which is read, and [CLS] is not, for the mask is taken from the id 0. Weights that were trained so have
to be read so; others read no padding, and their results do not depend on it.
"""

from collections.abc import Iterator, Sequence

import torch
from jaxtyping import Bool
from torch import Tensor
from torch.nn import functional as F
from tqdm import tqdm

from erniem_lab.batching import PADDING, Batch, by_length, collate
from erniem_lab.config import ErnieMConfig
from erniem_lab.encoding import Encoding
from erniem_lab.heads import ErnieMForInformationExtraction
from erniem_lab.tasks.extraction.spans import Pointers

BATCH_TOKENS = 8192
HEAD = "ErnieMForInformationExtraction"
PADDLE_KEYS = ("paddlenlp_version", "type_vocab_size")  # of a config that PaddleNLP wrote
MASKED_ID = 0  # which Paddle takes for padding, and which is [CLS]


def reads_padding(config: ErnieMConfig) -> bool:
    """Whether the weights were trained to read padding, as PaddleNLP's uie-m models were.

    The config's own key `reads_padding` says so; where it is missing, a head that PaddleNLP wrote does.

    >>> reads_padding(ErnieMConfig()), reads_padding(ErnieMConfig(reads_padding=True))
    (False, True)
    """
    return bool(getattr(config, "reads_padding", cut_by_paddle(config)))


def cut_by_paddle(config: ErnieMConfig) -> bool:
    """Whether the weights come from PaddleNLP as they are, trained on text as its tokenizer cuts it.

    >>> cut_by_paddle(ErnieMConfig.from_dict({"architectures": ["UIEM"], "paddlenlp_version": None}))
    True
    """
    from_paddle = any(hasattr(config, key) for key in PADDLE_KEYS)
    return from_paddle and HEAD in (config.architectures or ()) and not hasattr(config, "reads_padding")


def fill(encodings: Sequence[Encoding], config: ErnieMConfig, *, padding_is_read: bool) -> Batch:
    """A batch that is as long as its longest text, or, where padding is read, as long as the model allows.

    >>> encoding = Encoding([0, 5, 2], [(0, 0)] * 3, [0] * 3, [True, False, True])
    >>> fill([encoding], ErnieMConfig(max_position_embeddings=7), padding_is_read=True).input_ids
    tensor([[0, 5, 2, 1, 1]])
    """
    batch = collate(encodings, config.pad_token_id)
    missing = (0, config.max_length - batch.input_ids.shape[1] if padding_is_read else 0)
    return Batch(
        input_ids=F.pad(batch.input_ids, missing, value=config.pad_token_id),
        position_ids=F.pad(batch.position_ids, missing),
        kinds=F.pad(batch.kinds, missing, value=PADDING),
        special=F.pad(batch.special, missing, value=True),
    )


def mask_of(batch: Batch, *, padding_is_read: bool) -> Bool[Tensor, "batch seq"]:
    """What is read: all but padding, or, where padding is read, all but [CLS].

    >>> encoding = Encoding([0, 5, 2], [(0, 0)] * 3, [0] * 3, [True, False, True])
    >>> mask_of(fill([encoding], ErnieMConfig(), padding_is_read=False), padding_is_read=False)
    tensor([[True, True, True]])
    """
    return batch.input_ids != MASKED_ID if padding_is_read else batch.kinds != PADDING


@torch.inference_mode()
def read(
    model: ErnieMForInformationExtraction,
    encodings: Sequence[Encoding],
    *,
    padding_is_read: bool,
    batch_tokens: int = BATCH_TOKENS,
    progress: bool = False,
) -> list[Pointers]:
    """The probabilities of each encoding, in the order given; padding's are there too where it is read.

    Inputs of like length share a batch of at most `batch_tokens` tokens, padding counted.

    >>> import erniem_lab as el
    >>> tiny = ErnieMConfig(vocab_size=9, hidden_size=8, num_attention_heads=2, num_hidden_layers=1)
    >>> encoding = Encoding([0, 5, 2], [(0, 0)] * 3, [0] * 3, [True, False, True])
    >>> read(el.ErnieMForInformationExtraction(tiny), [encoding], padding_is_read=False)[0].start.shape
    (3,)
    """
    lengths = [model.config.max_length if padding_is_read else len(encoding) for encoding in encodings]
    found: dict[int, Pointers] = {}
    training = model.training
    model.eval()
    with tqdm(total=len(encodings), unit="input", disable=not progress) as bar:
        for rows in by_length(lengths, batch_tokens):
            batch = fill([encodings[row] for row in rows], model.config, padding_is_read=padding_is_read)
            for row, pointers in zip(rows, _probabilities(model, batch, padding_is_read), strict=True):
                found[row] = pointers[: lengths[row]]
            bar.update(len(rows))
    model.train(training)
    return [found[row] for row in range(len(encodings))]


def _probabilities(model: ErnieMForInformationExtraction, batch: Batch, padding_is_read: bool) -> Iterator[Pointers]:
    batch = batch.to(model.device)
    output = model(batch.input_ids, mask_of(batch, padding_is_read=padding_is_read), batch.position_ids)
    start, end = (side.float().sigmoid().cpu().numpy() for side in (output.start_logits, output.end_logits))
    return (Pointers(*pair) for pair in zip(start, end, strict=True))
