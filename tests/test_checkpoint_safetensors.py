"""Broken .safetensors files are refused by name; numbers are the cases of the reliability matrix."""

import json
import pickle
import random
from pathlib import Path
from typing import Any

import pytest
import torch
from checkpoint_files import entry, folder_with_config, refusal, same, tiny_encoder, write_safetensors
from safetensors.torch import save_file

from erniem_lab.checkpoint import open_checkpoint
from erniem_lab.errors import FileFaultError
from erniem_lab.model import ErnieMModel

GOOD = {"a": entry(0, 8), "b": entry(8, 16)}


def test_an_empty_file_is_called_empty(tmp_path: Path) -> None:
    """Case 1."""
    (folder_with_config(tmp_path) / "model.safetensors").touch()
    refusal(tmp_path, "model.safetensors", "empty")


def test_every_truncation_is_noticed(tmp_path: Path) -> None:
    """Cases 2 and 3: in the header, and by one byte of the data."""
    path = write_safetensors(tmp_path, GOOD, bytes(16))
    whole = path.read_bytes()
    for kept in range(len(whole)):
        path.write_bytes(whole[:kept])
        refusal(tmp_path, "model.safetensors")
    path.write_bytes(whole[:-1])
    refusal(tmp_path, "truncated", "'b'")


def test_a_trailing_byte_is_noticed(tmp_path: Path) -> None:
    """Case 4."""
    write_safetensors(tmp_path, GOOD, bytes(17))
    refusal(tmp_path, "model.safetensors", "1 bytes too many", "'b'")


@pytest.mark.parametrize("length", [2**63, 200_000_000, 0])
def test_an_absurd_header_length_is_refused(tmp_path: Path, length: int) -> None:
    """Case 5."""
    path = write_safetensors(tmp_path, GOOD, bytes(16))
    path.write_bytes(length.to_bytes(8, "little") + path.read_bytes()[8:])
    refusal(tmp_path, "model.safetensors", str(length))


@pytest.mark.parametrize("header", [b"{not json", b'{"\xff": 1}', b"[1, 2]", b"[" * 100_000, b'"text"'])
def test_a_header_that_is_no_json_object_is_refused(tmp_path: Path, header: bytes) -> None:
    """Case 6."""
    write_safetensors(tmp_path, header, b"")
    refusal(tmp_path, "model.safetensors", "header")


@pytest.mark.parametrize(
    "bad",
    [
        pytest.param(entry(4, 12), id="7 overlap"),
        pytest.param(entry(-8, 0, [2]), id="8 negative offset"),
        pytest.param(entry(12, 20), id="9 hole"),
        pytest.param(entry(8, 16, [3]), id="10 shape and size disagree"),
        pytest.param(entry(8, 16, [2**62, 2**62]), id="11 shape overflows"),
        pytest.param(entry(8, 16, [-1, -2]), id="11 negative shape"),
        pytest.param(entry(8, 16, [2.0]), id="11 shape of floats"),
        pytest.param(entry(8, 16, [True, 2]), id="11 shape of booleans"),
        pytest.param(entry(8, 16, dtype="F128"), id="12 unknown dtype"),
        pytest.param({**entry(8, 16), "dtype": ["F32"]}, id="12 dtype in a list"),
        pytest.param({"shape": [2]}, id="12 no dtype"),
        pytest.param([1, 2], id="12 not an object"),
    ],
)
def test_a_bad_entry_is_refused_with_its_name(tmp_path: Path, bad: Any) -> None:
    """Cases 7 to 12."""
    write_safetensors(tmp_path, {"a": entry(0, 8), "bad": bad}, bytes(20))
    refusal(tmp_path, "model.safetensors", "'bad'")


@pytest.mark.parametrize("first", ["F32", "I32"])
def test_a_name_that_comes_twice_is_refused(tmp_path: Path, first: str) -> None:
    """Case 13: the library takes the last entry, whichever dtype it has."""
    second = "I32" if first == "F32" else "F32"
    twice = f'{{"a": {json.dumps(entry(0, 8, dtype=first))}, "a": {json.dumps(entry(0, 8, dtype=second))}}}'
    write_safetensors(tmp_path, twice.encode(), bytes(8))
    refusal(tmp_path, "model.safetensors", "'a'", "twice")


def test_a_file_without_metadata_loads(tmp_path: Path) -> None:
    """Case 14."""
    save_file(tiny_encoder().state_dict(), folder_with_config(tmp_path) / "model.safetensors")
    assert open_checkpoint(tmp_path).weights.keys() == tiny_encoder().state_dict().keys()


@pytest.mark.parametrize("library", ["tf", "flax", 3])
def test_a_file_for_another_library_is_refused(tmp_path: Path, library: object) -> None:
    """Case 15."""
    write_safetensors(tmp_path, {"__metadata__": {"format": library}, **GOOD}, bytes(16))
    refusal(tmp_path, "model.safetensors", repr(library))


