"""The bundled world: as many examples as wanted in fifteen languages, with gold labels, from one seed.

What is drawn depends on the seed and the split only, never on the language: the n-th example of two languages says the
same, so that a score in one can be set against a score in another.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Literal, TypeVar

from erniem_lab.bundle import WORLD
from erniem_lab.corpora.examples import (
    ENTAILMENT_LABELS,
    AlignedPair,
    ChoiceExample,
    EntailmentExample,
    ExtractionExample,
    Mention,
    QuestionExample,
    Relation,
    Sentence,
    Span,
    TaggedSentence,
)
from erniem_lab.corpora.world_draw import CONTEXT, PARTS, Draw, Facts, Split
from erniem_lab.corpora.world_files import (
    Entry,
    Language,
    Pattern,
    Rule,
    read_entries,
    read_language,
    read_patterns,
    read_rules,
    read_spacing,
)
from erniem_lab.corpora.world_text import Fact, Writing, align, write
from erniem_lab.errors import InputValueError

WIDE_STOPS = ("。", "？", "！")  # bring their own space; Thai writes a space between sentences
T = TypeVar("T")


@dataclass(frozen=True)
class ParallelSentences:
    """One fact in several languages.

    >>> example = World.load().parallel(["en", "en"], 1, seed=0)[0]
    >>> [sentence.language for sentence in example.sentences]
    ['en', 'en']
    """

    fact: Fact
    writings: tuple[Writing, ...]

    @property
    def sentences(self) -> tuple[Sentence, ...]:
        """The sentences, in the order in which the languages were asked for."""
        return tuple(writing.sentence for writing in self.writings)

    def pair(self, first: int = 0, second: int = 1) -> AlignedPair:
        """Two of the sentences, by their places, with the gold links between their words."""
        return align(self.writings[first], self.writings[second])


class World:
    """The lexicon, the patterns and the rules, and the examples that they make.

    >>> world = World.load()
    >>> world.entailment("en", 1, seed=3)[0].language
    'en'
    """

    def __init__(
        self, folder: Path, entries: Mapping[str, Entry], patterns: Mapping[str, Pattern], rules: Sequence[Rule]
    ) -> None:
        self.folder, self.entries, self.patterns, self.rules = folder, entries, patterns, rules
        self._languages: dict[str, Language] = {}
        self._facts = Facts(entries, patterns)
        self._statements = [pattern.id for pattern in patterns.values() if pattern.kind == "statement"]

    @classmethod
    def load(cls, folder: Path = WORLD) -> "World":
        """The world that ships with the project, or one of the same format from another folder."""
        return cls(folder, read_entries(folder), read_patterns(folder), read_rules(folder))

    @property
    def languages(self) -> tuple[str, ...]:
        """The codes of the languages that the folder holds."""
        return tuple(code for code in read_spacing(self.folder) if (self.folder / code / "patterns.tsv").is_file())

    def language(self, code: str) -> Language:
        """One language's lexicon and templates, read once.

        Raises:
            InputValueError: no such language.
            FileFaultError: its files are not of the format.
        """
        if code not in self.languages:
            raise InputValueError(f"language: {code!r}; expected one of {', '.join(self.languages)}")
        if code not in self._languages:
            self._languages[code] = read_language(self.folder, code)
        return self._languages[code]

    def distinct_sentences(self, language: str) -> int:
        """How many facts a language can say; a test checks that different facts read differently."""
        return sum(self._facts.capacity(pattern) for pattern in self.language(language).templates)

    def parallel(
        self,
        languages: Sequence[str],
        n: int,
        seed: int = 0,
        *,
        split: Split = "train",
        patterns: Sequence[str] | None = None,
    ) -> list[ParallelSentences]:
        """The same sentence in each of `languages`, statements and questions alike, or of some `patterns` only."""
        wanted = [self.language(code) for code in languages]
        ids = [self._facts.pattern(id).id for id in patterns or self.patterns]

        def example(draw: Draw) -> ParallelSentences | None:
            fact = draw.fact(draw.pattern(ids))
            return ParallelSentences(fact, tuple(write(language, fact) for language in wanted)) if fact else None

        return self._examples(example, n, seed, split)

    def tagged(self, language: str, n: int, seed: int = 0, *, split: Split = "train") -> list[TaggedSentence]:
        """Statements with an entity tag for each word: B- and I- PER, LOC, TIME, FOOD, THING, ANIMAL, and O."""
        wanted = self.language(language)

        def example(draw: Draw) -> TaggedSentence | None:
            fact = draw.fact(draw.pattern(self._statements))
            return self._tag(write(wanted, fact), fact) if fact else None

        return self._examples(example, n, seed, split)

    def questions(self, language: str, n: int, seed: int = 0, *, split: Split = "train") -> list[QuestionExample]:
        """A context of three statements, and a question that one of them answers; nobody and nothing is named twice."""
        wanted = self.language(language)
        rules = self._rules("answers")

        def example(draw: Draw) -> QuestionExample | None:
            rule = draw.rule(rules)
            answer = draw.fact(rule.second)
            question = draw.restricted(answer, rule.first) if answer else None
            facts = draw.context(answer, self._statements) if answer and question else None
            if not question or not facts:
                return None
            order = draw.random.sample(range(CONTEXT), CONTEXT)
            context, offsets = _join([write(wanted, facts[i]).sentence.text for i in order])
            found = write(wanted, facts[0]).span(rule.roles)
            start = offsets[order.index(0)] + found.start
            span = Span.of(context, start, start + len(found.text))
            return QuestionExample(language, write(wanted, question).sentence.text, context, (span,))

        return self._examples(example, n, seed, split)

    def entailment(self, language: str, n: int, seed: int = 0, *, split: Split = "train") -> list[EntailmentExample]:
        """Premise and hypothesis; the three labels are equally frequent."""
        wanted = self.language(language)
        rules = {label: self._rules(label) for label in ENTAILMENT_LABELS}

        def example(draw: Draw) -> EntailmentExample:
            label = draw.random.choice(ENTAILMENT_LABELS)
            while not (facts := draw.inference(draw.rule(rules[label]))):
                pass  # of another split; the label stays, so that labels stay equally frequent
            premise, hypothesis = (write(wanted, fact).sentence.text for fact in facts)
            return EntailmentExample(language, premise, hypothesis, label)

        return self._examples(example, n, seed, split)

    def choices(self, language: str, n: int, seed: int = 0, *, split: Split = "train") -> list[ChoiceExample]:
        """A premise and two sentences, of which one is its cause or its effect; the other is of another matter."""
        wanted = self.language(language)
        rules = self._rules("causes")

        def example(draw: Draw) -> ChoiceExample | None:
            right = draw.rule(rules)
            wrong = draw.rule([rule for rule in rules if rule.roles != right.roles])
            asks: Literal["cause", "effect"] = draw.random.choice(["cause", "effect"])
            effects, causes = (right.second, wrong.second), (right.first, wrong.first)
            facts = draw.about_one_another((causes[0], *effects) if asks == "effect" else (effects[0], *causes))
            if not facts:
                return None
            premise, good, bad = (write(wanted, fact).sentence.text for fact in facts)
            label = draw.random.randrange(2)
            return ChoiceExample(language, premise, asks, (bad, good) if label else (good, bad), label)

        return self._examples(example, n, seed, split)

    def extraction(
        self, language: str, n: int, seed: int = 0, *, split: Split = "train", statements: Sequence[int] = (1,)
    ) -> list[ExtractionExample]:
        """A text of statements, the schema's kinds of thing in it, and the relations that are stated.

        Args:
            statements: how many a text may have; one of these numbers is drawn for each text.

        Raises:
            InputValueError: no number of statements, or one below 1.
        """
        if not statements or min(statements) < 1:
            raise InputValueError(f"statements={statements!r}: give one number or more, each at least 1")
        wanted = self.language(language)
        rules = self._rules("says")
        patterns = sorted({rule.first for rule in rules})

        def said(draw: Draw) -> ExtractionExample:
            while not (fact := draw.fact(draw.pattern(patterns))):
                pass  # of another split
            return self._extract(wanted, fact, [rule for rule in rules if rule.first == fact.pattern])

        def example(draw: Draw) -> ExtractionExample:
            count = statements[0] if len(statements) == 1 else draw.random.choice(statements)
            return _joined([said(draw) for _ in range(count)])

        return self._examples(example, n, seed, split)

    def _rules(self, kind: str) -> list[Rule]:
        return [rule for rule in self.rules if rule.kind == kind]

    def _examples(self, example: Callable[[Draw], T | None], n: int, seed: int, split: Split) -> list[T]:
        if split not in PARTS:
            raise InputValueError(f"split: {split!r}; expected one of {', '.join(PARTS)}")
        if n < 0:
            raise InputValueError(f"n: {n}; expected how many examples to make, 0 or more")
        draw = Draw(self._facts, Random(seed), split)
        found: list[T] = []
        while len(found) < n:
            if (made := example(draw)) is not None:
                found.append(made)
        return found

    def _tag(self, writing: Writing, fact: Fact) -> TaggedSentence:
        tags = ["O"] * len(writing.owners)
        for role, filler in fact.roles:
            tag = self.entries[filler].tag
            before = -2
            for word in writing.head_words(role) if tag != "-" else ():
                tags[word] = f"{'I' if word == before + 1 else 'B'}-{tag}"
                before = word
        return TaggedSentence(writing.sentence, tuple(tags))

    def _extract(self, language: Language, fact: Fact, rules: Sequence[Rule]) -> ExtractionExample:
        writing = write(language, fact)

        def name(label: str) -> str:
            return " ".join(word.text for word in language.items[label].forms["base"])

        kinds = {rule.first: rule.second for rule in self._rules("names")}
        roles = {slot.role: slot.category.split(".")[0] for slot in self.patterns[fact.pattern].slots}
        mentions = (Mention(name(kinds[kind]), writing.span(role)) for role, kind in roles.items() if kind in kinds)
        relations: list[Relation] = []
        for rule in rules:
            subject, value = rule.roles.split(">")
            relations.append(Relation(writing.span(subject), name(rule.second), writing.span(value)))
        return ExtractionExample(language.code, writing.sentence.text, tuple(mentions), tuple(relations))


def _joined(examples: Sequence[ExtractionExample]) -> ExtractionExample:
    """Their texts as one, with all that is found in each."""
    text, offsets = _join([example.text for example in examples])

    def moved(span: Span, offset: int) -> Span:
        return Span(span.start + offset, span.end + offset, span.text)

    placed = list(zip(examples, offsets, strict=True))
    mentions = (Mention(one.kind, moved(one.span, offset)) for each, offset in placed for one in each.mentions)
    relations = (
        Relation(moved(one.subject, offset), one.name, moved(one.value, offset))
        for each, offset in placed
        for one in each.relations
    )
    return ExtractionExample(examples[0].language, text, tuple(mentions), tuple(relations))


def _join(sentences: Sequence[str]) -> tuple[str, list[int]]:
    """The sentences as one text, and where each begins."""
    text, offsets = "", []
    for sentence in sentences:
        text += "" if not text or text.endswith(WIDE_STOPS) else " "
        offsets.append(len(text))
        text += sentence
    return text, offsets
