"""Checks and shows a language of the bundled world: `python -m erniem_lab.corpora.world_check sw --show 40`."""

import sys
from collections.abc import Iterator
from zlib import crc32

import typer

from erniem_lab.corpora.world import World
from erniem_lab.corpora.world_draw import members
from erniem_lab.corpora.world_files import Language, Pattern
from erniem_lab.corpora.world_template import STOP, Filler, Form, Wording
from erniem_lab.corpora.world_text import choose, forms_of
from erniem_lab.errors import ErnieMLabError


def problems(world: World, code: str) -> list[str]:
    """Everything that a language's files lack or say wrongly, a line each; empty if the language is complete.

    >>> problems(World.load(), "en")
    []
    """
    language = world.language(code)
    return [*_of_lexicon(world, language), *_of_patterns(world, language)]


def _of_lexicon(world: World, language: Language) -> Iterator[str]:
    for id in world.entries.keys() - language.items.keys():
        yield f"lexicon.tsv: no line for {id}"
    for id in language.items.keys() - world.entries.keys():
        yield f"lexicon.tsv: {id} is not in entries.tsv"
    for id, item in language.items.items():
        for key, form in item.forms.items():
            if not _one_run(form):
                yield f"lexicon.tsv: {id}: form {key!r} needs its head words next to each other, and at least one"
    for id in members(world.entries, "label"):
        if id in language.items and "base" not in language.items[id].forms:
            yield f"lexicon.tsv: {id}: needs a form without a key"


def _of_patterns(world: World, language: Language) -> Iterator[str]:
    for id in language.templates.keys() - world.patterns.keys():
        yield f"patterns.tsv: {id} is not in data/world/patterns.tsv"
    for id, pattern in world.patterns.items():
        if id not in language.templates:
            yield f"patterns.tsv: no line for {id}"
        else:
            yield from (f"patterns.tsv: {id}: {problem}" for problem in _of_template(world, language, pattern))


def _of_template(world: World, language: Language, pattern: Pattern) -> Iterator[str]:
    categories = {slot.role: slot.category for slot in pattern.slots}
    pieces = language.templates[pattern.id]
    unused = categories.keys() - {piece.role for piece in pieces if isinstance(piece, Filler)}
    yield from (f"does not use {{{role}}}" for role in unused)
    for piece in pieces:
        roles = {piece.agrees} | ({piece.role} if isinstance(piece, Filler) else set())
        if unknown := roles - categories.keys() - {""}:
            yield f"role {', '.join(unknown)}; expected one of {', '.join(categories)}"
        elif isinstance(piece, Wording) and piece.label not in {"", STOP, *pattern.labels}:
            yield f"label {piece.label!r}; expected one of {', '.join(pattern.labels) or 'none'}"
        else:
            yield from _of_agreement(world, language, piece, categories)
    last = pieces[-1]
    if not (isinstance(last, Wording) and last.label == STOP) and language.code != "th":
        yield "does not end in a full stop or question mark of its own (a word by itself)"


def _of_agreement(
    world: World, language: Language, piece: Filler | Wording, categories: dict[str, str]
) -> Iterator[str]:
    """Forms and words that some class has not."""
    classes = {""}
    if piece.agrees:
        ids = members(world.entries, categories[piece.agrees])
        classes = {language.items[id].noun_class for id in ids if id in language.items}
        if "-" in classes and not (isinstance(piece, Wording) and "*" in piece.forms):
            yield f"agrees with {piece.agrees}, but an entry of {categories[piece.agrees]} has class '-'"
    for noun_class in sorted(classes):
        if isinstance(piece, Wording):
            if choose(piece, noun_class) is None:
                yield f"[{piece.label}@{piece.agrees} ...] has no words for class {noun_class}"
            continue
        alike: dict[Form, str] = {}
        for id in members(world.entries, categories[piece.role]):
            form = forms_of(language.items[id], piece.key, noun_class) if id in language.items else ()
            if form is None:
                yield f"{id} has no form {piece.key!r} for class {noun_class or '-'}"
            elif form and alike.setdefault(form, id) != id:
                yield f"{id} and {alike[form]} have the same form {piece.key!r}; different facts must read differently"


def _one_run(form: Form) -> bool:
    heads = [number for number, word in enumerate(form) if word.head]
    return bool(heads) and heads == list(range(heads[0], heads[-1] + 1))


def main(code: str, show: int = 1, seed: int = 0, pattern: str = "") -> None:
    """Print the problems of a language; if there are none, `show` sentences of each pattern next to English."""
    found: list[str] = []
    try:
        world = World.load()
        found = problems(world, code)
        print("\n".join(f"{code}/{problem}" for problem in found))
        for id in [pattern] if pattern else [] if found else list(world.patterns):
            print(f"{id}\n{_shown(world, code, id, show, seed)}")
    except ErnieMLabError as fault:
        sys.exit(str(fault))
    print(f"{code}: {len(found)} problems, {world.distinct_sentences(code)} facts can be said")
    sys.exit(1 if found else 0)


def _shown(world: World, code: str, pattern: str, show: int, seed: int) -> str:
    lines: list[str] = []
    for example in world.parallel(["en", code], show, seed + crc32(pattern.encode()), patterns=[pattern]):
        pair = example.pair()
        english, other = pair.first.surfaces, pair.second.surfaces
        links = " ".join(f"{english[i]}={other[j]}" for i, j in sorted(pair.sure))
        lines += [f"  {pair.first.text}", f"  {pair.second.text}", f"    {links}"]
    return "\n".join(lines)


if __name__ == "__main__":
    typer.run(main)
