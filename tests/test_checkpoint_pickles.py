"""Pickled weights run nothing and set no memory aside; numbers are the cases of the reliability matrix."""

import os
import pickle
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from checkpoint_files import folder_with_config, refusal, same, tiny_encoder

from erniem_lab.checkpoint import open_checkpoint
from erniem_lab.model import ErnieMModel


class Calls:
    """An object whose pickle calls ``function(*arguments)`` when it is read."""

    def __init__(self, function: Callable[..., Any], *arguments: Any) -> None:
        self.made = (function, arguments)

    def __reduce__(self) -> Any:
        return self.made


def zipped(content: object, path: Path) -> None:
    torch.save(content, path)


def legacy(content: object, path: Path) -> None:
    torch.save(content, path, _use_new_zipfile_serialization=False)


def raw(content: object, path: Path) -> None:
    path.write_bytes(pickle.dumps(content, protocol=2))


def marker_call(marker: Path) -> Calls:
    return Calls(os.system, f"touch {marker}")


@pytest.mark.parametrize("write", [zipped, legacy, raw])
def test_a_malicious_bin_runs_nothing_and_its_wish_is_named(tmp_path: Path, write: Callable[..., None]) -> None:
    """Case 29; plain pickle would have run it."""
    path, marker = folder_with_config(tmp_path) / "pytorch_model.bin", tmp_path / "marker"
    write({"a": marker_call(marker)}, path)
    refusal(tmp_path, "pytorch_model.bin", "posix.system")
    assert not marker.exists()


def test_the_malicious_pickle_of_these_tests_would_run(tmp_path: Path) -> None:
    """The control of cases 29 and 30."""
    pickle.loads(pickle.dumps(marker_call(tmp_path / "marker")))
    assert (tmp_path / "marker").exists()


@pytest.mark.parametrize("protocol", [2, 4])
@pytest.mark.parametrize(
    ("wish", "named"),
    [
        pytest.param(marker_call, "posix.system", id="os.system"),
        pytest.param(lambda marker: Calls(eval, f"open({str(marker)!r}, 'w')"), ".eval", id="eval"),
        pytest.param(lambda marker: {"model": [{"x": (marker_call(marker),)}]}, "posix.system", id="nested"),
        pytest.param(
            lambda marker: Calls(torch.storage._load_from_bytes, pickle.dumps(marker_call(marker))),
            "torch.storage._load_from_bytes",
            id="torch",
        ),
        pytest.param(
            lambda marker: Calls(np.lib.npyio.NpzFile, str(marker)), "numpy.lib", id="numpy outside of the list"
        ),
        pytest.param(lambda marker: Calls(getattr, "text", "format"), ".getattr", id="getattr"),
    ],
)
def test_a_malicious_pdparams_runs_nothing_and_its_wish_is_named(
    tmp_path: Path, wish: Callable[[Path], object], named: str, protocol: int
) -> None:
    """Case 30."""
    path, marker = folder_with_config(tmp_path) / "model_state.pdparams", tmp_path / "marker"
    path.write_bytes(pickle.dumps({"a": np.ones(1, np.float32), "b": wish(marker)}, protocol))
    refusal(tmp_path, "model_state.pdparams", named)
    assert not marker.exists()


def test_numpys_way_to_run_a_string_is_refused(tmp_path: Path) -> None:
    """Case 30: a function of numpy that executes its argument."""
    path = folder_with_config(tmp_path) / "model_state.pdparams"
    path.write_bytes(b"\x80\x02cnumpy.testing._private.utils\nrunstring\nX\x04\x00\x00\x00passq\x00}q\x01\x86q\x02R.")
    refusal(tmp_path, "numpy.testing._private.utils.runstring")


def test_an_archive_that_is_compressed_is_refused(tmp_path: Path) -> None:
    """Case 31: the peer loads the compressed bytes as weights."""
    path = folder_with_config(tmp_path) / "pytorch_model.bin"
    torch.save({"a": torch.zeros(1000)}, tmp_path / "stored")
    with zipfile.ZipFile(tmp_path / "stored") as stored, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for member in stored.infolist():
            packed.writestr(member.filename, stored.read(member))
    refusal(tmp_path, "pytorch_model.bin", "compressed")


