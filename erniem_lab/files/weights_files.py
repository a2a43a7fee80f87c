"""Which files of a folder hold a model's weights, reading and writing them: one file, or shards with their index."""

import json
from collections.abc import Callable, Collection, Mapping
from pathlib import Path

from safetensors.torch import save_file
from torch import Tensor

from erniem_lab.errors import FileFaultError
from erniem_lab.files.json_file import parse_object
from erniem_lab.files.manifest import plain_path
from erniem_lab.files.safetensors_check import read_safetensors
from erniem_lab.files.torch_pickle import read_torch_pickle
from erniem_lab.paddle import read_pdparams

INDEX = ".index.json"

# Globs of the files that one kind of checkpoint consists of, the best kind first.
KINDS = (
    ("model.safetensors", "model.safetensors.index.json", "model-*.safetensors"),
    ("pytorch_model.bin", "pytorch_model.bin.index.json", "pytorch_model-*.bin"),
    ("model_state.pdparams", "model_state.pdparams.index.json", "*.pdparams"),
)


def find_weights(folder: Path, kinds: tuple[tuple[str, ...], ...] = KINDS) -> Path | None:
    """The weights file, or the index of its shards, that `folder` holds; None if it has none of the `kinds`.

    Raises:
        FileFaultError: several files could be meant.

    >>> find_weights(Path(__file__).parent) is None
    True
    """
    for whole, index, pattern in kinds:
        named = next((folder / name for name in (whole, index) if (folder / name).is_file()), None)
        found = [named] if named else sorted(folder.glob(pattern))
        if len(found) > 1:
            names = ", ".join(path.name for path in found)
            raise FileFaultError(f"{folder}: no {whole}, and {names} could each be meant; give one file's path")
        if found:
            return found[0]
    return None


def weights_files(path: Path) -> list[Path]:
    """The files whose bytes make up the weights at `path`: the index and its shards, or the file alone.

    Raises:
        FileFaultError: an index that is damaged, or names a file that is missing or lies outside of its folder.
    """
    if not path.name.endswith(INDEX):
        return [path]
    names = {str(name): name for name in _weight_map(path).values()}
    shards = [plain_path(path.parent, names[key], path) for key in sorted(names)]
    missing = [shard.name for shard in shards if not shard.is_file()]
    if missing:
        raise FileFaultError(f"{path}: names {', '.join(missing)}, missing in the folder; get the checkpoint again")
    return [path, *shards]


def read_weights(path: Path) -> tuple[dict[str, Tensor], str]:
    """All tensors as the file or its shards name them, and the layout: `"pt"` or Paddle's `"np"`.

    Raises:
        FileFaultError: of a kind that is not known, damaged, unsafe, or shards that do not fit their index.
    """
    if path.name.endswith(INDEX):
        return _read_shards(path)
    if path.suffix == ".safetensors":
        return read_safetensors(path)
    if path.suffix == ".bin":
        return read_torch_pickle(path), "pt"
    if path.suffix == ".pdparams":
        return read_pdparams(path), "np"
    raise FileFaultError(f"{path}: weights are read from .safetensors, .bin, .pdparams and their {INDEX}")


def write_weights(stage: Callable[[str], Path], state: Mapping[str, Tensor], limit: int) -> dict[str, Path]:
    """Write one safetensors file, or shards of at most `limit` bytes of tensors and their index.

    `stage` gives the path at which to write a file of some name; what comes back are these names and paths.
    """
    shards = _shards(state, limit)
    names = [f"model-{i:05}-of-{len(shards):05}.safetensors" for i in range(1, len(shards) + 1)]
    whole, index, _ = KINDS[0]
    if len(shards) == 1:
        names = [whole]
    written = {name: stage(name) for name in names}
    for path, shard in zip(written.values(), shards, strict=True):
        path.touch()
        mode = path.stat().st_mode
        save_file(_unshared(shard), path, metadata={"format": "pt"})
        path.chmod(mode)  # the library makes files that only their owner can read
    if len(shards) > 1:
        places = {tensor: name for name, shard in zip(names, shards, strict=True) for tensor in shard}
        total = sum(tensor.nbytes for tensor in state.values())
        written[index] = stage(index)
        content = {"metadata": {"total_size": total}, "weight_map": places}
        written[index].write_text(json.dumps(content, indent=2), encoding="utf-8")
    return written


def remove_stale(folder: Path, *, kept: Collection[str]) -> None:
    """Remove safetensors files of an earlier save that was divided otherwise."""
    for pattern in KINDS[0]:
        for path in folder.glob(pattern):
            if path.name not in kept:
                path.unlink()


def _weight_map(path: Path) -> dict[str, object]:
    index = parse_object(path.read_bytes(), path, "index")
    found = index.get("weight_map")
    if not isinstance(found, dict) or not found:
        raise FileFaultError(f"{path}: no weight_map (tensor name → file name) in the index; get the file again")
    return found


def _read_shards(path: Path) -> tuple[dict[str, Tensor], str]:
    listed = _weight_map(path)
    weights: dict[str, Tensor] = {}
    layouts: dict[str, str] = {}
    for shard in weights_files(path)[1:]:
        tensors, layouts[shard.name] = read_weights(shard)
        own = {name for name, file in listed.items() if file == shard.name}
        strange = [f"{name} not listed for it" for name in sorted(tensors.keys() - own)]
        absent = [f"{name} not in it" for name in sorted(own - tensors.keys())]
        if strange or absent:
            raise FileFaultError(f"{shard}: does not fit {path.name}: {', '.join(strange + absent)}; get both again")
        weights.update(tensors)
    if len(set(layouts.values())) > 1:
        raise FileFaultError(f"{path}: shards of different layouts: {layouts}; get the checkpoint again")
    return weights, next(iter(layouts.values()))


def _shards(state: Mapping[str, Tensor], limit: int) -> list[dict[str, Tensor]]:
    """The tensors in their order, in groups of at most `limit` bytes or of one tensor."""
    shards: list[dict[str, Tensor]] = [{}]
    filled = 0
    for name, tensor in state.items():
        if shards[-1] and filled + tensor.nbytes > limit:
            shards.append({})
            filled = 0
        shards[-1][name] = tensor
        filled += tensor.nbytes
    return shards


def _unshared(shard: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Tensors as the format wants them: on the CPU, contiguous, none in the memory of another."""
    seen: set[int] = set()
    plain = {}
    for name, tensor in shard.items():
        plain[name] = tensor.detach().cpu().contiguous()
        if plain[name].untyped_storage().data_ptr() in seen:
            plain[name] = plain[name].clone()
        seen.add(plain[name].untyped_storage().data_ptr())
    return plain
