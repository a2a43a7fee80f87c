"""ERNIE-M back in transformers: importing this registers its config, tokenizer and models with the Auto classes.

The classes have transformers' names, and compute with this library's modules; see README.md beside this file.

>>> import erniem_lab.transformers_bridge
>>> from erniem_lab import MINI
>>> from transformers import AutoModel, AutoTokenizer
>>> tokenizer, model = AutoTokenizer.from_pretrained(MINI), AutoModel.from_pretrained(MINI)
>>> answer = model(**tokenizer("The cat sleeps.", return_tensors="pt"))
>>> answer.last_hidden_state.shape[-1] == model.config.hidden_size
True
"""

from importlib.util import find_spec

from erniem_lab.errors import MissingExtraError

if find_spec("transformers") is None:
    raise MissingExtraError(
        "erniem_lab.transformers_bridge needs transformers, which is not installed: pip install 'erniem-lab[bridge]'"
    )

from erniem_lab.transformers_bridge.config import ErnieMConfig
from erniem_lab.transformers_bridge.models import (
    ErnieMForInformationExtraction,
    ErnieMForMaskedLM,
    ErnieMForMultipleChoice,
    ErnieMForQuestionAnswering,
    ErnieMForSequenceClassification,
    ErnieMForTokenClassification,
    ErnieMModel,
    ErnieMPreTrainedModel,
)
from erniem_lab.transformers_bridge.register import register
from erniem_lab.transformers_bridge.tokenizer import ErnieMTokenizer

__all__ = [
    "ErnieMConfig",
    "ErnieMForInformationExtraction",
    "ErnieMForMaskedLM",
    "ErnieMForMultipleChoice",
    "ErnieMForQuestionAnswering",
    "ErnieMForSequenceClassification",
    "ErnieMForTokenClassification",
    "ErnieMModel",
    "ErnieMPreTrainedModel",
    "ErnieMTokenizer",
    "register",
]

register()
