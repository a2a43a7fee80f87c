"""The encoder put to use: one class for each kind of answer, with Hugging Face's names and signatures."""

from typing import Any

import torch
from jaxtyping import Float, Int, Shaped
from torch import Tensor, nn
from torch.nn import functional as F

from erniem_lab.config import ErnieMConfig
from erniem_lab.errors import InputValueError
from erniem_lab.lm_loss import masked_lm_loss
from erniem_lab.losses import cross_entropy, demand_both, position_loss, span_loss, text_loss
from erniem_lab.model import ErnieMModel, Prefix
from erniem_lab.outputs import (
    EncoderOutput,
    InformationExtractionOutput,
    MaskedLMOutput,
    ModelOutput,
    MultipleChoiceModelOutput,
    QuestionAnsweringModelOutput,
    SequenceClassifierOutput,
    TokenClassifierOutput,
)
from erniem_lab.pretrained import ErnieMPreTrainedModel


class ErnieMHead(ErnieMPreTrainedModel):
    """What all heads do: encode, then answer with fields or a tuple."""

    def __init__(self, config: ErnieMConfig, add_pooling_layer: bool = True) -> None:
        super().__init__(config)
        self.ernie_m = ErnieMModel(config, add_pooling_layer=add_pooling_layer)
        self.config = self.ernie_m.config  # one for both, so that resizing and pruning reach both

    def _encode(self, **inputs: Any) -> EncoderOutput:
        return self.ernie_m(**inputs, return_dict=True)

    def _answer(self, output: ModelOutput, return_dict: bool | None) -> Any:
        as_dict = self.config.use_return_dict if return_dict is None else return_dict
        return output if as_dict else output.to_tuple()


class ErnieMForSequenceClassification(ErnieMHead):
    """One label, several labels or a number for a text or a pair.

    The loss is squared error for one label, cross-entropy for whole-number labels `[batch]`, and binary
    cross-entropy for `[batch, label]`; `config.problem_type` overrides what the labels' form says.

    >>> tiny = ErnieMConfig(vocab_size=20, hidden_size=8, num_attention_heads=2, num_hidden_layers=1, num_labels=3)
    >>> output = ErnieMForSequenceClassification(tiny)(torch.tensor([[0, 5, 2]]), labels=torch.tensor([2]))
    >>> list(output), list(output.logits.shape)
    (['loss', 'logits'], [1, 3])
    """

    def __init__(self, config: ErnieMConfig) -> None:
        super().__init__(config)
        self.num_labels = config.num_labels
        self.dropout = nn.Dropout(config.head_dropout)
        self.classifier = nn.Linear(config.hidden_size, config.num_labels)
        self.init_weights()

    def forward(
        self,
        input_ids: Int[Tensor, "batch seq"] | None = None,
        attention_mask: Shaped[Tensor, "..."] | None = None,
        position_ids: Int[Tensor, "#batch seq"] | None = None,
        head_mask: Float[Tensor, "..."] | None = None,
        inputs_embeds: Float[Tensor, "batch seq hidden"] | None = None,
        past_key_values: Prefix | None = None,
        use_cache: bool | None = None,
        output_hidden_states: bool | None = None,
        output_attentions: bool | None = None,
        return_dict: bool | None = True,
        labels: Shaped[Tensor, "..."] | None = None,
    ) -> SequenceClassifierOutput | tuple[Any, ...]:
        """Scores for each text, and the loss where labels are given."""
        encoded = self._encode(
            input_ids=input_ids,
            attention_mask=attention_mask,
            position_ids=position_ids,
            head_mask=head_mask,
            inputs_embeds=inputs_embeds,
            past_key_values=past_key_values,
            output_hidden_states=output_hidden_states,
            output_attentions=output_attentions,
        )
        logits = self.classifier(self.dropout(encoded.pooler_output))
        loss = None if labels is None else text_loss(logits, labels.to(logits.device), self.config.problem_type)
        output = SequenceClassifierOutput(loss, logits, encoded.hidden_states, encoded.attentions)
        return self._answer(output, return_dict)


