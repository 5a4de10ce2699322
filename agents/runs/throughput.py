"""Tokens per second, and the share of a device's arithmetic that learning uses.

Model FLOPs utilization (MFU; Chowdhery et al. 2022, arXiv:2204.02311, appendix B) counts the operations that the model
asks for, not those that the machine did: neither padding nor activations that are computed anew. A forward pass takes 2
operations for each token and weight of the body, 2 for each scored token and weight of the head, and 4 for each layer,
pair of a token and one that it sees, and number that its heads hold. Gradients take twice that: 6 N a token in all, and
2 N where a model only scores. A frozen weight needs no gradient of its own: 4 N. A prompt that shares its row with
several responses counts once.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import wraps
from math import prod
from typing import Any

import torch
from torch import Tensor, nn

from ..updates.backprop import BackpropModule
from ..updates.batching import TokenBatch
from ..updates.planning import sees_all
from ..updates.share import share_of
from .stopwatch import Stopwatch

# Dense peaks in operations per second, bfloat16 with sums in float32 and float32 without TF32, by the names that
# devices tell. From NVIDIA's data sheets and white papers of each; figures "with sparsity" are halved.
_A100, _H100, _H200_NVL, _H100_PCIE = (312e12, 19.5e12), (989.4e12, 66.9e12), (835.5e12, 60e12), (756.5e12, 51.2e12)
PEAKS: dict[str, tuple[float, float]] = {
    "NVIDIA A100-SXM4-40GB": _A100,
    "NVIDIA A100-SXM4-80GB": _A100,
    "NVIDIA A100-PCIE-40GB": _A100,
    "NVIDIA A100 80GB PCIe": _A100,
    "NVIDIA H100 80GB HBM3": _H100,
    "NVIDIA H100 NVL": _H200_NVL,
    "NVIDIA H100 PCIe": _H100_PCIE,
    "NVIDIA GH200 480GB": _H100,
    "NVIDIA H200": _H100,
    "NVIDIA H200 NVL": _H200_NVL,
    "NVIDIA B200": (2250e12, 75e12),
    "NVIDIA L4": (121e12, 30.3e12),
    "NVIDIA L40S": (362e12, 91.6e12),
    "NVIDIA A10": (125e12, 31.2e12),
    "NVIDIA RTX A6000": (154.8e12, 38.7e12),
    "NVIDIA GeForce RTX 3090": (71e12, 35.6e12),
    "NVIDIA GeForce RTX 4090": (165.2e12, 82.6e12),
    "NVIDIA GeForce RTX 5090": (209.5e12, 104.8e12),
}


def find_peak(device: torch.device, *, bfloat16: bool) -> float | None:
    """The most operations per second that a device can do; None where it is not known, as of a CPU."""
    if device.type != "cuda":
        return None
    peaks = PEAKS.get(torch.cuda.get_device_name(device))
    return None if peaks is None else peaks[0 if bfloat16 else 1]


@dataclass(frozen=True, slots=True)
class Work:
    """What forward passes had to do.

    Attributes:
        tokens: whose hidden states were computed.
        pairs: a token and one that it sees, itself included.
        scored: tokens whose log-probs were computed.
    """

    tokens: Tensor | int
    pairs: Tensor | int
    scored: int


def work_of(batch: TokenBatch) -> Work:
    """What a forward pass over a batch has to do. Tensors, so that a GPU is not waited for."""
    position = batch.position_ids.flatten()  # 0 at padding, too
    first = (position[:-1] == 0) & (position[1:] == 1)
    tokens = (position > 0).sum() + first.sum()
    return Work(tokens, position.sum() + tokens, len(batch.target))


@dataclass(frozen=True, slots=True)
class Cost:
    """Operations of a model.

    Attributes:
        body: weights that each token is multiplied by.
        head: weights that each scored token is multiplied by.
        trained: those of the body that get a gradient.
        head_trained: those of the head.
        attention: numbers that heads hold, over all layers.
    """

    body: int
    head: int
    trained: int
    head_trained: int
    attention: int

    def forward(self, work: Work) -> Any:
        """Operations of scoring."""
        return 2 * self.body * work.tokens + 2 * self.head * work.scored + 4 * self.attention * work.pairs

    def backward(self, work: Work) -> Any:
        """Operations of gradients: of activations as many as forward, and those of weights."""
        return (
            self.forward(work)
            + 2 * self.trained * work.tokens
            + 2 * self.head_trained * work.scored
            + (4 * self.attention * work.pairs)
        )


def cost_of(model: Any) -> Cost | None:
    """The cost of a model; None where tokens don't meet all weights or all tokens before them, and of other makes."""
    config: Any = getattr(model, "config", None)
    text = config.get_text_config() if hasattr(config, "get_text_config") else None
    experts = ("num_experts", "num_local_experts", "n_routed_experts")
    if text is None or not sees_all(text) or any((getattr(text, name, None) or 1) > 1 for name in experts):
        return None
    heads, layers = getattr(text, "num_attention_heads", None), getattr(text, "num_hidden_layers", None)
    if not heads or not layers:
        return None
    head = model.get_output_embeddings() if hasattr(model, "get_output_embeddings") else None
    tables = {id(module.weight) for module in model.modules() if isinstance(module, nn.Embedding)}
    apart = tables | ({id(head.weight)} if head is not None else set())
    body = [weight for weight in model.parameters() if weight.dim() > 1 and id(weight) not in apart]
    scores = [head.weight] if head is not None else []
    return Cost(
        body=_size(body),
        head=_size(scores),
        trained=_size([weight for weight in body if weight.requires_grad]),
        head_trained=_size([weight for weight in scores if weight.requires_grad]),
        attention=layers * heads * (getattr(text, "head_dim", None) or text.hidden_size // heads),
    )


def _size(weights: Sequence[nn.Parameter]) -> int:
    return sum(weight.numel() for weight in weights)


class StepMeter:
    """Times of a training step by phase, and what it did in them; it watches the calls of ``backprop`` from now on.

    Args:
        backprop: what learning calls.
        traced: whether a profiler is to show the phases.
    """

    def __init__(self, backprop: BackpropModule, *, traced: bool = False) -> None:
        model, device = backprop.model, backprop.model.device
        self._watch = Stopwatch(device, traced=traced)
        with backprop.autocast():
            half = torch.is_autocast_enabled(device.type) or model.dtype == torch.bfloat16
        self._peak = find_peak(device, bfloat16=half)
        self._costs = {"old_logprob": cost_of(model)}
        if (reference := backprop.ref_model) is not None:  # the policy without its adapters has no weights of its own
            self._costs["reference_logprob"] = cost_of(reference if [*reference.parameters()] else model)
        if backprop.critic is not None:
            self._costs["value"] = cost_of(getattr(backprop.critic, "backbone", None))
        self._share = share_of(model)
        self._tokens: Tensor | int = 0
        self._operations: Tensor | float = 0.0
        self._count(backprop)
        for method, name in (
            ("set_columns", "scoring"),
            ("loss_inputs", "scoring"),
            ("values", "scoring"),
            ("accumulate", "backward"),
            ("step", "optimizer"),
        ):
            self._watch.watch(backprop, method, name)

    def phase(self, name: str) -> AbstractContextManager[None]:
        """Times a block."""
        return self._watch.phase(name)

    def lap(self, rollout_tokens: int) -> dict[str, float]:
        """What a step came to whose episodes had so many tokens: seconds by phase, tokens and their rates, MFU."""
        seconds = self._watch.lap()
        learning = max(seconds.get("learning_seconds", 0.0), 1e-9)
        rollout = max(seconds.get("rollout_seconds", 0.0), 1e-9)
        learnt = int(self._share.gather(torch.as_tensor(self._tokens, dtype=torch.float64)))
        known = self._peak is not None and None not in self._costs.values()
        # Of this process's device, which shares its rows with others.
        done = float(self._operations) / prod(self._share.parts)
        mfu = done / learning / self._peak if known and self._peak else float("nan")
        self._tokens, self._operations = 0, 0.0
        return {
            **seconds,
            "rollout_tokens": rollout_tokens,
            "rollout_tokens_per_second": rollout_tokens / rollout,
            "learnt_tokens": learnt,
            "learnt_tokens_per_second": learnt / learning,
            "mfu": mfu,
        }

    def _count(self, backprop: BackpropModule) -> None:
        """Counts the batches that are learnt from, and what all forward passes have to do."""
        learn, score, value = backprop.loss_inputs, backprop.columns, backprop.values

        @wraps(learn)
        def learning(batch: TokenBatch, *arguments: Any, **options: Any) -> Any:
            self._tokens = self._tokens + (batch.position_ids.flatten()[batch.end] + 1).sum()
            self._add(batch, ["old_logprob"], gradient=True)
            return learn(batch, *arguments, **options)

        @wraps(value)
        def valuing(batch: TokenBatch) -> Any:
            self._add(batch, ["value"], gradient=True)
            return value(batch)

        @wraps(score)
        def scoring(batch: TokenBatch, names: Sequence[str]) -> Any:
            self._add(batch, names, gradient=False)
            return score(batch, names)

        backprop.loss_inputs, backprop.columns = learning, scoring  # type: ignore[method-assign]
        backprop.values = valuing  # type: ignore[method-assign]

    def _add(self, batch: TokenBatch, names: Sequence[str], *, gradient: bool) -> None:
        costs = [cost for name in names if (cost := self._costs.get(name)) is not None]
        if self._peak is not None and costs:
            work = work_of(batch)
            for cost in costs:
                self._operations = self._operations + cost.forward(work) + (cost.backward(work) if gradient else 0)
