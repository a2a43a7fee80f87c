"""Encoded prompts and texts through the model, to the probability of each token that a span starts or ends there.

UIE-M was trained, and is used by PaddleNLP, without a mask: every input is filled up to the longest length with padding
at position 0, which is read, and [CLS] is not, for the mask is taken from the id 0. Weights that were trained so have
to be read so; others read no padding, and their results do not depend on it.
"""

from collections.abc import Iterator, Mapping, Sequence

import torch
from torch import Tensor
from torch.nn import functional as F
from tqdm import tqdm

from erniem_lab.batching import PADDING, by_length, collate
from erniem_lab.config import ErnieMConfig
from erniem_lab.encoding import Encoding
from erniem_lab.heads import ErnieMForInformationExtraction
from erniem_lab.tasks.extraction.spans import Pointers

BATCH_TOKENS = 8192
HEAD = "ErnieMForInformationExtraction"
PADDLE_KEYS = ("paddlenlp_version", "type_vocab_size")  # of a config that PaddleNLP wrote
MASKED_ID = 0  # which Paddle takes for padding, and which is [CLS]


def padded_length(config: ErnieMConfig) -> int:
    """The length that inputs are filled up to for weights that were trained to read padding; 0 for others.

    The config's own key `reads_padding` says which they are; where it is missing, a head that PaddleNLP wrote does.

    >>> padded_length(ErnieMConfig()), padded_length(ErnieMConfig(reads_padding=True))
    (0, 512)
    """
    return config.max_length if getattr(config, "reads_padding", cut_by_paddle(config)) else 0


def cut_by_paddle(config: ErnieMConfig) -> bool:
    """Whether the weights come from PaddleNLP as they are, trained on text as its tokenizer cuts it.

    >>> cut_by_paddle(ErnieMConfig.from_dict({"architectures": ["UIEM"], "paddlenlp_version": None}))
    True
    """
    from_paddle = any(hasattr(config, key) for key in PADDLE_KEYS)
    return from_paddle and HEAD in (config.architectures or ()) and not hasattr(config, "reads_padding")


def inputs_of(encodings: Sequence[Encoding], pad_token_id: int, padded_to: int) -> dict[str, Tensor]:
    """The model's arguments: as long as the longest text, and padding not read; or `padded_to` tokens, [CLS] not read.

    >>> encoding = Encoding([0, 5, 2], [(0, 0)] * 3, [0] * 3, [True, False, True])
    >>> inputs_of([encoding], 1, padded_to=5)["input_ids"]
    tensor([[0, 5, 2, 1, 1]])
    """
    batch = collate(encodings, pad_token_id)
    missing = (0, max(padded_to - batch.input_ids.shape[1], 0))
    ids = F.pad(batch.input_ids, missing, value=pad_token_id)
    return {
        "input_ids": ids,
        "attention_mask": ids != MASKED_ID if padded_to else batch.kinds != PADDING,
        "position_ids": F.pad(batch.position_ids, missing),
    }


@torch.inference_mode()
def read(
    model: ErnieMForInformationExtraction,
    encodings: Sequence[Encoding],
    *,
    padded_to: int = 0,
    batch_tokens: int = BATCH_TOKENS,
    progress: bool = False,
) -> list[Pointers]:
    """The probabilities of each encoding, in the order given; padding's are there too where it is read.

    Inputs of like length share a batch of at most `batch_tokens` tokens, padding counted.

    >>> import erniem_lab as el
    >>> tiny = ErnieMConfig(vocab_size=9, hidden_size=8, num_attention_heads=2, num_hidden_layers=1)
    >>> encoding = Encoding([0, 5, 2], [(0, 0)] * 3, [0] * 3, [True, False, True])
    >>> read(el.ErnieMForInformationExtraction(tiny), [encoding])[0].start.shape
    (3,)
    """
    lengths = [padded_to or len(encoding) for encoding in encodings]
    found: dict[int, Pointers] = {}
    training = model.training
    model.eval()
    with tqdm(total=len(encodings), unit="input", disable=not progress) as bar:
        for rows in by_length(lengths, batch_tokens):
            inputs = inputs_of([encodings[row] for row in rows], model.config.pad_token_id, padded_to)
            for row, pointers in zip(rows, _probabilities(model, inputs), strict=True):
                found[row] = pointers[: lengths[row]]
            bar.update(len(rows))
    model.train(training)
    return [found[row] for row in range(len(encodings))]


def _probabilities(model: ErnieMForInformationExtraction, inputs: Mapping[str, Tensor]) -> Iterator[Pointers]:
    output = model(**{name: value.to(model.device) for name, value in inputs.items()})
    start, end = (side.float().sigmoid().cpu().numpy() for side in (output.start_logits, output.end_logits))
    return (Pointers(*pair) for pair in zip(start, end, strict=True))
