"""What can be asked of a word: part of speech, morphology and depth in treebanks, kind and role in the world."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from erniem_lab.corpora.conllu import ParsedSentence
from erniem_lab.corpora.world import ParallelSentences, World

Answer = str | float
Answers = tuple[Answer | None, ...]
PERSON = "person"


@dataclass(frozen=True)
class Annotated:
    """A sentence's words, and for each question an answer at each word: a class, a number, or None where none is asked.

    >>> Annotated(("Anna", "sings"), {"pos": ("PROPN", "VERB")}).answers["pos"][1]
    'VERB'
    """

    words: tuple[str, ...]
    answers: Mapping[str, Answers]


def from_treebank(sentence: ParsedSentence, features: Sequence[str] = ()) -> Annotated:
    """The questions "pos", "depth" (heads above a word, 0 at the root), and each feature of morphology by its name.

    A feature is asked of words that have it. Nothing is asked of a token that is several words, such as German "im".

    >>> from erniem_lab.corpora.conllu import ParsedWord
    >>> from erniem_lab.corpora.examples import Sentence
    >>> cats = ParsedWord("Cats", "cat", "NOUN", (("Number", "Plur"),), head=1, relation="nsubj", token=0)
    >>> sleep = ParsedWord("sleep", "sleep", "VERB", (), head=-1, relation="root", token=1)
    >>> found = from_treebank(ParsedSentence("s1", Sentence("en", "Cats sleep", ((0, 4), (5, 10))), (cats, sleep)),
    ...                       ["Number"])
    >>> found.answers
    {'pos': ('NOUN', 'VERB'), 'depth': (1.0, 0.0), 'Number': ('Plur', None)}
    """
    surfaces = sentence.sentence.surfaces
    counts = [0] * len(surfaces)
    for word in sentence.words:
        counts[word.token] += 1
    asked = {word.token: (word, depth) for word, depth in zip(sentence.words, sentence.depths, strict=True)}
    single = [asked[token] if counts[token] == 1 else None for token in range(len(surfaces))]
    answers: dict[str, Answers] = {
        "pos": tuple(found[0].upos or None if found else None for found in single),
        "depth": tuple(float(found[1]) if found else None for found in single),
    }
    answers |= {name: tuple(found[0].feature(name) or None if found else None for found in single) for name in features}
    return Annotated(surfaces, answers)


def from_world(world: World, example: ParallelSentences, place: int = 0) -> Annotated:
    """The questions "kind" (PER, LOC, TIME, ...: which kind of thing a name or noun is of) and "role".

    "role" is asked of people where two are named: AGENT, OTHER, GIVER or RECEIVER. The same names fill all roles, so
    that only the rest of the sentence tells; the kind can be told from the word alone.

    Args:
        place: which of the example's sentences.

    >>> from erniem_lab.corpora.world import World
    >>> world = World.load()
    >>> found = from_world(world, world.parallel(["en"], 1, patterns=["gives"])[0])
    >>> sorted(set(found.answers["role"]) - {None})
    ['GIVER', 'RECEIVER']
    """
    writing, fillers = example.writings[place], example.fact.fillers
    slots = {slot.role: slot.category for slot in world.patterns[example.fact.pattern].slots}
    heads = [owner if head else "" for owner, head in zip(writing.owners, writing.heads, strict=True)]
    people = {role for role in fillers if slots[role] == PERSON}
    kinds = {role: world.entries[filler].tag for role, filler in fillers.items()}
    return Annotated(
        writing.sentence.surfaces,
        {
            "kind": tuple(kind if (kind := kinds.get(owner, "-")) != "-" else None for owner in heads),
            "role": tuple(owner if owner in people and len(people) > 1 else None for owner in heads),
        },
    )
