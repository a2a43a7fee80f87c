"""The losses of the heads, for labels in every form that users bring."""

import torch
from jaxtyping import Float, Int, Shaped
from torch import Tensor
from torch.nn import functional as F

from erniem_lab.errors import InputValueError

IGNORED = -100  # a label that no loss counts, as everywhere in PyTorch


def cross_entropy(logits: Float[Tensor, "item label"], labels: Shaped[Tensor, " item"]) -> Float[Tensor, ""]:
    """The mean over counted labels, in nats; zero, with a gradient of zero, where none is counted.

    Raises:
        InputValueError: a label that is no row of the scores.

    >>> cross_entropy(torch.zeros(2, 4), torch.tensor([1, IGNORED]))
    tensor(1.3863)
    """
    labels = labels.long()
    if not torch.any(labels != IGNORED):
        return logits.sum() * 0.0
    wrong = (labels != IGNORED) & ((labels < 0) | (labels >= logits.shape[1]))
    if torch.any(wrong):
        raise InputValueError(
            f"labels hold {labels[wrong][0].item()}: give 0 to {logits.shape[1] - 1}, or {IGNORED} if not counted"
        )
    return F.cross_entropy(logits, labels, ignore_index=IGNORED)


def text_loss(
    logits: Float[Tensor, "batch label"], labels: Shaped[Tensor, "..."], problem: str | None
) -> Float[Tensor, ""]:
    """The loss of one answer for each text, of the kind that `problem` names or the labels' form says.

    Raises:
        InputValueError: labels of a form that the kind does not take.

    >>> text_loss(torch.zeros(1, 2), torch.tensor([1]), None), text_loss(torch.zeros(1, 1), torch.tensor([3.0]), None)
    (tensor(0.6931), tensor(9.))
    """
    count = logits.shape[1]
    many = labels.ndim == 2 and labels.shape[1] == count
    classes = "multi_label_classification" if many else "single_label_classification"
    kind = problem or ("regression" if count == 1 else classes)
    one = kind == "single_label_classification"
    if labels.numel() != (len(logits) if one else logits.numel()) or (one and labels.is_floating_point()):
        raise InputValueError(
            f"labels have shape {list(labels.shape)} of {labels.dtype}; {kind} with {count} labels takes whole numbers "
            "[batch] for one label a text, or [batch, label] for a number or yes/no each; see config.problem_type"
        )
    if one:
        return cross_entropy(logits, labels.flatten())
    target = labels.to(logits.dtype).reshape(logits.shape)
    return F.mse_loss(logits, target) if kind == "regression" else F.binary_cross_entropy_with_logits(logits, target)


def demand_both(start: Tensor | None, end: Tensor | None) -> None:
    """Refuse one of two labels without the other.

    >>> demand_both(None, None)
    """
    if (start is None) != (end is None):
        missing = "start_positions" if start is None else "end_positions"
        raise InputValueError(f"{missing} is missing: the loss needs start_positions and end_positions")


def position_loss(scores: Float[Tensor, "batch seq"], given: Int[Tensor, "batch *one"]) -> Float[Tensor, ""]:
    """Cross-entropy of a place in each text; a place outside the text is not counted.

    >>> position_loss(torch.zeros(2, 4), torch.tensor([2, 9]))
    tensor(1.3863)
    """
    place = given.to(scores.device).reshape(len(scores)).long()
    inside = (place >= 0) & (place < scores.shape[1])
    return cross_entropy(scores, place.masked_fill(~inside, IGNORED))


def span_loss(logits: Float[Tensor, "batch seq"], given: Shaped[Tensor, "batch seq *one"]) -> Float[Tensor, ""]:
    """Binary cross-entropy of every token's label, 0, 1 or a probability.

    >>> span_loss(torch.zeros(1, 2), torch.tensor([[1, IGNORED]]))
    tensor(0.6931)
    """
    labels = given.to(logits).reshape(logits.shape)
    counted = labels != IGNORED
    strange = labels[counted & ((labels < 0) | (labels > 1) | labels.isnan())]
    if strange.numel():
        raise InputValueError(f"span labels hold {strange[0].item()}: give 0, 1 or a probability, or {IGNORED}")
    losses = F.binary_cross_entropy_with_logits(logits, labels.clamp(min=0), reduction="none")
    return losses.mean() if bool(counted.all()) else (losses * counted).sum() / counted.sum().clamp(min=1)
