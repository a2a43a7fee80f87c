"""Measure the bundled checkpoint: losses and attention on held-out world pairs, and retrieval by layer.

    python tests/measure_mini.py [--model FOLDER] [--tatoeba FOLDER] [--unseen fin ...] [--out scores.json]

`--tatoeba` takes a folder of files in LASER's form, `tatoeba.xxx-eng.xxx` and `tatoeba.xxx-eng.eng`; without it the
bundled world alone is measured. The mean is also given without the languages that the checkpoint never saw. Nothing is
tuned on what is measured: every layer is listed.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import torch

from erniem_lab import MINI, ErnieMForMaskedLM, ErnieMTokenizer
from erniem_lab.batching import PADDING, Role, collate
from erniem_lab.corpora.world import World
from erniem_lab.embedding import embed_layers
from erniem_lab.metrics import mean_with_interval
from erniem_lab.pretraining import CAMLM, MMLM, TLM, hide, loss
from erniem_lab.probing import retrieve

SENTENCES = 500


def lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").rstrip("\n").split("\n")


def world_pairs(world: World, language: str) -> list[tuple[str, str]]:
    pairs = {tuple(s.text for s in p.sentences) for p in world.parallel(["en", language], SENTENCES, 0, split="test")}
    seen: dict[str, str] = {}
    for first, second in sorted(pairs):
        seen.setdefault(first, second)
    return sorted(seen.items())


def tatoeba_pairs(folder: Path) -> dict[str, list[tuple[str, str]]]:
    found = {}
    for path in sorted(folder.glob("tatoeba.*-eng.eng")):
        language = path.name.split(".")[1].split("-")[0]
        found[language] = list(zip(lines(path), lines(path.with_suffix(f".{language}")), strict=True))
    return found


def retrieval(model, tokenizer, pairs: dict[str, list[tuple[str, str]]]) -> dict[str, list[dict[str, float]]]:
    """For each language and layer, accuracy@1 with English as the query and the other way round."""
    table = {}
    for language, sentences in pairs.items():
        sides = [embed_layers(model, tokenizer, list(side), progress=False) for side in zip(*sentences, strict=True)]
        table[language] = [
            {"layer": r.layer, "from_en": r.forward.value, "to_en": r.backward.value, "n": r.forward.n}
            for r in retrieve(*sides)
        ]
    return table


def losses(model, tokenizer, world: World) -> dict[str, str]:
    """Nats for each hidden token, with an interval over batches of 16 pairs."""
    found = {}
    for objective in (MMLM, TLM, CAMLM):
        scores = []
        for language in (code for code in world.languages if code != "en"):
            pairs = world_pairs(world, language)[:64]
            for start in range(0, len(pairs), 16):
                batch = collate(tokenizer.encodings(*map(list, zip(*pairs[start : start + 16], strict=True))))
                riddle = hide(batch, objective, tokenizer.mask_token_id, generator=torch.Generator().manual_seed(start))
                with torch.inference_mode():
                    scores.append(loss(model, riddle).item())
        found[objective.name] = str(mean_with_interval(scores))
    return found


def attention(model, tokenizer, world: World) -> list[dict[str, float]]:
    """For each layer the most that a head gives to a neighbour and to a token's own sentence of a pair; and chance."""
    batch = collate(tokenizer.encodings(*map(list, zip(*world_pairs(world, "fr")[:64], strict=True))))
    real, side = batch.kinds != PADDING, (batch.kinds - 1) // len(Role)
    both = (real[:, :, None] & real[:, None, :])[:, None]
    places = torch.arange(real.shape[1])
    asked = {
        "before": places[:, None] - places == 1,
        "after": places[:, None] - places == -1,
        "own sentence": (side[:, :, None] == side[:, None, :])[:, None],
    }
    with torch.inference_mode():
        maps = model.ernie_m(batch.input_ids, batch.position_ids, real, output_attentions=True).attentions
    even = both / both.sum(-1, keepdim=True).clamp(min=1)
    shares = {
        name: [float(((weights * (both & where)).sum((0, 2, 3)) / real.sum()).max()) for weights in (even, *maps)]
        for name, where in asked.items()
    }
    return [{name: round(share[layer], 2) for name, share in shares.items()} for layer in range(len(maps) + 1)]


def means(table: dict[str, list[dict[str, float]]]) -> list[float]:
    """The mean over languages of both directions, for each layer."""
    both = [[(row["from_en"] + row["to_en"]) / 2 for row in rows] for rows in table.values()]
    return [round(float(value), 4) for value in np.mean(both, axis=0)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default=str(MINI))
    parser.add_argument("--tatoeba", type=Path)
    parser.add_argument("--unseen", nargs="*", default=["fin"], help="languages that it was not trained on")
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    model, tokenizer = ErnieMForMaskedLM.from_pretrained(given.model), ErnieMTokenizer.from_pretrained(given.model)
    world = World.load()
    sets = {"world": {code: world_pairs(world, code) for code in world.languages if code != "en"}}
    sets |= {"tatoeba": tatoeba_pairs(given.tatoeba)} if given.tatoeba else {}
    scores = {"loss on held-out world pairs, nats": losses(model, tokenizer, world)}
    scores["attention"] = attention(model, tokenizer, world)
    print("attention, the most of any head; even, then layer 1 and up:", *scores["attention"], sep="\n  ")
    for name, pairs in sets.items():
        table = retrieval(model, tokenizer, pairs)
        scores[name] = {"mean accuracy by layer": means(table), "by language": table}
        for these in (table, {code: rows for code, rows in table.items() if code not in given.unseen}):
            print(name, "mean accuracy@1 over", len(these), "languages, both directions, by layer:", means(these))
        best = int(np.argmax(means(table)))
        for language, rows in table.items():
            row = rows[best]
            print(f"  {language}: layer {best} {row['from_en']:.3f} from en, {row['to_en']:.3f} to en, n={row['n']}")
    print(scores["loss on held-out world pairs, nats"])
    if given.out:
        given.out.write_text(json.dumps(scores, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
