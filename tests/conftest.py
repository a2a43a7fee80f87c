"""Fixtures that more than one test file needs; real data is used where it is at hand and skipped by name."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright
from watched import Watched

os.environ.setdefault("GOMP_SPINCOUNT", "1000")  # as the library does, but here tests import torch before it
ROOT = Path(__file__).resolve().parent.parent
GOLDEN = ROOT / "tests" / "golden"


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of public multilingual files that some tests read; set ERNIEM_LAB_DATA to point elsewhere."""
    folder = Path(os.environ.get("ERNIEM_LAB_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"real data not found at {folder}: set ERNIEM_LAB_DATA")
    return folder


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A headless Chromium."""
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        pytest.skip("no chromium on PATH")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def watched(browser: Browser) -> Iterator[Watched]:
    """A page with the network cut, whose faults and requests are kept."""
    context = browser.new_context()
    yield Watched(context.new_page())
    context.close()
