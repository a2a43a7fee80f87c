"""Who may read whom: every form a caller may give, brought to the one that attention uses.

The one form has axes batch, head, query, key (any of the first three may be 1) and is boolean, True where the
query may read the key; or, for four axes of floats, a number to add to the score before the softmax.
"""

import torch
from jaxtyping import Bool, Float, Int, Shaped
from torch import Tensor
from torch.nn import functional as F

from erniem_lab.errors import InputValueError

ReadingMask = Bool[Tensor, "#batch #head #query key"] | Float[Tensor, "#batch #head #query key"]

AXES = {2: "[batch, key]", 3: "[batch, query, key]", 4: "[batch, head, query, key]"}


def reading_mask(
    given: Shaped[Tensor, "..."] | None, not_padding: Bool[Tensor, "batch seq"], prefix: int = 0, heads: int = 1
) -> ReadingMask:
    """The mask in the form that attention uses; without one, whatever is not padding may be read.

    Args:
        given: `[batch, key]`, `[batch, query, key]` or `[batch, head, query, key]`, of booleans or of zeros and
            ones, True or 1 where the query may read the key. Four axes of floats are added to the scores.
        prefix: how many keys stand before the sequence; a mask that leaves them out lets all read them.
        heads: how many heads a mask with an axis of heads tells apart.

    Raises:
        InputValueError: other axes, other lengths, or values that are neither 0 nor 1.

    >>> reading_mask(None, torch.tensor([[True, True, False]]), prefix=1)
    tensor([[[[ True,  True,  True, False]]]])
    """
    if given is None:
        return F.pad(not_padding, (prefix, 0), value=True)[:, None, None, :]
    if given.ndim not in AXES:
        raise InputValueError(f"attention_mask has shape {list(given.shape)}; give {', '.join(AXES.values())}")
    mask = _additive(given) if given.ndim == 4 and given.is_floating_point() else _boolean(given)
    if mask.shape[-1] == not_padding.shape[1] and prefix:
        mask = F.pad(mask, (prefix, 0), value=mask.dtype == torch.bool)
    batch, seq = not_padding.shape
    _check_lengths(mask, batch, heads, seq, prefix)
    return mask[:, None, None, :] if mask.ndim == 2 else mask[:, None] if mask.ndim == 3 else mask


def _boolean(given: Shaped[Tensor, "..."]) -> Bool[Tensor, "..."]:
    if given.dtype == torch.bool:
        return given
    keep = given == 1
    if not torch.compiler.is_compiling() and not torch.all(keep | (given == 0)):
        strange = given[~(keep | (given == 0))].flatten()[0].item()
        raise InputValueError(f"attention_mask holds {strange}: give 1 (or True) to read a token, 0 (or False) not to")
    return keep


def _additive(given: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
    if not torch.compiler.is_compiling() and torch.any((given > 0) | given.isnan()):
        raise InputValueError(
            "attention_mask with four axes of floats is added to the scores, so 0 reads and large negative "
            "numbers forbid; it holds positive numbers or NaN: give booleans to say who may read whom"
        )
    return given.clamp(min=torch.finfo(given.dtype).min)


def _check_lengths(mask: Shaped[Tensor, "..."], batch: int, heads: int, seq: int, prefix: int) -> None:
    wanted = {2: (batch, seq + prefix), 3: (batch, seq, seq + prefix), 4: (batch, heads, seq, seq + prefix)}[mask.ndim]
    *others, key = zip(mask.shape, wanted, strict=True)
    if key[0] != key[1] or any(size not in (1, full) for size, full in others):
        after = f" after a prefix of {prefix}" if prefix else ""
        raise InputValueError(
            f"attention_mask has shape {list(mask.shape)}; {batch} texts of {seq} tokens{after} "
            f"take {AXES[mask.ndim]} = {list(wanted)}, or 1 in place of any of them but key"
        )


def check_ids(ids: Int[Tensor, "..."], size: int, name: str, limit: str) -> None:
    """Refuse ids outside 0..size-1.

    Raises:
        InputValueError: with the first id that has no entry, and where it stands.

    >>> check_ids(torch.tensor([[3, 9]]), 9, "input_ids", "vocab_size")
    Traceback (most recent call last):
    erniem_lab.errors.InputValueError: input_ids holds 9 at [0, 1]; accepted are 0 to 8 (vocab_size is 9)
    """
    if torch.compiler.is_compiling() or not ids.numel() or (ids.min() >= 0 and ids.max() < size):
        return
    where = ((ids < 0) | (ids >= size)).nonzero()[0].tolist()
    value = ids[tuple(where)].item()
    raise InputValueError(f"{name} holds {value} at {where}; accepted are 0 to {size - 1} ({limit} is {size})")
