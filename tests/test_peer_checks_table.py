"""The table of transformers' checks names tests that are there, and every one of them."""

import re
from pathlib import Path

from conftest import ROOT

TABLE = (ROOT / "erniem_lab" / "transformers_bridge" / "README.md").read_text(encoding="utf-8")


def checks() -> set[str]:
    files = [path for path in (ROOT / "tests").glob("test_peer_checks_*.py") if path != Path(__file__)]
    return {name for path in files for name in re.findall(r"def test_(\w+)", path.read_text(encoding="utf-8"))}


def listed() -> set[str]:
    """The names in the rows of checks that pass, as they stand there: whole, or a beginning, or an end."""
    rows = [line.split("|") for line in TABLE.splitlines() if re.search(r"\| (core, )?bridge \|", line)]
    return {name.strip() for row in rows for name in row[1].split(",") if "-" not in name}


def test_every_check_in_the_table_is_a_test() -> None:
    for name in listed():
        part = name.strip("…")
        assert any(part in check for check in checks()), name


def test_every_check_that_is_a_test_is_in_the_table() -> None:
    for check in checks():
        assert any(name.strip("…") in check for name in listed()), check
