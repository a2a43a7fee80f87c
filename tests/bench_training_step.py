"""What a training step costs: this project's, a plain torch step without padding, and Hugging Face's, in one run.

    python tests/bench_training_step.py --peer PYTHON [--size base] [--texts FOLDER] [--rounds 5] [--threads N]

PYTHON is the interpreter of an environment with transformers 4.40.2. Two steps are measured, each forward, backward,
clipping and AdamW, on the same batch for all:

- head: a classifier over the pooled first token;
- CAMLM: words guessed from the other sentence, over the whole vocabulary. The plain step and Hugging Face's have no
  such tables of who may read whom: they guess as many words in as many tokens, all of which they read.

`plain` is a few lines of torch on texts laid end to end, without padding. `compiled` is ours under torch.compile.
Every contender is a process of its own, and the rounds alternate. Memory is the peak above what is held before the
first step, so it holds gradients and the optimizer's two averages as well. Exits with 1 where a goal is missed: no
slower than plain, by processor time, and less memory than Hugging Face's.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import torch
from torch import nn
from torch.nn import functional as F

JOBS, WAYS = ("head", "CAMLM"), ("ours", "plain", "hf", "compiled")
SHARE, DROP = 0.35, 0.1  # of a pair's words that are guessed, as in the paper; of states and attention weights
DROPOUT = {"hidden_dropout_prob": DROP, "attention_probs_dropout_prob": DROP}
LEARNING = {"lr": 1e-4, "betas": (0.9, 0.98), "eps": 1e-6, "weight_decay": 0.01}


def ours_step(given, job, compiled=False):
    """A step as `fit` and pre-training take it."""
    from erniem_lab import ErnieMForMaskedLM, ErnieMForSequenceClassification, ErnieMTokenizer
    from erniem_lab.batching import collate
    from erniem_lab.pretraining import CAMLM, hide, loss
    from erniem_lab.training import Loss, Plan
    from erniem_lab.training.processes import Processes
    from erniem_lab.training.stepper import Stepper

    tokenizer = ErnieMTokenizer.from_pretrained(given["folder"])
    kind = ErnieMForSequenceClassification if job == "head" else ErnieMForMaskedLM
    model = touched(kind.from_pretrained(given["folder"], **DROPOUT))
    batch = collate([tokenizer.encoding(*pair) for pair in given["pairs"]])
    inputs = {"input_ids": batch.input_ids, "attention_mask": (batch.kinds > 0).long()}

    def loss_of(module, number):
        if job == "head":
            return Loss(module(**inputs, labels=labels(batch.input_ids)).loss)
        generator = torch.Generator().manual_seed(number)
        return Loss(loss(module, hide(batch, CAMLM, tokenizer.mask_token_id, share=SHARE, generator=generator)))

    return Stepper(model, loss_of, Plan(10**6, compile=compiled), Processes(alone=True)).step


def plain_step(given, job):
    """Texts end to end in one row; linear maps see no padding, and attention is a call for each text."""
    shape, ids = given["shape"], given[job]["ids"]
    width, heads, lengths = shape["hidden_size"], shape["num_attention_heads"], list(map(len, ids))
    names = {"joint": (width, 3 * width), "out": (width, width), "up": (width, 4 * width), "down": (4 * width, width)}
    layers = nn.ModuleList(
        nn.ModuleDict({name: nn.Linear(*size) for name, size in names.items()} | {n: nn.LayerNorm(width) for n in "ab"})
        for _ in range(shape["num_hidden_layers"])
    )
    words, spots = nn.Embedding(shape["vocab_size"], width), nn.Embedding(shape["max_position_embeddings"], width)
    norm, pooler, head = nn.LayerNorm(width), nn.Linear(width, width), nn.Linear(width, 2)
    flat = torch.tensor([i for row in ids for i in row])
    positions = torch.tensor([place + 2 for row in ids for place in range(len(row))])
    firsts = torch.tensor([0, *lengths[:-1]]).cumsum(0)

    def attend(joint):
        parts = (one.view(-1, 3, heads, width // heads).permute(1, 2, 0, 3) for one in joint.split(lengths))
        mixed = (F.scaled_dot_product_attention(*(part[None] for part in one), dropout_p=DROP)[0] for one in parts)
        return torch.cat([one.transpose(0, 1).flatten(1) for one in mixed])

    def loss_of():
        states = F.dropout(norm(words(flat) + spots(positions)), DROP)
        for one in layers:
            states = one["a"](states + F.dropout(one["out"](attend(one["joint"](states))), DROP))
            states = one["b"](states + F.dropout(one["down"](F.gelu(one["up"](states))), DROP))
        if job == "head":
            return F.cross_entropy(head(F.dropout(torch.tanh(pooler(states[firsts])), DROP)), labels(firsts))
        return guessing_loss(states, words, given[job])

    return learning(nn.ModuleList([layers, words, spots, norm, pooler, head]), loss_of)


def hf_step(given, job):
    """transformers 4.40.2, padded, with the plain way from states to the vocabulary."""
    import transformers

    transformers.logging.set_verbosity_error()
    kind = transformers.ErnieMForSequenceClassification if job == "head" else transformers.ErnieMModel
    model = touched(kind.from_pretrained(given["folder"], **DROPOUT)).train()
    rows = nn.utils.rnn.pad_sequence([torch.tensor(row) for row in given[job]["ids"]], True, padding_value=1)
    inputs = {"input_ids": rows, "attention_mask": (rows != 1).long()}

    def loss_of():
        if job == "head":
            return model(**inputs, labels=labels(rows)).loss
        return guessing_loss(model(**inputs).last_hidden_state[rows != 1], model.get_input_embeddings(), given[job])

    return learning(model, loss_of)


def touched(model):
    """The model, every weight read once: those that are mapped from a file count as held."""
    with torch.inference_mode():
        for weight in model.parameters():
            weight.sum()
    return model


def labels(rows):
    """A class for each text."""
    return torch.arange(len(rows)) % 2


def guessing_loss(states, words, task):
    """Cross-entropy over the vocabulary at the places that are guessed."""
    return F.cross_entropy(states[task["places"]] @ words.weight.T, torch.tensor(task["targets"]))


def learning(module, loss_of):
    """A step of plain torch: loss, backward pass, clipping, AdamW."""
    optimizer = torch.optim.AdamW(module.parameters(), **LEARNING)

    def step(number):
        optimizer.zero_grad(set_to_none=True)
        loss_of().backward()
        nn.utils.clip_grad_norm_(module.parameters(), 1.0)
        optimizer.step()

    return step


def status(name):
    """A line of Linux's account of this process, in bytes."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(1024 * int(line.split()[1]) for line in lines if line.startswith(name))


