"""The config as transformers wants it: this library's values and checks in transformers' own kind of config."""

from typing import Any, ClassVar

from transformers import PretrainedConfig

from erniem_lab import config

__all__ = ["ErnieMConfig"]


class ErnieMConfig(PretrainedConfig, config.ErnieMConfig):
    """`erniem_lab.ErnieMConfig`, read and written by transformers; arguments, defaults and errors are the same.

    >>> ErnieMConfig(num_labels=3, hidden_size=64, num_attention_heads=4).to_diff_dict()["hidden_size"]
    64
    """

    model_type = config.ErnieMConfig.model_type
    attribute_map: ClassVar[dict[str, str]] = {"dropout": "classifier_dropout", "num_classes": "num_labels"}

    def __init__(self, *sizes: Any, **values: Any) -> None:
        own = config.ErnieMConfig(*sizes, **values)  # checks, and fills in what is not given
        super().__init__(**vars(own))

    @property
    def max_length(self) -> int:
        """The most tokens that one text can have, [CLS] and [SEP] among them."""
        return self.max_position_embeddings - 2

    @max_length.setter
    def max_length(self, value: int) -> None:
        """Not stored: transformers 4 writes its default for generated text here."""

    def _get_generation_parameters(self) -> dict[str, Any]:
        """None: `max_length` is the encoder's, and not that of text to generate."""
        return {}

    _get_non_default_generation_parameters = _get_generation_parameters  # transformers 4's name for it
    use_return_dict = config.ErnieMConfig.use_return_dict
