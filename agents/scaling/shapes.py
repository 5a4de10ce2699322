"""The shape of a language model, and what follows from it: weights, operations, bytes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

FAMILIES = ("gemma", "llama", "mistral", "qwen2", "qwen3")
BF16, FP32 = 2, 4


@dataclass(frozen=True, slots=True)
class ModelShape:
    """A decoder of the shape of Llama, Mistral, Qwen2, Qwen3 or Gemma.

    Attributes:
        name: for people.
        family: transformers' ``model_type``.
        layers: how many.
        hidden: width of the residual stream.
        mlp: width between the gate and the down projection.
        heads: of queries.
        kv_heads: of keys and values.
        head_dim: numbers in each head.
        vocabulary: rows of the embedding.
        tied: the head's matrix is the embedding.
        qkv_bias: projections to queries, keys and values have biases.
        other_biases: numbers in the other biases of a layer.
        positions: the longest sequence that it was made for; None if that is not told.
    """

    name: str
    family: str
    layers: int
    hidden: int
    mlp: int
    heads: int
    kv_heads: int
    head_dim: int
    vocabulary: int
    tied: bool
    qkv_bias: bool = False
    other_biases: int = 0
    positions: int | None = None

    @property
    def queries(self) -> int:
        """Width of all queries of a token."""
        return self.heads * self.head_dim

    @property
    def keys(self) -> int:
        """Width of all keys of a token, which is that of its values."""
        return self.kv_heads * self.head_dim

    @property
    def has_head_norms(self) -> bool:
        """Whether queries and keys are normalised head by head."""
        return self.family == "qwen3"

    @property
    def layer_matrices(self) -> int:
        """Weights of a layer that tokens are multiplied by."""
        return 2 * self.hidden * (self.queries + self.keys) + 3 * self.hidden * self.mlp

    @property
    def layer_vectors(self) -> int:
        """Norms and biases of a layer."""
        biases = (self.queries + 2 * self.keys if self.qkv_bias else 0) + self.other_biases
        return 2 * self.hidden + (2 * self.head_dim if self.has_head_norms else 0) + biases

    @property
    def body(self) -> int:
        """Weights that each token is multiplied by, but for the head."""
        return self.layers * self.layer_matrices

    @property
    def head(self) -> int:
        """Weights of the head, which are those of the embedding where the two are tied."""
        return self.vocabulary * self.hidden

    @property
    def root(self) -> int:
        """Weights outside of the layers: embedding, head, last norm."""
        return self.head * (1 if self.tied else 2) + self.hidden

    @property
    def layer(self) -> int:
        """All weights of a layer."""
        return self.layer_matrices + self.layer_vectors

    @property
    def parameters(self) -> int:
        """All weights; tied ones count once."""
        return self.layers * self.layer + self.root

    def forward_operations(self, tokens: float, pairs: float, scored: float) -> tuple[float, float]:
        """Operations of a forward pass: of products with matrices, and of attention.

        The same count as ``mfu`` of a run (`runs/throughput.py`): 2 for each token and weight, 4 for each layer, pair
        of a token and one that it sees, and number that its heads of queries hold.

        Args:
            tokens: whose hidden states are computed.
            pairs: a token and one that it sees, itself included.
            scored: tokens whose log-probs are computed.
        """
        return 2.0 * (self.body * tokens + self.head * scored), 4.0 * self.layers * self.queries * pairs

    @property
    def cache_per_token(self) -> int:
        """Bytes of the KV cache for each token, in half precision."""
        return 2 * self.layers * self.keys * BF16


def causal_pairs(length: float) -> float:
    """Pairs of a token and one that it sees, in a sequence."""
    return length * (length + 1) / 2


def shape_of(config: Mapping[str, Any], name: str) -> ModelShape:
    """The shape that a transformers configuration tells.

    Args:
        config: what its ``config.json`` holds.
        name: for people.

    Raises:
        ValueError: a key is missing, or the model is of a make that is not known here.
    """
    text: Mapping[str, Any] = config.get("text_config") or config
    family = text.get("model_type")
    if any((text.get(key) or 1) > 1 for key in ("num_experts", "num_local_experts", "n_routed_experts")):
        raise ValueError(f"{name}: mixtures of experts are not planned for")
    if family not in FAMILIES:
        raise ValueError(f"{name}: model_type {family!r} is not planned for, only {', '.join(FAMILIES)} are")
    if text.get("use_sliding_window", family == "mistral") and text.get("sliding_window"):
        raise ValueError(f"{name}: attention to windows is not planned for")

    def need(key: str) -> int:
        value = text.get(key)
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise ValueError(f"{name}: its configuration needs {key} as a whole number, and has {value!r}")
        return value

    hidden, heads = need("hidden_size"), need("num_attention_heads")
    default = {"qwen3": 128, "gemma": 256}.get(family, hidden // heads)
    biased, mlp = bool(text.get("attention_bias")), need("intermediate_size")
    width = (text.get("head_dim") or default) * heads
    others = hidden if biased and family != "qwen2" else 0
    others += 2 * mlp + hidden if text.get("mlp_bias") and family == "llama" else 0
    return ModelShape(
        name=name,
        family=family,
        layers=need("num_hidden_layers"),
        hidden=hidden,
        mlp=mlp,
        heads=heads,
        kv_heads=text.get("num_key_value_heads") or heads,
        head_dim=width // heads,
        vocabulary=need("vocab_size"),
        tied=bool(text.get("tie_word_embeddings", config.get("tie_word_embeddings", family == "gemma"))),
        qkv_bias=family == "qwen2" or (biased and family in ("llama", "qwen3", "gemma")),
        other_biases=others if family != "mistral" else 0,
        positions=text.get("max_position_embeddings"),
    )
