"""A module made ready for one process or several: copied, divided, compiled, and its state taken out and put back."""

import copy
from collections import defaultdict
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import torch
import torch.distributed as dist
from jaxtyping import Float
from torch import Tensor, nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import FSDPModule, fully_shard
from torch.distributed.tensor import DTensor, distribute_tensor
from torch.nn.parallel import DistributedDataParallel
from torch.optim import Optimizer

from erniem_lab.errors import FileFaultError
from erniem_lab.training.plan import Plan
from erniem_lab.training.processes import Processes, own_device

MODULE = "module"  # before the names of its weights in a state; before others, what the optimizer keeps of them
COUNT = "step"  # of the updates of one weight, which the optimizer wants on the CPU


@dataclass(frozen=True)
class Harness:
    """`called` is what computes a loss, `owner` holds the weights that learn and are saved."""

    called: nn.Module
    owner: nn.Module

    def synchronised(self, now: bool) -> AbstractContextManager[None]:
        """A block whose backward pass averages the gradients of all processes, or leaves that to a later one."""
        if isinstance(self.owner, FSDPModule):
            self.owner.set_requires_gradient_sync(now)
        if isinstance(self.called, DistributedDataParallel) and not now:
            return self.called.no_sync()
        return nullcontext()

    def anchored(self, loss: Float[Tensor, ""]) -> Float[Tensor, ""]:
        """The same loss, on which every undivided weight has a say of zero.

        The processes of a divided module (FSDP) exchange gradients of the same weights, or fail; an objective that
        leaves a weight out would leave it out in one process alone.
        """
        if not isinstance(self.owner, FSDPModule):
            return loss
        whole = [weight for weight in self.owner.parameters() if weight.requires_grad]
        return loss + 0.0 * torch.stack([weight.sum() for weight in whole if not isinstance(weight, DTensor)]).sum()


def harness(module: nn.Module, plan: Plan, crew: Processes) -> Harness:
    """Copies (DDP) or parts (FSDP) of a module in several processes, the module itself in one.

    Only a divided module is a copy, whose weights `put_back` returns to the module at the end.

    >>> line = nn.Linear(1, 1)
    >>> harness(line, Plan(steps=1), Processes()).called is line
    True
    """
    if crew.size == 1:
        return Harness(module, module)
    if plan.sharding == "shard":
        divided = _divided(module, crew)
        return Harness(divided, divided)
    return Harness(DistributedDataParallel(module, find_unused_parameters=True), module)


def _divided(module: nn.Module, crew: Processes) -> nn.Module:
    """A copy that is divided layer by layer: each member of each list of modules, then the rest."""
    divided = copy.deepcopy(module)
    for tensor in divided.state_dict().values():
        dist.broadcast(tensor, src=0)
    mesh = init_device_mesh(own_device().type, (crew.size,))
    for layers in [part for part in divided.modules() if isinstance(part, nn.ModuleList)]:
        for layer in layers:
            fully_shard(layer, mesh=mesh)
    fully_shard(divided, mesh=mesh)
    return divided


def take_out(owner: nn.Module, optimizer: Optimizer) -> dict[str, Tensor]:
    """Everything that a run needs to go on, whole and on the CPU; all processes must take part.

    >>> line = nn.Linear(1, 1, bias=False)
    >>> optimizer = torch.optim.AdamW(line.parameters())
    >>> line(torch.ones(1, 1)).sum().backward()
    >>> optimizer.step()
    >>> list(take_out(line, optimizer))
    ['module:weight', 'step:weight', 'exp_avg:weight', 'exp_avg_sq:weight']
    """
    weights = {f"{MODULE}:{name}": value for name, value in owner.state_dict().items() if isinstance(value, Tensor)}
    kept = {
        f"{key}:{name}": value
        for name, weight in owner.named_parameters()
        for key, value in optimizer.state.get(weight, {}).items()
    }
    return {name: _whole(value) for name, value in {**weights, **kept}.items()}


def put_back(state: Mapping[str, Tensor], owner: nn.Module, optimizer: Optimizer | None = None) -> None:
    """Bring a module and its optimizer into the state that `take_out` gave, whatever the number of processes then.

    Raises:
        FileFaultError: the state has other weights than the module.

    >>> line, twin = nn.Linear(1, 1), nn.Linear(1, 1)
    >>> put_back(take_out(line, torch.optim.AdamW(line.parameters())), twin)
    >>> bool(twin.weight == line.weight)
    True
    """
    kept = _by_weight(state)
    here = owner.state_dict()
    found = {name: values[MODULE] for name, values in kept.items() if MODULE in values}
    odd = sorted(name for name in here.keys() | found.keys() if _shape(here.get(name)) != _shape(found.get(name)))
    if odd:
        raise FileFaultError(
            f"the saved state is of another module: they differ in {', '.join(odd[:5])} ({len(odd)} in all); "
            "name another folder, or train the module that was saved"
        )
    owner.load_state_dict({name: _like(value, here[name]) for name, value in found.items()}, strict=False)
    for name, weight in owner.named_parameters() if optimizer is not None else ():
        own = {key: value for key, value in kept[name].items() if key != MODULE}
        if optimizer is not None and own:
            optimizer.state[weight] = {
                key: value.clone() if key == COUNT else _like(value, weight) for key, value in own.items()
            }


def _by_weight(state: Mapping[str, Tensor]) -> dict[str, dict[str, Tensor]]:
    """`{"exp_avg:bias": value}` as `{"bias": {"exp_avg": value}}`."""
    kept: dict[str, dict[str, Tensor]] = defaultdict(dict)
    for label, value in state.items():
        key, _, name = label.partition(":")
        kept[name][key] = value
    return kept


def _shape(value: object) -> torch.Size | None:
    return value.shape if isinstance(value, Tensor) else None


def _whole(value: Tensor) -> Tensor:
    value = value.detach()
    return (value.full_tensor() if isinstance(value, DTensor) else value).cpu()


def _like(value: Tensor, other: Tensor) -> Tensor:
    """The value where the other lies, and divided as it is."""
    if isinstance(other, DTensor):
        return distribute_tensor(value.to(other.device), other.device_mesh, other.placements)
    return value.to(other.device, copy=True)
