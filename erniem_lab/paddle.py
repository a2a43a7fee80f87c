"""PaddleNLP's checkpoints: its pickles read by an allow-list, its names and matrices turned into Hugging Face's."""

import math
import pickle
import pickletools
import re
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import torch
from torch import Tensor

from erniem_lab.errors import FileFaultError
from erniem_lab.files.safetensors_check import refuse_other_kinds

SPLITS = "UnpackBigParamInfor@@"  # Paddle's own spelling: arrays cut in slices, since pickle 2 and 3 end at 4 GB
MEMO_LIMIT = 1_000_000  # a pickle names the size of its memory, which is then set aside

# Paddle has no mark for bfloat16 and stores its bits as uint16, which no weight is.
DTYPES = {
    "f2": torch.float16,
    "f4": torch.float32,
    "f8": torch.float64,
    "u2": torch.bfloat16,
    "i1": torch.int8,
    "u1": torch.uint8,
    "i2": torch.int16,
    "i4": torch.int32,
    "i8": torch.int64,
    "b1": torch.bool,
}

# fmt: off
OPCODES = frozenset((
    "PROTO", "FRAME", "STOP", "MARK", "POP", "DUP", "MEMOIZE", "BINPUT", "LONG_BINPUT", "BINGET", "LONG_BINGET",
    "NONE", "NEWTRUE", "NEWFALSE", "BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT",
    "SHORT_BINBYTES", "BINBYTES", "BINBYTES8", "SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8",
    "EMPTY_TUPLE", "TUPLE", "TUPLE1", "TUPLE2", "TUPLE3", "EMPTY_LIST", "APPEND", "APPENDS",
    "EMPTY_DICT", "SETITEM", "SETITEMS", "GLOBAL", "STACK_GLOBAL", "REDUCE", "BUILD",
))
# fmt: on


def read_pdparams(path: Path) -> dict[str, Tensor]:
    """The tensors of a file that `paddle.save` wrote, under Paddle's names and in its layout.

    Numpy itself never sees the file: arrays are built here from their bytes, and the file can call nothing else.

    Raises:
        FileFaultError: the file is damaged, asks for something other than array data, or holds no named tensors.
    """
    refuse_other_kinds(path, but=("a pickle",))
    try:
        with path.open("rb") as file:
            _check_opcodes(file, path)
            file.seek(0)
            values = _AllowList(file, path).load()
        arrays = _named_arrays(values, path)
        return _joined({name: arrays.pop(name).tensor() for name in [*arrays]}, values.get(SPLITS, {}))
    except FileFaultError:
        raise
    except Exception as fault:  # whatever a damaged pickle makes of the reader
        raise FileFaultError(f"{path}: a damaged .pdparams file ({fault}); get the file again") from fault


def hf_weights(weights: Mapping[str, Tensor], layout: str, architecture: str = "") -> dict[str, Tensor]:
    """The same weights under Hugging Face's names, matrices as [out, in]; those that already are stay as they are.

    Paddle keeps a linear layer's matrix as [in, out]. Which layout a file has is told from the feed-forward
    matrices, which are not square, and from `layout` (`"np"` or `"pt"`) where they are.

    Raises:
        FileFaultError: a weight is there under both names.

    >>> weights = {"encoder.layers.0.self_attn.q_proj.weight": torch.tensor([[1, 2], [3, 4]])}
    >>> hf_weights(weights, "np")
    {'encoder.layers.0.self_attn.self_attn.q_proj.weight': tensor([[1, 3], [2, 4]])}
    """
    turned = _is_paddle_layout(weights, layout)
    renamed = {}
    for name, tensor in weights.items():
        if name.endswith("embeddings.position_ids"):
            continue  # a buffer of early versions, not a weight
        turn = turned and tensor.ndim == 2 and name.endswith(".weight") and "_embeddings." not in name
        new = hf_name(name, architecture)
        if new in renamed:
            raise FileFaultError(
                f"{new}: in the file twice, under Paddle's name and Hugging Face's; get the file again"
            )
        renamed[new] = tensor.T.contiguous() if turn else tensor
    return renamed


def hf_name(name: str, architecture: str = "") -> str:
    """Hugging Face's name for what Paddle's model of class `architecture` calls `name`.

    >>> hf_name("classifier.bias", "ErnieMForQuestionAnswering")
    'qa_outputs.bias'
    """
    if architecture == "ErnieMForQuestionAnswering":
        name = re.sub(r"^classifier\.", "qa_outputs.", name)
    return re.sub(r"(?<!self_attn)\.self_attn\.(?=[qkv]_proj\.)", ".self_attn.self_attn.", name)


def feed_forward_size(weights: Mapping[str, Tensor]) -> dict[str, int]:
    """`intermediate_size` as the weights have it: PaddleNLP's configs of large models can give a wrong one.

    >>> feed_forward_size({"encoder.layers.0.linear1.bias": torch.zeros(4096)})
    {'intermediate_size': 4096}
    """
    sizes = [tensor.shape[0] for name, tensor in weights.items() if name.endswith(".linear1.bias") and tensor.ndim]
    return {"intermediate_size": sizes[0]} if sizes else {}


def _is_paddle_layout(weights: Mapping[str, Tensor], layout: str) -> bool:
    table = next((t for name, t in weights.items() if name.endswith("word_embeddings.weight")), None)
    wide = next((t for name, t in weights.items() if name.endswith(".linear1.weight")), None)
    if table is None or wide is None or wide.ndim != 2 or table.ndim != 2 or wide.shape[0] == wide.shape[1]:
        return layout == "np"
    return wide.shape[0] == table.shape[1]


