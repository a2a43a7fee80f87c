"""What a training step costs: this project's, a plain torch step without padding, and Hugging Face's, in one run.

    python tests/bench_training_step.py --peer PYTHON [--size base] [--texts FOLDER] [--rounds 5] [--threads N]

PYTHON is the interpreter of an environment with transformers 4.40.2. Two steps are measured, each forward, backward,
clipping and AdamW, on the same texts and the same batch for all:

- head: a classifier over the pooled first token;
- CAMLM: words guessed from the other sentence, over the whole vocabulary. The plain step and Hugging Face's have no
  such tables of who may read whom: they guess as many words in as many tokens, all of which they read.

`plain` is a few lines of torch on texts laid end to end, without padding. Every contender is a process of its own;
rounds alternate. Memory is the peak above what is held before the first step, so it holds gradients and the
optimizer's two averages as well. `compiled` is ours under torch.compile, with the seconds of its first step and the
number of steps after which these are won back. Exits with 1 where a goal is missed: no slower than plain, by
processor time, and less memory than Hugging Face's.
"""

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

JOBS = ("head", "CAMLM")
WAYS = ("ours", "plain", "hf", "compiled")
IGNORED = -100
SHARE = 0.35  # of a pair's words that are guessed, as in the paper
LEARNING = {"lr": 1e-4, "betas": (0.9, 0.98), "eps": 1e-6, "weight_decay": 0.01}


