"""Optimizers, and how their learning rate moves."""

from __future__ import annotations

from math import cos, pi

import torch
from torch import nn

from ..config import ActorConfig
from .offload import offload_state


def make_optimizer(model: nn.Module, config: ActorConfig, *, lr: float, weight_decay: float) -> torch.optim.Optimizer:
    """An optimizer over the weights that are trained, in two groups: matrices decay, norms and biases don't."""
    trained = [weight for weight in model.parameters() if weight.requires_grad]
    matrices, vectors = ([w for w in trained if (w.dim() > 1) == wanted] for wanted in (True, False))
    groups = [{"params": matrices, "weight_decay": weight_decay}, {"params": vectors, "weight_decay": 0.0}]
    first, second = config.betas
    optimizer: torch.optim.Optimizer
    if config.optimizer == "adafactor":
        optimizer = torch.optim.Adafactor(groups, lr=lr)
    elif config.optimizer == "sgd":
        optimizer = torch.optim.SGD(groups, lr=lr, momentum=first)
    else:
        optimizer = torch.optim.AdamW(groups, lr=lr, betas=(first, second))
    if config.offload_optimizer:
        offload_state(optimizer)
    return optimizer


def check_optimizer(name: str, model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
    """Refuses an optimizer that would never change the model: it was made over another one.

    Raises:
        ValueError: names the model by ``name``.
    """
    held = {id(weight) for group in optimizer.param_groups for weight in group["params"]}
    if held.isdisjoint(id(weight) for weight in model.parameters() if weight.requires_grad):
        raise ValueError(f"the optimizer holds no weight of the {name}, which would never change: make it over those")


def learning_rate(config: ActorConfig, step: int, *, lr: float) -> float:
    """The learning rate of ``step``, counted from 1: it rises from 0 to ``lr``, then falls as the scheduler says.

    A function of the step alone, so that a resumed run has no state to restore, and can go on for longer.
    """
    total = config.decay_steps or 0
    warmup = config.warmup_steps if config.warmup_ratio is None else round(config.warmup_ratio * total)
    if step <= warmup:
        return lr * step / warmup
    if config.scheduler == "constant":
        return lr
    done = min(1.0, (step - 1 - warmup) / max(1, total - warmup))
    if config.scheduler == "linear":
        return lr * max(config.min_ratio, 1 - (1 - config.min_ratio) * done)
    return lr * (config.min_ratio + (1 - config.min_ratio) * (1 + cos(pi * done)) / 2)


def set_learning_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Sets the learning rate of all weights."""
    for group in optimizer.param_groups:
        group["lr"] = rate
