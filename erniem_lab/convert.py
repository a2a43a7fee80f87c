"""Any ERNIE-M checkpoint, PaddleNLP's among them, as a checked safetensors folder in Hugging Face's form."""

from os import PathLike
from pathlib import Path

import torch

from erniem_lab import heads
from erniem_lab.checkpoint import BASE_PARTS, Checkpoint, load_weights, open_checkpoint, save_checkpoint
from erniem_lab.config import CONFIG_FILES, ErnieMConfig
from erniem_lab.errors import FileFaultError, InputValueError
from erniem_lab.hub import local_folder
from erniem_lab.model import ErnieMModel
from erniem_lab.pretrained import ErnieMPreTrainedModel

CLASSES: dict[str, type[ErnieMPreTrainedModel]] = {
    kind.__name__: kind
    for kind in (
        ErnieMModel,
        heads.ErnieMForSequenceClassification,
        heads.ErnieMForMultipleChoice,
        heads.ErnieMForTokenClassification,
        heads.ErnieMForQuestionAnswering,
        heads.ErnieMForInformationExtraction,
        heads.ErnieMForMaskedLM,
    )
}

TOKENIZER_FILES = (
    "sentencepiece.bpe.model",
    "vocab.txt",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
)


def convert(source: str | PathLike[str], out: str | PathLike[str], *, revision: str | None = None) -> Checkpoint:
    """Write ``source`` to the new folder ``out`` as safetensors, config.json, tokenizer files and a manifest.

    The weights keep their number format. What comes back was read from the folder again.

    Raises:
        InputValueError: ``out`` has files in it.
        FileFaultError: ``source`` cannot be read, or does not hold the class that its config names.

    >>> import tempfile
    >>> model = ErnieMModel(ErnieMConfig(8, 4, 1, 1, 16, max_position_embeddings=6))
    >>> model.save_pretrained(source := tempfile.mkdtemp())
    >>> convert(source, tempfile.mkdtemp()).config["architectures"]
    ['ErnieMModel']
    """
    target = Path(out)
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise InputValueError(f"out={target}: exists and is not an empty folder; give a new one")
    opened = open_checkpoint(source, revision=revision)
    model = _filled(opened)
    tokenizer = local_folder(source, (*CONFIG_FILES, *TOKENIZER_FILES), revision=opened.revision or revision)
    copies = [tokenizer / name for name in TOKENIZER_FILES if (tokenizer / name).is_file()]
    config = {**model.config.to_dict(), "architectures": [type(model).__name__]}
    save_checkpoint(target, config, model.state_dict(), extra_files=copies)
    return open_checkpoint(target)


def _filled(opened: Checkpoint) -> ErnieMPreTrainedModel:
    """The model that a checkpoint's config names, with its weights: the strictest check that there is."""
    config = ErnieMConfig.from_dict(opened.config)
    name = (config.architectures or [_only_possible(opened)])[0]
    if name not in CLASSES:
        raise FileFaultError(f"{opened.path}: config.json names the class {name!r}; known are {', '.join(CLASSES)}")
    with torch.device("meta"):
        model = CLASSES[name](config).to(next(iter(opened.weights.values())).dtype)
    load_weights(model, opened)
    empty = [name for name, weight in model.named_parameters() if weight.is_meta]
    if empty:
        raise FileFaultError(f"{opened.path}: config.json names the class {name!r}, whose {', '.join(empty)} it lacks")
    return model


def _only_possible(opened: Checkpoint) -> str:
    """The class of a checkpoint that names none: the encoder, if nothing but an encoder's weights are in it."""
    heads_own = [name for name in opened.weights if not name.removeprefix("ernie_m.").startswith(BASE_PARTS)]
    if heads_own:
        raise FileFaultError(
            f"{opened.path}: config.json names no class (architectures), and {', '.join(heads_own)} belong to a head; "
            f"add one of {', '.join(CLASSES)}"
        )
    return ErnieMModel.__name__
