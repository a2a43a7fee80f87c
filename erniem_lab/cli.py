"""The ``erniem-lab`` command; it starts fast because each command imports what it needs."""

import logging
import os
import sys
import traceback
import warnings
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from erniem_lab.bundle import bundled
from erniem_lab.errors import ErnieMLabError, InputValueError

if TYPE_CHECKING:
    from erniem_lab.tasks import Evaluation

TRACEBACK = "ERNIEM_LAB_TRACEBACK"
FAULTS_SHOWN = 3

commands = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Run, read and convert ERNIE-M, the cross-lingual encoder.",
)


def app() -> None:
    """The command line; a fault of this project's kinds is one line on stderr and exit code 1."""
    try:
        commands(_joined(sys.argv[1:]))
    except ErnieMLabError as fault:
        if os.environ.get(TRACEBACK):
            traceback.print_exc()
        print("error:", " ".join(str(fault).split()), file=sys.stderr)
        raise SystemExit(1) from fault


def _joined(arguments: list[str]) -> list[str]:
    """The arguments with each ``-p NAME VALUE`` as ``-p NAME=VALUE``, the one form that typer repeats.

    >>> _joined(["report", "-p", "seed", "-1", "-p", "n=2"])
    ['report', '-p', 'seed=-1', '-p', 'n=2']
    """
    rest = iter(arguments)
    joined = []
    for argument in rest:
        joined.append(argument)
        if argument == "-p" and (name := next(rest, None)) is not None:
            value = None if "=" in name else next(rest, None)
            joined.append(name if value is None else f"{name}={value}")
    return joined


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise InputValueError(f"-p {name!r}: has no value; write -p NAME VALUE")
    return name, value


@commands.callback()
def options(
    show_traceback: Annotated[
        bool, typer.Option("--traceback", help=f"Show where a fault came from; also {TRACEBACK}=1.")
    ] = False,
) -> None:
    """Options that every command shares."""
    if show_traceback:
        os.environ[TRACEBACK] = "1"


@commands.command()
def report(
    notebooks: Annotated[
        list[str] | None, typer.Argument(help="Numbers, names or paths of notebooks; all that came along for none.")
    ] = None,
    model: Annotated[str, typer.Option(help="Folder or hub id, for the notebooks that take a model.")] = "",
    out: Annotated[Path, typer.Option(help="The folder for the reports.")] = Path("reports"),
    parameter: Annotated[
        list[str] | None,
        typer.Option("-p", metavar="NAME VALUE", help="Set a notebook's parameter."),
    ] = None,
    jobs: Annotated[int, typer.Option(min=0, help="Notebooks at a time; 0: one for every four cores.")] = 0,
    timeout: Annotated[int, typer.Option(min=1, help="Seconds that a cell may take.")] = 900,
) -> None:
    """Run notebooks; write an offline HTML report of each, an index, and their numbers."""
    from erniem_lab.errors import ReportError
    from erniem_lab.report.build import require_lab, write_reports
    from erniem_lab.report.choose import choose
    from erniem_lab.report.parameters import read_values

    require_lab()
    logging.getLogger("papermill").setLevel(logging.CRITICAL)  # what stops a notebook is told at the end, in one line
    chosen = choose(notebooks or [], bundled("notebooks"))
    pairs = [*map(_pair, parameter or []), *([("model", model)] if model else [])]
    values = read_values(pairs, [notebook.defaults for notebook in chosen])
    reports = write_reports(chosen, out, values, jobs=jobs, timeout=timeout)
    print(f"{len(reports)} reports: {out / 'index.html'}")
    failed = [entry for entry in reports if not entry.passed]
    if failed:
        named = "; ".join(f"{entry.name}: {entry.fault}" for entry in failed[:FAULTS_SHOWN])
        raise ReportError(f"{len(failed)} of {len(reports)} notebooks failed: {named}; open {out / 'index.html'}")


