"""The walls between the modules hold: who may import whom, what never enters the core, what importing sets."""

import ast
import os
import subprocess
import sys

import pytest
from conftest import ROOT

PACKAGE = ROOT / "erniem_lab"
ORDER = [  # each level may import those before it, and its own
    {"errors", "bundle", "files", "paddle", "encoding"},
    {"hub", "config", "outputs", "masks", "packing", "losses", "lm_loss"},
    {"checkpoint", "tokenizing", "corpora", "metrics"},
    {"pretrained", "tokenizer"},
    {"model", "batching"},
    {"heads", "precision", "embedding", "tracing", "neurons", "training", "convert"},
    {"collecting", "vectors_file", "word_states", "guessing", "silencing"},
    {"bench", "pretraining", "probing", "tasks"},
    {"visual", "transformers_bridge"},
    {"report"},
    {"cli"},
]
LEVEL = {name: level for level, names in enumerate(ORDER) for name in names}
DRAWING = {"matplotlib", "ipywidgets", "bertviz", "anywidget", "IPython"}
HEAVY = {*DRAWING, "pandas", "papermill", "nbconvert", "sklearn", "scipy", "transformers", "datasets", "typer"}


def part(module: str) -> str:
    """`erniem_lab.pretraining.tables` is of the part `pretraining`; the package itself stands above all."""
    return module.split(".")[1] if "." in module else "__init__"


def imports(path):
    """Modules that a file imports, with whether it does so at the top."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    top = set(map(id, tree.body))
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, id(node) in top) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module, id(node) in top


FILES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts): path
    for path in sorted(PACKAGE.rglob("*.py"))
    if "bundle" not in path.parent.name
}
INNER = {name: path for name, path in FILES.items() if name != "erniem_lab.__init__"}


@pytest.mark.parametrize("name", INNER)
def test_a_module_imports_only_from_below(name):
    own = part(name)
    for module, _ in imports(INNER[name]):
        if module.startswith("erniem_lab.") and part(module) != own:
            assert LEVEL[part(module)] <= LEVEL[own], f"{name} imports {module}"


@pytest.mark.parametrize("name", INNER)
def test_modules_of_one_level_import_each_other_in_no_circle(name):
    seen, queue = set(), [name]
    while queue:
        current = queue.pop()
        inner = INNER.get(current) or INNER.get(f"{current}.__init__")
        found = {module for module, at_top in imports(inner) if at_top and module.startswith("erniem_lab.")}
        assert name not in found - {current} or current == name, f"{current} imports {name} back"
        queue += found - seen
        seen |= found


@pytest.mark.parametrize("name", INNER)
def test_torch_stays_out_of_text_and_results(name):
    if part(name) in ("corpora", "metrics", "probing", "visual", "errors", "config"):
        assert not [module for module, _ in imports(INNER[name]) if module.split(".")[0] == "torch"]


@pytest.mark.parametrize("name", INNER)
def test_drawing_begins_at_visual(name):
    if part(name) not in ("visual", "report", "cli"):
        assert not [module for module, _ in imports(INNER[name]) if module.split(".")[0] in DRAWING]


@pytest.mark.parametrize("name", INNER)
def test_imports_inside_functions_are_of_optional_packages(name):
    inside = {module for module, at_top in imports(INNER[name]) if not at_top and module.startswith("erniem_lab")}
    assert not inside or part(name) == "cli", f"{name} hides imports of {inside}"


@pytest.mark.parametrize(
    ("given", "left"),
    [
        ({}, "1000"),
        ({"GOMP_SPINCOUNT": "7"}, "7"),
        ({"OMP_WAIT_POLICY": "active"}, "None"),
    ],
)
def test_threads_wait_shortly_unless_the_user_said_how(given, left):
    bare = {name: value for name, value in os.environ.items() if name not in ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY")}
    code = "import erniem_lab, os; print(os.environ.get('GOMP_SPINCOUNT'))"
    run = subprocess.run([sys.executable, "-c", code], env=bare | given, capture_output=True, text=True, check=True)
    assert run.stdout.strip() == left


def test_importing_the_library_brings_in_nothing_heavy():
    code = "import sys, erniem_lab; print(*{name.split('.')[0] for name in sys.modules})"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not HEAVY & set(run.stdout.split())
