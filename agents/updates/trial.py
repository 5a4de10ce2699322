"""What a model can do, found out by trying it once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import nn

_found: WeakKeyDictionary[nn.Module, dict[Callable[[Any], bool], bool]] = WeakKeyDictionary()


def holds(claim: Callable[[Any], bool], model: nn.Module) -> bool:
    """Whether a claim about a model holds: tried once, without gradient and dropout, and remembered.

    Args:
        claim: a function that tries the model. Where the model is of another make, so that trying it raises
            ``AttributeError``, ``IndexError``, ``RuntimeError``, ``TypeError`` or ``ValueError``, it does not hold.
        model: what is tried.
    """
    found = _found.setdefault(model, {})
    if claim not in found:
        training = [module for module in model.modules() if module.training]
        model.eval()
        try:
            with torch.no_grad():
                found[claim] = claim(model)
        except (AttributeError, IndexError, RuntimeError, TypeError, ValueError):
            found[claim] = False
        finally:
            for module in training:
                module.training = True
    return found[claim]
