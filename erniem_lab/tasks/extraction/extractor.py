"""`InformationExtractor`: texts and a schema in, what the schema asks for out, with its places in the text."""

import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from os import PathLike
from typing import Any, Literal, get_args

from erniem_lab.config import ErnieMConfig
from erniem_lab.errors import FileFaultError, InputTypeError, InputValueError
from erniem_lab.heads import ErnieMForInformationExtraction, ErnieMHead
from erniem_lab.tasks.extraction.documents import Answer, Question, answer, demand_room, has_room
from erniem_lab.tasks.extraction.found import Extraction, Extractions, Found
from erniem_lab.tasks.extraction.reading import BATCH_TOKENS, HEAD, cut_by_paddle
from erniem_lab.tasks.extraction.schema import PROMPT_FORMS, Node, PromptForm, ask, ask_of, prompt_form, read_schema
from erniem_lab.tasks.extraction.spans import THRESHOLD
from erniem_lab.tasks.extraction.taskflow import answer_as_taskflow
from erniem_lab.tokenizer import ErnieMTokenizer

Mode = Literal["lab", "taskflow"]


class InformationExtractor:
    """Universal information extraction (UIE): asks a text for whatever a schema names.

    A schema is a name, a list of schemas, or a mapping of names to schemas, to any depth: `"city"` asks for spans,
    `{"person": ["job", "city"]}` for persons and then for the job and the city of each (an event is the same: its
    trigger, and below it its parts), and `"feeling[good, bad]"` for the option that holds.

    Args:
        model: a trained extractor, such as PaddleNLP's uie-m-base or what `fit_extraction` made.
        mode: "taskflow" gives PaddleNLP's numbers and faults, see `taskflow.py`; "lab" reads texts of any length with
            overlap, so that nothing is lost at a border, and finds no empty spans.
        prompts: how a relation is asked for, "en" as "job of Anna", "zh" as "安娜的职业"; by default "zh" if the schema
            has a Chinese character.
        threshold: the probability above which a token begins or ends a span.

    Raises:
        InputTypeError: a schema that is none, or a model with another head.
        InputValueError: an empty schema, or a name that is empty, twice there, or too long; another mode or form; a
            threshold that is no probability; a tokenizer that does not cut text as the mode demands.

    >>> import erniem_lab as el
    >>> tokenizer = el.ErnieMTokenizer.from_pretrained(el.MINI)
    >>> tiny = el.ErnieMConfig(vocab_size=len(tokenizer), hidden_size=8, num_attention_heads=2, num_hidden_layers=1)
    >>> extract = InformationExtractor(el.ErnieMForInformationExtraction(tiny), tokenizer, {"person": "job"})
    >>> extractions = extract(["Anna is a singer."])
    >>> extractions[0].text
    'Anna is a singer.'
    """

    def __init__(
        self,
        model: ErnieMHead,
        tokenizer: ErnieMTokenizer,
        schema: Any,
        *,
        mode: Mode = "lab",
        prompts: PromptForm | None = None,
        threshold: float = THRESHOLD,
    ) -> None:
        if not isinstance(model, ErnieMForInformationExtraction):
            raise InputTypeError(f"model is an {type(model).__name__}: give an {HEAD}, such as fit_extraction teaches")
        self.model, self.tokenizer = model, tokenizer
        self.schema = read_schema(schema)
        self.mode = _one_of("mode", mode, get_args(Mode))
        self.prompts = _one_of("prompts", prompts or prompt_form(self.schema), PROMPT_FORMS)
        if not 0 <= threshold < 1:
            raise InputValueError(f"threshold={threshold!r}: give a probability from 0 to below 1, such as {THRESHOLD}")
        self.threshold = threshold
        if mode == "taskflow" and tokenizer.mode != "paddle":
            raise InputValueError(
                f"mode='taskflow' with a tokenizer of mode={tokenizer.mode!r}: PaddleNLP cuts text in another way; "
                "load it by ErnieMTokenizer.from_pretrained(folder, mode='paddle')"
            )
        for node in _all(self.schema) if mode == "lab" else ():
            demand_room(ask(node.name), tokenizer, model.config.max_length)

    @classmethod
    def from_pretrained(
        cls,
        source: str | PathLike[str],
        schema: Any,
        *,
        mode: Mode = "lab",
        prompts: PromptForm | None = None,
        threshold: float = THRESHOLD,
    ) -> "InformationExtractor":
        """An extractor with the model and the tokenizer of a folder or hub id; PaddleNLP's cut text as it does.

        Raises:
            FileFaultError: a file is missing or damaged, or it is no trained extractor.
        """
        config = ErnieMConfig.from_pretrained(source)
        held = config.architectures or [HEAD]
        if HEAD not in held:
            raise FileFaultError(
                f"{source}: holds {', '.join(held)}, which was not taught to extract; teach it with fit_extraction, "
                "or name a folder that holds an extractor"
            )
        model = ErnieMForInformationExtraction.from_pretrained(source)
        as_paddle = mode == "taskflow" or cut_by_paddle(config)
        tokenizer = ErnieMTokenizer.from_pretrained(source, **({"mode": "paddle"} if as_paddle else {}))
        return cls(model, tokenizer, schema, mode=mode, prompts=prompts, threshold=threshold)

    def __call__(
        self, texts: Sequence[str], *, batch_tokens: int = BATCH_TOKENS, progress: bool = False
    ) -> Extractions:
        """What the schema asks for, in each text; `batch_tokens` tokens share a batch, across texts and prompts.

        Raises:
            InputTypeError: a single string, or something other than strings.
        """
        _check_texts(texts)
        how: dict[str, Any] = {"threshold": self.threshold, "batch_tokens": batch_tokens, "progress": progress}
        roots = [_Draft(text, None) for text in texts]
        level = [_Step(node, roots) for node in self.schema]
        while level:
            asked = [self._questions(step) for step in level]
            found = self._as_taskflow(asked, how) if self.mode == "taskflow" else self._answers(asked, how)
            level = [below for pair in zip(level, found, strict=True) for below in _grow(*pair)]
        return Extractions(tuple(Extraction(root.text, _frozen(root.below)) for root in roots))

    def _questions(self, step: "_Step") -> list[Question]:
        name = step.node.name
        prompts = (
            ask(name) if draft.answer is None else ask_of(name, draft.answer.text, self.prompts)
            for draft in step.drafts
        )
        return [Question(draft.text, prompt) for draft, prompt in zip(step.drafts, prompts, strict=True)]

    def _as_taskflow(self, asked: Sequence[list[Question]], how: dict[str, Any]) -> list[list[list[Answer]]]:
        return [answer_as_taskflow(questions, self.model, self.tokenizer, **how) for questions in asked]

    def _answers(self, asked: Sequence[list[Question]], how: dict[str, Any]) -> list[list[list[Answer]]]:
        """Each question asked once, all in the same batches."""
        fits = {question: self._fits(question) for questions in asked for question in questions}
        once = [question for question, does in fits.items() if does]
        known = dict(zip(once, answer(once, self.model, self.tokenizer, **how), strict=True))
        return [[known.get(question, []) for question in questions] for questions in asked]

    def _fits(self, question: Question) -> bool:
        fits = has_room(question.prompt, self.tokenizer, self.model.config.max_length)
        if not fits:
            warnings.warn(f"prompt {question.prompt!r:.60} is too long for the model and was not asked", stacklevel=4)
        return fits