def serve(way, job, file):
    """One contender: a line of input asks for a step, a line of output says what it took."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    given = json.loads(Path(file).read_text())
    torch.set_num_threads(given["threads"])
    makers = {"plain": plain_step, "hf": hf_step, "ours": ours_step}
    step = ours_step(given, job, compiled=True) if way == "compiled" else makers[way](given, job)
    little = nn.Linear(1, 1)
    learning(little, lambda: little(torch.ones(1, 1)).sum())(0)  # loads what torch loads late
    held = status("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")
    for number, _ in enumerate(sys.stdin):
        busy, start = time.process_time(), time.perf_counter()
        step(number)
        seconds, busy = time.perf_counter() - start, time.process_time() - busy
        print(json.dumps([seconds, busy, status("VmHWM") - held]), file=answers, flush=True)


def measure(job, file, given):
    """Seconds, processor seconds and bytes of each contender's steps, the first of them for warming up."""
    processes, found = {}, {way: [] for way in given.ways if way != "hf" or given.peer}
    for way in found:
        command = [given.peer if way == "hf" else sys.executable, __file__, "--serve", way, job, str(file)]
        quiet = {**os.environ, "OMP_NUM_THREADS": str(given.threads), "PYTHONWARNINGS": "ignore"}
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        processes[way] = subprocess.Popen(command, text=True, env=quiet, **pipes)
    for number in range(given.rounds + 1):
        for way in list(found) if number % 2 else reversed(found):
            print(file=processes[way].stdin, flush=True)
            line = processes[way].stdout.readline()
            if not line:
                sys.exit(f"{job} {way}: its process ended with code {processes[way].wait()}")
            found[way].append(json.loads(line))
    for process in processes.values():
        process.communicate()
    return found


