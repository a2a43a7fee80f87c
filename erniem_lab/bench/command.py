"""What `erniem-lab bench` does: gather texts, measure, print, write."""

import json
from collections.abc import Sequence
from pathlib import Path

from erniem_lab.bench.contenders import choose
from erniem_lab.bench.costs import AXES, Costs, measure_costs
from erniem_lab.bench.measurement import Comparison
from erniem_lab.bench.rounds import compare
from erniem_lab.bench.table import cost_lines, lines
from erniem_lab.bench.texts import Texts, gather
from erniem_lab.bench.workers import Conditions
from erniem_lab.config import ErnieMConfig
from erniem_lab.errors import InputValueError
from erniem_lab.files.atomic import write_atomically
from erniem_lab.tokenizer import ErnieMTokenizer

FORMS = (".json", ".csv")
Wanted = tuple[Sequence[str], int, Sequence[str]]  # places, how many texts, languages


def run(given: Conditions, wanted: Wanted, only: Sequence[str], *, curves: bool = False, out: Path | None) -> None:
    """Print a comparison, and with `curves` what grows with what; write all numbers to a file if one is named.

    Raises:
        InputValueError: a file that is neither JSON nor CSV, before anything is measured.
    """
    if out is not None and out.suffix not in FORMS:
        raise InputValueError(f"out={out}: a file ending in {' or '.join(FORMS)} is written; rename it")
    contenders = choose(only)
    places, count, languages = wanted
    where, texts = gather(places, count, languages=languages)
    tokenizer = ErnieMTokenizer.from_pretrained(given.folder)
    longest = ErnieMConfig.from_pretrained(given.folder).max_length
    found = compare(contenders, Texts.of(where, texts, tokenizer, longest), given)
    print("\n".join(lines(found)))
    costs = [measure_costs(AXES, [one for one in contenders if one.curved], texts, given)] if curves else []
    for one in costs:
        print("\n".join(cost_lines(one)))
    if out is not None:
        _write(out, found, costs)
        print(f"written: {out}")


def _write(out: Path, found: Comparison, costs: Sequence[Costs]) -> None:
    if out.suffix == ".csv":
        import pandas as pd

        tables = pd.concat([found.to_frame(), *(one.to_frame() for one in costs)])
        text = tables.to_csv(index=False)
    else:
        text = json.dumps({**found.to_dict(), "costs": [one.to_dict() for one in costs]}, indent=1)
    write_atomically(out, lambda file: file.write(text.encode()))
