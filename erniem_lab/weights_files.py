"""Which files of a folder hold a model's weights, and reading them: one file, or shards with their index."""

from pathlib import Path

from torch import Tensor

from erniem_lab.errors import FileFaultError
from erniem_lab.json_file import parse_object
from erniem_lab.manifest import plain_path
from erniem_lab.paddle import read_pdparams
from erniem_lab.safetensors_check import read_safetensors
from erniem_lab.torch_pickle import read_torch_pickle

INDEX = ".index.json"

# Globs of the files that one kind of checkpoint consists of, the best kind first.
KINDS = (
    ("model.safetensors", "model.safetensors.index.json", "model-*.safetensors"),
    ("pytorch_model.bin", "pytorch_model.bin.index.json", "pytorch_model-*.bin"),
    ("model_state.pdparams", "model_state.pdparams.index.json", "*.pdparams"),
)


def find_weights(folder: Path, kinds: tuple[tuple[str, ...], ...] = KINDS) -> Path | None:
    """The weights file, or the index of its shards, that ``folder`` holds; None if it has none of the ``kinds``.

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
    """The files whose bytes make up the weights at ``path``: the index and its shards, or the file alone.

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
    """All tensors as the file or its shards name them, and the layout: ``"pt"`` or Paddle's ``"np"``.

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
