"""Small random models and batches that several test files build on."""

from typing import Any

import torch

from erniem_lab import heads
from erniem_lab.config import ErnieMConfig
from erniem_lab.model import ErnieMModel

ENCODERS = [ErnieMModel, heads.ErnieMForSequenceClassification, heads.ErnieMForTokenClassification]  # take a prefix
CLASSES = [
    *ENCODERS,
    heads.ErnieMForMultipleChoice,
    heads.ErnieMForQuestionAnswering,
    heads.ErnieMForInformationExtraction,
    heads.ErnieMForMaskedLM,
]
HEADS = CLASSES[1:]

IDS = torch.tensor([[0, 5, 6, 7, 8, 2, 1, 1], [0, 9, 10, 11, 12, 13, 14, 2]])  # the first text ends in padding
SPAN_LABELS = torch.tensor([[0, 1, 0, 0, 0, 0, 0, 0], [0, 0, 1, 0, 1, 0, 0, 0]])
LABELS: dict[str, dict[str, torch.Tensor]] = {
    "ErnieMModel": {},
    "ErnieMForSequenceClassification": {"labels": torch.tensor([1, 0])},
    "ErnieMForTokenClassification": {"labels": SPAN_LABELS},
    "ErnieMForMultipleChoice": {"labels": torch.tensor([2, 0])},
    "ErnieMForQuestionAnswering": {"start_positions": torch.tensor([1, 2]), "end_positions": torch.tensor([3, 4])},
    "ErnieMForInformationExtraction": {"start_positions": SPAN_LABELS, "end_positions": SPAN_LABELS},
    "ErnieMForMaskedLM": {"labels": IDS},
}


def small_config(**changes: Any) -> ErnieMConfig:
    """Two layers of four heads; weights large enough that every part has a say."""
    sizes = {
        "vocab_size": 40,
        "hidden_size": 16,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "intermediate_size": 24,
    }
    return ErnieMConfig(**{**sizes, "max_position_embeddings": 34, "initializer_range": 0.4, **changes})


def build(kind: type = ErnieMModel, seed: int = 0, **changes: Any) -> Any:
    """A model of that class without dropout, the same for the same seed."""
    torch.manual_seed(seed)
    model = kind(small_config(**changes)).eval()
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(0.05 * torch.randn_like(weight))  # biases and norms too
    return model


def batch_for(model: torch.nn.Module, labelled: bool = False) -> dict[str, torch.Tensor]:
    """Inputs of the form that the model takes, with labels where asked for."""
    choice = isinstance(model, heads.ErnieMForMultipleChoice)
    ids = torch.stack([IDS, IDS.flip(0), IDS.roll(1, dims=1)], dim=1) if choice else IDS
    return {"input_ids": ids, **(LABELS[type(model).__name__] if labelled else {})}


def answer(output: Any) -> torch.Tensor:
    """What a model says, in one tensor: logits, or states."""
    names = [name for name in ("logits", "start_logits", "end_logits", "last_hidden_state") if name in output]
    return torch.cat([output[name].flatten() for name in names])


def words(model: Any, ids: torch.Tensor = IDS) -> torch.Tensor:
    """The word vectors of ids."""
    return model.get_input_embeddings()(ids)