@commands.command()
def lab(
    port: Annotated[int | None, typer.Option(help="The port; a free one from 8888 on by default.")] = None,
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Open a browser window.")] = True,
    options: Annotated[list[str] | None, typer.Argument(help="After --: JupyterLab's own, as --allow-root.")] = None,
) -> None:
    """Copy the notebooks here, where none of yours is overwritten, and open JupyterLab on them."""
    import subprocess

    from erniem_lab.report.workspace import copy_notebooks, lab_command

    folder = Path.cwd() / "notebooks"
    made = copy_notebooks(bundled("notebooks"), folder)
    print(f"notebooks: {folder} ({len(made)} new)")
    command = lab_command(folder, port=port, browser=browser, options=options or [])
    raise typer.Exit(subprocess.run(command, check=False).returncode)


@commands.command()
def convert(
    source: Annotated[str, typer.Argument(help="A PaddleNLP or Hugging Face folder, a file, or a hub id.")],
    out: Annotated[Path, typer.Argument(help="The new folder.")],
    revision: Annotated[str | None, typer.Option(help="Of a hub id: a branch, a tag or a commit.")] = None,
) -> None:
    """Write any ERNIE-M checkpoint as a checked safetensors folder."""
    from erniem_lab.convert import convert as convert_checkpoint

    convert_checkpoint(source, out, revision=revision)
    print(f"written: {out}")


@commands.command()
def pretrain(
    recipes: Annotated[list[Path], typer.Argument(help="TOML recipes; each goes on from the model before it.")],
    pairs: Annotated[list[Path], typer.Option(help="Parallel text: a file, or a folder as fr.tsv.gz, sw.tsv.gz.")],
    out: Annotated[Path, typer.Option(help="The folder for the run.")],
    start: Annotated[str | None, typer.Option(help="A checkpoint to begin with, folder or hub id.")] = None,
    change: Annotated[list[str] | None, typer.Option("--set", help="A recipe's value, as plan.steps=100.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run that is in the folder.")] = False,
) -> None:
    """Pre-train an ERNIE-M with the paper's objectives, from recipes; also under torchrun."""
    from erniem_lab.pretraining.recipe import Recipe
    from erniem_lab.pretraining.run import pretrain as run
    from erniem_lab.training import is_first, processes

    processes().on_first(partial(_demand_new, out, resume))
    model: str | Path | None = start
    for path, recipe in [(path, Recipe.read(path, change or ())) for path in recipes]:
        model = run(recipe, pairs, out / path.stem, start=model)
        _draw_curve(out / path.stem)
    if is_first():
        print(f"trained: {model}")


@commands.command()
def extract(
    file: Annotated[Path, typer.Argument(help="The texts: one a line, plain or .gz.")],
    schema: Annotated[str, typer.Option(help="What to find: JSON, a .json file, or names with commas between.")],
    model: Annotated[str, typer.Option(help="A trained extractor: folder or hub id, PaddleNLP's uie-m too.")],
    prompts: Annotated[str | None, typer.Option(help="en or zh, how relations are asked for; by the schema.")] = None,
    mode: Annotated[str, typer.Option(help="lab, or taskflow for PaddleNLP's own numbers and faults.")] = "lab",
    threshold: Annotated[float, typer.Option(help="The probability above which a token begins or ends a span.")] = 0.5,
    out: Annotated[Path | None, typer.Option(help="A file for the results; otherwise they are printed.")] = None,
) -> None:
    """Find what a schema asks for in each line of a text file; a JSON object a line comes out."""
    from erniem_lab.corpora.lines import read_lines
    from erniem_lab.files.atomic import write_atomically
    from erniem_lab.tasks.extraction import InformationExtractor, schema_of

    how: dict[str, Any] = {"mode": mode, "prompts": prompts, "threshold": threshold}
    extractor = InformationExtractor.from_pretrained(model, schema_of(schema), **how)
    found = extractor([text for _, text in read_lines(file)], progress=True)
    if out is None:
        print(found.to_json_lines(), end="")
        return
    write_atomically(out, lambda opened: opened.write(found.to_json_lines().encode()))
    print(f"written: {out} ({len(found)} texts)")