class ErnieMForMultipleChoice(ErnieMHead):
    """Which of several continuations fits. Inputs have axes `[item, choice, seq]`."""

    def __init__(self, config: ErnieMConfig) -> None:
        super().__init__(config)
        self.dropout = nn.Dropout(config.head_dropout)
        self.classifier = nn.Linear(config.hidden_size, 1)
        self.init_weights()

    def forward(
        self,
        input_ids: Shaped[Tensor, "..."] | None = None,
        attention_mask: Shaped[Tensor, "..."] | None = None,
        position_ids: Shaped[Tensor, "..."] | None = None,
        head_mask: Float[Tensor, "..."] | None = None,
        inputs_embeds: Float[Tensor, "..."] | None = None,
        labels: Int[Tensor, " item"] | None = None,
        output_attentions: bool | None = None,
        output_hidden_states: bool | None = None,
        return_dict: bool | None = True,
    ) -> MultipleChoiceModelOutput | tuple[Any, ...]:
        """A score for each choice, and the cross-entropy loss where labels are given.

        Raises:
            InputValueError: an input without its axis of choices.
        """
        first, axes = (input_ids, 3) if input_ids is not None else (inputs_embeds, 4)
        if first is not None and first.ndim != axes:
            raise InputValueError(f"the input has shape {list(first.shape)}: multiple choice takes [item, choice, seq]")
        encoded = self._encode(
            input_ids=_rows(input_ids),
            attention_mask=_rows(attention_mask),
            position_ids=_rows(position_ids),
            head_mask=head_mask,
            inputs_embeds=_rows(inputs_embeds),
            output_hidden_states=output_hidden_states,
            output_attentions=output_attentions,
        )
        scores = self.classifier(self.dropout(encoded.pooler_output))
        logits = scores.reshape(first.shape[:2])  # type: ignore[union-attr]
        loss = None if labels is None else cross_entropy(logits, labels.to(logits.device))
        output = MultipleChoiceModelOutput(loss, logits, encoded.hidden_states, encoded.attentions)
        return self._answer(output, return_dict)


class ErnieMForTokenClassification(ErnieMHead):
    """A label for every token; label -100 is not counted."""

    def __init__(self, config: ErnieMConfig) -> None:
        super().__init__(config, add_pooling_layer=False)
        self.num_labels = config.num_labels
        self.dropout = nn.Dropout(config.head_dropout)
        self.classifier = nn.Linear(config.hidden_size, config.num_labels)
        self.init_weights()

    def forward(
        self,
        input_ids: Int[Tensor, "batch seq"] | None = None,
        attention_mask: Shaped[Tensor, "..."] | None = None,
        position_ids: Int[Tensor, "#batch seq"] | None = None,
        head_mask: Float[Tensor, "..."] | None = None,
        inputs_embeds: Float[Tensor, "batch seq hidden"] | None = None,
        past_key_values: Prefix | None = None,
        output_hidden_states: bool | None = None,
        output_attentions: bool | None = None,
        return_dict: bool | None = True,
        labels: Int[Tensor, "batch seq"] | None = None,
    ) -> TokenClassifierOutput | tuple[Any, ...]:
        """Scores for each token, and the cross-entropy loss where labels are given."""
        encoded = self._encode(
            input_ids=input_ids,
            attention_mask=attention_mask,
            position_ids=position_ids,
            head_mask=head_mask,
            inputs_embeds=inputs_embeds,
            past_key_values=past_key_values,
            output_hidden_states=output_hidden_states,
            output_attentions=output_attentions,
        )
        logits = self.classifier(self.dropout(encoded.last_hidden_state))
        loss = None if labels is None else cross_entropy(logits.flatten(0, 1), labels.flatten().to(logits.device))
        output = TokenClassifierOutput(loss, logits, encoded.hidden_states, encoded.attentions)
        return self._answer(output, return_dict)


