"""Answers found in a text: the pipeline that transformers 5 dropped, for code written for transformers 4."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from transformers.pipelines.base import ChunkPipeline

from erniem_lab.errors import InputValueError

LONGEST_INPUT, WIDEST_STRIDE = 384, 128  # tokens, as in transformers 4
PREPARING = ("doc_stride", "max_seq_len")
ANSWERING = ("top_k", "max_answer_len", "handle_impossible_answer", "align_to_words")


class QuestionAnsweringPipeline(ChunkPipeline):
    """`pipeline("question-answering")`, with transformers 4's arguments, scores and answers.

    A context that is too long is read in windows that share `doc_stride` tokens. The score is the product of the
    probabilities, among the tokens of the window's context and [CLS], that the answer starts and ends there; scores
    of the same answer in several windows are added. `start` and `end` count characters of the context.
    """

    _load_tokenizer = True
    _load_processor = _load_image_processor = _load_feature_extractor = False

    def __call__(self, *examples: Any, question: Any = None, context: Any = None, **how: Any) -> Any:
        """The answer to a question, or to each of several; `top_k` above 1 gives a list for each."""
        given = _examples(examples, question, context)
        answers = super().__call__(given, **how)
        return answers[0] if len(given) == 1 else answers

    def _sanitize_parameters(self, **how: Any) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
        if unknown := how.keys() - {*PREPARING, *ANSWERING}:
            accepted = ", ".join((*PREPARING, *ANSWERING))
            raise InputValueError(f"question-answering got {', '.join(sorted(unknown))}: accepted are {accepted}")
        for name in ("top_k", "max_answer_len"):
            if how.get(name) is not None and how[name] < 1:
                raise InputValueError(f"{name}={how[name]}: give at least 1")
        chosen = {name: value for name, value in how.items() if value is not None}
        preparing, answering = ({k: v for k, v in chosen.items() if k in names} for names in (PREPARING, ANSWERING))
        return preparing, {}, answering

    def preprocess(
        self, example: Mapping[str, str], doc_stride: int | None = None, max_seq_len: int | None = None
    ) -> Iterator[dict[str, Any]]:
        """The windows of a context, each behind its question."""
        longest = min(self.tokenizer.model_max_length, LONGEST_INPUT) if max_seq_len is None else max_seq_len
        windows = self.tokenizer(
            example["question"],
            example["context"],
            truncation="only_second",
            max_length=longest,
            stride=min(longest // 2, WIDEST_STRIDE) if doc_stride is None else doc_stride,
            return_overflowing_tokens=True,
        )
        for i, view in enumerate(windows.encodings):
            inputs = {name: torch.tensor([windows[name][i]]) for name in self.tokenizer.model_input_names}
            is_last = i == len(windows.encodings) - 1
            yield {"context": example["context"], "view": view, "is_last": is_last, **inputs}

    def _forward(self, window: dict[str, Any]) -> dict[str, Any]:
        output = self.model(**{name: window.pop(name) for name in self.tokenizer.model_input_names})
        return {**window, "start": output["start_logits"], "end": output["end_logits"]}

    def postprocess(
        self,
        windows: Sequence[Mapping[str, Any]],
        top_k: int = 1,
        max_answer_len: int = 15,
        handle_impossible_answer: bool = False,
        align_to_words: bool = True,
    ) -> Any:
        """The best spans of all windows, as texts with their places."""
        found: dict[str, dict[str, Any]] = {}
        none = 1.0
        for window in windows:
            view = window["view"]
            kept = slice(len(view)) if self.tokenizer.padding_side == "right" else slice(-len(view), None)
            logits = window["start"][0, kept], window["end"][0, kept]
            joint = _span_scores(*logits, _open(view), max_answer_len)
            none = min(none, float(joint[0, 0]))
            joint[0], joint[:, 0] = 0, 0
            tried = min(2 * top_k + 10 if align_to_words else top_k, joint.numel())  # words may merge some
            for score, place in zip(*(part.tolist() for part in joint.flatten().topk(tried)), strict=True):
                first, last = divmod(place, joint.shape[1])
                if score:
                    _add(found, window["context"], _place(view, first, last, align_to_words), score)
        answers = [*found.values()]
        if handle_impossible_answer:
            answers.append({"score": none, "start": 0, "end": 0, "answer": ""})
        answers = sorted(answers, key=lambda answer: -answer["score"])[:top_k]
        return answers[0] if len(answers) == 1 else answers


def _examples(examples: Sequence[Any], question: Any, context: Any) -> list[dict[str, str]]:
    if examples:
        given = examples[0] if isinstance(examples[0], list) else [*examples]
    else:
        questions = [question] if isinstance(question, str) else question or []
        contexts = [context] * len(questions) if isinstance(context, str) else context or []
        if len(questions) != len(contexts):
            raise InputValueError(f"{len(questions)} questions and {len(contexts)} contexts: give each question one")
        given = [{"question": one, "context": text} for one, text in zip(questions, contexts, strict=True)]
    if not given or not all(example.get("question") and example.get("context") for example in given):
        raise InputValueError("a question or context is missing or empty: give question= and context=, each a text")
    return given


def _open(view: Any) -> Bool[Tensor, " seq"]:
    """The tokens among which probabilities are shared: the context's, and [CLS] for no answer."""
    opened = torch.tensor([text == 1 for text in view.sequence_ids])
    opened[0] = True
    return opened


def _span_scores(
    start: Float[Tensor, " seq"], end: Float[Tensor, " seq"], opened: Bool[Tensor, " seq"], longest: int
) -> Float[Tensor, "seq seq"]:
    """The probability of every span, from its first token (row) to its last (column); 0 for one that is too long."""
    probabilities = [logits.float().masked_fill(~opened, float("-inf")).softmax(dim=0) for logits in (start, end)]
    return torch.outer(*probabilities).triu().tril(longest - 1)


def _place(view: Any, first: int, last: int, align_to_words: bool) -> tuple[int, int]:
    words = view.word_ids[first], view.word_ids[last]
    if align_to_words and None not in words:
        return view.word_to_chars(words[0], 1)[0], view.word_to_chars(words[1], 1)[1]
    return view.offsets[first][0], view.offsets[last][1]


def _add(found: dict[str, dict[str, Any]], context: str, place: tuple[int, int], score: float) -> None:
    text = context[slice(*place)]
    answer = found.setdefault(text.lower(), {"score": 0.0, "start": place[0], "end": place[1], "answer": text})
    answer["score"] += score
