"""What shape a model has: Hugging Face's keys, read from its JSON and from both of PaddleNLP's forms."""

from collections.abc import Callable, Mapping
from os import PathLike
from typing import Any

from erniem_lab.errors import InputValueError
from erniem_lab.files.config_file import CONFIG_FILES, hf_values, read_config
from erniem_lab.hub import local_folder

POSITIVE = (
    "vocab_size",
    "hidden_size",
    "num_hidden_layers",
    "num_attention_heads",
    "intermediate_size",
    "max_position_embeddings",
    "num_labels",
)
PROBABILITIES = ("hidden_dropout_prob", "attention_probs_dropout_prob", "act_dropout", "classifier_dropout")
POSITION_TYPES = ("absolute", "relative_key", "relative_key_query")
PROBLEMS = (None, "regression", "single_label_classification", "multi_label_classification")

# Keys with which a file may describe any model, and what holds where it is silent.
GENERAL: dict[str, Any] = {
    "position_embedding_type": "absolute",
    "problem_type": None,
    "return_dict": True,
    "output_attentions": False,
    "output_hidden_states": False,
    "torchscript": False,
    "architectures": None,
    "finetuning_task": None,
    "is_decoder": False,
}


class ErnieMConfig:
    """The sizes, rates and labels of one model; names and defaults are Hugging Face's.

    Keys that are not known are kept as attributes and written back by `to_dict`.

    Raises:
        InputValueError: a value that no model can have, with its field.

    >>> config = ErnieMConfig(num_labels=3, hidden_size=64, num_attention_heads=4)
    >>> config.id2label[2], config.num_classes, config.max_length
    ('LABEL_2', 3, 512)
    """

    model_type = "ernie_m"

    position_embedding_type: str
    problem_type: str | None
    return_dict: bool
    output_attentions: bool
    output_hidden_states: bool
    torchscript: bool
    architectures: list[str] | None
    is_decoder: bool

    def __init__(
        self,
        vocab_size: int = 250002,
        hidden_size: int = 768,
        num_hidden_layers: int = 12,
        num_attention_heads: int = 12,
        intermediate_size: int = 3072,
        hidden_act: str | Callable[..., Any] = "gelu",
        hidden_dropout_prob: float = 0.1,
        attention_probs_dropout_prob: float = 0.1,
        max_position_embeddings: int = 514,
        initializer_range: float = 0.02,
        pad_token_id: int = 1,
        layer_norm_eps: float = 1e-05,
        classifier_dropout: float | None = None,
        act_dropout: float | None = 0.0,
        **general: Any,
    ) -> None:
        self.vocab_size = vocab_size
        self.hidden_size = hidden_size
        self.num_hidden_layers = num_hidden_layers
        self.num_attention_heads = num_attention_heads
        self.intermediate_size = intermediate_size
        self.hidden_act = hidden_act
        self.hidden_dropout_prob = hidden_dropout_prob
        self.attention_probs_dropout_prob = attention_probs_dropout_prob
        self.max_position_embeddings = max_position_embeddings
        self.initializer_range = initializer_range
        self.pad_token_id = pad_token_id
        self.layer_norm_eps = layer_norm_eps
        self.classifier_dropout = general.pop("dropout", None) if classifier_dropout is None else classifier_dropout
        self.act_dropout = act_dropout
        self._set_labels(general)
        self.pruned_heads = _by_number("pruned_heads", general.pop("pruned_heads", None) or {}, sorted)
        for name, value in {**GENERAL, **general}.items():
            if not hasattr(type(self), name):  # what is computed from other keys, or fixed, is not a key
                setattr(self, name, value)
        self.check()

    def _set_labels(self, general: dict[str, Any]) -> None:
        names, ids = general.pop("id2label", None), general.pop("label2id", None)
        aliases = [general.pop(name, None) for name in ("num_labels", "num_classes")]
        count = next((value for value in aliases if value is not None), None)
        if ids is not None and not isinstance(ids, Mapping):
            raise InputValueError(f"config field label2id={ids!r:.80}: give a mapping, or num_labels alone")
        if names is None:
            self.num_labels = 2 if count is None else count
            if ids is not None:
                self.label2id = dict(ids)
            return
        self.id2label = _by_number("id2label", names, str)
        self.label2id = dict(ids) if ids else {name: key for key, name in self.id2label.items()}
        if count is not None and count != len(self.id2label):
            self.num_labels = count

    @property
    def num_labels(self) -> int:
        """How many labels the head of a classifier tells apart."""
        return len(self.id2label)

    @num_labels.setter
    def num_labels(self, count: int) -> None:
        if isinstance(count, bool) or not isinstance(count, int) or count < 1:
            raise InputValueError(f"num_labels={count!r}: give a whole number of at least 1")
        self.id2label = {i: f"LABEL_{i}" for i in range(count)}
        self.label2id = {name: i for i, name in self.id2label.items()}

    num_classes = num_labels
    """PaddleNLP's name for `num_labels`."""

    @property
    def dropout(self) -> float | None:
        """PaddleNLP's name for `classifier_dropout`."""
        return self.classifier_dropout

    @dropout.setter
    def dropout(self, value: float | None) -> None:
        self.classifier_dropout = value

    @property
    def max_length(self) -> int:
        """The most tokens that one text can have, [CLS] and [SEP] among them."""
        return self.max_position_embeddings - 2

    @property
    def head_dropout(self) -> float:
        """The dropout rate before a classifier."""
        return self.hidden_dropout_prob if self.classifier_dropout is None else self.classifier_dropout

    @property
    def use_return_dict(self) -> bool:
        """Whether a model answers with named fields where the call does not say."""
        return self.return_dict and not self.torchscript

    def check(self) -> None:
        """Refuse values that no model can have.

        Raises:
            InputValueError: with the field, its value, and what is accepted.

        >>> ErnieMConfig(hidden_size=10, num_attention_heads=4)
        Traceback (most recent call last):
        erniem_lab.errors.InputValueError: config field num_attention_heads=4: give a divisor of hidden_size=10
        """
        for name in POSITIVE:
            value = getattr(self, name)
            _demand(self, name, _is_whole(value) and value >= 1, "a whole number of at least 1")
        for name in PROBABILITIES:
            value = getattr(self, name)
            optional = value is None and name in ("act_dropout", "classifier_dropout")
            _demand(self, name, optional or (_is_number(value) and 0 <= value <= 1), "a probability from 0 to 1")
        for name in ("initializer_range", "layer_norm_eps"):
            _demand(self, name, _is_number(getattr(self, name)) and getattr(self, name) >= 0, "a number of at least 0")
        _demand(self, "max_position_embeddings", self.max_length >= 1, "at least 3, since positions start at 2")
        in_vocab = _is_whole(self.pad_token_id) and 0 <= self.pad_token_id < self.vocab_size
        _demand(self, "pad_token_id", in_vocab, f"an id from 0 to vocab_size - 1 = {self.vocab_size - 1}")
        even = self.hidden_size % self.num_attention_heads == 0
        _demand(self, "num_attention_heads", even, f"a divisor of hidden_size={self.hidden_size}")
        known = self.position_embedding_type in POSITION_TYPES
        _demand(self, "position_embedding_type", known, f"one of {POSITION_TYPES}")
        _demand(self, "problem_type", self.problem_type in PROBLEMS, f"one of {PROBLEMS}")
        named = isinstance(self.hidden_act, str) or callable(self.hidden_act)
        _demand(self, "hidden_act", named, "the name of a function, or the function")
        _demand(self, "is_decoder", not self.is_decoder, "False: ERNIE-M is an encoder and keeps no cache")

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "ErnieMConfig":
        """A config from parsed JSON: Hugging Face's form, or PaddleNLP's new or older one.

        Raises:
            InputValueError: not a mapping, or the description of another kind of model.

        >>> paddle = {"init_args": [{"hidden_size": 32, "num_attention_heads": 4, "init_class": "ErnieMModel"}],
        ...           "init_class": "ErnieMForSequenceClassification", "num_classes": 3}
        >>> config = ErnieMConfig.from_dict(paddle)
        >>> config.intermediate_size, config.num_labels, config.architectures
        (128, 3, ['ErnieMForSequenceClassification'])
        """
        if not isinstance(values, Mapping) or not values:
            raise InputValueError(f"a model's config is a JSON object with keys, not {values!r:.80}")
        kind = values.get("model_type", cls.model_type)
        if kind != cls.model_type:
            raise InputValueError(f"model_type={kind!r}: this is not an ERNIE-M model (model_type 'ernie_m')")
        return cls(**hf_values(values))

    @classmethod
    def from_pretrained(
        cls, source: str | PathLike[str], *, revision: str | None = None, **overrides: Any
    ) -> "ErnieMConfig":
        """The config of a checkpoint folder or hub id; keyword arguments override what the file says.

        Raises:
            FileFaultError: no config file, or one that is not JSON.
        """
        return cls.from_dict({**read_config(local_folder(source, CONFIG_FILES, revision=revision)), **overrides})

    def to_dict(self) -> dict[str, Any]:
        """What `from_dict` needs to build the same config, ready for JSON."""
        if callable(self.hidden_act):
            raise InputValueError(f"hidden_act={self.hidden_act!r} cannot be written to a file: name it by a string")
        values = {name: value for name, value in vars(self).items() if GENERAL.get(name, ...) != value}
        if list(self.id2label.values()) == [f"LABEL_{i}" for i in range(self.num_labels)]:
            del values["id2label"], values["label2id"]
            if self.num_labels != 2:
                values["num_labels"] = self.num_labels
        if not self.pruned_heads:
            del values["pruned_heads"]
        return {"model_type": self.model_type, **values}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ErnieMConfig) and vars(self) == vars(other)

    __hash__ = None  # type: ignore[assignment]  # a config can change

    def __repr__(self) -> str:
        return f"ErnieMConfig({', '.join(f'{key}={value!r}' for key, value in vars(self).items())})"


def _by_number(name: str, given: Any, read: Callable[[Any], Any]) -> dict[int, Any]:
    """A mapping from whole numbers, which JSON writes as text, to values that are brought to their form by `read`."""
    try:
        return {int(key): read(value) for key, value in given.items()}
    except (AttributeError, TypeError, ValueError) as fault:
        raise InputValueError(f"config field {name}={given!r:.80}: give a mapping from whole numbers") from fault


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _demand(config: ErnieMConfig, name: str, holds: bool, accepted: str) -> None:
    if not holds:
        raise InputValueError(f"config field {name}={getattr(config, name)!r}: give {accepted}")
