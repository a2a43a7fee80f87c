"""A folder for each checkpoint, whole or not there at all; the newest good one is where a run goes on."""

import json
import re
import secrets
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors.torch import save_file
from torch import Tensor

from erniem_lab.errors import FileFaultError
from erniem_lab.files.atomic import staged_folder
from erniem_lab.files.json_file import parse_object
from erniem_lab.files.manifest import MANIFEST, check_manifest, describe_files
from erniem_lab.files.safetensors_check import read_safetensors
from erniem_lab.training.curve import Step, curve_text, read_curve
from erniem_lab.training.harness import MODULE

STATE, ABOUT, CURVE = "state.safetensors", "about.json", "curve.csv"
NAME = re.compile(r"step-(\d{8,})")
ASIDE = ".bad"  # ends the name of a checkpoint that was found damaged
UNFINISHED = ".*.part"  # what a killed process leaves


@dataclass(frozen=True)
class Checkpoint:
    """A good checkpoint: its folder, the number of steps done, the curve so far, and what decided the run."""

    path: Path
    step: int
    curve: list[Step]
    decided_by: Mapping[str, Any]

    def tensors(self) -> dict[str, Tensor]:
        """The weights and what the optimizer keeps of them, by the names of `take_out`."""
        return read_safetensors(self.path / STATE)[0]


@dataclass(frozen=True)
class Found:
    """What a run folder holds: its newest good checkpoint, and why each newer one was passed over."""

    good: Checkpoint | None
    faults: Mapping[Path, str]


def write_checkpoint(
    folder: Path, tensors: Mapping[str, Tensor], decided_by: Mapping[str, Any], curve: Sequence[Step]
) -> Path:
    """Write a checkpoint aside, flush it, and give it its name at the end.

    >>> import tempfile, torch
    >>> folder = Path(tempfile.mkdtemp())
    >>> write_checkpoint(folder, {"module:bias": torch.ones(1)}, {"seed": 0}, [Step(0, 1.0, 0.1, 1.0)]).name
    'step-00000001'
    """
    path = folder / f"step-{len(curve):08}"
    with staged_folder(path) as stage:
        save_file(_apart(tensors), stage / STATE)
        (stage / ABOUT).write_text(json.dumps({"step": len(curve), **decided_by}, indent=2), encoding="utf-8")
        (stage / CURVE).write_text(curve_text(curve), encoding="utf-8")
        listed = describe_files({name: stage / name for name in (STATE, ABOUT, CURVE)})
        (stage / MANIFEST).write_text(listed, encoding="utf-8")
    return path


def _apart(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors, none of them in the memory of another, as the format wants them; tied weights are written twice."""
    seen: set[int] = set()
    apart = {}
    for name, value in tensors.items():
        own = value.contiguous()
        memory = own.untyped_storage().data_ptr()
        apart[name] = own.clone() if memory in seen else own
        seen.add(memory)
    return apart


def newest_first(folder: Path) -> list[Path]:
    """The folders with the name of a checkpoint.

    >>> newest_first(Path(__file__).parent)
    []
    """
    named = ((NAME.fullmatch(path.name), path) for path in folder.glob("step-*"))
    return [path for _, path in sorted(((int(match[1]), path) for match, path in named if match), reverse=True)]


def read_checkpoint(path: Path) -> Checkpoint:
    """The checkpoint in a folder, if every byte is as it was written; its tensors are read when they are asked for.

    Raises:
        FileFaultError: a file is missing or another one, or the files do not belong together.

    >>> import tempfile, torch
    >>> path = write_checkpoint(Path(tempfile.mkdtemp()), {"module:bias": torch.ones(1)}, {"plan": {"seed": 0}}, [])
    >>> read_checkpoint(path).decided_by
    {'plan': {'seed': 0}}
    """
    if not check_manifest(path, needed=(STATE, ABOUT, CURVE)):
        raise FileFaultError(f"{path}: no {MANIFEST}")
    about = parse_object((path / ABOUT).read_bytes(), path / ABOUT, "description")
    step, curve = about.pop("step", None), read_curve(path / CURVE)
    if not step == len(curve) == int(path.name.partition("-")[2]):
        raise FileFaultError(f"{path}: is of step {step} by its description and has {len(curve)} points of a curve")
    return Checkpoint(path, step, curve, about)


def find_checkpoint(folder: Path) -> Found:
    """The newest checkpoint whose every byte is as it was written.

    >>> find_checkpoint(Path(__file__).parent)
    Found(good=None, faults={})
    """
    faults: dict[Path, str] = {}
    for path in newest_first(folder):
        try:
            return Found(read_checkpoint(path), faults)
        except OSError as fault:
            faults[path] = str(fault)
    return Found(None, faults)


def saved_weights(folder: Path) -> dict[str, Tensor]:
    """The module's weights in the newest good checkpoint of a run folder.

    Raises:
        FileFaultError: there is none.

    >>> import tempfile, torch
    >>> folder = Path(tempfile.mkdtemp())
    >>> path = write_checkpoint(folder, {"module:bias": torch.ones(1), "step:bias": torch.ones(1)}, {}, [])
    >>> saved_weights(folder)
    {'bias': tensor([1.])}
    """
    found = find_checkpoint(folder)
    if found.good is None:
        raise FileFaultError(f"{folder}: no good checkpoint{_reasons(found)}; train there first")
    names = ((name.partition(":"), value) for name, value in found.good.tensors().items())
    return {name: value for (kind, _, name), value in names if kind == MODULE}


def demand_good(folder: Path, found: Found) -> None:
    """Refuse to begin anew where there are checkpoints and every one is damaged.

    >>> demand_good(Path("run"), Found(None, {}))
    """
    if found.good is None and found.faults:
        raise FileFaultError(
            f"{folder}: all {len(found.faults)} checkpoints are damaged{_reasons(found)}; restore one of them, or "
            "name another folder to begin anew"
        )


def set_aside(path: Path) -> Path:
    """Give a damaged checkpoint a name that is not looked for; gives the new path.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "step-00000001"
    >>> path.mkdir()
    >>> set_aside(path).name
    'step-00000001.bad'
    """
    aside = path.with_name(path.name + ASIDE)
    discard(aside)
    return path.rename(aside)


def prune(folder: Path, keep: int) -> None:
    """Remove all checkpoints but the newest `keep`, and what killed processes left half-written.

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> for step in (1, 2, 3):
    ...     path = write_checkpoint(folder, {}, {}, [Step(0, 1.0, 0.1, 1.0)] * step)
    >>> prune(folder, 2)
    >>> sorted(path.name for path in folder.iterdir())
    ['step-00000002', 'step-00000003']
    """
    for path in [*newest_first(folder)[keep:], *folder.glob(UNFINISHED)]:
        discard(path)


def discard(path: Path) -> None:
    """Remove a file or folder, which loses its name first, so that half of it is never taken for the whole.

    >>> discard(Path("not-there"))
    """
    if path.exists():
        leaving = path.rename(path.with_name(f".{path.name.strip('.')}.{secrets.token_hex(4)}.part"))
        shutil.rmtree(leaving) if leaving.is_dir() else leaving.unlink()


def _reasons(found: Found) -> str:
    return "".join(f"; {path.name}: {fault}" for path, fault in found.faults.items())
