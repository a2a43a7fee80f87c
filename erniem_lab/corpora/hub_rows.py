"""Rows of labelled data sets of the hub, or of a folder of the same form, through the `datasets` package."""

from collections.abc import Iterator, Mapping
from typing import Any

from erniem_lab.corpora.rows import Row
from erniem_lab.errors import FileFaultError, MissingExtraError


def read_hub_rows(repository: str, config: str, split: str, revision: str | None = None) -> Iterator[Row]:
    """The rows of a data set, with the names of classes in place of their numbers.

    A class below 0, the hub's mark for "not told", leaves its column out. The data set is fetched whole and kept in
    the cache of `datasets`, so that it is there without a network the next time.

    Args:
        repository: an id of the hub, or a folder of the same form.
        revision: a commit or tag of the hub; without it, the newest.

    Raises:
        MissingExtraError: `datasets` is not installed.
        FileFaultError: there is no such data set, configuration or part, or it cannot be had.

    >>> rows = read_hub_rows("facebook/xnli", "sw", "test")  # nothing is fetched before the first row is asked for
    """
    data = _load(repository, config, split, revision)
    names = {name: _names(feature) for name, feature in data.features.items()}
    for number, row in enumerate(data):
        values = {name: _named(value, names[name]) for name, value in row.items()}
        told = {name: value for name, value in values.items() if value is not None}
        yield Row(f"{repository} {config} {split}: row {number}", told)


def _load(repository: str, config: str, split: str, revision: str | None) -> Any:
    try:
        from datasets import load_dataset
        from datasets.exceptions import DatasetsError
    except ImportError as fault:
        raise MissingExtraError("data sets of the hub need: pip install 'erniem-lab[hub-data]'") from fault
    try:
        return load_dataset(repository, config, split=split, revision=revision)
    except (DatasetsError, OSError, ValueError, RuntimeError) as fault:
        raise FileFaultError(
            f"{repository}: no data set with configuration {config!r} and split {split!r} ({fault}); give another "
            "language or split, repository='owner/name', or folder= of files that you have"
        ) from fault


def _names(feature: Any) -> tuple[str, ...]:
    """The names of the classes of a column, or of those in its lists."""
    return tuple(getattr(getattr(feature, "feature", feature), "names", None) or ())


def _named(value: Any, names: tuple[str, ...]) -> Any:
    if not names or isinstance(value, Mapping):
        return value
    if isinstance(value, list):
        return [names[item] for item in value]
    return names[value] if value is not None and value >= 0 else None
