"""Commands that take a checkpoint as it is: convert it, read texts with it, measure it."""

import json
import warnings
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any

import typer

from erniem_lab.errors import MissingExtraError


def convert(
    source: Annotated[str, typer.Argument(help="A PaddleNLP or Hugging Face folder, a file, or a hub id.")],
    out: Annotated[Path, typer.Argument(help="The new folder.")],
    revision: Annotated[str | None, typer.Option(help="Of a hub id: a branch, a tag or a commit.")] = None,
) -> None:
    """Write any ERNIE-M checkpoint as a checked safetensors folder."""
    from erniem_lab.convert import convert as convert_checkpoint

    convert_checkpoint(source, out, revision=revision)
    print(f"written: {out}")


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
        list[str] | None, typer.Option(help="What grows: texts, length, layers, batch or all; also as layers=3,6.")
    ] = None,
    threads: Annotated[int, typer.Option(min=0, help="Of each contender; 0: as many as torch takes.")] = 0,
    device: Annotated[str, typer.Option(help="cpu, or cuda.")] = "cpu",
    out: Annotated[Path | None, typer.Option(help="A file for the numbers, as JSON.")] = None,
) -> None:
    """Compare speed and memory with peers and with the machine's own limit, in one run."""
    import torch

    from erniem_lab import bench as speed
    from erniem_lab.files.atomic import write_atomically

    if not find_spec("pandas"):
        raise MissingExtraError("tables need pandas: pip install 'erniem-lab[bench]'")
    contenders, axes = speed.choose(only or []), speed.choose_axes(curves or [])
    with speed.checkpoint(model, size) as folder:
        given = speed.Conditions(folder, threads or torch.get_num_threads(), device, rounds, peer)
        read = speed.gather(folder, texts or [], sentences, languages=[*filter(None, languages.split(","))])
        found = [speed.compare(contenders, read, given)]
        goals = speed.judge(found[0])
        print(found[0])
        if len(goals):
            print("\ngoals, meant for a base model and two quiet cores", goals.to_string(index=False), sep="\n")
        if axes:
            found.append(speed.measure_curves(axes, contenders, read, given))
            print(f"\n{found[1]}")
    if out is not None:
        numbers = json.dumps([asdict(one) for one in found], indent=1)
        write_atomically(out, lambda file: file.write(numbers.encode()))
        print(f"written: {out}")
