"""Ids and speed beside transformers' own ErnieMTokenizer, on real text, in one run of alternating rounds.

    python tests/bench_tokenizer.py --peer PYTHON --data FOLDER [--tokenizer FOLDER] [--raw FOLDER] [--sentences N]

PYTHON is the interpreter of an environment with transformers 4.40.2 and sentencepiece. Exits with 1 where ids differ.
With --raw also the time beside that of sentencepiece alone, with the tokenizer of that folder, and beside that with
each piece looked up in a list, without special tokens, unknown characters or any check. --rounds says how often. A
round is one call of the peer's and CALLS of ours, so that both take about as long.
"""

import argparse
import gc
import gzip
import hashlib
import json
import random
import statistics
import subprocess
import sys
import time
from array import array
from collections.abc import Callable, Iterator
from pathlib import Path

TOY = Path(__file__).parent / "golden" / "tokenizer"
CALLS = 8
LONGEST = 400  # characters: about 512 tokens at most, as the model takes
Answer = tuple[float, list[str]]


def sentences(data: Path, count: int) -> list[str]:
    """Lines of every text file under a folder, as many of each as of any other as far as they go."""
    files = [lines for path in sorted(data.rglob("*")) if path.is_file() and (lines := _lines(path))]
    generator = random.Random(0)
    for lines in files:
        generator.shuffle(lines)
    longest = max(map(len, files))
    turns = [lines[i] for i in range(longest) for lines in files if i < len(lines)]
    return turns[:count]


def _lines(path: Path) -> list[str]:
    try:
        content = path.read_bytes()
        text = (gzip.decompress(content) if path.suffix == ".gz" else content).decode("utf-8")
    except UnicodeDecodeError:
        return []
    fields = (field for line in text.splitlines() for field in line.split("\t"))
    return sorted({field[:LONGEST] for field in fields if " " in field.strip()})


def tokenizing(tokenizer: Callable[[list[str]], dict[str, list[list[int]]]], texts: list[str]) -> Answer:
    """Seconds for one call with all texts, and a digest of each text's ids."""
    gc.collect()
    start = time.perf_counter()
    ids = tokenizer(texts)["input_ids"]
    return time.perf_counter() - start, [hashlib.md5(array("q", row).tobytes()).hexdigest() for row in ids]


def serve(folder: Path) -> None:
    """The peer's side: a list of texts on each line of input, seconds and digests on each line of output."""
    import transformers

    transformers.logging.set_verbosity_error()
    tokenizer = transformers.ErnieMTokenizer(str(folder / "sentencepiece.bpe.model"), str(folder / "vocab.txt"))
    for line in sys.stdin:
        print(json.dumps(tokenizing(tokenizer, json.loads(line))), flush=True)


def peer_answers(python: str, folder: Path, texts: list[str]) -> Iterator[Answer]:
    """The peer's answer to all texts, again each time that it is asked for."""
    command = [python, __file__, "--as-peer", "--tokenizer", str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8") as peer:
        assert peer.stdin is not None
        assert peer.stdout is not None
        while True:
            print(json.dumps(texts), file=peer.stdin, flush=True)
            seconds, digests = json.loads(peer.stdout.readline())
            yield seconds, digests


def compare(python: str, folder: Path, texts: list[str], rounds: int) -> int:
    """Print both speeds; how many texts got other ids than the peer's."""
    from erniem_lab.tokenizer import ErnieMTokenizer

    tokenizer = ErnieMTokenizer.from_pretrained(folder, model_max_length=10**9)
    peer, ours, theirs, different = peer_answers(python, folder, texts), [], [], 0
    for _ in range(rounds):
        answers = [tokenizing(tokenizer, texts) for _ in range(CALLS)]
        peer_seconds, peer_digests = next(peer)
        ours.append(len(texts) / statistics.mean(seconds for seconds, _ in answers))
        theirs.append(len(texts) / peer_seconds)
        different += sum(a != b for _, digests in answers for a, b in zip(digests, peer_digests, strict=True))
    ratios = [a / b for a, b in zip(ours, theirs, strict=True)]
    tokens = sum(map(len, tokenizer(texts).input_ids)) / len(texts)
    characters = sum(map(len, texts)) / len(texts)
    print(f"{len(texts)} sentences, {characters:.0f} characters, {tokens:.0f} tokens on average")
    medians = statistics.median(theirs), statistics.median(ours)
    print(f"peer {medians[0]:,.0f}/s, here {medians[1]:,.0f}/s (medians of {rounds} rounds)")
    print(f"ratio {statistics.median(ratios):.1f} (rounds: {', '.join(f'{ratio:.1f}' for ratio in ratios)})")
    print(f"sentences with other ids: {different}")
    return different


def compare_raw(folder: Path, texts: list[str], rounds: int) -> None:
    """Print how many times as long as sentencepiece's own encoding of a list it takes to get more than its pieces."""
    from erniem_lab.tokenizer import ErnieMTokenizer

    tokenizer = ErnieMTokenizer.from_pretrained(folder, model_max_length=10**9)
    raw, ids = tokenizer.sp_model.encode, list(range(tokenizer.sp_model.get_piece_size()))
    calls: dict[str, Callable[[], object]] = {
        "sentencepiece alone": lambda: tokenizer.sp_model.encode(texts),
        "the same, each piece looked up": lambda: [[ids[piece] for piece in row] for row in raw(texts)],
        "ids": lambda: tokenizer(texts),
        "ids as a padded tensor": lambda: tokenizer(
            texts, truncation=True, max_length=128, padding=True, return_tensors="pt"
        ),
        "ids and offsets": lambda: tokenizer(texts, return_offsets_mapping=True),
    }
    seconds = [{name: _seconds(call) for name, call in calls.items()} for _ in range(rounds)]
    print(f"{tokenizer.sp_model.get_piece_size()} pieces, medians of {rounds} rounds")
    for name in calls:
        ratio = statistics.median(row[name] / row["sentencepiece alone"] for row in seconds)
        each = statistics.median(row[name] for row in seconds) / len(texts)
        print(f"{name}: {each * 1e6:.1f} µs a sentence, {ratio:.1f} times sentencepiece alone")


def _seconds(call: Callable[[], object]) -> float:
    gc.collect()
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def main() -> None:
    """Read the command line and run one side."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer", default=sys.executable)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--tokenizer", type=Path, default=TOY)
    parser.add_argument("--raw", type=Path)
    parser.add_argument("--sentences", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--as-peer", action="store_true", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.as_peer:
        serve(chosen.tokenizer)
    else:
        texts = sentences(chosen.data, chosen.sentences)
        if chosen.raw is not None:
            compare_raw(chosen.raw, texts, chosen.rounds)
        sys.exit(compare(chosen.peer, chosen.tokenizer, texts, chosen.rounds) > 0)


if __name__ == "__main__":
    main()