@dataclass(frozen=True)
class _Draft:
    """A text, or something found in one, while it is still asked about."""

    text: str
    answer: Answer | None
    below: dict[str, list["_Draft"]] = field(default_factory=dict)


@dataclass(frozen=True)
class _Step:
    """What to ask, and of which."""

    node: Node
    drafts: list[_Draft]


def _grow(step: _Step, found: Sequence[list[Answer]]) -> list[_Step]:
    """Hang the answers below what they are of, and give what is to be asked of them."""
    grown: list[_Draft] = []
    for draft, answers in zip(step.drafts, found, strict=True):
        if answers:
            draft.below[step.node.name] = [_Draft(draft.text, answer) for answer in answers]
            grown += draft.below[step.node.name]
    return [_Step(child, grown) for child in step.node.children] if grown else []


def _frozen(below: dict[str, list[_Draft]]) -> dict[str, tuple[Found, ...]]:
    return {
        name: tuple(
            Found(draft.answer.text, draft.answer.span, draft.answer.probability, _frozen(draft.below))
            for draft in drafts
            if draft.answer is not None
        )
        for name, drafts in below.items()
    }


def _all(nodes: Iterable[Node]) -> Iterator[Node]:
    for node in nodes:
        yield node
        yield from _all(node.children)


def _one_of(name: str, value: str, accepted: Sequence[str]) -> Any:
    if value not in accepted:
        raise InputValueError(f"{name}={value!r}: give one of {', '.join(accepted)}")
    return value


def _check_texts(texts: object) -> None:
    if isinstance(texts, str) or not isinstance(texts, Sequence):
        raise InputTypeError(f"texts is {texts!r:.40}, a {type(texts).__name__}: give a list of strings")
    for number, text in enumerate(texts):
        if not isinstance(text, str):
            raise InputTypeError(f"texts[{number}] is {text!r:.40}, a {type(text).__name__}: give strings")
