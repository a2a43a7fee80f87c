"""Measure the memory that the states of many sentences take at every layer: kept, and at most while they are made.

    python tests/measure_states_memory.py [--model FOLDER] [--text FILE] [--sentences 10000] [--precision float16]

Without `--model` the weights are random, of the size of ERNIE-M base (12 layers of 768, 250,002 pieces), which takes
as much memory as released ones; without `--text`, a file with a sentence in each line, the bundled world is read.
`--words` keeps a vector for each word in place of one for each sentence. `--limit GB` fails if the peak is above.
"""

import argparse
import resource
import time
from collections.abc import Sequence
from pathlib import Path

from erniem_lab import MINI, ErnieMConfig, ErnieMModel, ErnieMTokenizer
from erniem_lab.collecting import embed_languages
from erniem_lab.corpora.world import World
from erniem_lab.word_states import embed_words


def peak() -> float:
    """Gigabytes that the process has held at most, on Linux."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9


def sentences(path: Path | None, count: int) -> list[str]:
    """Distinct ones, since a text that stands twice is read once; the world's are numbered to be so."""
    if path is None:
        drawn = World.load().parallel(["en"], count, seed=0)
        return [f"{example.sentences[0].text} ({place})" for place, example in enumerate(drawn)]
    with path.open(encoding="utf-8", newline="\n") as lines:
        found = list(dict.fromkeys(line.strip() for line in lines))[:count]
    if len(found) < count:
        raise SystemExit(f"{path} has {len(found)} distinct lines: give --sentences {len(found)}, or a longer file")
    return found


def kept(model: ErnieMModel, tokenizer: ErnieMTokenizer, texts: Sequence[str], words: bool, precision: str) -> float:
    """Gigabytes of all states."""
    if words:
        return embed_words(model, tokenizer, [text.split() for text in texts], precision=precision).states.nbytes / 1e9
    return embed_languages(model, tokenizer, {"all": texts}, precision=precision)["all"].nbytes / 1e9


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model")
    parser.add_argument("--text", type=Path)
    parser.add_argument("--sentences", type=int, default=10_000)
    parser.add_argument("--words", action="store_true")
    parser.add_argument("--precision", choices=("float16", "float32"), default="float16")
    parser.add_argument("--limit", type=float, metavar="GB")
    given = parser.parse_args()
    model = ErnieMModel.from_pretrained(given.model) if given.model else ErnieMModel(ErnieMConfig()).eval()
    tokenizer, texts = ErnieMTokenizer.from_pretrained(given.model or MINI), sentences(given.text, given.sentences)
    before, start = peak(), time.perf_counter()
    states = kept(model, tokenizer, texts, given.words, given.precision)
    weights = sum(weight.nbytes for weight in model.parameters()) / 1e9
    print(f"model: {weights:.2f} GB of weights; peak before reading {before:.2f} GB")
    layers = model.config.num_hidden_layers + 1
    print(f"{len(texts):,} sentences, {layers} layers, {given.precision}: {states:.2f} GB kept")
    print(f"peak {peak():.2f} GB, of which {peak() - before:.2f} GB while reading, {time.perf_counter() - start:.0f} s")
    if given.limit and peak() > given.limit:
        raise SystemExit(f"peak {peak():.2f} GB is above --limit {given.limit}")


if __name__ == "__main__":
    main()
