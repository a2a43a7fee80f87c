"""Reading pytorch_model.bin: PyTorch's restricted pickle reader, with the archive checked before it is opened."""

import re
import zipfile
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from erniem_lab.errors import FileFaultError
from erniem_lab.files.safetensors_check import refuse_other_kinds

SAFE_SINCE = (2, 10)  # older readers can be made to corrupt memory, even with weights_only (CVE-2026-24747)

PREAMBLE = ("Weights only load failed", "Check the documentation")  # of PyTorch's message about any fault


def read_torch_pickle(path: Path) -> dict[str, Tensor]:
    """The tensors of a file that `torch.save` wrote; nothing that the file asks to call is called.

    Raises:
        FileFaultError: PyTorch is too old to read it safely, or the file is damaged, compressed, or holds
            anything other than named tensors.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "pytorch_model.bin"
    >>> torch.save({"bias": torch.ones(2)}, path)
    >>> read_torch_pickle(path)
    {'bias': tensor([1., 1.])}
    """
    _demand_safe_torch(path)
    refuse_other_kinds(path, but=("a zip", "a pickle"))
    with path.open("rb") as file:
        mapped = file.read(4) == b"PK\x03\x04"  # PyTorch, too, goes by the first bytes and not by the last
    sizes = _member_sizes(path) if mapped else Counter()
    try:
        values = torch.load(path, map_location="cpu", weights_only=True, mmap=mapped)
    except Exception as fault:  # whatever a damaged pickle makes of the reader
        raise FileFaultError(f"{path}: refused: {_reason(fault)}; use a .safetensors file instead") from fault
    if not isinstance(values, dict):
        raise FileFaultError(f"{path}: holds a {type(values).__name__}, where a dict of named tensors is expected")
    odd = [name for name, value in values.items() if not isinstance(name, str) or not _is_dense(value)]
    if odd:
        raise FileFaultError(f"{path}: entry {odd[0]!r:.80} is no dense tensor under a name, as weights are")
    if mapped and not _storage_sizes(values) <= sizes:
        raise FileFaultError(f"{path}: tensors are not of the size of their bytes in the archive; get the file again")
    return {name: value.detach() for name, value in values.items()}


def _is_dense(value: object) -> bool:
    return isinstance(value, Tensor) and value.layout == torch.strided and value.device.type == "cpu"


def _demand_safe_torch(path: Path) -> None:
    found = tuple(int(part) for part in re.findall(r"\d+", torch.__version__)[:2])
    if found < SAFE_SINCE:
        raise FileFaultError(
            f"{path}: torch {torch.__version__} cannot read pickle files safely; install torch >= 2.10, or use a "
            ".safetensors file"
        )


def _member_sizes(path: Path) -> Counter[int]:
    """How many members of each size an archive has, none of them compressed, and all together in the file."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, ValueError, OSError) as fault:
        raise FileFaultError(f"{path}: a damaged zip archive ({fault}); get the file again") from fault
    for member in members:
        stored = member.compress_type == zipfile.ZIP_STORED and member.file_size == member.compress_size
        if not stored or member.flag_bits & 1:
            raise FileFaultError(
                f"{path}: {member.filename!r} is compressed ({member.compress_size} bytes for {member.file_size}), "
                "which torch.save never does; get the file again"
            )
    if sum(member.file_size for member in members) > path.stat().st_size:
        raise FileFaultError(f"{path}: its members are larger than the file; get the file again")
    return Counter(member.file_size for member in members)


def _storage_sizes(tensors: Mapping[str, Tensor]) -> Counter[int]:
    """How many pieces of memory of each size the tensors lie in."""
    storages = {storage.data_ptr(): storage.nbytes() for storage in (t.untyped_storage() for t in tensors.values())}
    return Counter(storages.values())


def _reason(fault: Exception) -> str:
    """What was wrong, out of PyTorch's long message."""
    wish = re.search(r"GLOBAL (\S+)", str(fault))
    if wish:
        return f"it asks for {wish.group(1)}, and a weights file may ask for nothing but tensors"
    lines = [line for line in str(fault).split("\n") if line.strip() and not line.startswith(PREAMBLE)]
    return lines[0][:200] if lines else type(fault).__name__
