"""A model's twin that only reads: its weights laid out once for the fastest matrix products that the machine has.

On a CPU these are oneDNN's; on some processors (AMD's) they are more than twice as fast in float32 as what torch asks
otherwise. For "int8" weights are rounded by output and states by token, so that a text's vector does not depend on the
texts that it is read with; attention and normalisation stay in float32.

What was tried, as products of 512 states with a base model's two widest maps (768 to 3,072 and back), one dimension
of the states being twenty times the others, as trained encoders have them. One thread of an AMD EPYC with AVX-512,
10^9 operations a second of its own time, one run beside other work; the least cosine of a token to float32:

| product | there and back | cosine |
|---|---|---|
| torch, float32 | 90, 99 | 1.00000 |
| ONNX Runtime, float32 | 197, 214 | 1.00000 |
| oneDNN, float32: kept | 221, 216 | 1.00000 |
| oneDNN, bfloat16: kept | 289, 412 | 0.99999 |
| torch's dynamic int8, a scale for all states and weights | 637, 740 | 0.93812 |
| ONNX Runtime's dynamic int8, a scale for all states | 740, 701 | 0.98428 |
| torchao's dynamic int8, a scale for each token, not compiled (another run) | 367, 284 | 0.99588 |
| oneDNN, int8, a scale for each token: kept | 671, 579 | 0.99465 |

On Tatoeba (16 languages and English, layer 3 of the bundled checkpoint of that day) no language's accuracy moved by
more than 0.3 points, see `tests/measure_precision.py`.
"""

import copy
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Literal, TypeVar, get_args

import torch
from jaxtyping import Float, Int8, UInt8
from torch import Tensor, nn
from torch.nn import functional as F

from erniem_lab.errors import InputValueError
from erniem_lab.model import ErnieMEncoderLayer, ErnieMModel, ErnieMSelfAttention
from erniem_lab.pretrained import ErnieMPreTrainedModel

Precision = Literal["float32", "bfloat16", "int8"]
After = Literal["none", "gelu"]
Module = TypeVar("Module", bound=nn.Module)
Change = Callable[[nn.Module], nn.Module | None]
Product = Callable[[Tensor, Tensor, After], nn.Module]

LEVELS = 127  # of int8 on either side of zero
ZERO = 128  # where zero lies in uint8, the form in which the kernels are fast for states
WHOLE = 1.5 * 2**23  # a small number added to it is rounded, and stands in the last bits of the float
PART = 256  # outputs whose weights are rounded at a time, in the processor's cache
SMALLEST = 1e-12  # divides a row of zeros too


def reading_twin(
    model: ErnieMPreTrainedModel, precision: Precision = "float32", layers: int | None = None
) -> ErnieMModel:
    """The encoder of a model without dropout and pooler, for reading; the model itself stays as it is.

    The twin shares its table of words and its hooks with the model. The other weights are as they are now.

    Args:
        precision: of matrix products; layer 0 is computed as in the model.
        layers: how many of the model's layers the twin has, from the first; all if not given.

    Raises:
        InputValueError: no such precision, or int8 elsewhere than on a CPU.

    >>> from erniem_lab import MINI, ErnieMForMaskedLM
    >>> model = ErnieMForMaskedLM.from_pretrained(MINI)
    >>> twin, ids = reading_twin(model, layers=1), torch.tensor([[0, 9, 2]])
    >>> first = model.base(ids, output_hidden_states=True).hidden_states[1]
    >>> torch.allclose(twin(ids).last_hidden_state, first, atol=1e-5)
    True
    """
    product, dtype = _product(precision, model.device)
    base: ErnieMModel = model.base
    encoder = _changed(base.encoder, {"layers": base.encoder.layers[:layers]})
    with torch.no_grad():
        parts = {
            "embeddings": _changed(base.embeddings, {"dropout": _Rounding(dtype)}),
            "encoder": _altered(encoder, partial(_fast, product=product, dtype=dtype)),
            "pooler": None,
        }
    return _changed(base, parts).eval()


