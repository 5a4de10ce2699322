"""Losses: pure functions of the log-probs and advantages of sampled tokens."""

from .aggregation import Reduce, alone, sequence_weights
from .inputs import LossConfig, LossInputs, PolicyLoss
from .objective import Objective, objective
from .policy import POLICY_LOSSES, find_policy_loss, policy_loss
from .terms import KL_ESTIMATORS, find_kl_estimator, importance_weights, k1, k2, k3, masked_sum, value_loss

__all__ = [
    "KL_ESTIMATORS",
    "POLICY_LOSSES",
    "LossConfig",
    "LossInputs",
    "Objective",
    "PolicyLoss",
    "Reduce",
    "alone",
    "find_kl_estimator",
    "find_policy_loss",
    "importance_weights",
    "k1",
    "k2",
    "k3",
    "masked_sum",
    "objective",
    "policy_loss",
    "sequence_weights",
    "value_loss",
]
