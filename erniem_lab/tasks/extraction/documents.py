"""A prompt asked of a text of any length: overlapping windows, their probabilities joined, spans found in the whole."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from erniem_lab.encoding import PAIR_EXTRA, Encoding
from erniem_lab.errors import InputValueError
from erniem_lab.heads import ErnieMForInformationExtraction
from erniem_lab.tasks.extraction.reading import BATCH_TOKENS, padded_length, read
from erniem_lab.tasks.extraction.schema import option_places
from erniem_lab.tasks.extraction.spans import THRESHOLD, Pointers, token_spans
from erniem_lab.tokenizer import ErnieMTokenizer

OVERLAP = 4  # a window shares one part in so many with the next


@dataclass(frozen=True)
class Question:
    """A text, and a prompt to ask of it."""

    text: str
    prompt: str


@dataclass(frozen=True)
class Answer:
    """What was found: characters `start` to `end` (exclusive) of the text, or an option of the prompt.

    `span` is None for an option, which stands in no place of the text.
    """

    text: str
    span: tuple[int, int] | None
    probability: float


@dataclass(frozen=True)
class Windows:
    """The encodings of one question, all but the last with as many tokens of the text as fit."""

    question: Question
    encodings: Sequence[Encoding]

    @property
    def overlap(self) -> int:
        """How many tokens of the text neighbours share."""
        return len(text_tokens(self.encodings[0])) // OVERLAP


def cut(question: Question, tokenizer: ErnieMTokenizer, max_length: int) -> Windows:
    """As many encodings as it takes to read the whole text with the prompt before each part.

    Raises:
        InputValueError: a prompt so long that it leaves less room to the text than it takes itself.

    >>> import erniem_lab as el
    >>> tokenizer = el.ErnieMTokenizer.from_pretrained(el.MINI)
    >>> len(cut(Question("Anna sings. " * 100, "person"), tokenizer, 64).encodings) > 2
    True
    """
    demand_room(question.prompt, tokenizer, max_length)
    overlap = text_room(question.prompt, tokenizer, max_length) // OVERLAP
    windows = tokenizer.windows(question.prompt, question.text, max_length=max_length, stride=overlap)
    return Windows(question, windows)


def text_tokens(encoding: Encoding) -> list[int]:
    """The places of the text's tokens, which stand after the prompt's.

    >>> text_tokens(Encoding([0, 5, 2, 2, 6, 2], [(0, 0)] * 6, [0, 0, 0, 1, 1, 1], [True, False, True] * 2))
    [4]
    """
    sides = enumerate(zip(encoding.sentence, encoding.special, strict=True))
    return [place for place, (sentence, special) in sides if sentence == 1 and not special]


def text_room(prompt: str, tokenizer: ErnieMTokenizer, max_length: int) -> int:
    """How many tokens of a text fit beside a prompt; below 0 if the prompt alone is too long.

    >>> import erniem_lab as el
    >>> text_room("", el.ErnieMTokenizer.from_pretrained(el.MINI), 64)
    60
    """
    return max_length - PAIR_EXTRA - len(tokenizer.tokenize(prompt))


def has_room(prompt: str, tokenizer: ErnieMTokenizer, max_length: int) -> bool:
    """Whether a prompt leaves at least half of the model's length to the text.

    >>> import erniem_lab as el
    >>> has_room("person", el.ErnieMTokenizer.from_pretrained(el.MINI), 64)
    True
    """
    return text_room(prompt, tokenizer, max_length) >= (max_length - PAIR_EXTRA) // 2


def demand_room(prompt: str, tokenizer: ErnieMTokenizer, max_length: int) -> None:
    """Refuse a prompt that leaves too little room.

    Raises:
        InputValueError: with the prompt, and what room there is.

    >>> import erniem_lab as el
    >>> demand_room("a b c d e f", el.ErnieMTokenizer.from_pretrained(el.MINI), 8)
    Traceback (most recent call last):
    erniem_lab.errors.InputValueError: prompt 'a b c d e f' is too long: ...
    """
    if not has_room(prompt, tokenizer, max_length):
        room = max(text_room(prompt, tokenizer, max_length), 0)
        raise InputValueError(
            f"prompt {prompt!r:.60} is too long: it leaves room for {room} of the {max_length} tokens that the model "
            "reads at once, and half of them are needed for the text; ask with fewer words or options"
        )


def answer(
    questions: Sequence[Question],
    model: ErnieMForInformationExtraction,
    tokenizer: ErnieMTokenizer,
    *,
    threshold: float = THRESHOLD,
    batch_tokens: int = BATCH_TOKENS,
    progress: bool = False,
) -> list[list[Answer]]:
    """The answers to each question, spans in the order of the text, options the likeliest first.

    Raises:
        InputValueError: a prompt that is too long.

    >>> import erniem_lab as el
    >>> tokenizer = el.ErnieMTokenizer.from_pretrained(el.MINI)
    >>> tiny = el.ErnieMConfig(vocab_size=len(tokenizer), hidden_size=8, num_attention_heads=2, num_hidden_layers=1)
    >>> model = el.ErnieMForInformationExtraction(tiny)
    >>> answer([Question("Anna sings.", "person")], model, tokenizer, threshold=1.0)
    [[]]
    """
    asked = [cut(question, tokenizer, model.config.max_length) for question in questions]
    encodings = [encoding for windows in asked for encoding in windows.encodings]
    padded_to = padded_length(model.config)
    pointers = iter(read(model, encodings, padded_to=padded_to, batch_tokens=batch_tokens, progress=progress))
    return [answers_of(windows, [next(pointers) for _ in windows.encodings], threshold) for windows in asked]


def answers_of(windows: Windows, pointers: Sequence[Pointers], threshold: float = THRESHOLD) -> list[Answer]:
    """What the probabilities of all windows say: options, if the prompt has any, else spans of the text.

    >>> encoding = Encoding([0, 5, 2, 2, 6, 2], [(0, 0), (0, 1), (0, 0), (0, 0), (0, 4), (0, 0)],
    ...                     [0, 0, 0, 1, 1, 1], [True, False, True, True, False, True])
    >>> ends = np.array([0.0, 0.0, 0.0, 0.0, 0.75, 0.0])
    >>> answers_of(Windows(Question("Anna", "person"), [encoding]), [Pointers(ends, ends)])
    [Answer(text='Anna', span=(0, 4), probability=0.5625)]
    """
    options = option_places(windows.question.prompt)
    if options:
        return _chosen(windows, pointers, options, threshold)
    return _found(windows, pointers, threshold)


def _chosen(
    windows: Windows, pointers: Sequence[Pointers], options: Sequence[tuple[int, int]], threshold: float
) -> list[Answer]:
    """Options that hold by the mean over all windows."""
    found = []
    for start, end in options:
        places = windows.encodings[0].covering(0, start, end)
        if places:
            first = float(np.mean([part.start[places[0]] for part in pointers]))
            last = float(np.mean([part.end[places[-1]] for part in pointers]))
            if min(first, last) > threshold:
                found.append(Answer(windows.question.prompt[start:end], None, first * last))
    return sorted(found, key=lambda answer: -answer.probability)


def _found(windows: Windows, pointers: Sequence[Pointers], threshold: float) -> list[Answer]:
    """Spans of the text, without the spaces around them; of several on the same characters, the likeliest."""
    text = windows.question.text
    joined, offsets = _join(windows, pointers)
    best: dict[tuple[int, int], float] = {}
    for span in token_spans(joined, threshold):
        start, end = _trim(text, offsets[span.first][0], offsets[span.last][1])
        if start < end:
            best[start, end] = max(span.probability, best.get((start, end), 0.0))
    return [Answer(text[slice(*place)], place, best[place]) for place in sorted(best)]


def _join(windows: Windows, pointers: Sequence[Pointers]) -> tuple[Pointers, list[tuple[int, int]]]:
    """Every token of the text once, as it is read by the window in which it is farther from a border."""
    starts, ends, offsets = [], [], []
    for number, (encoding, part) in enumerate(zip(windows.encodings, pointers, strict=True)):
        places = text_tokens(encoding)
        left = windows.overlap // 2 if number else 0
        right = windows.overlap - windows.overlap // 2 if number + 1 < len(pointers) else 0
        kept = places[left : len(places) - right]
        starts.append(part.start[kept])
        ends.append(part.end[kept])
        offsets += [encoding.offsets[place] for place in kept]
    return Pointers(np.concatenate(starts), np.concatenate(ends)), offsets


def _trim(text: str, start: int, end: int) -> tuple[int, int]:
    piece = text[start:end]
    return start + len(piece) - len(piece.lstrip()), end - len(piece) + len(piece.rstrip())