def _product(precision: Precision, device: torch.device) -> tuple[Product, torch.dtype]:
    """What makes a matrix product in that precision, and the number format of the states around it."""
    if precision not in get_args(Precision):
        raise InputValueError(f"precision={precision!r}: give one of {', '.join(get_args(Precision))}")
    on_cpu = device.type == "cpu"
    if precision == "int8" and not on_cpu:
        raise InputValueError(f"precision='int8' needs a CPU, and the model is on {device}; use 'bfloat16'")
    if precision == "int8":
        return _Rounded if _holds(_Rounded) else _SlowlyRounded, torch.float32
    dtype = torch.float32 if precision == "float32" else torch.bfloat16
    laid_out, plain = partial(_LaidOut, dtype), partial(_Plain, dtype)
    return laid_out if on_cpu and _holds(laid_out) else plain, dtype


def _holds(product: Product) -> bool:
    """Whether oneDNN's product is there and right. torch does not promise its name, nor has every processor the
    instructions: some that are older round sums of whole numbers off, which the largest ones show."""
    states, weight, bias = torch.ones(2, 64), torch.ones(32, 64), torch.ones(32)
    try:
        made = product(weight, bias, "none")
        found = made(states.to(getattr(made.bias, "dtype", None)))
    except (AttributeError, RuntimeError, TypeError):
        return False
    return bool(torch.allclose(found.float(), F.linear(states, weight, bias)))


def _changed(module: Module, parts: Mapping[str, nn.Module | None]) -> Module:
    """The same module with some parts of its own; the old one keeps what it has."""
    twin = copy.copy(module)
    twin._modules = {name: parts[name] if name in parts else copy.copy(part) for name, part in module._modules.items()}
    return twin


def _altered(module: Module, change: Change, parts: Mapping[str, nn.Module] | None = None) -> Module:
    """The same module with every part changed that has another form; some may be given."""
    given = dict(parts or {})
    others = ((name, part) for name, part in module.named_children() if name not in given)
    return _changed(module, given | {name: change(part) or _altered(part, change) for name, part in others})


def _fast(module: nn.Module, product: Product, dtype: torch.dtype) -> nn.Module | None:
    """The fast form of a part, if it has one."""
    change = partial(_fast, product=product, dtype=dtype)
    if isinstance(module, ErnieMEncoderLayer) and module.activation is F.gelu and _bare(module.linear1):
        twin = _altered(module, change, {"linear1": product(module.linear1.weight, module.linear1.bias, "gelu")})
        twin.activation = nn.Identity()
        return twin
    if isinstance(module, ErnieMSelfAttention) and all(map(_bare, module.children())):
        return _joint(module, product)
    if isinstance(module, nn.Linear):
        return product(module.weight, module.bias, "none") if _bare(module) else _Around(module, dtype)
    return copy.deepcopy(module).to(dtype) if isinstance(module, nn.LayerNorm) else None


def _bare(module: nn.Module) -> bool:
    """Whether it is a linear map and nothing else, such as a hook, is called with it."""
    return type(module) is nn.Linear and not (module._forward_hooks or module._forward_pre_hooks)


class _JointAttention(ErnieMSelfAttention):
    """Attention whose queries, keys and values are one matrix product."""

    joint: nn.Module

    def project(self, hidden: Float[Tensor, "batch seq hidden"]) -> tuple[Tensor, Tensor, Tensor]:
        query, key, value = self.joint(hidden).chunk(3, dim=-1)
        return query, key, value


def _joint(attention: ErnieMSelfAttention, product: Product) -> _JointAttention:
    twin = copy.copy(attention)
    twin.__class__ = _JointAttention
    linears = (attention.q_proj, attention.k_proj, attention.v_proj)
    weight, bias = (torch.cat([getattr(linear, name) for linear in linears]) for name in ("weight", "bias"))
    twin._modules = {"joint": product(weight, bias, "none")}
    return twin  # type: ignore[return-value]


class _Rounding(nn.Module):
    """States in the number format of the layers above."""

    def __init__(self, dtype: torch.dtype) -> None:
        super().__init__()
        self.dtype = dtype

    def forward(self, states: Float[Tensor, "*place dim"]) -> Float[Tensor, "*place dim"]:
        return states.to(self.dtype)


