"""What the models answer with: fields reached by attribute, key or index, as Hugging Face's outputs are."""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any

from jaxtyping import Float
from torch import Tensor

Layers = tuple[Float[Tensor, "batch seq hidden"], ...]
Maps = tuple[Float[Tensor, "batch _ seq key"], ...]


@dataclass(frozen=True)
class ModelOutput:
    """Named tensors; a field that was not asked for is None and is skipped by keys, indices and iteration.

    >>> import torch
    >>> output = MaskedLMOutput(logits=torch.zeros(1, 2, 3))
    >>> output.logits is output["logits"] is output[0], output.loss, list(output)
    (True, None, ['logits'])
    """

    def keys(self) -> tuple[str, ...]:
        """The names of the fields that are there."""
        return tuple(field.name for field in fields(self) if getattr(self, field.name) is not None)

    def values(self) -> tuple[Any, ...]:
        """The fields that are there, in order."""
        return tuple(getattr(self, name) for name in self.keys())

    def items(self) -> tuple[tuple[str, Any], ...]:
        """Names with fields."""
        return tuple(zip(self.keys(), self.values(), strict=True))

    def to_tuple(self) -> tuple[Any, ...]:
        """The fields that are there, without their names."""
        return self.values()

    def __getitem__(self, key: str | int | slice) -> Any:
        if not isinstance(key, str):
            return self.to_tuple()[key]
        if key not in self:
            raise KeyError(f"{key!r}: this output has {', '.join(self.keys())}")
        return getattr(self, key)

    def __contains__(self, key: object) -> bool:
        return key in self.keys()

    def __iter__(self) -> Iterator[str]:
        return iter(self.keys())

    def __len__(self) -> int:
        return len(self.keys())


@dataclass(frozen=True)
class EncoderOutput(ModelOutput):
    """States of a sequence: last layer, pooled first token; layer 0 of `hidden_states` is the embedding output."""

    last_hidden_state: Float[Tensor, "batch seq hidden"]
    pooler_output: Float[Tensor, "batch hidden"] | None = None
    hidden_states: Layers | None = None
    attentions: Maps | None = None


@dataclass(frozen=True)
class SequenceClassifierOutput(ModelOutput):
    """One row of scores for each text."""

    loss: Float[Tensor, ""] | None = None
    logits: Float[Tensor, "batch label"] | None = None
    hidden_states: Layers | None = None
    attentions: Maps | None = None


@dataclass(frozen=True)
class MultipleChoiceModelOutput(ModelOutput):
    """One score for each choice; states and attentions have a row for each choice of each item."""

    loss: Float[Tensor, ""] | None = None
    logits: Float[Tensor, "item choice"] | None = None
    hidden_states: Layers | None = None
    attentions: Maps | None = None


@dataclass(frozen=True)
class TokenClassifierOutput(ModelOutput):
    """One row of scores for each token."""

    loss: Float[Tensor, ""] | None = None
    logits: Float[Tensor, "batch seq label"] | None = None
    hidden_states: Layers | None = None
    attentions: Maps | None = None


@dataclass(frozen=True)
class QuestionAnsweringModelOutput(ModelOutput):
    """For each token, how well the answer starts and ends there."""

    loss: Float[Tensor, ""] | None = None
    start_logits: Float[Tensor, "batch seq"] | None = None
    end_logits: Float[Tensor, "batch seq"] | None = None
    hidden_states: Layers | None = None
    attentions: Maps | None = None


@dataclass(frozen=True)
class InformationExtractionOutput(QuestionAnsweringModelOutput):
    """For each token, the log-odds that a span starts and ends there (PaddleNLP gives their sigmoid)."""


@dataclass(frozen=True)
class MaskedLMOutput(ModelOutput):
    """For each token, a score for every entry of the vocabulary."""

    loss: Float[Tensor, ""] | None = None
    logits: Float[Tensor, "batch seq vocab"] | None = None
    hidden_states: Layers | None = None
    attentions: Maps | None = None
