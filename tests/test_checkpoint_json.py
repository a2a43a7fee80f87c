"""Whatever JSON stands where another value should in a checkpoint or tokenizer, it loads or is refused by name."""

import json
import random
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from checkpoint_files import TINY, tiny_encoder
from conftest import GOLDEN
from jaxtyping import config as type_checks

from erniem_lab.checkpoint import save_checkpoint
from erniem_lab.errors import ErnieMLabError
from erniem_lab.model import ErnieMModel
from erniem_lab.tokenizer import ErnieMTokenizer

JUNK = [None, True, -1, 0, 3, 1.5, "", "x", "../x", [], [1], ["F32"], {}, {"a": 1}, {"0": None}]
HEAD = "model.safetensors"


def whole(folder: Path) -> None:
    tiny_encoder().save_pretrained(folder)


def without_manifest(folder: Path) -> None:
    whole(folder)
    (folder / "manifest.json").unlink()


def sharded(folder: Path) -> None:
    save_checkpoint(folder, TINY.to_dict(), tiny_encoder().state_dict(), max_shard_bytes=300)
    (folder / "manifest.json").unlink()


def of_paddle(folder: Path) -> None:
    without_manifest(folder)
    sizes = {key: value for key, value in TINY.to_dict().items() if key != "model_type"}
    (folder / "config.json").unlink()
    older = {"init_args": [{**sizes, "init_class": "ErnieMModel"}, 3], "init_class": "ErnieMModel", "num_classes": 3}
    (folder / "model_config.json").write_text(json.dumps(older))


def of_tokenizer(folder: Path) -> None:
    tokenizer = ErnieMTokenizer.from_pretrained(GOLDEN / "tokenizer")
    tokenizer.add_tokens(["<x>"])
    tokenizer.add_special_tokens({"additional_special_tokens": ["<y>"]})
    tokenizer.save_pretrained(folder)


def use_model(folder: Path) -> None:
    ErnieMModel.from_pretrained(folder)


def use_tokenizer(folder: Path) -> None:
    tokenizer = ErnieMTokenizer.from_pretrained(folder)
    tokenizer.encoding("this is <x>", truncation=True)
    tokenizer.decode([1, 2, 3])


FOLDERS: dict[str, Callable[[Path], None]] = {
    "config.json": without_manifest,
    "model_config.json": of_paddle,
    "manifest.json": whole,
    "model.safetensors.index.json": sharded,
    HEAD: without_manifest,
    "tokenizer_config.json": of_tokenizer,
    "special_tokens_map.json": of_tokenizer,
}


def parts(path: Path) -> tuple[Any, bytes]:
    """The JSON in a file, and the bytes behind it."""
    content = path.read_bytes()
    if path.name != HEAD:
        return json.loads(content), b""
    end = 8 + struct.unpack("<Q", content[:8])[0]
    return json.loads(content[8:end]), content[end:]


def write(path: Path, value: Any, rest: bytes) -> None:
    text = json.dumps(value).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + rest if path.name == HEAD else text)


def places(value: Any, where: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to each value within a JSON value."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield (*where, key)
        yield from places(inner, (*where, key))


def spoilt(value: Any, where: tuple[Any, ...], junk: Any) -> Any:
    """The same JSON with junk at one place."""
    if not where:
        return junk
    copy = value.copy()
    copy[where[0]] = spoilt(value[where[0]], where[1:], junk)
    return copy


@pytest.mark.filterwarnings("ignore:.*initialised:UserWarning")
@pytest.mark.parametrize("name", FOLDERS)
def test_junk_anywhere_in_its_json_loads_or_is_refused_by_name(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type_checks, "jaxtyping_disable", True)  # as for users, who run without these checks
    FOLDERS[name](tmp_path)
    good, rest = parts(tmp_path / name)
    use = use_tokenizer if "token" in name else use_model
    draw, refused = random.Random(0), []
    every = [(where, junk) for where in places(good) for junk in JUNK]
    for where, junk in draw.sample(every, min(len(every), 150)):
        write(tmp_path / name, spoilt(good, where, junk), rest)
        try:
            use(tmp_path)
        except ErnieMLabError as fault:
            refused.append((where, junk, str(fault)))
    assert len(refused) > (20 if use is use_tokenizer else 50)
    for where, junk, said in refused:
        assert any(word in said for word in (str(tmp_path), "num_labels", *map(str, where))), (where, junk, said)
