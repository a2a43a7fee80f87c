"""F1 of entities in BIO tags, as conlleval and seqeval define it."""

from collections.abc import Sequence

from erniem_lab.errors import InputValueError
from erniem_lab.metrics.tally import Tally, shares

Entity = tuple[str, int, int]


def entities(tags: Sequence[str]) -> set[Entity]:
    """The entities of a sentence: kind, first word, and the word after the last.

    An inner tag without an entity of its kind before it begins one, as in conlleval and in seqeval's default mode.

    >>> sorted(entities(["B-PER", "I-PER", "O", "I-LOC", "B-LOC"]))
    [('LOC', 3, 4), ('LOC', 4, 5), ('PER', 0, 2)]
    """
    found: set[Entity] = set()
    kind, start = "", 0
    for place, tag in enumerate([*tags, "O"]):
        prefix, _, name = tag.partition("-")
        if kind and (prefix != "I" or name != kind):
            found.add((kind, start, place))
            kind = ""
        if tag != "O" and not kind:
            kind, start = name, place
    return found


def entity_f1(gold: Sequence[Sequence[str]], said: Sequence[Sequence[str]]) -> Tally:
    """F1 over all entities of all sentences; an entity is right if its kind and both its ends are.

    Raises:
        InputValueError: other numbers of sentences, or of tags in a sentence.

    >>> round(entity_f1([["B-PER", "O"], ["B-LOC", "I-LOC"]], [["B-PER", "O"], ["B-LOC", "O"]]).value, 3)
    0.5
    """
    lengths = [[len(tags) for tags in sentences] for sentences in (gold, said)]
    if lengths[0] != lengths[1]:
        raise InputValueError("gold and said differ in sentences or in their numbers of tags; give each word one tag")
    pairs = [(entities(one), entities(other)) for one, other in zip(gold, said, strict=True)]
    hits = [len(one & other) for one, other in pairs]
    return shares(hits, [len(other) for _, other in pairs], [len(one) for one, _ in pairs])
