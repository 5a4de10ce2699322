"""Scores and values of models that lie on several ranks: whole on each rank that shares the rows.

Each of those ranks then computes the same loss of them, and what it hands back as gradient is its own part: losses need
not know of parallelism.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor
from torch.distributed.device_mesh import DeviceMesh
from torch.distributed.fsdp import register_fsdp_forward_method
from torch.distributed.tensor import DTensor, Partial, Placement, Replicate
from transformers import PreTrainedModel

from ..models.critic import Critic
from ..models.speed import backbone_of
from ..updates.clipping import local
from ..updates.head import LanguageHead, find_head
from ..updates.layout import Layout
from ..updates.packing import enable_packing
from .rows import part_of, whole


def enable_scoring(model: PreTrainedModel, mesh: DeviceMesh) -> None:
    """Gives a divided model a method ``layout_scores``, which `layout_scores` calls in the place of the model."""

    def scores(layout: Layout, *, temperature: float, entropy_gradient: bool) -> tuple[Tensor, Tensor]:
        if layout.packed and mesh["sp"].size() * mesh["tp"].size() == 1:
            enable_packing(model)
        part = part_of(layout, mesh)
        hidden = _gathered(backbone_of(model)(**part.inputs).last_hidden_state, Partial())
        found = _head(model, mesh["tp"]).score(
            hidden.flatten(0, 1)[part.places],
            layout.target[part.chosen],
            temperature=temperature,
            entropy_gradient=entropy_gradient,
        )
        logprob, entropy = (whole(values, part, len(layout.target), mesh) for values in found)
        return logprob, entropy

    # Weights are gathered for what runs within a forward method of the root, and the head's must be, too.
    model.layout_scores = scores
    register_fsdp_forward_method(model, "layout_scores")
    gathering = model.layout_scores

    def freeing(layout: Layout, **how: Any) -> tuple[Tensor, Tensor]:
        found: tuple[Tensor, Tensor] = gathering(layout, **how)
        free(model)
        return found

    model.layout_scores = freeing


def enable_values(critic: Critic, mesh: DeviceMesh) -> None:
    """Lets a divided critic be called as before; its values are whole."""

    def values(token_ids: Tensor, attention_mask: Tensor) -> Tensor:
        rows, width = token_ids.shape
        everywhere = torch.arange(rows * width, device=token_ids.device)
        layout = Layout(
            token_ids=token_ids,
            position_ids=(attention_mask.cumsum(-1) - 1).clamp(min=0),
            attention=attention_mask,
            predictor=everywhere,
            target=token_ids.flatten(),
            sequence=everywhere // width,
            end=everywhere[width - 1 :: width],
            longest=width,
        )
        part = part_of(layout, mesh)
        found = _gathered(critic.values(critic.backbone(**part.inputs).last_hidden_state), Replicate())
        return whole(found.flatten()[part.places], part, rows * width, mesh).view(rows, width)

    critic.forward = values  # type: ignore[method-assign]


def free(model: Any) -> None:
    """Gives gathered weights back that no backward pass will: they take room, and would be out of date after a step."""
    if not torch.is_grad_enabled():
        model.reshard()


def _head(model: PreTrainedModel, mesh: DeviceMesh) -> LanguageHead:
    """The head with the words of this rank; what kind it is was found out before the model was divided."""
    head = find_head(model)
    assert head is not None
    bias = None if head.bias is None else local(head.bias)
    return replace(head, weight=local(head.weight), bias=bias, group=mesh.get_group() if mesh.size() > 1 else None)


def _gathered(states: Tensor, gradient: Placement) -> Tensor:
    """States of the whole rows, of which ``tp`` ranks hold parts; ``gradient`` says what each has of the gradient."""
    if not isinstance(states, DTensor):
        return states
    found: Tensor = states.redistribute(placements=[Replicate()]).to_local(grad_placements=[gradient])
    return found