@commands.command()
def embed(
    file: Annotated[Path, typer.Argument(help="The texts: one a line, plain or .gz.")],
    out: Annotated[Path, typer.Option(help="A new file for the vectors, in numpy's .npy format.")],
    model: Annotated[str, typer.Option(help="A checkpoint: folder or hub id; the bundled small one by default.")] = "",
    layer: Annotated[int, typer.Option(help="Whose states: 0 are the embeddings, -1 the last layer.")] = -1,
    pooling: Annotated[str, typer.Option(help="mean of all tokens, or cls, the first.")] = "mean",
    precision: Annotated[str, typer.Option(help="float32, bfloat16 or int8.")] = "float32",
    batch_tokens: Annotated[int | None, typer.Option(help="Tokens at a time; by default what suits.")] = None,
) -> None:
    """Write a vector for each line of a text file. After a kill, the same command goes on where it was."""
    from erniem_lab.bundle import MINI
    from erniem_lab.model import ErnieMModel
    from erniem_lab.tokenizer import ErnieMTokenizer
    from erniem_lab.vectors_file import write_vectors

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*pooler")  # which no vector here is of
        read_by = ErnieMModel.from_pretrained(model or MINI)
    how: dict[str, Any] = {"pooling": pooling, "precision": precision, "batch_tokens": batch_tokens}
    vectors = write_vectors(read_by, ErnieMTokenizer.from_pretrained(model or MINI), file, out, layer=layer, **how)
    print(f"written: {out} ({vectors.shape[0]} texts, {vectors.shape[1]} numbers each)")


@commands.command()
def finetune(
    kind: Annotated[str, typer.Argument(help="What is learnt: entailment, pairs, texts, entities, questions, ...")],
    train: Annotated[list[str], typer.Option(help="Examples to learn from: files, or world:en.")],
    out: Annotated[Path, typer.Option(help="The folder for the run.")],
    check: Annotated[
        list[str] | None, typer.Option("--eval", help="Examples that the best weights are chosen on.")
    ] = None,
    model: Annotated[str, typer.Option(help="A checkpoint to begin with; the bundled small one by default.")] = "",
    preset: Annotated[str, typer.Option(help="The paper's settings, as xnli-transfer-base.")] = "small",
    change: Annotated[list[str] | None, typer.Option("--set", help="A setting, as epochs=2 or peak_rate=3e-5.")] = None,
    language: Annotated[str, typer.Option(help="Of the files; otherwise their names tell.")] = "",
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run that is in the folder.")] = False,
) -> None:
    """Train a head on labelled examples; also under torchrun. The best weights are in OUT/model."""
    from erniem_lab.bundle import MINI
    from erniem_lab.tasks import fit, open_examples, preset_settings, task_for
    from erniem_lab.training import is_first, processes

    processes().on_first(partial(_demand_new, out, resume))
    settings = preset_settings(preset, change or ())
    examples = [one for place in train for one in open_examples(kind, place, "train", language)]
    held_out = [one for place in check or () for one in open_examples(kind, place, "validation", language)]
    task = task_for(kind, examples)
    found = fit(examples, held_out, model=model or MINI, settings=settings, task=task, folder=out)
    _draw_curve(out)
    if is_first() and held_out:
        _write_scores(found.evaluate(held_out), out)
    if is_first():
        print(f"trained: {out / 'model'}")


