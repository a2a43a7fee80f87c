"""The encoder, from ids to states: embeddings, attention, layer, stack, pooler.

Names of classes and parameters are Hugging Face's, so that checkpoints and code carry over. The arithmetic is that
of transformers 4.40.2's ErnieM, which follows PaddleNLP's TransformerEncoderLayer (normalisation after the residual).
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from jaxtyping import Bool, Float, Int, Shaped
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

from erniem_lab.config import ErnieMConfig
from erniem_lab.errors import InputValueError
from erniem_lab.masks import ReadingMask, check_ids, reading_mask
from erniem_lab.outputs import EncoderOutput
from erniem_lab.packing import Packing
from erniem_lab.pretrained import ErnieMPreTrainedModel

SHORT = 128  # keys; up to here the fused kernel's way back costs more on a CPU than the weights it does not hold
POSITION_OFFSET = 2  # rows 0 and 1 of the table are never read, as in the released weights (XLM-R's habit)

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "gelu": F.gelu,
    "gelu_new": lambda x: F.gelu(x, approximate="tanh"),
    "relu": F.relu,
    "silu": F.silu,
    "tanh": torch.tanh,
}

# For each layer keys and values, `[batch, head, prefix, dim]`; a pruned layer has fewer heads than others.
Prefix = Sequence[tuple[Float[Tensor, "batch _ prefix dim"], Float[Tensor, "batch _ prefix dim"]]]


class ErnieMEmbeddings(nn.Module):
    """Word and position vectors, added, normalised and dropped out."""

    def __init__(self, config: ErnieMConfig) -> None:
        super().__init__()
        self.word_embeddings = nn.Embedding(config.vocab_size, config.hidden_size, padding_idx=config.pad_token_id)
        self.position_embeddings = nn.Embedding(config.max_position_embeddings, config.hidden_size)
        self.layer_norm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.dropout = nn.Dropout(config.hidden_dropout_prob)

    def forward(
        self, words: Float[Tensor, "batch seq hidden"], position_ids: Int[Tensor, "#batch seq"]
    ) -> Float[Tensor, "batch seq hidden"]:
        """Layer 0 of the encoder."""
        positions = self.position_embeddings(position_ids + POSITION_OFFSET)
        return self.dropout(self.layer_norm(words + positions))


class ErnieMSelfAttention(nn.Module):
    """Every head's mixture of values, weighted by how well queries and keys agree."""

    def __init__(self, config: ErnieMConfig) -> None:
        super().__init__()
        self.head_size = config.hidden_size // config.num_attention_heads
        self.q_proj = nn.Linear(config.hidden_size, config.hidden_size)
        self.k_proj = nn.Linear(config.hidden_size, config.hidden_size)
        self.v_proj = nn.Linear(config.hidden_size, config.hidden_size)
        self.dropout_rate = config.attention_probs_dropout_prob
        self.position_type = config.position_embedding_type
        self.max_distance = config.max_position_embeddings - 1
        if self.position_type != "absolute":
            self.distance_embedding = nn.Embedding(2 * self.max_distance + 1, self.head_size)

    def forward(
        self,
        hidden: Float[Tensor, "batch query hidden"],
        mask: ReadingMask | Packing,
        head_mask: Float[Tensor, "1 head 1 1"] | None,
        prefix: tuple[Tensor, Tensor] | None,
        explain: bool,
    ) -> tuple[Float[Tensor, "batch query inner"], Float[Tensor, "batch head query key"] | None]:
        """Mixed values, and the weights themselves where `explain` asks for them."""
        parts = self.project(hidden)
        if isinstance(mask, Packing):
            runs = ([self._split(run.of(part)) for part in parts] for run in mask.runs())
            mixed = (self._mix(query, key, value, None, head_mask)[0] for query, key, value in runs)
            return torch.cat([texts.flatten(0, 1) for texts in mixed])[None], None
        query, key, value = map(self._split, parts)
        if prefix is not None:
            key, value = (torch.cat([old.to(new), new], dim=2) for old, new in zip(prefix, (key, value), strict=True))
        return self._mix(query, key, value, mask, head_mask, explain)

    def project(self, hidden: Float[Tensor, "batch seq hidden"]) -> tuple[Tensor, Tensor, Tensor]:
        """Queries, keys and values, all heads side by side."""
        return self.q_proj(hidden), self.k_proj(hidden), self.v_proj(hidden)

    def _mix(
        self,
        query: Float[Tensor, "batch head query dim"],
        key: Float[Tensor, "batch head key dim"],
        value: Float[Tensor, "batch head key dim"],
        mask: ReadingMask | None,
        head_mask: Float[Tensor, "1 head 1 1"] | None,
        explain: bool = False,
    ) -> tuple[Float[Tensor, "batch query inner"], Float[Tensor, "batch head query key"] | None]:
        dropout = self.dropout_rate if self.training else 0.0
        plain = (mask is None or mask.dtype == torch.bool) and head_mask is None and self.position_type == "absolute"
        slow = self.training and query.device.type == "cpu" and key.shape[2] <= SHORT
        if explain or slow or not plain:
            weights = F.dropout(self._weights(query, key, mask), dropout)
            weights = weights if head_mask is None else weights * head_mask
            return (weights @ value).transpose(1, 2).flatten(2), weights if explain else None
        return _fused(query, key, value, mask, dropout).transpose(1, 2).flatten(2), None

    def _split(self, states: Float[Tensor, "batch seq inner"]) -> Float[Tensor, "batch head seq dim"]:
        return states.view(*states.shape[:2], -1, self.head_size).transpose(1, 2)

    def _weights(
        self,
        query: Float[Tensor, "batch head query dim"],
        key: Float[Tensor, "batch head key dim"],
        mask: ReadingMask | None,
    ) -> Float[Tensor, "batch head query key"]:
        scores = query @ key.transpose(-1, -2)
        if self.position_type != "absolute":
            scores = scores + self._distance_scores(query, key)
        scores = scores / self.head_size**0.5
        if mask is None:
            return scores.softmax(dim=-1)
        if mask.dtype != torch.bool:
            wide = torch.promote_types(scores.dtype, torch.float32)  # a floor of half precision could overflow
            return (scores.to(wide) + mask).softmax(dim=-1).to(query.dtype)
        # A finite floor, not -inf: a query that may read nothing then reads all keys equally, as in the peer.
        return scores.masked_fill(~mask, torch.finfo(scores.dtype).min).softmax(dim=-1)

    def _distance_scores(
        self, query: Float[Tensor, "batch head query dim"], key: Float[Tensor, "batch head key dim"]
    ) -> Float[Tensor, "batch head query key"]:
        places = torch.arange(key.shape[2], device=key.device)
        distance = places[key.shape[2] - query.shape[2] :, None] - places[None, :]
        vectors = self.distance_embedding(distance + self.max_distance).to(query.dtype)
        scores = torch.einsum("bhqd,qkd->bhqk", query, vectors)
        if self.position_type == "relative_key_query":
            scores = scores + torch.einsum("bhkd,qkd->bhqk", key, vectors)
        return scores