class _Around(_Rounding):
    """A part that stays as it is, amid states of another number format."""

    def __init__(self, part: nn.Linear, dtype: torch.dtype) -> None:
        super().__init__(dtype)
        self.part = part

    def forward(self, states: Float[Tensor, "*place dim"]) -> Float[Tensor, "*place inner"]:
        return self.part(states.to(self.part.weight.dtype)).to(self.dtype)


class _Plain(nn.Module):
    """A linear map as torch computes it."""

    def __init__(self, dtype: torch.dtype, weight: Tensor, bias: Tensor, after: After) -> None:
        super().__init__()
        self.weight, self.bias, self.after = weight.detach().to(dtype), bias.detach().to(dtype), after

    def forward(self, states: Float[Tensor, "*place dim"]) -> Float[Tensor, "*place inner"]:
        mapped = F.linear(states, self.weight, self.bias)
        return F.gelu(mapped) if self.after == "gelu" else mapped


class _LaidOut(nn.Module):
    """A linear map whose weights lie as oneDNN reads them."""

    def __init__(self, dtype: torch.dtype, weight: Tensor, bias: Tensor, after: After) -> None:
        super().__init__()
        self.weight = torch.ops.mkldnn._reorder_linear_weight(weight.detach().to(dtype))
        self.bias, self.after = bias.detach().to(dtype), after

    def forward(self, states: Float[Tensor, "*place dim"]) -> Float[Tensor, "*place inner"]:
        return torch.ops.mkldnn._linear_pointwise(states, self.weight, self.bias, self.after, [], "none")


class _Rounded(nn.Module):
    """A linear map of whole numbers: a scale for each output in the weights, and for each token in the states."""

    def __init__(self, weight: Tensor, bias: Tensor, after: After) -> None:
        super().__init__()
        parts = map(_rounded, torch.split(weight.detach().float(), PART))
        whole, largest = (torch.cat(part) for part in zip(*parts, strict=True))
        signed = whole.bitwise_xor_(ZERO).view(torch.int8)  # the same numbers around zero
        self.weight, self.scale = self._laid_out(signed), largest[:, 0] / LEVELS**2  # of weights, and of states
        self.zeros = torch.zeros(len(weight), dtype=torch.int64)
        self.bias, self.after = bias.detach().float(), after

    def forward(self, states: Float[Tensor, "*place dim"]) -> Float[Tensor, "*place inner"]:
        whole, largest = _rounded(states.flatten(0, -2))
        mapped = self._product(whole)
        torch.addcmul(self.bias, mapped, largest, out=mapped)
        if self.after == "gelu":
            torch.ops.aten.gelu_(mapped)
        return mapped.view(*states.shape[:-1], len(self.bias))

    def _laid_out(self, weight: Int8[Tensor, "inner dim"]) -> Tensor:
        return torch.ops.onednn.qlinear_prepack(weight, None)

    def _product(self, rows: UInt8[Tensor, "row dim"]) -> Float[Tensor, "row inner"]:
        weight = (self.weight, self.scale, self.zeros)
        plain: tuple[Any, ...] = (None, 1.0, 0, torch.float32, "none", [], "none")  # no bias, nothing fused
        return torch.ops.onednn.qlinear_pointwise(rows, 1.0, ZERO, *weight, *plain)


def _rounded(rows: Float[Tensor, "row dim"]) -> tuple[UInt8[Tensor, "row dim"], Float[Tensor, "row 1"]]:
    """Rows in whole numbers around `ZERO`, and what `LEVELS` of them are worth in each row: its largest number."""
    largest = torch.maximum(rows.amax(1, keepdim=True), rows.amin(1, keepdim=True).neg_()).clamp_(min=SMALLEST)
    middle = rows.new_full(rows.shape[1:], WHOLE + ZERO)
    whole = torch.addcmul(middle, rows, largest.reciprocal(), value=LEVELS)
    return whole.view(torch.int32).to(torch.uint8), largest


class _SlowlyRounded(_Rounded):
    """The same numbers where torch or the processor has no such product."""

    def _laid_out(self, weight: Int8[Tensor, "inner dim"]) -> Tensor:
        return weight.float()

    def _product(self, rows: UInt8[Tensor, "row dim"]) -> Float[Tensor, "row inner"]:
        return F.linear(rows.float() - ZERO, self.weight) * self.scale