def test_a_tensor_cannot_reach_into_the_bytes_of_another(tmp_path: Path) -> None:
    """Case 31: the pickle says 70 numbers where its archive has 60."""
    path = folder_with_config(tmp_path) / "pytorch_model.bin"
    torch.save({"a": torch.zeros(60), "b": torch.zeros(80)}, tmp_path / "good")
    with zipfile.ZipFile(tmp_path / "good") as good, zipfile.ZipFile(path, "w") as bad:
        for member in good.infolist():
            content = good.read(member)
            bad.writestr(member.filename, content.replace(b"K<", b"KF") if "data.pkl" in member.filename else content)
    refusal(tmp_path, "pytorch_model.bin", "size")


def test_an_archive_with_overlapping_members_is_refused(tmp_path: Path) -> None:
    """Case 31: two entries of the directory for one piece of the file."""
    path = folder_with_config(tmp_path) / "pytorch_model.bin"
    torch.save({"a": torch.zeros(1000)}, path)
    with zipfile.ZipFile(path, "a") as archive:
        twin = next(member for member in archive.infolist() if member.filename.endswith("data/0"))
        archive.filelist.append(twin)
        archive._didModify = True  # type: ignore[attr-defined]  # so that the directory is written again
    refusal(tmp_path, "pytorch_model.bin", "larger than the file")


OPEN = """
import resource, sys
from erniem_lab.checkpoint import open_checkpoint
try:
    open_checkpoint(sys.argv[1])
except OSError as fault:
    print(fault, file=sys.stderr)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""


def peak_megabytes(folder: Path) -> float:
    """The most memory that a refused attempt to open ``folder``, in a process of its own, took."""
    done = subprocess.run([sys.executable, "-c", OPEN, folder], capture_output=True, text=True, check=True)
    assert folder.name in done.stderr
    return float(done.stdout)


def bomb_zip(path: Path) -> None:
    """1 GiB of zeros in 1 MB: an archive of torch.save, packed."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("archive/data.pkl", b"")
        with packed.open("archive/data/0", "w") as member:
            for _ in range(256):
                member.write(bytes(2**22))


def bomb_legacy(path: Path) -> None:
    """The older format of torch.save, with 2**31 numbers announced where there are 70,000."""
    legacy({"a": torch.ones(70_000)}, path)
    size = b"J" + (70_000).to_bytes(4, "little")
    path.write_bytes(path.read_bytes().replace(size, b"\x8a\x05" + (2**31).to_bytes(5, "little")))


def bomb_memo(path: Path) -> None:
    path.write_bytes(b"\x80\x02}r\xff\xff\xff\x7f.")  # a pickle that wants 2**31 places


def bomb_bytes(path: Path) -> None:
    path.write_bytes(b"\x80\x04\x8e" + (2**36).to_bytes(8, "little") + b"x.")


def bomb_array(path: Path) -> None:
    """An array of 2**36 numbers that are not in the file."""
    empty = b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nL68719476736L\n\x85X\x01\x00\x00\x00b\x87R"
    path.write_bytes(
        b"\x80\x02}X\x01\x00\x00\x00a" + empty.replace(b"L68719476736L\n", b"\x8a\x05\0\0\0\0\x10") + b"s."
    )


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("pytorch_model.bin", bomb_zip),
        ("pytorch_model.bin", bomb_legacy),
        ("model_state.pdparams", bomb_memo),
        ("model_state.pdparams", bomb_bytes),
        ("model_state.pdparams", bomb_array),
    ],
)
def test_a_bomb_is_refused_before_memory_is_set_aside(tmp_path: Path, name: str, write: Callable[[Path], None]) -> None:
    """Case 31: the bound is what refusing an empty folder takes, and 150 MB."""
    write(folder_with_config(tmp_path) / name)
    nothing = peak_megabytes(folder_with_config(tmp_path / "nothing"))
    assert peak_megabytes(tmp_path) < nothing + 150


