"""A model's config as it stands in a folder: Hugging Face's JSON, or either of PaddleNLP's forms of it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from erniem_lab.errors import FileFaultError, InputValueError
from erniem_lab.files.json_file import parse_object

CONFIG_FILES = ("config.json", "model_config.json")  # the second is PaddleNLP's older name
PADDLE_NAMES = {"UIEM": "ErnieMForInformationExtraction"}


def config_path(folder: Path) -> Path:
    """Where a folder has its config.

    Raises:
        FileFaultError: nowhere.

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> (folder / "model_config.json").touch()
    >>> config_path(folder).name
    'model_config.json'
    """
    found = next((folder / name for name in CONFIG_FILES if (folder / name).is_file()), None)
    if found is None:
        raise FileFaultError(f"{folder}: no config.json in it; a checkpoint folder needs one")
    return found


def read_config(folder: Path) -> dict[str, Any]:
    """The JSON object in a folder's config file, as it stands there.

    Raises:
        FileFaultError: no such file, or it holds something other than a JSON object with keys.

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> written = (folder / "config.json").write_text('{"hidden_size": 64}')
    >>> read_config(folder)
    {'hidden_size': 64}
    """
    path = config_path(folder)
    values = parse_object(path.read_bytes(), path, "config")
    if not values:
        raise FileFaultError(f"{path}: an object without keys; get the file again")
    return values


def hf_values(values: Mapping[str, Any]) -> dict[str, Any]:
    """The same values under Hugging Face's keys; a config that is not PaddleNLP's comes back as it is.

    Raises:
        InputValueError: a list is expected, and something else is there.

    >>> hf_values({"init_args": [{"hidden_size": 32, "init_class": "ErnieMModel"}], "init_class": "UIEM"})
    {'hidden_size': 32, 'architectures': ['ErnieMForInformationExtraction'], 'intermediate_size': 128}
    """
    merged = dict(values)
    arguments = _listed("init_args", merged.pop("init_args", None))
    head = merged.pop("init_class", None)
    for part in (part for part in arguments if isinstance(part, Mapping)):
        merged = {**{key: value for key, value in part.items() if key != "init_class"}, **merged}
    names = _listed("architectures", merged.get("architectures") if head is None else [head])
    if names:
        merged["architectures"] = [PADDLE_NAMES.get(str(name), str(name)) for name in names]
    size = merged.get("hidden_size", 768)
    if (head is not None or "paddlenlp_version" in merged) and isinstance(size, int):
        merged["intermediate_size"] = 4 * size  # PaddleNLP reads no other
    return merged


def _listed(name: str, given: Any) -> list[Any]:
    if not isinstance(given, list | tuple | None):
        raise InputValueError(f"config field {name}={given!r:.80}: give a list")
    return list(given or ())
