"""Fixtures that more than one test file needs; real data is used where it is at hand and skipped by name."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
GOLDEN = ROOT / "tests" / "golden"


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of public multilingual files that some tests read; set ERNIEM_LAB_DATA to point elsewhere."""
    folder = Path(os.environ.get("ERNIEM_LAB_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"real data not found at {folder}: set ERNIEM_LAB_DATA")
    return folder