@pytest.mark.parametrize(
    ("start", "name"),
    [(b"<!DOCTYPE html><html>", "HTML page"), (b"version https://git-lfs.github.com/spec/v1\noid", "git-lfs pointer")],
)
def test_what_a_download_left_instead_is_named(tmp_path: Path, start: bytes, name: str) -> None:
    """Case 16."""
    (folder_with_config(tmp_path) / "model.safetensors").write_bytes(start)
    refusal(tmp_path, "model.safetensors", f"not weights: {'an' if name[0] == 'H' else 'a'} {name}")


def test_a_renamed_pickle_is_named(tmp_path: Path) -> None:
    """Case 17: a plain one, and a zip archive of torch.save."""
    path = folder_with_config(tmp_path) / "model.safetensors"
    path.write_bytes(pickle.dumps({"a": 1}, protocol=4))
    refusal(tmp_path, "model.safetensors", "a pickle")
    torch.save({"a": torch.ones(1)}, path)
    refusal(tmp_path, "model.safetensors", "a zip archive")


def test_a_flipped_bit_does_not_match_the_manifest(tmp_path: Path) -> None:
    """Case 18."""
    tiny_encoder().save_pretrained(tmp_path)
    assert open_checkpoint(tmp_path).verified
    path = tmp_path / "model.safetensors"
    data = bytearray(path.read_bytes())
    data[-3] ^= 1
    path.write_bytes(data)
    refusal(tmp_path, "model.safetensors", "sha256", "manifest.json")


def test_a_folder_without_manifest_is_not_called_verified(tmp_path: Path) -> None:
    """Case 18."""
    tiny_encoder().save_pretrained(tmp_path)
    (tmp_path / "manifest.json").unlink()
    assert not open_checkpoint(tmp_path).verified


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_weights_that_are_not_finite_are_named_and_counted(tmp_path: Path, value: float, dtype: torch.dtype) -> None:
    """Case 19."""
    state = {name: tensor.to(dtype) for name, tensor in tiny_encoder().state_dict().items()}
    state["pooler.dense.weight"][0, :2] = value
    save_file(state, folder_with_config(tmp_path) / "model.safetensors")
    refusal(tmp_path, "model.safetensors", "pooler.dense.weight has 2 values that are not finite")


@pytest.mark.parametrize("dtype", [torch.int64, torch.complex64, torch.bool, torch.float8_e4m3fn])
def test_weights_that_are_not_floats_are_named(tmp_path: Path, dtype: torch.dtype) -> None:
    """Case 20."""
    state = tiny_encoder().state_dict()
    state["pooler.dense.bias"] = torch.zeros(4).to(dtype)
    save_file(state, folder_with_config(tmp_path) / "model.safetensors")
    refusal(tmp_path, "model.safetensors", f"pooler.dense.bias has dtype {str(dtype)[6:]}")


def test_a_file_with_unaligned_tensors_loads(tmp_path: Path) -> None:
    header = json.dumps({"a": entry(0, 8)}).encode()
    write_safetensors(tmp_path, header + b" " * (3 - len(header) % 8), torch.ones(2).numpy().tobytes())
    assert open_checkpoint(tmp_path).weights["a"].tolist() == [1, 1]


def test_opening_does_not_change_the_file_when_weights_change(tmp_path: Path) -> None:
    tiny_encoder().save_pretrained(tmp_path)
    before = (tmp_path / "model.safetensors").read_bytes()
    next(iter(open_checkpoint(tmp_path).weights.values())).zero_()
    assert (tmp_path / "model.safetensors").read_bytes() == before


@pytest.mark.parametrize("part", ["header", "data"])
def test_no_flipped_bit_gives_other_weights_in_silence(tmp_path: Path, part: str) -> None:
    """Case 18: without the manifest for the header, which describes itself; with it for the data, which cannot."""
    tiny_encoder().save_pretrained(tmp_path)
    path = tmp_path / "model.safetensors"
    whole = path.read_bytes()
    head = 8 + int.from_bytes(whole[:8], "little")
    if part == "header":
        (tmp_path / "manifest.json").unlink()
    draw = random.Random(0)
    for _ in range(500):
        flipped = bytearray(whole)
        flipped[draw.randrange(head) if part == "header" else draw.randrange(head, len(whole))] ^= 1 << draw.randrange(
            8
        )
        path.write_bytes(flipped)
        try:
            model = ErnieMModel.from_pretrained(tmp_path)
        except FileFaultError:
            continue
        assert part == "header"
        assert same(dict(model.state_dict()), dict(tiny_encoder().state_dict()))
