"""Commands that train and score."""

from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from erniem_lab.errors import InputValueError

if TYPE_CHECKING:
    from erniem_lab.tasks import Evaluation


def pretrain(
    recipes: Annotated[list[Path], typer.Argument(help="TOML recipes; each goes on from the model before it.")],
    pairs: Annotated[
        list[Path], typer.Option(help="Parallel text: .tsv or .parquet, or a folder as fr.tsv.gz, sw.tsv.gz.")
    ],
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
