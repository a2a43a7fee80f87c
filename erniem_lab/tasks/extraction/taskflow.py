"""PaddleNLP's Taskflow for UIE-M, number for number, with its faults: to compare with, and to replace it unnoticed.

Its faults, which the library's own reading does not have: texts are cut without overlap, by characters, to the length
that the alphabetically last prompt leaves, not the longest; a pair is counted as three special tokens, so that the end
of a full part is cut off; spans may begin or end in special tokens and padding, and come out empty. One thing is not
Taskflow's: it takes spans in the order of a set's hashes, and so of their probabilities' last bits; here they stand in
the order of tokens. The first of them decides whether a question is taken for one of options. Its option
`split_sentence` is left out: give the sentences as texts.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from erniem_lab.encoding import NO_TEXT, Encoding
from erniem_lab.errors import InputValueError
from erniem_lab.heads import ErnieMForInformationExtraction
from erniem_lab.tasks.extraction.documents import Answer, Question
from erniem_lab.tasks.extraction.reading import BATCH_TOKENS, read
from erniem_lab.tasks.extraction.spans import THRESHOLD, Pointers, token_spans
from erniem_lab.tokenizer import ErnieMTokenizer

COUNTED_EXTRA = 3  # special tokens of a pair, by Taskflow's count


@dataclass(frozen=True)
class Parts:
    """A question, cut: consecutive stretches of its text."""

    question: Question
    texts: tuple[str, ...]


def answer_as_taskflow(
    questions: Sequence[Question],
    model: ErnieMForInformationExtraction,
    tokenizer: ErnieMTokenizer,
    *,
    threshold: float = THRESHOLD,
    batch_tokens: int = BATCH_TOKENS,
    progress: bool = False,
) -> list[list[Answer]]:
    """The answers to all questions of one node of a schema, which share a length and are of one kind.

    Raises:
        InputValueError: a prompt that leaves no room for a text.

    >>> import erniem_lab as el
    >>> tokenizer = el.ErnieMTokenizer.from_pretrained(el.MINI, mode="paddle")
    >>> tiny = el.ErnieMConfig(vocab_size=len(tokenizer), hidden_size=8, num_attention_heads=2, num_hidden_layers=1)
    >>> model = el.ErnieMForInformationExtraction(tiny)
    >>> answer_as_taskflow([Question("Anna sings.", "person")], model, tokenizer, threshold=1.0)
    [[]]
    """
    limit = model.config.max_length
    asked = split(questions, limit)
    encodings = [
        tokenizer.encoding(one.question.prompt, part, truncation=True, max_length=limit)
        for one in asked
        for part in one.texts
    ]
    pointers = read(model, encodings, padded_to=limit, batch_tokens=batch_tokens, progress=progress)
    found = iter([_answers(*pair, threshold) for pair in zip(encodings, pointers, strict=True)])
    return _join(asked, [[next(found) for _ in one.texts] for one in asked])


def split(questions: Sequence[Question], limit: int) -> list[Parts]:
    """Each text in parts of as many characters as the last prompt in the order of characters leaves.

    >>> split([Question("abcdefg", "z"), Question("abc", "longer")], 8)[0].texts
    ('abcd', 'efg')
    """
    last = max((question.prompt for question in questions), default="")
    size = limit - len(last) - COUNTED_EXTRA
    if size < 1:
        raise InputValueError(
            f"prompt {last!r:.60} is too long: {len(last)} characters, where the model reads {limit} tokens at once; "
            "ask with fewer words or options"
        )
    texts = (tuple(q.text[start : start + size] for start in range(0, len(q.text), size)) for q in questions)
    return [Parts(*pair) for pair in zip(questions, texts, strict=True)]


def _answers(encoding: Encoding, pointers: Pointers, threshold: float) -> list[Answer]:
    """The spans of one part, in its own characters; those in the prompt are options, those across its end nothing."""
    prompt, text = encoding.texts
    offsets, found = _offsets(encoding, len(pointers.start)), []
    for span in token_spans(pointers, threshold):
        start, end = offsets[span.first][0], offsets[span.last][1]
        if end < 0:
            option = slice(start + len(prompt) + 1, end + len(prompt) + 1)
            found.append(Answer(prompt[option], None, span.probability))
        elif start >= 0:
            found.append(Answer(text[start:end], (start, end), span.probability))
    return found


def _offsets(encoding: Encoding, length: int) -> list[tuple[int, int]]:
    """Character offsets in the text; those of the prompt are negative, counted from one past its last token."""
    offsets = [*encoding.offsets, *[NO_TEXT] * (length - len(encoding))]
    close = offsets.index(NO_TEXT, 1)
    bias = offsets[close - 1][1] + 1
    return [(s - bias, e - bias) if 0 < place < close else (s, e) for place, (s, e) in enumerate(offsets)]


def _join(asked: Sequence[Parts], found: Sequence[Sequence[list[Answer]]]) -> list[list[Answer]]:
    """The answers of each text from those of its parts: moved to their places, or, for options, put to the vote."""
    first = next((answers[0] for parts in found for answers in parts if answers), None)
    if first is not None and first.span is None:
        return [_elect(parts) for parts in found]
    return [_moved(one.texts, parts) for one, parts in zip(asked, found, strict=True)]


def _elect(parts: Sequence[list[Answer]]) -> list[Answer]:
    """The option that most parts name first, of equals the likeliest; its mean probability."""
    votes: dict[str, list[float]] = {}
    for answers in parts:
        if answers:
            votes.setdefault(answers[0].text, []).append(answers[0].probability)
    if not votes:
        return []
    option = max(votes, key=lambda name: (len(votes[name]), sum(votes[name])))
    return [Answer(option, None, sum(votes[option]) / len(votes[option]))]


def _moved(texts: Sequence[str], parts: Sequence[list[Answer]]) -> list[Answer]:
    starts = accumulate((len(text) for text in texts), initial=0)
    return [_move(answer, start) for answers, start in zip(parts, starts, strict=False) for answer in answers]


def _move(answer: Answer, by: int) -> Answer:
    if answer.span is None:
        return answer
    return Answer(answer.text, (answer.span[0] + by, answer.span[1] + by), answer.probability)
