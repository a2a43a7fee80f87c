"""What a figure asks of the table that it is drawn from."""

import pandas as pd

from erniem_lab.errors import InputValueError


def demand(table: pd.DataFrame, *columns: str, name: str = "table") -> None:
    """Refuse a table that lacks one of these columns, or that has no row.

    Raises:
        InputValueError: so it is; the message has `name`, that of the argument, and what the table has.

    >>> demand(pd.DataFrame({"layer": [0]}), "layer", "value")
    Traceback (most recent call last):
    erniem_lab.errors.InputValueError: table has no column value; it has layer
    """
    absent = [column for column in columns if column not in table.columns]
    if absent:
        raise InputValueError(f"{name} has no column {', '.join(absent)}; it has {', '.join(map(str, table.columns))}")
    if table.empty:
        raise InputValueError(f"{name} has no row, so there is nothing to draw; look at how its rows were selected")
