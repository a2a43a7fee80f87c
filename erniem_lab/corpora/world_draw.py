"""Facts of the bundled world, drawn by chance: one split never states what another states."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import perm, prod
from random import Random
from typing import Literal
from zlib import crc32

from erniem_lab.corpora.world_files import Entry, Pattern, Rule, Slot
from erniem_lab.corpora.world_text import Fact
from erniem_lab.errors import FileFaultError, InputValueError

Split = Literal["train", "validation", "test"]
PARTS: dict[str, range] = {"train": range(8), "validation": range(8, 9), "test": range(9, 10)}  # of ten
EVENNESS = 0.25  # a pattern that can say n things is drawn in proportion to n to this power
TRIES = 30  # for a fact of the split; a twentieth of the smallest split is given up and drawn anew
CONTEXT = 3  # sentences in the context of a question


@dataclass(frozen=True)
class Facts:
    """All that can be said: the patterns, and the entries that may fill their slots.

    >>> from erniem_lab.bundle import WORLD
    >>> from erniem_lab.corpora.world_files import read_entries, read_patterns
    >>> Facts(read_entries(WORLD), read_patterns(WORLD)).capacity("lives")  # 24 people, 18 cities
    432
    """

    entries: Mapping[str, Entry]
    patterns: Mapping[str, Pattern]

    @cached_property
    def members(self) -> dict[str, tuple[str, ...]]:
        """The ids of each category that a slot takes."""
        categories = {slot.category for pattern in self.patterns.values() for slot in pattern.slots}
        return {category: members(self.entries, category) for category in categories}

    @cached_property
    def weights(self) -> dict[str, float]:
        """How often each pattern is drawn: the richer, the more often."""
        return {id: self.capacity(id) ** EVENNESS for id in self.patterns}

    def pattern(self, id: str) -> Pattern:
        """The pattern of an id.

        Raises:
            InputValueError: no such pattern.
        """
        if id not in self.patterns:
            raise InputValueError(f"pattern: {id!r}; expected one of {', '.join(self.patterns)}")
        return self.patterns[id]

    def capacity(self, pattern: str) -> int:
        """How many different facts a pattern can state."""
        categories = [slot.category for slot in self.pattern(pattern).slots]
        return prod(perm(len(self.members[category]), categories.count(category)) for category in set(categories))


@dataclass(frozen=True)
class Draw:
    """Draws facts of one split; a fact of another split comes back as None, and the caller draws anew.

    >>> from random import Random
    >>> from erniem_lab.bundle import WORLD
    >>> from erniem_lab.corpora.world_files import read_entries, read_patterns
    >>> draw = Draw(Facts(read_entries(WORLD), read_patterns(WORLD)), Random(0), "train")
    >>> draw.fact("lives", {"AGENT": "anna"}).fillers["AGENT"]
    'anna'
    """

    facts: Facts
    random: Random
    split: Split

    def pattern(self, ids: Sequence[str]) -> str:
        """One of the patterns; the richer, the more often."""
        return self.random.choices(ids, [self.facts.weights[id] for id in ids])[0]

    def rule(self, rules: Sequence[Rule]) -> Rule:
        """One of the rules."""
        return self.random.choice(rules)

    def fact(
        self, pattern: str, given: Mapping[str, str] | None = None, avoid: frozenset[str] = frozenset()
    ) -> Fact | None:
        """A fact in which some roles may be `given`; the others get what is neither given nor to be avoided."""
        slots = self.facts.patterns[pattern].slots
        free = any(slot.role not in (given or {}) for slot in slots)
        for _ in range(TRIES if free else 1):
            fillers = dict(given or {})
            for slot in slots:
                if slot.role not in fillers:
                    fillers[slot.role] = self._filler(slot, avoid | frozenset(fillers.values()))
            roles = tuple((slot.role, fillers[slot.role]) for slot in slots)
            fact = Fact(pattern, roles)
            if part(fact) in PARTS[self.split] and len(set(fillers.values())) == len(fillers):
                return fact
        return None

    def restricted(self, fact: Fact, pattern: str) -> Fact | None:
        """Another pattern with the same fillers."""
        return self.fact(pattern, _kept(self.facts.patterns[pattern], fact.fillers))

    def context(self, answer: Fact, others: Sequence[str]) -> list[Fact] | None:
        """A fact and two more, often of the same pattern, without a common filler."""
        facts = [answer]
        used = frozenset(answer.fillers.values())
        for _ in range(CONTEXT - 1):
            fact = self.fact(self.random.choice((answer.pattern, self.pattern(others))), avoid=used)
            if not fact:
                return None
            facts.append(fact)
            used |= frozenset(fact.fillers.values())
        return facts

    def inference(self, rule: Rule) -> tuple[Fact, Fact] | None:
        """A premise, and the hypothesis that `rule` makes of it.

        Roles of the same name keep their filler, `NEW=OLD` renames a role, `ROLE!` changes its filler.
        """
        premise = self.fact(rule.first)
        if not premise:
            return None
        moves = [move for move in rule.roles.split() if move != "-"]
        given = premise.fillers
        given |= {new: premise.fillers[old] for new, _, old in (move.partition("=") for move in moves if "=" in move)}
        changed = {move.rstrip("!") for move in moves if move.endswith("!")}
        kept = {role: id for role, id in _kept(self.facts.patterns[rule.second], given).items() if role not in changed}
        hypothesis = self.fact(rule.second, kept, frozenset(premise.fillers.values()))
        return (premise, hypothesis) if hypothesis else None

    def about_one_another(self, patterns: Sequence[str]) -> list[Fact] | None:
        """Facts in which roles of the same name have the same filler."""
        shared: dict[str, str] = {}
        facts: list[Fact] = []
        for pattern in patterns:
            fact = self.fact(pattern, _kept(self.facts.patterns[pattern], shared), frozenset(shared.values()))
            if not fact:
                return None
            facts.append(fact)
            shared |= fact.fillers
        return facts

    def _filler(self, slot: Slot, taken: frozenset[str]) -> str:
        ids = [id for id in self.facts.members[slot.category] if id not in taken]
        if not ids:
            raise FileFaultError(f"entries.tsv: category {slot.category} has too few entries for one example; add some")
        return ids[int(self.random.random() * len(ids))]


def members(entries: Mapping[str, Entry], category: str) -> tuple[str, ...]:
    """The ids of a category; `thing` has those of `thing.plain` too.

    >>> members({"cat": Entry("cat", "animal.farm", "ANIMAL")}, "animal")
    ('cat',)
    """
    return tuple(e.id for e in entries.values() if e.category == category or e.category.startswith(category + "."))


def part(fact: Fact) -> int:
    """The tenth of all facts that a fact belongs to, 0 to 9; splits are made of whole tenths, so none is in two.

    >>> part(Fact("drinks", (("AGENT", "anna"), ("DRINK", "tea")))) in range(10)
    True
    """
    return crc32(repr((fact.pattern, fact.roles)).encode()) % 10


def _kept(pattern: Pattern, fillers: Mapping[str, str]) -> dict[str, str]:
    return {slot.role: fillers[slot.role] for slot in pattern.slots if slot.role in fillers}
