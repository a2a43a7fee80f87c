"""The encoder and its heads as transformers' models: their files, Trainer and Auto classes around our modules.

Each class is both: a `PreTrainedModel`, which loads, saves and trains, and the class of the same name in
`erniem_lab`, which computes. So `isinstance` holds for both, and all that takes the one takes the other.
"""

from collections.abc import Callable
from functools import wraps
from os import PathLike
from pathlib import Path
from typing import Any, ClassVar

from torch import nn
from transformers import PreTrainedModel, modeling_outputs

from erniem_lab import heads, model, pretrained
from erniem_lab.files.manifest import MANIFEST
from erniem_lab.outputs import ModelOutput
from erniem_lab.transformers_bridge.config import ErnieMConfig

OTHER_NAMES = {  # where transformers calls the same fields by another class
    "EncoderOutput": "BaseModelOutputWithPooling",
    "InformationExtractionOutput": "QuestionAnsweringModelOutput",
}


class Built(pretrained.ErnieMPreTrainedModel):
    """Where transformers' chain of constructors ends: ours have built the modules by then."""

    def __init__(self) -> None:
        """Do nothing, so that the modules stay."""


class ErnieMPreTrainedModel(PreTrainedModel, Built):
    """What the encoder and every head share: constructor, initial weights, resizing, pruning."""

    config_class = ErnieMConfig
    base_model_prefix = "ernie_m"
    main_input_name = "input_ids"
    supports_gradient_checkpointing = True
    _supports_sdpa = True
    _no_split_modules: ClassVar[list[str]] = ["ErnieMEmbeddings", "ErnieMEncoderLayer"]

    def __init__(self, config: ErnieMConfig, **how: Any) -> None:
        super(Built, self).__init__(config, **how)  # ours first: modules with their first weights
        super().__init__(self.config)  # type: ignore[call-arg]  # transformers' next, which ends at Built
        self._weights_drawn = True
        super().post_init()

    def init_weights(self) -> None:
        """Draw weights, as our constructor asks; transformers asks again, when all are there."""
        if not hasattr(self, "_weights_drawn"):
            pretrained.ErnieMPreTrainedModel.init_weights(self)

    def _init_weights(self, module: nn.Module) -> None:
        """Draw what a checkpoint did not fill."""
        weights = module.named_parameters(recurse=False)
        names = [name for name, weight in weights if not getattr(weight, "_is_hf_initialized", False)]
        pretrained.ErnieMPreTrainedModel._draw(self, module, names)

    def save_pretrained(  # type: ignore[override]  # the argument has transformers' name
        self, save_directory: str | PathLike[str], *how: Any, **named: Any
    ) -> None:
        """As in transformers; a manifest of the files that stood there before goes with them."""
        Path(save_directory, MANIFEST).unlink(missing_ok=True)
        super().save_pretrained(save_directory, *how, **named)

    prune_heads = pretrained.ErnieMPreTrainedModel.prune_heads

    def resize_token_embeddings(
        self, new_num_tokens: int | None = None, pad_to_multiple_of: int | None = None, mean_resizing: bool = False
    ) -> nn.Embedding:
        """Give the vocabulary another size: known rows are kept, new ones are drawn at random.

        `mean_resizing` is accepted and does nothing: new rows are drawn as all rows were.
        """
        size = self.config.vocab_size if new_num_tokens is None else new_num_tokens
        size = -(-size // pad_to_multiple_of) * pad_to_multiple_of if pad_to_multiple_of else size
        if size == self.config.vocab_size:
            return self.get_input_embeddings()
        return super(Built, self).resize_token_embeddings(size)


def _answering(forward: Callable[..., Any]) -> Callable[..., Any]:
    """Our `forward` with transformers' types: outputs of its classes, and its cache as keys and values."""

    @wraps(forward)
    def answered(self: Any, *arguments: Any, **named: Any) -> Any:
        if layers := getattr(named.get("past_key_values"), "layers", None):
            named["past_key_values"] = [(layer.keys, layer.values) for layer in layers]
        output = forward(self, *arguments, **named)
        if not isinstance(output, ModelOutput):
            return output
        name = type(output).__name__
        return getattr(modeling_outputs, OTHER_NAMES.get(name, name))(**dict(output.items()))

    return answered


class ErnieMModel(ErnieMPreTrainedModel, model.ErnieMModel):
    """`erniem_lab.ErnieMModel`, loaded, saved and trained by transformers."""

    forward = _answering(model.ErnieMModel.forward)


class ErnieMForSequenceClassification(ErnieMPreTrainedModel, heads.ErnieMForSequenceClassification):
    """`erniem_lab.ErnieMForSequenceClassification`, loaded, saved and trained by transformers."""

    forward = _answering(heads.ErnieMForSequenceClassification.forward)


class ErnieMForMultipleChoice(ErnieMPreTrainedModel, heads.ErnieMForMultipleChoice):
    """`erniem_lab.ErnieMForMultipleChoice`, loaded, saved and trained by transformers."""

    forward = _answering(heads.ErnieMForMultipleChoice.forward)


class ErnieMForTokenClassification(ErnieMPreTrainedModel, heads.ErnieMForTokenClassification):
    """`erniem_lab.ErnieMForTokenClassification`, loaded, saved and trained by transformers."""

    forward = _answering(heads.ErnieMForTokenClassification.forward)


class ErnieMForQuestionAnswering(ErnieMPreTrainedModel, heads.ErnieMForQuestionAnswering):
    """`erniem_lab.ErnieMForQuestionAnswering`, loaded, saved and trained by transformers."""

    forward = _answering(heads.ErnieMForQuestionAnswering.forward)


class ErnieMForInformationExtraction(ErnieMPreTrainedModel, heads.ErnieMForInformationExtraction):
    """`erniem_lab.ErnieMForInformationExtraction`, loaded, saved and trained by transformers."""

    forward = _answering(heads.ErnieMForInformationExtraction.forward)


class ErnieMForMaskedLM(ErnieMPreTrainedModel, heads.ErnieMForMaskedLM):
    """`erniem_lab.ErnieMForMaskedLM`, loaded, saved and trained by transformers."""

    forward = _answering(heads.ErnieMForMaskedLM.forward)
