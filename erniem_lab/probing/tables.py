"""Results as tidy tables: pandas is imported here, and only when a table is asked for."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from erniem_lab.errors import MissingExtraError

if TYPE_CHECKING:
    import pandas as pd

Cell = str | int | float | bool | None


def table(
    rows: Iterable[Sequence[Cell]], columns: Sequence[str], kinds: Mapping[str, str] | None = None
) -> "pd.DataFrame":
    """Rows under the names of their columns.

    Args:
        kinds: of columns whose kind does not follow from what they hold, such as whole numbers that may be missing.

    Raises:
        MissingExtraError: pandas is not installed.

    >>> table([("en", 1), ("de", None)], ["language", "head"], {"head": "Int64"})["head"].tolist()
    [1, <NA>]
    """
    try:
        import pandas as pd
    except ImportError as fault:
        raise MissingExtraError("tables need pandas: pip install 'erniem-lab[lab]'") from fault
    return pd.DataFrame(list(rows), columns=list(columns)).astype(dict(kinds or {}))