@commands.command()
def bench(
    model: Annotated[str, typer.Option(help="A checkpoint; the bundled small one by default.")] = "",
    size: Annotated[str, typer.Option(help="small, base or large: random weights of that size instead.")] = "",
    texts: Annotated[list[str] | None, typer.Option(help="Text files, or folders of parallel text.")] = None,
    languages: Annotated[str, typer.Option(help="Of folders and of the bundled world, as en,sw.")] = "",
    sentences: Annotated[int, typer.Option(min=1, help="How many texts.")] = 300,
    peer: Annotated[str, typer.Option(help="The python of an environment with transformers 4.40.2.")] = "",
    rounds: Annotated[int, typer.Option(min=1, help="How often each contender is measured.")] = 5,
    only: Annotated[list[str] | None, typer.Option(help="Contenders, by the beginnings of their names.")] = None,
    curves: Annotated[
        bool, typer.Option("--curves", help="Also what it costs as texts, layers, batches grow.")
    ] = False,
    threads: Annotated[int, typer.Option(min=0, help="Of each contender; 0: as many as torch takes.")] = 0,
    device: Annotated[str, typer.Option(help="cpu, or cuda.")] = "cpu",
    out: Annotated[Path | None, typer.Option(help="A file for the numbers: .json, or .csv.")] = None,
) -> None:
    """Compare speed and memory with peers and with the machine's own limit, in one run."""
    from erniem_lab.bench import Conditions, Machine, checkpoint
    from erniem_lab.bench.command import run

    with checkpoint(model, size) as folder:
        given = Conditions(folder, Machine.here(threads, device), rounds, peer)
        wanted = (texts or [], sentences, tuple(filter(None, languages.split(","))))
        run(given, wanted, only or [], curves=curves, out=out)


@commands.command()
def evaluate(
    kind: Annotated[str, typer.Argument(help="As for finetune.")],
    data: Annotated[list[str], typer.Option(help="Labelled examples: files, or world:en,sw.")],
    model: Annotated[str, typer.Option(help="A folder that finetune wrote, or a checkpoint with a head.")],
    out: Annotated[Path | None, typer.Option(help="A folder for scores, predictions and a confusion picture.")] = None,
    language: Annotated[str, typer.Option(help="Of the files; otherwise their names tell.")] = "",
) -> None:
    """Score a head on labelled examples, language by language, with 95 % intervals."""
    from erniem_lab.tasks import open_examples, open_fitted

    examples = [one for place in data for one in open_examples(kind, place, "test", language)]
    found = open_fitted(model).evaluate(examples)
    for name, part in found.by_language().items():
        for metric in part.metrics:
            print(f"{name}: {metric} {part.estimate(metric)}")
    if out is not None:
        _write_scores(found, out)
        print(f"written: {out}")


def _write_scores(found: "Evaluation[Any]", out: Path) -> None:
    """Predictions and scores, and a confusion picture where answers are labels and there is something to draw with."""
    from erniem_lab.files.atomic import write_atomically

    write_atomically(out / "predictions.jsonl", lambda file: file.write(found.lines().encode("utf-8", "surrogatepass")))
    if not find_spec("pandas"):
        return
    write_atomically(out / "scores.csv", lambda file: file.write(found.to_frame().to_csv(index=False).encode()))
    confusion = found.confusion()
    if confusion.labels and find_spec("matplotlib"):
        from erniem_lab.visual.transfer import confusion_map

        figure = confusion_map(confusion)
        write_atomically(out / "confusion.png", partial(figure.savefig, format="png"))


def _demand_new(out: Path, resume: bool) -> None:
    if out.exists() and not resume and any(out.iterdir()):
        raise InputValueError(f"{out}: not empty; pass --resume to go on with its run, or name another folder")


def _draw_curve(folder: Path) -> None:
    """Put a picture of a run's curve beside it, if it made a step and the packages that draw are installed."""
    if not ((folder / "curve.csv").exists() and find_spec("matplotlib") and find_spec("pandas")):
        return
    import pandas as pd

    from erniem_lab.files.atomic import write_atomically
    from erniem_lab.training import is_first
    from erniem_lab.visual import loss_curve

    curve = pd.read_csv(folder / "curve.csv")
    if is_first():
        figure = loss_curve(curve, note=f"one run, {len(curve):,} steps")
        write_atomically(folder / "curve.png", partial(figure.savefig, format="png"))
