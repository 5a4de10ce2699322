"""Learners without a model: how a law of sampling does is seen in a second for each.

Four families, made to disagree: what helps in one may hurt in another. A learner gains by the spread of results (A),
learns from successes and forgets (B), or is a small policy trained with real gradients (C and, in another size, D).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from .gradient import WIDE, GradientLearner
from .learner import Learner
from .memory import MemoryLearner
from .practice import Practice, practise
from .variance import VarianceLearner

__all__ = [
    "FAMILIES",
    "GradientLearner",
    "Learner",
    "MemoryLearner",
    "Practice",
    "VarianceLearner",
    "practise",
]

# Learners by the letter of their family, from a seed (and how many domains, and items of each).
FAMILIES: dict[str, Callable[..., Learner]] = {
    "A": VarianceLearner,
    "B": MemoryLearner,
    "C": GradientLearner,
    "D": partial(GradientLearner, setting=WIDE),
}