@dataclass(frozen=True)
class _Array:
    """A pickled numpy array, still as bytes."""

    shape: tuple[int, ...]
    dtype: torch.dtype
    fortran: bool
    data: bytes

    def tensor(self) -> Tensor:
        if not self.data:
            return torch.empty(self.shape, dtype=self.dtype)
        flat = torch.frombuffer(bytearray(self.data), dtype=self.dtype)
        if self.fortran:
            return flat.reshape(self.shape[::-1]).permute(*reversed(range(len(self.shape)))).contiguous()
        return flat.reshape(self.shape)


class _Reconstructed:
    """What stands for numpy's array or dtype between its making and its filling."""

    def __init__(self, code: str = "") -> None:
        self.code = code
        self.array: _Array | None = None

    def __setstate__(self, state: Any) -> None:
        if self.code:
            _demand(state[1] in ("<", "|", "=") and state[3] is None, f"an array of dtype {state!r:.80}")
            return
        _, shape, kind, fortran, data = state
        _demand(isinstance(kind, _Reconstructed) and kind.code in DTYPES, f"an array of dtype {kind!r:.80}")
        _demand(all(type(size) is int and size >= 0 for size in shape), f"an array of shape {shape!r:.80}")
        dtype = DTYPES[kind.code]
        _demand(isinstance(data, bytes), f"an array whose data is a {type(data).__name__}")
        _demand(
            len(data) == math.prod(shape) * dtype.itemsize,
            f"an array of shape {shape} with {len(data)} bytes",
        )
        self.array = _Array(tuple(shape), dtype, bool(fortran), data)


@dataclass(frozen=True)
class _Allowed:
    """A function that the file may call, and not change."""

    call: Callable[..., Any]

    def __call__(self, *arguments: Any) -> Any:
        return self.call(*arguments)

    def __setstate__(self, state: object) -> NoReturn:
        raise pickle.UnpicklingError("a file cannot change a function")


def _dtype(code: object, *flags: object) -> _Reconstructed:
    _demand(code in DTYPES, f"an array of dtype {code!r:.80}")
    return _Reconstructed(str(code))


def _encode(text: str, encoding: str) -> bytes:
    _demand(encoding == "latin1", f"text in {encoding!r:.80}")
    return text.encode("latin1")


def _demand(holds: bool, found: str) -> None:
    if not holds:
        raise pickle.UnpicklingError(f"{found}; arrays of {', '.join(DTYPES)} are accepted")


_ALLOWED: dict[str, Callable[..., Any]] = {
    "numpy.core.multiarray._reconstruct": lambda *ignored: _Reconstructed(),
    "numpy._core.multiarray._reconstruct": lambda *ignored: _Reconstructed(),
    "numpy.ndarray": lambda: None,  # only ever named
    "numpy.dtype": _dtype,
    "_codecs.encode": _encode,
    "__builtin__.bytes": lambda: b"",  # how protocol 2 writes an empty array
    "builtins.tuple": tuple,
    "collections.OrderedDict": OrderedDict,
}


class _AllowList(pickle.Unpickler):
    """Python's own reader, which finds nothing but what is in the table above."""

    def __init__(self, file: Any, path: Path) -> None:
        super().__init__(file)
        self.path = path

    def find_class(self, module: str, name: str) -> _Allowed:
        if f"{module}.{name}" not in _ALLOWED:
            raise FileFaultError(
                f"{self.path}: refused: it asks for {module}.{name}, and a weights file may ask for nothing but "
                "array data; do not use this file"
            )
        return _Allowed(_ALLOWED[f"{module}.{name}"])


def _check_opcodes(file: Any, path: Path) -> None:
    """Walk through a pickle without running it; every length in it is checked against the file's end."""
    for opcode, argument, _ in pickletools.genops(file):
        if opcode.name not in OPCODES:
            raise FileFaultError(f"{path}: refused: {opcode.name} is no part of saved arrays; do not use this file")
        if opcode.name == "LONG_BINPUT" and (argument or 0) > MEMO_LIMIT:
            raise FileFaultError(f"{path}: refused: it asks for {argument} places in memory; do not use this file")


def _named_arrays(values: object, path: Path) -> dict[str, _Array]:
    """The arrays of a state dict, or of the one state dict inside of a training checkpoint."""
    if isinstance(values, dict):
        arrays = {name: array for name, value in values.items() if (array := _array(value)) is not None}
        inner = [value for value in values.values() if isinstance(value, dict)]
        if arrays:
            return arrays
        found = [arrays for value in inner if (arrays := _named_arrays(value, path))]
        if len(found) == 1:
            return found[0]
    raise FileFaultError(f"{path}: holds {type(values).__name__}, where a dict of named tensors is expected")


def _array(value: object) -> _Array | None:
    """An array, bare or as Paddle's pair of a tensor's own name and its array."""
    if isinstance(value, tuple) and len(value) == 2:
        value = value[1]
    return value.array if isinstance(value, _Reconstructed) else None


def _joined(tensors: dict[str, Tensor], splits: Mapping[str, Any]) -> dict[str, Tensor]:
    """The tensors with those that were cut in slices put together again."""
    for name, split in splits.items():
        slices = [tensors.pop(part) for part in split["slices"]]
        tensors[name] = torch.cat([part.flatten() for part in slices]).reshape(tuple(split["OriginShape"]))
    return tensors