def _fused(
    query: Float[Tensor, "batch head query dim"],
    key: Float[Tensor, "batch head key dim"],
    value: Float[Tensor, "batch head key dim"],
    mask: Bool[Tensor, "#batch #head #query key"] | None,
    dropout: float,
) -> Float[Tensor, "batch head query dim"]:
    """Mixed values without ever holding the weights."""
    if mask is None:
        return F.scaled_dot_product_attention(query, key, value, dropout_p=dropout)
    closed = ~mask.any(dim=-1, keepdim=True)  # such a query reads all keys equally, see `_weights`; kernels differ
    mixed = F.scaled_dot_product_attention(query, key, value, attn_mask=mask | closed, dropout_p=dropout)
    return torch.where(closed, value.mean(dim=2, keepdim=True), mixed)


class ErnieMAttention(nn.Module):
    """Self-attention and the projection that joins its heads."""

    def __init__(self, config: ErnieMConfig) -> None:
        super().__init__()
        self.self_attn = ErnieMSelfAttention(config)
        self.out_proj = nn.Linear(config.hidden_size, config.hidden_size)
        self.pruned_heads: set[int] = set()

    def prune_heads(self, heads: Sequence[int]) -> None:
        """Cut heads out for good, by their number in the unpruned model."""
        size = self.self_attn.head_size
        total = self.self_attn.q_proj.out_features // size + len(self.pruned_heads)
        kept_before = [head for head in range(total) if head not in self.pruned_heads]
        kept = [place for place, head in enumerate(kept_before) if head not in heads]
        rows = torch.cat([torch.arange(place * size, (place + 1) * size) for place in kept])
        for projection in (self.self_attn.q_proj, self.self_attn.k_proj, self.self_attn.v_proj):
            _keep(projection, rows, dim=0)
        _keep(self.out_proj, rows, dim=1)
        self.pruned_heads |= set(heads)

    def forward(self, hidden: Tensor, *how: Any) -> tuple[Tensor, Tensor | None]:
        """The attention's answer before dropout and residual, and its weights where asked for."""
        mixed, weights = self.self_attn(hidden, *how)
        return self.out_proj(mixed), weights


