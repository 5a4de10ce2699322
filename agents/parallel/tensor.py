"""Tensor parallelism: each rank holds a part of the matrices of each layer, and norms see a part of the sequence."""

from __future__ import annotations

from typing import Any

from torch import nn
from torch.distributed.device_mesh import DeviceMesh
from torch.distributed.tensor import Replicate, Shard
from torch.distributed.tensor.parallel import (
    ColwiseParallel,
    ParallelStyle,
    PrepareModuleInput,
    RowwiseParallel,
    SequenceParallel,
    parallelize_module,
)
from transformers import PreTrainedModel

from ..models.lora import has_adapters


def apply_tensor_parallel(model: PreTrainedModel, mesh: DeviceMesh) -> None:
    """Divides the layers of a decoder of the shape of Llama, Qwen2, Qwen3, Mistral or Gemma, in place.

    Between layers each rank holds a part of the sequence (Korthikanti et al. 2022, arXiv:2205.05198), so that norms and
    residuals are computed once and not on each rank; its length must be divisible by the number of ranks. Logits come
    out whole.

    Args:
        model: with a language head or without, and with the same weights on all ranks.
        mesh: of one dimension, the ranks that share each layer.

    Raises:
        ValueError: the model is of another shape, or its heads or its vocabulary can't be divided.
    """
    ranks = mesh.size()
    if ranks == 1:
        return
    check_divisible(model, ranks)
    backbone, head = model.base_model, model.get_output_embeddings()
    tied = head is not None and head.weight is model.get_input_embeddings().weight
    plan: dict[str, ParallelStyle] = {
        "embed_tokens": RowwiseParallel(input_layouts=Replicate(), output_layouts=Shard(1)),
        "norm": SequenceParallel(),
    }
    parallelize_module(backbone, mesh, plan)
    if head is not None:
        parallelize_module(head, mesh, ColwiseParallel(input_layouts=Shard(1), output_layouts=Replicate()))
    if tied:  # both are divided by words, so they may stay one
        head.weight = backbone.embed_tokens.weight
    for layer in backbone.layers:
        parallelize_module(layer, mesh, _layer_plan(layer))


def check_divisible(model: PreTrainedModel, ranks: int) -> None:
    """Refuses what the ranks can't share.

    Raises:
        ValueError: as in `apply_tensor_parallel`.
    """
    config = model.config.get_text_config()
    if has_adapters(model):
        raise ValueError(f"parallel.tp={ranks} divides no layers with adapters (model.lora): use parallel.fsdp")
    for layer in getattr(model.base_model, "layers", None) or [model]:
        modules, plan = dict(layer.named_modules()), _layer_plan(layer)
        # What is not in the plan would be whole on each rank, and have a part of its gradient.
        divided = {name for name, style in plan.items() if not isinstance(style, PrepareModuleInput)}
        unknown = {name for name, _ in layer.named_parameters() if name.rpartition(".")[0] not in divided}
        if unknown := unknown | (plan.keys() - modules.keys()):
            raise ValueError(
                f"parallel.tp={ranks}: layers of {type(model).__name__} are none that can be divided "
                f"({min(unknown)}): use parallel.fsdp"
            )
    for name in ("num_attention_heads", "num_key_value_heads", "vocab_size", "intermediate_size"):
        if (size := getattr(config, name, ranks)) % ranks:
            raise ValueError(f"parallel.tp={ranks} does not divide the model's {name}, {size}; choose another number")


def _layer_plan(layer: nn.Module) -> dict[str, Any]:
    whole = Replicate()
    plan: dict[str, Any] = {
        "self_attn": PrepareModuleInput(
            input_kwarg_layouts={"hidden_states": Shard(1)}, desired_input_kwarg_layouts={"hidden_states": whole}
        ),
        "self_attn.q_proj": ColwiseParallel(),
        "self_attn.k_proj": ColwiseParallel(),
        "self_attn.v_proj": ColwiseParallel(),
        "self_attn.o_proj": RowwiseParallel(output_layouts=Shard(1)),
        "mlp": PrepareModuleInput(input_layouts=(Shard(1),), desired_input_layouts=(whole,)),
        "mlp.gate_proj": ColwiseParallel(),
        "mlp.up_proj": ColwiseParallel(),
        "mlp.down_proj": RowwiseParallel(output_layouts=Shard(1)),
    }
    # All norms between layers, whatever a family calls them. In Gemma 2 and 3 residuals are added to what some make.
    local = SequenceParallel(use_local_output=True)
    plan |= {name: local for name, child in layer.named_children() if name.endswith("layernorm")}
    # Norms of single heads: each rank has some of them, and their weights' gradients are sums over all.
    attention = getattr(layer, "self_attn", None)
    for name, _ in attention.named_children() if attention is not None else ():
        if name.endswith("norm"):
            plan[f"self_attn.{name}"] = SequenceParallel(sequence_dim=2, use_local_output=True)
    return plan