class ErnieMForQuestionAnswering(ErnieMHead):
    """Where in a text the answer starts and ends. A position outside the sequence is not counted in the loss."""

    def __init__(self, config: ErnieMConfig) -> None:
        if config.num_labels != 2:
            raise InputValueError(f"config field num_labels={config.num_labels}: give 2, the answer's start and end")
        super().__init__(config, add_pooling_layer=False)
        self.qa_outputs = nn.Linear(config.hidden_size, 2)
        self.init_weights()

    def forward(
        self,
        input_ids: Int[Tensor, "batch seq"] | None = None,
        attention_mask: Shaped[Tensor, "..."] | None = None,
        position_ids: Int[Tensor, "#batch seq"] | None = None,
        head_mask: Float[Tensor, "..."] | None = None,
        inputs_embeds: Float[Tensor, "batch seq hidden"] | None = None,
        start_positions: Int[Tensor, "batch *one"] | None = None,
        end_positions: Int[Tensor, "batch *one"] | None = None,
        output_attentions: bool | None = None,
        output_hidden_states: bool | None = None,
        return_dict: bool | None = True,
    ) -> QuestionAnsweringModelOutput | tuple[Any, ...]:
        """Scores for start and end, and the mean of both cross-entropies where both positions are given.

        Raises:
            InputValueError: only one of the two positions.
        """
        demand_both(start_positions, end_positions)
        encoded = self._encode(
            input_ids=input_ids,
            attention_mask=attention_mask,
            position_ids=position_ids,
            head_mask=head_mask,
            inputs_embeds=inputs_embeds,
            output_hidden_states=output_hidden_states,
            output_attentions=output_attentions,
        )
        start, end = self.qa_outputs(encoded.last_hidden_state).unbind(-1)
        loss = None
        if start_positions is not None and end_positions is not None:
            loss = (position_loss(start, start_positions) + position_loss(end, end_positions)) / 2
        output = QuestionAnsweringModelOutput(loss, start, end, encoded.hidden_states, encoded.attentions)
        return self._answer(output, return_dict)


class ErnieMForInformationExtraction(ErnieMHead):
    """For every token, the log-odds that a span starts, and ends, there (PaddleNLP's UIEM gives the sigmoid).

    Labels are 0 or 1 (or a probability) for every token; the loss is the mean binary cross-entropy over all of
    them, padding and prompt included, as UIE-M was trained; label -100 is not counted.
    """

    def __init__(self, config: ErnieMConfig) -> None:
        super().__init__(config)  # the pooler is unused, and is in every released checkpoint
        self.linear_start = nn.Linear(config.hidden_size, 1)
        self.linear_end = nn.Linear(config.hidden_size, 1)
        self.init_weights()

    def forward(
        self,
        input_ids: Int[Tensor, "batch seq"] | None = None,
        attention_mask: Shaped[Tensor, "..."] | None = None,
        position_ids: Int[Tensor, "#batch seq"] | None = None,
        head_mask: Float[Tensor, "..."] | None = None,
        inputs_embeds: Float[Tensor, "batch seq hidden"] | None = None,
        start_positions: Shaped[Tensor, "batch seq *one"] | None = None,
        end_positions: Shaped[Tensor, "batch seq *one"] | None = None,
        output_attentions: bool | None = None,
        output_hidden_states: bool | None = None,
        return_dict: bool | None = True,
    ) -> InformationExtractionOutput | tuple[Any, ...]:
        """Log-odds of starts and ends, and the loss where both labels are given.

        Raises:
            InputValueError: only one of the two labels, or a label that is no probability.
        """
        demand_both(start_positions, end_positions)
        encoded = self._encode(
            input_ids=input_ids,
            attention_mask=attention_mask,
            position_ids=position_ids,
            head_mask=head_mask,
            inputs_embeds=inputs_embeds,
            output_hidden_states=output_hidden_states,
            output_attentions=output_attentions,
        )
        states = encoded.last_hidden_state
        start, end = self.linear_start(states).squeeze(-1), self.linear_end(states).squeeze(-1)
        loss = None
        if start_positions is not None and end_positions is not None:
            loss = (span_loss(start, start_positions) + span_loss(end, end_positions)) / 2
        output = InformationExtractionOutput(loss, start, end, encoded.hidden_states, encoded.attentions)
        return self._answer(output, return_dict)