def _keep(linear: nn.Linear, places: Int[Tensor, " kept"], dim: int) -> None:
    places = places.to(linear.weight.device)
    linear.weight = nn.Parameter(linear.weight.detach().index_select(dim, places), linear.weight.requires_grad)
    if dim == 0:
        linear.bias = nn.Parameter(linear.bias.detach()[places], linear.bias.requires_grad)
    linear.out_features, linear.in_features = linear.weight.shape


class ErnieMEncoderLayer(nn.Module):
    """Attention, then two linear maps around an activation; each added to its input and normalised."""

    def __init__(self, config: ErnieMConfig) -> None:
        super().__init__()
        self.self_attn = ErnieMAttention(config)
        self.linear1 = nn.Linear(config.hidden_size, config.intermediate_size)
        self.linear2 = nn.Linear(config.intermediate_size, config.hidden_size)
        self.norm1 = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.norm2 = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.dropout1 = nn.Dropout(config.hidden_dropout_prob)
        self.dropout2 = nn.Dropout(config.hidden_dropout_prob)
        inner = config.hidden_dropout_prob if config.act_dropout is None else config.act_dropout
        self.dropout = nn.Dropout(inner)
        self.activation = _activation(config.hidden_act)

    def forward(
        self, hidden: Float[Tensor, "batch seq hidden"], *how: Any
    ) -> tuple[Float[Tensor, "batch seq hidden"], Float[Tensor, "batch head seq key"] | None]:
        """The next layer's states, and this layer's attention where asked for."""
        attended, weights = self.self_attn(hidden, *how)
        hidden = self.norm1(hidden + self.dropout1(attended))
        inner = self.dropout(self.activation(self.linear1(hidden)))
        return self.norm2(hidden + self.dropout2(self.linear2(inner))), weights