def test_an_old_torch_reads_no_pickles_but_safetensors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Case 32."""
    torch.save(tiny_encoder().state_dict(), folder_with_config(tmp_path / "bin") / "pytorch_model.bin")
    tiny_encoder().save_pretrained(tmp_path / "safe")
    for version in ("2.9.1", "2.6.0+cu124"):
        monkeypatch.setattr(torch, "__version__", version)
        refusal(tmp_path / "bin", "pytorch_model.bin", version, "2.10")
        assert open_checkpoint(tmp_path / "safe").verified


@pytest.mark.parametrize("write", [zipped, legacy])
def test_a_bin_gives_the_weights_that_were_saved(tmp_path: Path, write: Callable[..., None]) -> None:
    state = dict(tiny_encoder().state_dict())
    write(state, folder_with_config(tmp_path) / "pytorch_model.bin")
    assert same(dict(open_checkpoint(tmp_path).weights), state)
    assert same(dict(ErnieMModel.from_pretrained(tmp_path).state_dict()), state)


@pytest.mark.parametrize(
    "content",
    [
        [torch.ones(1)],
        {"a": 1},
        {1: torch.ones(1)},
        {"a": {"b": torch.ones(1)}},
        torch.ones(1),
        {"a": torch.ones(2).to_sparse()},
        {"a": torch.empty(2, device="meta")},
    ],
)
def test_a_bin_of_anything_but_named_tensors_is_refused(tmp_path: Path, content: object) -> None:
    torch.save(content, folder_with_config(tmp_path) / "pytorch_model.bin")
    refusal(tmp_path, "pytorch_model.bin")


@pytest.mark.filterwarnings("ignore:Detected pickle protocol:UserWarning")
@pytest.mark.parametrize("name", ["pytorch_model.bin", "model_state.pdparams"])
@pytest.mark.parametrize("start", [b"", b"<html>", b"version https://git-lfs", b"\x80\x04", b"nonsense", b"PK\x03\x04"])
def test_a_file_that_is_no_pickle_is_refused(tmp_path: Path, name: str, start: bytes) -> None:
    (folder_with_config(tmp_path) / name).write_bytes(start)
    refusal(tmp_path, name)


def test_a_truncated_bin_is_refused_at_every_length(tmp_path: Path) -> None:
    path = folder_with_config(tmp_path) / "pytorch_model.bin"
    torch.save({"a": torch.ones(3)}, path)
    whole = path.read_bytes()
    for kept in range(0, len(whole), 7):
        path.write_bytes(whole[:kept])
        refusal(tmp_path, "pytorch_model.bin")


def test_opening_a_bin_does_not_change_it_when_weights_change(tmp_path: Path) -> None:
    path = folder_with_config(tmp_path) / "pytorch_model.bin"
    torch.save({"a": torch.ones(3)}, path)
    before = path.read_bytes()
    open_checkpoint(tmp_path).weights["a"].zero_()
    assert path.read_bytes() == before


def test_safetensors_are_read_before_pickles(tmp_path: Path) -> None:
    tiny_encoder().save_pretrained(tmp_path)
    (tmp_path / "pytorch_model.bin").write_bytes(b"never read")
    (tmp_path / "model_state.pdparams").write_bytes(b"never read")
    assert open_checkpoint(tmp_path).verified


def test_a_single_file_is_opened_beside_its_config(tmp_path: Path) -> None:
    torch.save(tiny_encoder().state_dict(), folder_with_config(tmp_path) / "other.bin")
    assert same(dict(open_checkpoint(tmp_path / "other.bin").weights), dict(tiny_encoder().state_dict()))
    (tmp_path / "notes.txt").write_text("no weights")
    refusal(tmp_path / "notes.txt", "notes.txt", ".safetensors, .bin, .pdparams")
