"""What makes transformers' Auto classes and pipelines find ERNIE-M."""

from typing import Any

import transformers
from transformers import pipelines
from transformers.models.auto.tokenization_auto import TOKENIZER_MAPPING_NAMES

from erniem_lab.transformers_bridge.config import ErnieMConfig
from erniem_lab.transformers_bridge.models import (
    ErnieMForMaskedLM,
    ErnieMForMultipleChoice,
    ErnieMForQuestionAnswering,
    ErnieMForSequenceClassification,
    ErnieMForTokenClassification,
    ErnieMModel,
)
from erniem_lab.transformers_bridge.question_answering import QuestionAnsweringPipeline
from erniem_lab.transformers_bridge.tokenizer import ErnieMTokenizer

AUTO_CLASSES: dict[str, Any] = {
    "AutoModel": ErnieMModel,
    "AutoModelForSequenceClassification": ErnieMForSequenceClassification,
    "AutoModelForMultipleChoice": ErnieMForMultipleChoice,
    "AutoModelForTokenClassification": ErnieMForTokenClassification,
    "AutoModelForQuestionAnswering": ErnieMForQuestionAnswering,
    "AutoModelForMaskedLM": ErnieMForMaskedLM,
}
TASK = "question-answering"


def register() -> None:
    """Register config, tokenizer and models; importing `erniem_lab.transformers_bridge` has done it already.

    >>> register()
    >>> transformers.AutoConfig.for_model("ernie_m").hidden_size
    768
    """
    transformers.AutoConfig.register(ErnieMConfig.model_type, ErnieMConfig, exist_ok=True)
    TOKENIZER_MAPPING_NAMES.pop(ErnieMConfig.model_type, None)  # transformers 4's own, which has no spans
    transformers.AutoTokenizer.register(ErnieMConfig, slow_tokenizer_class=ErnieMTokenizer, exist_ok=True)
    for name, model in AUTO_CLASSES.items():
        getattr(transformers, name).register(ErnieMConfig, model, exist_ok=True)
    _register_pipeline()


def _register_pipeline() -> None:
    """Give transformers 5 back the task that it removed; transformers 4 has its own."""
    removed = getattr(pipelines, "REMOVED_TASKS", {})
    if removed.pop(TASK, None) or TASK not in pipelines.PIPELINE_REGISTRY.supported_tasks:
        pipelines.PIPELINE_REGISTRY.register_pipeline(
            TASK, QuestionAnsweringPipeline, pt_model=transformers.AutoModelForQuestionAnswering, type="text"
        )