def status(name: str) -> int:
    """A line of Linux's account of this process, in bytes."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(1024 * int(line.split()[1]) for line in lines if line.startswith(name))


def ours_step(given: dict, job: str, compiled: bool):
    """A step as `train` takes it."""
    import torch

    from erniem_lab.batching import collate
    from erniem_lab.heads import ErnieMForMaskedLM, ErnieMForSequenceClassification
    from erniem_lab.pretraining import CAMLM, hide, loss
    from erniem_lab.tokenizer import ErnieMTokenizer
    from erniem_lab.training import Loss, Plan
    from erniem_lab.training.processes import Processes
    from erniem_lab.training.stepper import Stepper

    tokenizer = ErnieMTokenizer.from_pretrained(given["folder"])
    kind = ErnieMForSequenceClassification if job == "head" else ErnieMForMaskedLM
    model = touched(kind.from_pretrained(given["folder"], **given["dropout"]))
    batch = collate([tokenizer.encoding(one, other) for one, other in given["pairs"]])
    labels = torch.arange(len(given["pairs"])) % 2

    def loss_of(module, number: int) -> Loss:
        if job == "head":
            inputs = {"input_ids": batch.input_ids, "attention_mask": (batch.kinds > 0).long()}
            return Loss(module(**inputs, labels=labels).loss)
        generator = torch.Generator().manual_seed(number)
        return Loss(loss(module, hide(batch, CAMLM, tokenizer.mask_token_id, share=SHARE, generator=generator)))

    stepper = Stepper(model, loss_of, Plan(10**6, compile=compiled), Processes(alone=True))
    return stepper.step


def learning(parameters, loss_of):
    """A step of plain torch: loss, backward pass, clipping, AdamW."""
    import torch

    parameters = list(parameters)
    optimizer = torch.optim.AdamW(parameters, **LEARNING)

    def step(number: int) -> None:
        optimizer.zero_grad(set_to_none=True)
        loss_of(number).backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()

    return step


def guesses(rows: dict):
    """Places and ids of the words that are guessed, in texts laid end to end."""
    import torch

    targets = torch.tensor([i for row in rows["targets"] for i in row])
    places = (targets != IGNORED).nonzero()[:, 0]
    return places, targets[places]


def touched(model):
    """The model, every weight read once: those that are mapped from a file count as held."""
    import torch

    with torch.inference_mode():
        for weight in model.parameters():
            weight.sum()
    return model


def plain_step(given: dict, job: str, compiled: bool):
    """Texts end to end in one row; linear maps see no padding, and attention is a call for each text."""
    import torch
    from torch import nn
    from torch.nn import functional as F

    shape, ids = given["shape"], given[job]["ids"]
    width, heads, lengths = shape["hidden_size"], shape["num_attention_heads"], list(map(len, ids))
    torch.manual_seed(0)
    names = {"joint": (width, 3 * width), "out": (width, width), "up": (width, 4 * width), "down": (4 * width, width)}
    parts = [{name: nn.Linear(*size) for name, size in names.items()} for _ in range(shape["num_hidden_layers"])]
    layers = nn.ModuleList(nn.ModuleDict({**one, "a": nn.LayerNorm(width), "b": nn.LayerNorm(width)}) for one in parts)
    words, spots = nn.Embedding(shape["vocab_size"], width), nn.Embedding(shape["max_position_embeddings"], width)
    norm, pooler, head = nn.LayerNorm(width), nn.Linear(width, width), nn.Linear(width, 2)
    module = nn.ModuleList([layers, words, spots, norm, pooler, head])
    flat = torch.tensor([i for row in ids for i in row])
    positions = torch.tensor([place + 2 for row in ids for place in range(len(row))])
    places, targets = guesses(given[job])
    firsts, labels = torch.tensor([0, *lengths[:-1]]).cumsum(0), torch.arange(len(ids)) % 2
    drop = given["dropout"]["hidden_dropout_prob"]

    def attend(joint):
        parts = (one.view(-1, 3, heads, width // heads).permute(1, 2, 0, 3) for one in joint.split(lengths))
        weight = given["dropout"]["attention_probs_dropout_prob"]
        mixed = (F.scaled_dot_product_attention(*(part[None] for part in one), dropout_p=weight)[0] for one in parts)
        return torch.cat([one.transpose(0, 1).flatten(1) for one in mixed])

    def loss_of(number: int):
        states = F.dropout(norm(words(flat) + spots(positions)), drop)
        for one in layers:
            states = one["a"](states + F.dropout(one["out"](attend(one["joint"](states))), drop))
            states = one["b"](states + F.dropout(one["down"](F.gelu(one["up"](states))), drop))
        if job == "head":
            return F.cross_entropy(head(F.dropout(torch.tanh(pooler(states[firsts])), drop)), labels)
        return F.cross_entropy(states[places] @ words.weight.T, targets)

    return learning(module.parameters(), loss_of)


def hf_step(given: dict, job: str, compiled: bool):
    """transformers 4.40.2, padded, with the plain way from states to the vocabulary."""
    import torch
    import transformers
    from torch.nn import functional as F

    transformers.logging.set_verbosity_error()
    kind = transformers.ErnieMForSequenceClassification if job == "head" else transformers.ErnieMModel
    model = touched(kind.from_pretrained(given["folder"], **given["dropout"])).train()
    longest = max(map(len, given[job]["ids"]))
    rows = torch.tensor([[*row, *[1] * (longest - len(row))] for row in given[job]["ids"]])
    inputs = {"input_ids": rows, "attention_mask": (rows != 1).long()}
    labels, (places, targets) = torch.arange(len(rows)) % 2, guesses(given[job])

    def loss_of(number: int):
        if job == "head":
            return model(**inputs, labels=labels).loss
        states = model(**inputs).last_hidden_state[rows != 1]
        return F.cross_entropy(states[places] @ model.get_input_embeddings().weight.T, targets)

    return learning(model.parameters(), loss_of)


STEPS = {"ours": ours_step, "compiled": ours_step, "plain": plain_step, "hf": hf_step}


def serve(way: str, job: str, file: str) -> None:
    """One contender: a line of input asks for a step, a line of output says what it took."""
    import torch

    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    given = json.loads(Path(file).read_text())
    torch.set_num_threads(given["threads"])
    step = STEPS[way](given, job, way == "compiled")
    little = torch.nn.Linear(1, 1)
    learning(little.parameters(), lambda number: little(torch.ones(1, 1)).sum())(0)  # loads what torch loads late
    held = status("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")
    for number, _ in enumerate(sys.stdin):
        busy, start = time.process_time(), time.perf_counter()
        step(number)
        seconds, busy = time.perf_counter() - start, time.process_time() - busy
        found = {"seconds": seconds, "busy": busy, "bytes": status("VmHWM") - held}
        print(json.dumps(found), file=answers, flush=True)


def measure(job: str, file: Path, given: argparse.Namespace) -> dict[str, list[dict[str, float]]]:
    """Steps of each contender, the first of them for warming up; who fails is left out, and said."""
    ways = [way for way in given.ways if way != "hf" or given.peer]
    processes = {}
    for way in ways:
        command = [given.peer if way == "hf" else sys.executable, __file__, "--serve", way, job, str(file)]
        quiet = {**os.environ, "OMP_NUM_THREADS": str(given.threads)}
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
        processes[way] = subprocess.Popen(command, text=True, env=quiet, **pipes)
    found: dict[str, list[dict[str, float]]] = {way: [] for way in ways}
    for number in range(given.rounds + 1):
        order = [way for way in [*ways[number % len(ways) :], *ways[: number % len(ways)]] if way in processes]
        for way in order:
            pipe = processes[way]
            print(file=pipe.stdin, flush=True)
            line = pipe.stdout.readline()
            if line:
                found[way].append(json.loads(line))
            else:
                print(f"{job} {way}: left out, its process ended with code {pipe.wait()}")
                del processes[way], found[way]
    for pipe in processes.values():
        pipe.stdin.close()
        pipe.wait()
    return found


def report(job: str, found: dict[str, list[dict[str, float]]]) -> bool:
    """Print a job's table; whether its goals are met."""
    ours = found["ours"]
    for way, (first, *rounds) in found.items():
        seconds, busy = (median(one[key] for one in rounds) for key in ("seconds", "busy"))
        size = max(one["bytes"] for one in (first, *rounds)) / 1e6
        ratios = [one["busy"] / mine["busy"] for one, mine in zip(rounds, ours[1:], strict=True)]
        spread = f"{median(ratios):.2f} [{min(ratios):.2f}, {max(ratios):.2f}]"
        line = f"{job:<6} {way:<9} {seconds:7.2f} s, {busy:7.2f} s of processor, {spread} times ours, {size:7,.0f} MB"
        print(line, flush=True)
    if "compiled" in found:
        first, *rounds = found["compiled"]
        won = median(one["seconds"] for one in ours[1:]) - median(one["seconds"] for one in rounds)
        steps = first["seconds"] / won if won > 0 else math.inf
        pays = f"pays after {steps:,.0f} steps" if won > 0 else "does not pay: its steps are no faster"
        print(f"{job:<6} compiled  first step {first['seconds']:.0f} s; {pays}")
    return judge(job, found)


