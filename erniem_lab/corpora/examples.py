"""The examples that tasks learn from and probes measure, the same types for the bundled world and for real data."""

from dataclasses import dataclass
from typing import Literal

EntailmentLabel = Literal["entailment", "neutral", "contradiction"]
ENTAILMENT_LABELS: tuple[EntailmentLabel, ...] = ("entailment", "neutral", "contradiction")
"""The three labels in the order of XNLI's class numbers."""

Link = tuple[int, int]


@dataclass(frozen=True)
class Span:
    """A stretch of a text: characters `start` to `end` (exclusive), and what stands there.

    >>> Span.of("The cat sleeps", 4, 7)
    Span(start=4, end=7, text='cat')
    """

    start: int
    end: int
    text: str

    @classmethod
    def of(cls, text: str, start: int, end: int) -> "Span":
        """The span of `text` between two character positions."""
        return cls(start, end, text[start:end])


@dataclass(frozen=True)
class Sentence:
    """A text and its words as character spans, in order and without overlap; punctuation marks are words too.

    >>> Sentence("en", "The cat sleeps.", ((0, 3), (4, 7), (8, 14), (14, 15))).surfaces
    ('The', 'cat', 'sleeps', '.')
    """

    language: str
    text: str
    words: tuple[tuple[int, int], ...]

    @property
    def surfaces(self) -> tuple[str, ...]:
        """The words as written."""
        return tuple(self.text[start:end] for start, end in self.words)


@dataclass(frozen=True)
class AlignedPair:
    """Two sentences that mean the same, and the gold links between their words.

    A link is (word of `first`, word of `second`). Every sure link is also possible (Och and Ney 2003).

    >>> pair = AlignedPair(Sentence("en", "Hello", ((0, 5),)), Sentence("fr", "Salut", ((0, 5),)),
    ...                    frozenset({(0, 0)}), frozenset({(0, 0)}))
    >>> pair.sure <= pair.possible
    True
    """

    first: Sentence
    second: Sentence
    sure: frozenset[Link]
    possible: frozenset[Link]


@dataclass(frozen=True)
class TaggedSentence:
    """A sentence with one BIO tag for each word.

    >>> TaggedSentence(Sentence("en", "Anna sings", ((0, 4), (5, 10))), ("B-PER", "O")).tags
    ('B-PER', 'O')
    """

    sentence: Sentence
    tags: tuple[str, ...]


@dataclass(frozen=True)
class QuestionExample:
    """A question whose answer is a span of its context; without answers, the context does not tell.

    `language` is that of the context and of its answers, and `question_language` is that of the question where it is
    another one, else "". `id` is the data set's own; translations share it, and some sets repeat it.

    >>> QuestionExample("en", "Who sings?", "Anna sings.", (Span(0, 4, "Anna"),)).answers[0].text
    'Anna'
    """

    language: str
    question: str
    context: str
    answers: tuple[Span, ...]
    id: str = ""
    question_language: str = ""


@dataclass(frozen=True)
class OpenQuestion:
    """A question of a test set that keeps its answers back; the fields are those of `QuestionExample`.

    >>> OpenQuestion("en", "Who sings?", "Anna sings.", "q1").id
    'q1'
    """

    language: str
    question: str
    context: str
    id: str = ""
    question_language: str = ""


@dataclass(frozen=True)
class EntailmentExample:
    """A premise, a hypothesis, and how the one bears on the other.

    >>> EntailmentExample("en", "Anna sings.", "Anna does not sing.", "contradiction").label
    'contradiction'
    """

    language: str
    premise: str
    hypothesis: str
    label: EntailmentLabel


Label = str | float | tuple[str, ...]
"""A class, a number to predict (regression), or all the classes that hold (multi-label, perhaps none)."""


@dataclass(frozen=True)
class LabelledText:
    """A text and what it is labelled with.

    >>> LabelledText("sw", "Asante sana", "positive").label
    'positive'
    """

    language: str
    text: str
    label: Label


@dataclass(frozen=True)
class LabelledPair:
    """Two texts and what the pair is labelled with, such as whether they say the same.

    >>> LabelledPair("en", "Anna sings.", "Anna is singing.", "1").second
    'Anna is singing.'
    """

    language: str
    first: str
    second: str
    label: Label


@dataclass(frozen=True)
class IntentExample:
    """What somebody says to a device: what it is to do, and a BIO tag of the slots for each word.

    `id` is the same in every translation, and `english` is the translation that all were made from.

    >>> words = Sentence("de", "Weck mich", ((0, 4), (5, 9)))
    >>> IntentExample("1", words, ("O", "O"), "alarm/set_alarm", "Wake me").intent
    'alarm/set_alarm'
    """

    id: str
    sentence: Sentence
    tags: tuple[str, ...]
    intent: str
    english: str


@dataclass(frozen=True)
class ChoiceExample:
    """A premise and some sentences, of which the one numbered `label` is its cause or its effect (as in COPA).

    >>> ChoiceExample("en", "Anna is tired.", "effect", ("Anna goes to bed.", "Anna sings."), 0).choices[0]
    'Anna goes to bed.'
    """

    language: str
    premise: str
    asks: Literal["cause", "effect"]
    choices: tuple[str, ...]
    label: int


@dataclass(frozen=True)
class Mention:
    """A span that a schema's word (`kind`, such as "city") describes.

    >>> Mention("person", Span(0, 4, "Anna")).kind
    'person'
    """

    kind: str
    span: Span


@dataclass(frozen=True)
class Relation:
    """`value` is the `name` of `subject`: Paris is the place of residence of Anna.

    >>> Relation(Span(0, 4, "Anna"), "place of residence", Span(14, 19, "Paris")).value.text
    'Paris'
    """

    subject: Span
    name: str
    value: Span


@dataclass(frozen=True)
class ExtractionExample:
    """A text and everything that a schema finds in it; kinds and names are words of the text's own language.

    >>> ExtractionExample("en", "Anna sings.", (Mention("person", Span(0, 4, "Anna")),), ()).mentions[0].kind
    'person'
    """

    language: str
    text: str
    mentions: tuple[Mention, ...]
    relations: tuple[Relation, ...]


@dataclass(frozen=True)
class PromptExample:
    """A text, a prompt such as "person", and the spans that answer it: in the text, or, for options, in the prompt.

    A prompt with options, "feeling[good, bad]", is answered in `chosen`. Both are empty for a negative example.

    >>> PromptExample("en", "Anna sings.", "person", (Span(0, 4, "Anna"),), ()).found[0].text
    'Anna'
    """

    language: str
    text: str
    prompt: str
    found: tuple[Span, ...]
    chosen: tuple[Span, ...]