def _activation(name: str | Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    if isinstance(name, str) and name not in ACTIVATIONS:
        raise InputValueError(f"config field hidden_act={name!r}: give a function, or one of {', '.join(ACTIVATIONS)}")
    return ACTIVATIONS[name] if isinstance(name, str) else name


class ErnieMEncoder(nn.Module):
    """The stack of layers."""

    def __init__(self, config: ErnieMConfig) -> None:
        super().__init__()
        self.layers = nn.ModuleList(ErnieMEncoderLayer(config) for _ in range(config.num_hidden_layers))
        self.gradient_checkpointing = False

    def forward(
        self,
        hidden: Float[Tensor, "batch seq hidden"],
        mask: ReadingMask | Packing,
        head_mask: Sequence[Tensor] | None,
        prefix: Prefix | None,
        explain: bool,
        listed: bool,
    ) -> tuple[Tensor, list[Tensor], list[Tensor]]:
        """The last states; where asked for, those of every layer, layer 0 first, and every layer's attention."""
        states, maps = [hidden] if listed else [], []
        for i, layer in enumerate(self.layers):
            how = (mask, None if head_mask is None else head_mask[i], None if prefix is None else prefix[i], explain)
            if self.gradient_checkpointing and self.training:
                hidden, weights = checkpoint(layer, hidden, *how, use_reentrant=False)
            else:
                hidden, weights = layer(hidden, *how)
            states += [hidden] if listed else []
            maps += [] if weights is None else [weights]
        return hidden, states, maps


class ErnieMPooler(nn.Module):
    """One vector for the text: its first token's state, through a linear map and tanh."""

    def __init__(self, config: ErnieMConfig) -> None:
        super().__init__()
        self.dense = nn.Linear(config.hidden_size, config.hidden_size)

    def forward(self, hidden: Float[Tensor, "batch seq hidden"]) -> Float[Tensor, "batch hidden"]:
        """The pooled first token."""
        return torch.tanh(self.dense(hidden[:, 0]))


class ErnieMModel(ErnieMPreTrainedModel):
    """The encoder: a state for every token at every layer, and one vector for the text.

    >>> tiny = ErnieMConfig(vocab_size=20, hidden_size=8, num_attention_heads=2, num_hidden_layers=2)
    >>> output = ErnieMModel(tiny).eval()(torch.tensor([[0, 5, 6, 2]]), output_hidden_states=True)
    >>> list(output.last_hidden_state.shape), len(output.hidden_states)
    ([1, 4, 8], 3)
    """

    def __init__(self, config: ErnieMConfig, add_pooling_layer: bool = True) -> None:
        super().__init__(config)
        self.embeddings = ErnieMEmbeddings(config)
        self.encoder = ErnieMEncoder(config)
        self.pooler = ErnieMPooler(config) if add_pooling_layer else None
        self.init_weights()
        pruned, self.config.pruned_heads = self.config.pruned_heads, {}
        self.prune_heads(pruned)

    def forward(
        self,
        input_ids: Int[Tensor, "batch seq"] | None = None,
        position_ids: Shaped[Tensor, "#batch seq"] | None = None,
        attention_mask: Shaped[Tensor, "..."] | Packing | None = None,
        head_mask: Float[Tensor, "..."] | None = None,
        inputs_embeds: Float[Tensor, "batch seq hidden"] | None = None,
        past_key_values: Prefix | None = None,
        use_cache: bool | None = None,
        output_hidden_states: bool | None = None,
        output_attentions: bool | None = None,
        return_dict: bool | None = None,
    ) -> EncoderOutput | tuple[Any, ...]:
        """Encode a batch. Nothing that is passed in is changed.

        Args:
            input_ids: entries of the vocabulary; or give `inputs_embeds`, the word vectors themselves.
            position_ids: where each token stands, from 0; by default its column, padding counted.
            attention_mask: see `erniem_lab.masks.reading_mask`; by default all but padding is read. With a `Packing`
                the batch is one row of several texts without padding, and no text is pooled.
            head_mask: `[head]` or `[layer, head]`, multiplied into the attention weights (0 silences a head).
            past_key_values: for each layer, keys and values that stand before the sequence. `use_cache` is
                accepted and does nothing: an encoder keeps no cache.

        Returns:
            Fields, or a tuple `(last, pooled or None[, hidden_states][, attentions])` with `return_dict=False`.
        """
        words, ids = self._words(input_ids, inputs_embeds)
        prefix = 0 if past_key_values is None else _prefix_length(past_key_values, len(words), self.config)
        everything = words.new_ones(words.shape[:2], dtype=torch.bool)
        not_padding = everything if ids is None else ids != self.config.pad_token_id
        heads = 1 if self.config.pruned_heads else self.config.num_attention_heads  # pruned, layers have their own
        explain = self.config.output_attentions if output_attentions is None else output_attentions
        packing = attention_mask if isinstance(attention_mask, Packing) else None
        if isinstance(attention_mask, Packing):
            attention_mask.check(tuple(words.shape[:2]), position_ids, plain=not explain and past_key_values is None)
            mask: ReadingMask | Packing = attention_mask
        else:
            mask = reading_mask(attention_mask, not_padding, prefix, heads)
        hidden = self.embeddings(words, self._positions(position_ids, words, prefix, packing))
        listed = self.config.output_hidden_states if output_hidden_states is None else output_hidden_states
        how = (mask, self._head_mask(head_mask, hidden), past_key_values, explain, bool(listed))
        last, states, maps = self.encoder(hidden, *how)
        pooled = None if self.pooler is None or packing is not None else self.pooler(last)
        as_dict = self.config.use_return_dict if return_dict is None else return_dict
        extras = (tuple(states) if listed else None, tuple(maps) if explain else None)
        if as_dict:
            return EncoderOutput(last, pooled, *extras)
        return (last, pooled, *(extra for extra in extras if extra is not None))

    def _words(self, ids: Tensor | None, embeds: Tensor | None) -> tuple[Tensor, Tensor | None]:
        if ids is not None and embeds is None:
            _demand_form("input_ids", ids, ids.ndim == 2 and not ids.is_floating_point(), "whole numbers [batch, seq]")
            check_ids(ids, self.config.vocab_size, "input_ids", "vocab_size")
            return self.embeddings.word_embeddings(ids), ids
        if embeds is not None and ids is None:
            fits = embeds.ndim == 3 and embeds.shape[2] == self.config.hidden_size
            _demand_form("inputs_embeds", embeds, fits, f"[batch, seq, {self.config.hidden_size}]")
            return embeds, None
        said = "neither" if ids is None else "both"
        raise InputValueError(f"{said} of input_ids and inputs_embeds given: give one of them")

    def _positions(
        self, given: Tensor | None, words: Tensor, prefix: int, packing: Packing | None
    ) -> Int[Tensor, "#batch seq"]:
        batch, seq, limit = *words.shape[:2], self.config.max_length
        relative = self.config.position_embedding_type != "absolute"
        longest = seq + prefix if packing is None else max(packing.lengths)
        if longest > limit and (given is None or relative):
            raise InputValueError(f"{longest} tokens in a text: at most {limit} are accepted; truncate it")
        if given is None:
            return torch.arange(prefix, prefix + seq, device=words.device)[None]
        fits = tuple(given.shape) in ((batch, seq), (1, seq))
        _demand_form("position_ids", given, fits, f"[{batch}, {seq}] or [1, {seq}], as the input")
        if given.is_floating_point() or given.dtype == torch.bool or _looks_like_mask(given):
            raise InputValueError(
                "position_ids looks like a mask; the second argument of the encoder is position_ids: "
                "pass attention_mask by name"
            )
        check_ids(given, limit, "position_ids", "the longest text")
        return given

    def _head_mask(self, given: Tensor | None, hidden: Tensor) -> list[Float[Tensor, "1 head 1 1"]] | None:
        if given is None:
            return None
        layers, heads = self.config.num_hidden_layers, self.config.num_attention_heads
        if tuple(given.shape) not in ((heads,), (layers, heads)):
            raise InputValueError(f"head_mask has shape {list(given.shape)}: give [{heads}] or [{layers}, {heads}]")
        gone = self.config.pruned_heads
        kept = [[head for head in range(heads) if head not in gone.get(i, ())] for i in range(layers)]
        rows = given.to(hidden).expand(layers, heads)
        return [row[keep][None, :, None, None] for row, keep in zip(rows, kept, strict=True)]


def _looks_like_mask(given: Int[Tensor, "batch seq"]) -> bool:
    """Only zeros and ones, each row beginning with two ones: no order of a sentence, but every mask's form."""
    if torch.compiler.is_compiling() or given.shape[1] < 3:
        return False
    return bool((given[:, :2] == 1).all() and ((given == 0) | (given == 1)).all())


def _demand_form(name: str, given: Tensor, fits: bool, accepted: str) -> None:
    if not fits:
        raise InputValueError(f"{name} has shape {list(given.shape)} of {given.dtype}: give {accepted}")
    if given.shape[1] == 0:
        raise InputValueError(f"{name} has shape {list(given.shape)}: a text has at least one token")


def _prefix_length(past: Prefix, batch: int, config: ErnieMConfig) -> int:
    layers, heads = config.num_hidden_layers, config.num_attention_heads
    if len(past) != layers or any(len(pair) != 2 for pair in past):
        raise InputValueError(f"past_key_values has {len(past)} entries: give keys and values for {layers} layers")
    length = past[0][0].shape[-2]
    for i, pair in enumerate(past):
        wanted = [batch, heads - len(config.pruned_heads.get(i, ())), length, config.hidden_size // heads]
        got = [list(part.shape) for part in pair]
        if got != [wanted, wanted]:
            raise InputValueError(f"past_key_values of layer {i} have shapes {got}: give {wanted} for both")
    return length