def report(job, found):
    """Print a job's table; whether its goals are met."""
    ours = [busy for _, busy, _ in found["ours"][1:]]
    took, speed, size = {}, {}, {}
    for way, steps in found.items():
        took[way], busy = (median(step[i] for step in steps[1:]) for i in (0, 1))
        ratios = [step[1] / mine for step, mine in zip(steps[1:], ours, strict=True)]
        speed[way], size[way] = median(ratios), max(step[2] for step in steps)
        spread = f"{speed[way]:.2f} [{min(ratios):.2f}, {max(ratios):.2f}] times ours, {size[way] / 1e6:,.0f} MB"
        print(f"{job:<6} {way:<9} {took[way]:7.2f} s, {busy:7.2f} s of processor, {spread}", flush=True)
    if "compiled" in found:
        lost = sum(step[0] - took["compiled"] for step in found["compiled"])
        won = took["ours"] - took["compiled"]
        pays = f"won back after {lost / won:,.0f} steps" if won > 0 else "never won back"
        print(f"{job:<6} compiled  takes {lost:.0f} s to compile, {pays}")
    return speed.get("plain", 1) >= 1 and size["ours"] <= size.get("hf", size["ours"])


def prepare(folder, given):
    """The model, and pairs of like length, as batches are made in training."""
    from erniem_lab import MINI, ErnieMConfig, ErnieMTokenizer
    from erniem_lab.batching import collate
    from erniem_lab.bench import SIZES, random_checkpoint
    from erniem_lab.corpora.collect import open_parallel
    from erniem_lab.corpora.world import World
    from erniem_lab.pretraining import CAMLM, hide

    source = random_checkpoint(folder / given.size, MINI, *SIZES[given.size]) if given.size else MINI
    if given.texts:
        pairs = [(one.first.text, one.second.text) for one in open_parallel(given.texts)]
    else:
        pairs = [tuple(s.text for s in one.sentences) for one in World.load().parallel(["en", "sw"], 16 * given.batch)]
    tokenizer = ErnieMTokenizer.from_pretrained(source)
    some = pairs[:: max(1, len(pairs) // (16 * given.batch))]
    some.sort(key=lambda pair: len(tokenizer.encoding(*pair).ids))
    chosen = some[len(some) // 2 - given.batch // 2 :][: given.batch]
    batch = collate([tokenizer.encoding(*pair) for pair in chosen])
    riddle = hide(batch, CAMLM, tokenizer.mask_token_id, share=SHARE, generator=torch.Generator().manual_seed(0))
    about = {"folder": str(source), "threads": given.threads, "shape": ErnieMConfig.from_pretrained(source).to_dict()}
    head = unpadded(batch, torch.full_like(batch.kinds, -100))
    return {**about, "pairs": chosen, "head": head, "CAMLM": unpadded(riddle.batch, riddle.targets)}


def unpadded(batch, targets):
    """Each text's ids, and places and ids of what is guessed in all of them end to end."""
    real = batch.kinds > 0
    ids = [row[keep].tolist() for row, keep in zip(batch.input_ids, real, strict=True)]
    places = (targets[real] != -100).nonzero()[:, 0]
    return {"ids": ids, "places": places.tolist(), "targets": targets[real][places].tolist()}


def main():
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
    met = []
    with tempfile.TemporaryDirectory() as folder:
        about, file = prepare(Path(folder), given), Path(folder) / "given.json"
        file.write_text(json.dumps(about))
        for job in given.jobs:
            lengths = list(map(len, about[job]["ids"]))
            padded = given.batch * max(lengths)
            print(f"{given.size or 'mini'}, {job}: {given.batch} pairs, {sum(lengths)} tokens, {padded} with padding")
            met.append(report(job, measure(job, file, given)))
    sys.exit(not all(met))


if __name__ == "__main__":
    main()
