"""What the encoder and every head share: loading, saving, initial weights, resizing, pruning."""

import copy
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from os import PathLike
from typing import Any, ClassVar, TypeVar

import torch
from torch import nn

from erniem_lab.checkpoint import load_weights, open_checkpoint, save_checkpoint
from erniem_lab.config import ErnieMConfig
from erniem_lab.errors import InputTypeError, InputValueError

Model = TypeVar("Model", bound="ErnieMPreTrainedModel")


class ErnieMPreTrainedModel(nn.Module):
    """A model that can be loaded, saved, resized and pruned; the encoder lies under `base_model_prefix`."""

    config_class = ErnieMConfig
    base_model_prefix: ClassVar[str] = "ernie_m"
    main_input_name: ClassVar[str] = "input_ids"
    supports_gradient_checkpointing: ClassVar[bool] = True

    def __init__(self, config: ErnieMConfig) -> None:
        super().__init__()
        self.config = copy.deepcopy(config)  # resizing and pruning change it, and the caller's may serve others

    @property
    def base(self) -> Any:
        """The encoder: the model itself, or what a head stands on."""
        return getattr(self, self.base_model_prefix, self)

    @property
    def device(self) -> torch.device:
        """Where the weights lie."""
        return next(self.parameters()).device

    @property
    def dtype(self) -> torch.dtype:
        """The number format of the weights."""
        return next(self.parameters()).dtype

    @classmethod
    def from_pretrained(
        cls: type[Model],
        source: str | PathLike[str],
        *,
        revision: str | None = None,
        dtype: torch.dtype | None = None,
        device: torch.device | str | None = None,
        strict: bool = True,
        **config_overrides: Any,
    ) -> Model:
        """The model with a checkpoint's weights, ready to use (dropout off).

        Args:
            source: a folder, a weights file beside its config.json, or a hub id.
            revision: branch, tag or commit of a hub id.
            dtype: number format of the weights; float32 if not given.
            strict: whether any tensor that is missing, unexpected or of another shape is an error. A head that
                the file lacks is not: it is initialised and named in one warning.

        Raises:
            FileFaultError: a file is missing, damaged or unsafe, or does not hold this model.
            InputValueError: a config value that no model can have.
        """
        if "torch_dtype" in config_overrides:
            raise InputTypeError("torch_dtype is not an argument here: write dtype=")
        opened = open_checkpoint(source, revision=revision)
        config = ErnieMConfig.from_dict({**opened.config, **config_overrides})
        with torch.device("meta"):  # no numbers are drawn that the file would overwrite
            model = cls(config)
        load_weights(model, opened, base_prefix=cls.base_model_prefix, strict=strict)
        model._draw_missing()
        return model.to(device=device, dtype=dtype or torch.float32).eval()

    def save_pretrained(self, folder: str | PathLike[str]) -> None:
        """Write config.json, the weights as safetensors and a manifest of their hashes; all of them or nothing."""
        values = {**self.config.to_dict(), "architectures": [type(self).__name__]}
        save_checkpoint(folder, values, self.state_dict())

    def get_input_embeddings(self) -> nn.Embedding:
        """The table of word vectors."""
        return self.base.embeddings.word_embeddings

    def set_input_embeddings(self, table: nn.Embedding) -> None:
        """Put another table of word vectors in place."""
        self.base.embeddings.word_embeddings = table
        self.config.vocab_size = table.num_embeddings

    def get_output_embeddings(self) -> nn.Linear | None:
        """None: no model here owns an output table; the masked-LM head reads the word vectors."""
        return None

    def resize_token_embeddings(self, size: int) -> nn.Embedding:
        """Give the vocabulary another size: known rows are kept, new ones are drawn at random.

        Raises:
            InputValueError: the padding id would fall outside.
        """
        old = self.get_input_embeddings()
        config = copy.copy(self.config)
        config.vocab_size = size
        config.check()
        table = nn.Embedding(size, old.embedding_dim, old.padding_idx, device=self.device, dtype=self.dtype)
        nn.init.normal_(table.weight, std=config.initializer_range)
        kept = min(size, old.num_embeddings)
        with torch.no_grad():
            table.weight[:kept] = old.weight[:kept]
        self.set_input_embeddings(table)
        return table

    def prune_heads(self, heads: Mapping[int, Sequence[int]]) -> None:
        """Cut attention heads out for good: layer number (from 0) to head numbers.

        Raises:
            InputValueError: no such layer or head, or a layer would be left without any.
        """
        for layer, chosen in heads.items():
            gone = {*self.config.pruned_heads.get(layer, ()), *chosen}
            fits = 0 <= layer < len(self.base.encoder.layers) and gone <= set(range(self.config.num_attention_heads))
            if not fits or len(gone) == self.config.num_attention_heads:
                raise InputValueError(
                    f"heads={dict(heads)}: layers are 0 to {len(self.base.encoder.layers) - 1}, heads 0 to "
                    f"{self.config.num_attention_heads - 1}, and one of each layer must stay"
                )
        for layer, chosen in heads.items():
            attention = self.base.encoder.layers[layer].self_attn
            attention.prune_heads(sorted(set(chosen) - attention.pruned_heads))
            self.config.pruned_heads[layer] = sorted(attention.pruned_heads)

    def gradient_checkpointing_enable(self) -> None:
        """Keep only layer borders while training and compute the rest again: less memory, more time."""
        self.base.encoder.gradient_checkpointing = True

    def gradient_checkpointing_disable(self) -> None:
        """Keep all states while training."""
        self.base.encoder.gradient_checkpointing = False

    def init_weights(self) -> None:
        """Draw initial weights for all modules but an encoder that has drawn its own."""
        for child in self.children():
            if not isinstance(child, ErnieMPreTrainedModel):
                for module in child.modules():
                    self._draw(module, [name for name, _ in module.named_parameters(recurse=False)])

    def _draw_missing(self) -> None:
        """Draw what a checkpoint did not fill."""
        for module in self.modules():
            missing = [name for name, weight in module.named_parameters(recurse=False) if weight.is_meta]
            for name in missing:
                setattr(module, name, nn.Parameter(torch.empty_like(getattr(module, name), device="cpu")))
            self._draw(module, missing)

    def _draw(self, module: nn.Module, names: Iterable[str]) -> None:
        for name in names:
            weight = getattr(module, name)
            if name == "bias":
                nn.init.zeros_(weight)
            elif isinstance(module, nn.LayerNorm):
                nn.init.ones_(weight)
            else:
                nn.init.normal_(weight, std=self.config.initializer_range)
                if isinstance(module, nn.Embedding) and module.padding_idx is not None:
                    nn.init.zeros_(weight[module.padding_idx])


def digest(*parts: nn.Module) -> str:
    """The SHA-256 of all weights, part by part, as hexadecimal digits.

    >>> digest(nn.Linear(2, 1)) == digest(nn.Linear(2, 1))
    False
    """
    weights = hashlib.sha256()
    for part in parts:
        for weight in part.state_dict().values():
            weights.update(weight.cpu().contiguous().view(torch.uint8).numpy())
    return weights.hexdigest()
