"""Any ERNIE-M checkpoint, PaddleNLP's among them, as a checked safetensors folder in Hugging Face's form."""

import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from os import PathLike
from pathlib import Path

import torch

from erniem_lab import heads
from erniem_lab.checkpoint import BASE_PARTS, Checkpoint, load_weights, open_checkpoint, save_checkpoint
from erniem_lab.config import ErnieMConfig
from erniem_lab.errors import FileFaultError, InputValueError
from erniem_lab.files.atomic import write_atomically
from erniem_lab.files.config_file import CONFIG_FILES, config_path
from erniem_lab.files.manifest import describe_files
from erniem_lab.files.weights_files import find_weights, weights_files
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
CARD = "README.md"


def convert(source: str | PathLike[str], out: str | PathLike[str], *, revision: str | None = None) -> Checkpoint:
    """Write `source` to the new folder `out` as safetensors, config.json, tokenizer files, a card and a manifest.

    The weights keep their number format. Tokenizer files may bear a model's name, as PaddleNLP's downloads do
    (`ernie_m.vocab.txt`). The card, README.md, names the source and the SHA-256 of each of its files; the manifest
    leaves the card out, so that it can be edited. What comes back was read from the folder again.

    Raises:
        InputValueError: `out` has files in it.
        FileFaultError: `source` cannot be read, does not hold the class that its config names, or has several
            files of which each could be meant.

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
    patterns = (*CONFIG_FILES, *(f"*{name}" for name in TOKENIZER_FILES))
    folder = local_folder(source, patterns, revision=opened.revision or revision)
    tokenizer = dict(_tokenizer_files(folder))
    config = {**model.config.to_dict(), "architectures": [type(model).__name__]}
    with tempfile.TemporaryDirectory() as named:
        copies = [Path(shutil.copyfile(path, Path(named, name))) for name, path in tokenizer.items()]
        save_checkpoint(target, config, model.state_dict(), extra_files=copies)
    card = _card(source, opened, model, [*_source_files(source, opened), *tokenizer.values()])
    write_atomically(target / CARD, lambda file: file.write(card.encode()))
    return open_checkpoint(target)


def _tokenizer_files(folder: Path) -> Iterator[tuple[str, Path]]:
    """Each tokenizer file that a folder has, under its plain name and under its own."""
    for name in TOKENIZER_FILES:
        bearing = (path for path in folder.glob(f"*{name}") if path.name.endswith((f".{name}", f"-{name}")))
        found = [folder / name] if (folder / name).is_file() else sorted(bearing)
        if len(found) > 1:
            names = ", ".join(path.name for path in found)
            raise FileFaultError(f"{folder}: no {name}, and {names} could each be meant; keep one of them")
        yield from ((name, path) for path in found)


def _source_files(source: str | PathLike[str], opened: Checkpoint) -> list[Path]:
    """The config and the weights that were read."""
    weights = Path(source) if os.path.isfile(source) else find_weights(opened.path)
    return [config_path(opened.path), *([] if weights is None else weights_files(weights))]


def _card(source: str | PathLike[str], opened: Checkpoint, model: ErnieMPreTrainedModel, files: Sequence[Path]) -> str:
    """The page that says what a converted checkpoint is, and out of which bytes it was made."""
    kind, config = type(model).__name__, model.config
    count = sum(weight.numel() for weight in model.parameters())
    dtype = str(next(iter(opened.weights.values())).dtype).removeprefix("torch.")
    at = f", commit `{opened.revision}`" if opened.revision else ""
    return f"""---
library_name: erniem-lab
tags: [ernie_m]
---
# {Path(source).name}, converted

`{kind}`: {config.num_hidden_layers} layers of {config.num_attention_heads} heads, states of {config.hidden_size}
numbers, {config.vocab_size} tokens; {count} weights in {dtype}.

Source: `{source}`{at}. `erniem-lab convert` gave its weights Hugging Face's names and layout, and changed no number.

```json
{describe_files({path.name: path for path in files})}
```

```python
from erniem_lab import {kind}

model = {kind}.from_pretrained("this folder")
```
"""


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
