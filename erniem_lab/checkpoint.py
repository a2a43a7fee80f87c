"""Checkpoints: found and checked, put into a model, and written so that nothing half-written is ever read."""

import json
import os
import shutil
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

import torch
from safetensors import SafetensorError
from torch import Tensor, nn

from erniem_lab.errors import FileFaultError, InputValueError
from erniem_lab.files.atomic import staged_files
from erniem_lab.files.config_file import CONFIG_FILES, config_path, read_config
from erniem_lab.files.manifest import MANIFEST, check_manifest, describe_files
from erniem_lab.files.weights_files import KINDS, find_weights, read_weights, remove_stale, weights_files, write_weights
from erniem_lab.hub import local_folder, resolved_revision
from erniem_lab.paddle import feed_forward_size, hf_weights

FLOATS = (torch.float32, torch.float16, torch.bfloat16, torch.float64)
BASE_PARTS = ("embeddings.", "encoder.", "pooler.")
SHARD_BYTES = 5_000_000_000


@dataclass(frozen=True)
class Checkpoint:
    """What one checkpoint holds, checked.

    `config` is its JSON as written, in whichever of the three forms, save that `intermediate_size` is the
    weights' own where PaddleNLP wrote it, which does not read it; `weights` have Hugging Face's names and layout,
    with the prefix or without as in the file; `revision` is the commit of a hub id, else empty; `verified` says
    whether a manifest was there and every byte as it says.
    """

    path: Path
    config: Mapping[str, object]
    weights: Mapping[str, Tensor]
    revision: str
    verified: bool


def open_checkpoint(source: str | PathLike[str], *, revision: str | None = None) -> Checkpoint:
    """The checkpoint in a folder, around a single weights file, or under a hub id.

    Kinds of weights are tried in the order safetensors, pytorch_model.bin, PaddleNLP's .pdparams. Tensors of
    safetensors and .bin files are mapped: their bytes are read when they are used.

    Raises:
        FileFaultError: something is missing, damaged, changed since its manifest was written, unsafe, or not
            the weights of a model (not floats, or not finite); the message names the file and the tensor.
    """
    path = _find(source, revision)
    try:
        return _opened(path)
    except FileFaultError:
        raise
    except OSError as fault:
        raise FileFaultError(f"{path}: cannot be read ({fault}); check the file's rights and the disk") from fault


def _opened(path: Path) -> Checkpoint:
    """The checkpoint around a weights file or the index of its shards."""
    folder = path.parent
    config = read_config(folder)
    verified = check_manifest(folder, [config_path(folder).name, *(file.name for file in weights_files(path))])
    raw, layout = read_weights(path)
    try:
        weights = hf_weights(raw, layout, _architecture(config))
    except FileFaultError as fault:
        raise FileFaultError(f"{path}: {fault}") from fault
    faults = list(unusable(weights))
    if faults:
        raise FileFaultError(f"{path}: not usable as weights: {'; '.join(faults)}; get the file again")
    sizes = feed_forward_size(weights) if layout == "np" else {}
    return Checkpoint(folder, {**config, **sizes}, weights, resolved_revision(folder), verified)


def load_weights(
    model: nn.Module, checkpoint: Checkpoint, *, base_prefix: str = "ernie_m", strict: bool = True
) -> None:
    """Put a checkpoint's weights into `model`, in the number format and on the device that the model has.

    A model on the meta device gets the file's own memory. The prefix is added or stripped as the model needs.
    A head (what lies outside `base_prefix`) or a pooler that the file lacks keeps its initial weights and is
    named in one warning, with what the file holds instead. A pooler that the model lacks, and any head when the
    model is the bare encoder, are left out in silence.

    Raises:
        FileFaultError: tensors are missing, unexpected or of another shape; all of them are listed. With
            `strict=False` this is a warning, and what does not fit keeps its initial weights.
    """
    wanted = dict(model.state_dict())
    found = _fit_prefix(checkpoint, wanted, base_prefix)
    own = {name for name in wanted if hasattr(model, base_prefix) and not name.startswith(f"{base_prefix}.")}
    pooler = {name for name in wanted if name.removeprefix(f"{base_prefix}.").startswith("pooler.")}
    head = own if own.isdisjoint(found) else set()
    new = head | (pooler if pooler.isdisjoint(found) else set())
    others = {name for name in found.keys() - wanted.keys() if head and not name.startswith(f"{base_prefix}.")}
    faults = list(_misfits(wanted, found, known=new | others))
    if faults and strict:
        raise FileFaultError(
            f"{checkpoint.path}: does not hold this model: {'; '.join(faults)}; check config.json and the class, "
            "or load with strict=False to initialise what does not fit"
        )
    if faults:
        _warn(f"{checkpoint.path}: loaded in part, the rest is initialised: {'; '.join(faults)}")
    if new:
        instead = f" (the file has another head, left out: {', '.join(sorted(others))})" if others else ""
        _warn(f"{checkpoint.path}: these are not in the file and are initialised: {', '.join(sorted(new))}{instead}")
    fitting = {
        name: tensor.to(wanted[name].dtype)
        for name, tensor in found.items()
        if name in wanted and tensor.shape == wanted[name].shape
    }
    on_meta = any(tensor.is_meta for tensor in wanted.values())
    model.load_state_dict(fitting, strict=False, assign=on_meta)