class ErnieMLMHead(nn.Module):
    """From a state to a score for each entry of the vocabulary, by agreement with its word vector.

    The form is that of XLM-R, from which ERNIE-M was trained on: linear, GELU, normalisation, word vectors, bias.
    """

    def __init__(self, config: ErnieMConfig) -> None:
        super().__init__()
        self.dense = nn.Linear(config.hidden_size, config.hidden_size)
        self.layer_norm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.bias = nn.Parameter(torch.zeros(config.vocab_size))

    def forward(
        self, states: Float[Tensor, "*place hidden"], words: Float[Tensor, "vocab hidden"]
    ) -> Float[Tensor, "*place vocab"]:
        """Scores, for as many states as are given."""
        return F.linear(self.prepare(states), words, self.bias)

    def prepare(self, states: Float[Tensor, "*place hidden"]) -> Float[Tensor, "*place hidden"]:
        """States as they are compared with word vectors."""
        return self.layer_norm(F.gelu(self.dense(states)))


class ErnieMForMaskedLM(ErnieMHead):
    """Which entry of the vocabulary stands at each place; label -100 is not counted.

    `erniem_lab.pretraining.loss` scores hidden places only and is the faster way to train.
    """

    def __init__(self, config: ErnieMConfig) -> None:
        super().__init__(config, add_pooling_layer=False)
        self.lm_head = ErnieMLMHead(config)
        self.init_weights()

    def forward(
        self,
        input_ids: Int[Tensor, "batch seq"] | None = None,
        attention_mask: Shaped[Tensor, "..."] | None = None,
        position_ids: Int[Tensor, "#batch seq"] | None = None,
        head_mask: Float[Tensor, "..."] | None = None,
        inputs_embeds: Float[Tensor, "batch seq hidden"] | None = None,
        labels: Int[Tensor, "batch seq"] | None = None,
        output_attentions: bool | None = None,
        output_hidden_states: bool | None = None,
        return_dict: bool | None = True,
    ) -> MaskedLMOutput | tuple[Any, ...]:
        """Scores for each place, and the cross-entropy loss where labels are given."""
        encoded = self._encode(
            input_ids=input_ids,
            attention_mask=attention_mask,
            position_ids=position_ids,
            head_mask=head_mask,
            inputs_embeds=inputs_embeds,
            output_hidden_states=output_hidden_states,
            output_attentions=output_attentions,
        )
        logits = self.score(encoded.last_hidden_state)
        loss = None if labels is None else cross_entropy(logits.flatten(0, 1), labels.flatten().to(logits.device))
        output = MaskedLMOutput(loss, logits, encoded.hidden_states, encoded.attentions)
        return self._answer(output, return_dict)

    def score(self, states: Float[Tensor, "*place hidden"]) -> Float[Tensor, "*place vocab"]:
        """Vocabulary scores for any states of the last layer."""
        return self.lm_head(states, self.get_input_embeddings().weight)

    def guess_loss(
        self,
        states: Float[Tensor, "token hidden"],
        targets: Int[Tensor, " token"],
        words: Float[Tensor, "vocab hidden"] | None = None,
    ) -> Float[Tensor, ""]:
        """The mean loss of guessing each target from a state of the last layer, in nats, as `masked_lm_loss` has it.

        Args:
            words: the model's word vectors, as `look_up` gave them beside those that were read.
        """
        words = self.get_input_embeddings().weight if words is None else words
        return masked_lm_loss(self.lm_head.prepare(states), words, self.lm_head.bias, targets)

    def resize_token_embeddings(self, size: int) -> nn.Embedding:
        """As in every model; the head's bias follows, zero for new entries."""
        table = super().resize_token_embeddings(size)
        bias = self.lm_head.bias.detach()[:size]
        self.lm_head.bias = nn.Parameter(F.pad(bias, (0, size - len(bias))))
        return table


def _rows(given: Tensor | None) -> Tensor | None:
    return None if given is None else given.flatten(0, 1)