def judge(job: str, found: dict[str, list[dict[str, float]]]) -> bool:
    """Print whether each goal is reached."""
    ours, met = found["ours"], True
    if "plain" in found:
        speed = median(p["busy"] / o["busy"] for o, p in zip(ours[1:], found["plain"][1:], strict=True))
        met &= speed >= 1
        print(f"{job:<6} no slower than plain: {speed:.2f} times as fast, {'reached' if speed >= 1 else 'not reached'}")
    if "hf" in found:
        share = max(one["bytes"] for one in ours) / max(one["bytes"] for one in found["hf"])
        met &= share < 1
        print(f"{job:<6} memory against HF: {share:.2f} of it, {'reached' if share < 1 else 'not reached'}")
    return met


def prepare(folder: Path, given: argparse.Namespace) -> dict:
    """The model, and pairs of like length, as batches are made in training."""
    import torch

    from erniem_lab.batching import collate
    from erniem_lab.bench import SIZES, random_checkpoint
    from erniem_lab.bundle import MINI
    from erniem_lab.config import ErnieMConfig
    from erniem_lab.corpora.collect import open_parallel
    from erniem_lab.corpora.world import World
    from erniem_lab.pretraining import CAMLM, hide
    from erniem_lab.tokenizer import ErnieMTokenizer

    source = random_checkpoint(folder / given.size, MINI, *SIZES[given.size]) if given.size else MINI
    if given.texts:
        pairs = [(one.first.text, one.second.text) for one in open_parallel(given.texts)]
    else:
        pairs = [tuple(s.text for s in one.sentences) for one in World.load().parallel(["en", "sw"], 16 * given.batch)]
    tokenizer = ErnieMTokenizer.from_pretrained(source)
    pairs = pairs[:: max(1, len(pairs) // (16 * given.batch))]
    sized = sorted((len(ids), i) for i, ids in enumerate(tokenizer(*map(list, zip(*pairs, strict=True))).input_ids))
    middle = len(sized) // 2 - given.batch // 2
    chosen = [pairs[i] for _, i in sized[middle : middle + given.batch]]
    batch = collate([tokenizer.encoding(*pair) for pair in chosen])
    riddle = hide(batch, CAMLM, tokenizer.mask_token_id, share=SHARE, generator=torch.Generator().manual_seed(0))
    dropout = {"hidden_dropout_prob": 0.1, "attention_probs_dropout_prob": 0.1}
    shape = ErnieMConfig.from_pretrained(source).to_dict()
    about = {"folder": str(source), "threads": given.threads, "dropout": dropout, "shape": shape}
    head, camlm = unpadded(batch, torch.full_like(batch.kinds, IGNORED)), unpadded(riddle.batch, riddle.targets)
    return {**about, "pairs": chosen, "head": head, "CAMLM": camlm}


def unpadded(batch, targets) -> dict[str, list[list[int]]]:
    """A batch as lists, each text of its own length; masks may stand behind padding."""
    rows = {"ids": batch.input_ids, "targets": targets}
    kept = list(batch.kinds > 0)
    return {name: [one[keep].tolist() for one, keep in zip(some, kept, strict=True)] for name, some in rows.items()}


def main() -> None:
    """Read the command line; be one contender, or measure all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer", default="")
    parser.add_argument("--size", default="", help="small, base or large; the bundled small model if not given")
    parser.add_argument("--texts", default="", help="parallel text, file or folder; the bundled world if not given")
    parser.add_argument("--jobs", nargs="+", choices=JOBS, default=JOBS)
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=WAYS[:3], help="compiled only where asked for")
    for name, default in (("batch", 16), ("rounds", 5), ("threads", 2)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--serve", nargs=3, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.serve:
        serve(*given.serve)
        return
    with tempfile.TemporaryDirectory() as folder:
        about = prepare(Path(folder), given)
        file = Path(folder) / "given.json"
        file.write_text(json.dumps(about))
        for job in given.jobs:
            lengths = list(map(len, about[job]["ids"]))
            padded = given.batch * max(lengths)
            print(f"{given.size or 'mini'}, {job}: {given.batch} pairs, {sum(lengths)} tokens, {padded} with padding")
        met = [report(job, measure(job, file, given)) for job in given.jobs]
    sys.exit(not all(met))


if __name__ == "__main__":
    main()
