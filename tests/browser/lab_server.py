"""JupyterLab on loopback for the tests, with settings of its own."""

import json
import os
import secrets
import subprocess
import sys
import time
import urllib.request
from contextlib import suppress
from pathlib import Path

from playwright.sync_api import Page

PATIENCE = 120  # seconds, on a machine that is busy
OWN = ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR")
SETTINGS = {
    "@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False},
    "@jupyterlab/docmanager-extension:plugin": {"autosave": False},
    "@jupyterlab/notebook-extension:tracker": {"windowingMode": "none"},  # all cells are in the page
}
IDLE = """() => window.jupyterapp?.shell.currentWidget?.sessionContext?.session?.kernel?.status === 'idle'"""
RUN = """number => { const panel = window.jupyterapp.shell.currentWidget;
  panel.content.activeCellIndex = number; panel.content.widgets[number].model.executionCount = null;
  window.jupyterapp.commands.execute('notebook:run-cell'); }"""
DONE = """number => { const cell = window.jupyterapp.shell.currentWidget.content.widgets[number].model;
  return cell.executionState !== 'running' && cell.executionCount !== null; }"""
TEXT = """number => window.jupyterapp.shell.currentWidget.content.widgets[number].outputArea.node.innerText"""

FAULTS = """() => window.jupyterapp.shell.currentWidget.content.widgets
  .flatMap(({ model }) => (model.type === 'code' ? model.outputs.toJSON() : []))
  .filter((output) => output.output_type === 'error').map(({ ename, evalue }) => `${ename}: ${evalue}`)"""
THEME = "name => window.jupyterapp.commands.execute('apputils:change-theme', { theme: name })"
LIGHT = "light => document.body.dataset.jpThemeLight === String(light)"


class LabServer:
    """JupyterLab in a folder, ended with the block; a page on it may ask what is `allowed`."""

    allowed = ("http://127.0.0.1:", "data:", "blob:")

    def __init__(self, folder: Path) -> None:
        self.folder, self.token = folder, secrets.token_hex(16)

    def __enter__(self) -> "LabServer":
        own = self.folder / ".own"
        (own / "settings").mkdir(parents=True)
        (own / "settings" / "overrides.json").write_text(json.dumps(SETTINGS))
        paths = {name: str(own / name) for name in OWN}
        command = [sys.executable, "-m", "jupyterlab", "--ServerApp.ip=127.0.0.1", "--port=0", "--no-browser"]
        command += ["--expose-app-in-browser", f"--LabApp.app_settings_dir={own / 'settings'}", "--allow-root"]
        environment = {**os.environ, **paths, "JUPYTER_TOKEN": self.token}
        self.log = (own / "log").open("wb")
        self.process = subprocess.Popen(
            [*command, str(self.folder)], env=environment, stdout=self.log, stderr=self.log, cwd=self.folder
        )
        self.address = self._address(own / "JUPYTER_RUNTIME_DIR")
        return self

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.process.wait(timeout=30)
        self.log.close()

    def _address(self, runtime: Path) -> str:
        """Where the server says that it listens, once it answers there."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            for path in runtime.glob("jpserver-*.json"):
                address = str(json.loads(path.read_text())["url"])
                with suppress(OSError):  # it is written before it is so
                    urllib.request.urlopen(f"{address}api?token={self.token}", timeout=30).close()
                    return address
            time.sleep(0.2)
        self.__exit__()
        raise TimeoutError(f"JupyterLab did not start: {Path(self.log.name).read_text()}")


def open_notebook(page: Page, lab: LabServer, name: str) -> Page:
    """The notebook in JupyterLab, its kernel ready."""
    page.set_default_timeout(1000 * PATIENCE)
    page.goto(f"{lab.address}lab/tree/{name}?token={lab.token}")
    page.wait_for_function(IDLE)
    return page


def run_cell(page: Page, number: int) -> str:
    """What a cell puts out; cells count from 0."""
    page.wait_for_function(IDLE)
    page.evaluate(RUN, number)
    page.wait_for_function(DONE, arg=number)
    page.wait_for_function(IDLE)
    return str(page.evaluate(TEXT, number))


def faults(page: Page) -> list[str]:
    """The errors that stand in the notebook's outputs."""
    return list(page.evaluate(FAULTS))


def use_theme(page: Page, name: str) -> None:
    """Change JupyterLab's theme, and wait until it is there."""
    page.evaluate(THEME, name)
    page.wait_for_function(LIGHT, arg=name.endswith("Light"))
    page.evaluate("() => new Promise(requestAnimationFrame)")