def save_checkpoint(
    folder: str | PathLike[str],
    config: Mapping[str, object],
    state: Mapping[str, Tensor],
    *,
    max_shard_bytes: int = SHARD_BYTES,
    extra_files: Sequence[Path] = (),
) -> None:
    """Write config.json, the weights as safetensors, copies of `extra_files`, and their manifest: all or nothing.

    Weights larger than `max_shard_bytes` become shards with an index. Weights files of another division that
    the folder had before are removed.

    Raises:
        InputValueError: weights that could not be loaded again (not floats, or not finite).
        FileFaultError: the folder cannot be written; no half-written file is left in it.

    >>> import tempfile
    >>> save_checkpoint(folder := tempfile.mkdtemp(), {"model_type": "ernie_m"}, {"bias": torch.ones(2)})
    >>> open_checkpoint(folder).verified
    True
    """
    faults = list(unusable(state))
    if faults:
        raise InputValueError(f"the weights cannot be saved: {'; '.join(faults)}")
    target = Path(folder)
    try:
        with staged_files(target) as stage:
            written = {"config.json": stage("config.json")}
            text = json.dumps(config, indent=2, sort_keys=True, allow_nan=False)
            written["config.json"].write_text(text, encoding="utf-8")
            written |= write_weights(stage, state, max_shard_bytes)
            for extra in extra_files:
                written[extra.name] = Path(shutil.copyfile(extra, stage(extra.name)))
            stage(MANIFEST).write_text(describe_files(written), encoding="utf-8")
        remove_stale(target, kept=written.keys())
    except (OSError, SafetensorError) as fault:
        raise FileFaultError(f"{target}: cannot be written ({fault}); no half-written file was left") from fault


def unusable(weights: Mapping[str, Tensor]) -> Iterator[str]:
    """What keeps tensors from being a model's weights: one phrase for each that is not of finite floats.

    >>> list(unusable({"bias": torch.tensor([1.0, float("nan")]), "step": torch.tensor(3)}))
    ['bias has 1 value that is not finite', 'step has dtype int64']
    """
    for name, tensor in weights.items():
        if tensor.dtype not in FLOATS:
            yield f"{name} has dtype {str(tensor.dtype).removeprefix('torch.')}"
        elif tensor.numel() and not all(bound.isfinite() for bound in torch.aminmax(tensor)):
            count = int((~tensor.isfinite()).sum())
            yield f"{name} has {count} value{'s that are' if count > 1 else ' that is'} not finite"


def _find(source: str | PathLike[str], revision: str | None) -> Path:
    """The weights file or index, after fetching no more kinds of files from a hub than needed."""
    if os.path.isfile(source):
        return Path(source)
    for kind in KINDS:
        folder = local_folder(source, (*CONFIG_FILES, MANIFEST, *kind), revision=revision)
        found = find_weights(folder, (kind,))
        if found is not None:
            return found
        revision = resolved_revision(folder) or revision
    accepted = ", ".join(name for kind in KINDS for name in kind[:2])
    raise FileFaultError(f"{folder}: no weights in it, or a download that is not complete; accepted: {accepted}")


def _architecture(config: Mapping[str, object]) -> str:
    """The class whose weights a config describes, in HF's or either of Paddle's forms; empty if it does not say."""
    names = config.get("architectures") or [config.get("init_class")]
    return str(names[0] or "") if isinstance(names, list) else ""


def _fit_prefix(checkpoint: Checkpoint, wanted: Mapping[str, Tensor], base_prefix: str) -> dict[str, Tensor]:
    """The file's weights under the model's names, without what every other class may lack."""
    prefix = f"{base_prefix}."
    in_file = any(name.startswith(prefix) for name in checkpoint.weights)
    in_model = any(name.startswith(prefix) for name in wanted)
    fitted: dict[str, Tensor] = {}
    for name, tensor in checkpoint.weights.items():
        of_base = name.startswith(prefix if in_file else BASE_PARTS)
        plain = name.removeprefix(prefix)
        fits = f"{prefix}{plain}" if of_base and in_model else plain
        lacking = fits not in wanted
        pooler = of_base and plain.startswith("pooler.")
        foreign_head = in_file and not in_model and not of_base
        if lacking and (pooler or foreign_head):
            continue
        if fits in fitted:
            raise FileFaultError(f"{checkpoint.path}: {name} is there with {prefix} and without; get the file again")
        fitted[fits] = tensor
    return fitted


def _misfits(wanted: Mapping[str, Tensor], found: Mapping[str, Tensor], *, known: set[str]) -> Iterator[str]:
    """One phrase for each tensor that only one side has, unless `known`, or whose shapes differ."""
    for name in sorted(wanted.keys() - found.keys() - known):
        yield f"missing {name}"
    for name in sorted(found.keys() - wanted.keys() - known):
        yield f"unexpected {name}"
    for name in sorted(wanted.keys() & found.keys()):
        if wanted[name].shape != found[name].shape:
            yield f"{name} has shape {[*found[name].shape]}, the model needs {[*wanted[name].shape]}"


def _warn(message: str) -> None:
    warnings.warn(message, UserWarning, stacklevel=4)  # where from_pretrained was called
