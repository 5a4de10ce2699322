"""Advantage estimators, by name: from the rewards of a batch to the advantage of every sampled token.

Trajectories whose grading failed do not come here: they are taken out before.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import torch
from torch import Tensor

from ..losses.aggregation import Reduce, alone
from .advantages import group_advantages, leave_one_out, whiten
from .returns import discounted_returns, generalised_advantages, token_rewards


@dataclass(frozen=True, slots=True)
class CreditInputs:
    """A batch of S graded sequences with N sampled tokens in all, one sequence after the other.

    Attributes:
        rewards: [S], float.
        groups: [S], int64: equal for responses to one task draw.
        lengths: [S], int64: sampled tokens of each.
        turn: [N], int64: which turn of its sequence a token belongs to, from 0.
        penalty: [N]: KL penalty of each token, its coefficient included; None for none.
        logprob: [N]: of each token under the policy before the update.
        reference_logprob: [N]: under the reference model, or the teacher; None where there is none.
        value: [N]: what the critic expected before each token; None without a critic.
        bootstrap: [S]: what it expects after the last token of a truncated sequence, 0 of others; None without one.
    """

    rewards: Tensor
    groups: Tensor
    lengths: Tensor
    turn: Tensor
    penalty: Tensor | None = None
    logprob: Tensor | None = None
    reference_logprob: Tensor | None = None
    value: Tensor | None = None
    bootstrap: Tensor | None = None

    def __post_init__(self) -> None:
        """Refuses shapes that would broadcast, and numbers that would spread.

        Raises:
            ValueError: names the field.
        """
        sequences, tokens = len(self.lengths), int(self.lengths.sum())
        for name in ("rewards", "groups", "bootstrap", "turn", "penalty", "logprob", "reference_logprob", "value"):
            size = sequences if name in ("rewards", "groups", "bootstrap") else tokens
            value = getattr(self, name)
            if value is not None and value.shape != (size,):
                raise ValueError(f"{name} has shape {list(value.shape)}; for this batch it must be [{size}]")
        if not self.rewards.isfinite().all():
            raise ValueError("a reward is not finite")

    @property
    def sequence(self) -> Tensor:
        """Which sequence each token belongs to: [N]."""
        return torch.repeat_interleave(torch.arange(len(self.lengths)), self.lengths)

    def penalised(self) -> Tensor:
        """The rewards of sequences, less the penalties of their tokens: [S], float64."""
        rewards = self.rewards.double()
        if self.penalty is None:
            return rewards
        return rewards.index_add(0, self.sequence, -self.penalty.double())


@dataclass(frozen=True, slots=True)
class CreditConfig:
    """How advantages are made.

    Attributes:
        estimator: the name of an estimator.
        norm_std: ``group``: divide by the standard deviation of the group.
        gamma: discount from token to token (``gae`` by turns: from turn to turn).
        lam: of ``gae``.
        by_turn: ``gae``: a whole turn is one action.
        whiten: ``reinforce``, ``reinforce_pp`` and ``gae``: scale advantages to mean 0 and standard deviation 1 over
            the tokens of the batch.
    """

    estimator: str = "group"
    norm_std: bool = True
    gamma: float = 1.0
    lam: float = 1.0
    by_turn: bool = False
    whiten: bool = True


@dataclass(frozen=True, slots=True)
class Credit:
    """The advantage of each token, and what the critic should have expected before it: each [N], float32."""

    advantage: Tensor
    returns: Tensor | None = None


Estimator: TypeAlias = Callable[[CreditInputs, CreditConfig, Reduce], Credit]
ESTIMATORS: dict[str, Estimator] = {}


def estimator(name: str) -> Callable[[Estimator], Estimator]:
    """Registers an estimator under ``name``."""

    def register(function: Estimator) -> Estimator:
        ESTIMATORS[name] = function
        return function

    return register


def estimate(inputs: CreditInputs, config: CreditConfig, reduce: Reduce = alone) -> Credit:
    """Advantages by the configured estimator; ``reduce`` sums over ranks.

    Raises:
        ValueError: for an unknown estimator, or one whose inputs are missing.
    """
    if config.estimator not in ESTIMATORS:
        raise ValueError(f"there is no estimator {config.estimator!r}; choose from {', '.join(sorted(ESTIMATORS))}")
    return ESTIMATORS[config.estimator](inputs, config, reduce)


@estimator("group")
def group(inputs: CreditInputs, config: CreditConfig, reduce: Reduce) -> Credit:
    """A_i = (r_i - mean of the group) / std of the group, for all its tokens (GRPO, arXiv:2402.03300, 4.1.2).

    Dr.GRPO (arXiv:2503.20783) leaves the division out, as does ``norm_std`` false.
    The members of a group lie on one rank, so nothing is reduced.
    """
    graded = torch.ones(len(inputs.lengths), dtype=torch.bool)
    found = group_advantages(inputs.penalised(), inputs.groups, graded, norm_std=config.norm_std)
    return Credit(found[inputs.sequence])


@estimator("rloo")
def rloo(inputs: CreditInputs, config: CreditConfig, reduce: Reduce) -> Credit:
    """A_i = r_i - mean of the others in the group (RLOO, Ahmadian et al. 2024, arXiv:2402.14740, eq. 8)."""
    return Credit(leave_one_out(inputs.penalised(), inputs.groups)[inputs.sequence])


@estimator("reinforce")
def reinforce(inputs: CreditInputs, config: CreditConfig, reduce: Reduce) -> Credit:
    """A_t = sum_{i >= t} gamma^{i - t} r_i (Williams 1992), whitened over the batch: the mean is the baseline."""
    rewards = token_rewards(inputs.rewards.double(), inputs.lengths, inputs.penalty)
    returns = discounted_returns(rewards, inputs.lengths, config.gamma)
    advantage = whiten(returns, reduce) if config.whiten else returns
    return Credit(advantage.float(), returns.float())


@estimator("reinforce_pp")
def reinforce_pp(inputs: CreditInputs, config: CreditConfig, reduce: Reduce) -> Credit:
    """A_t = r(o) - beta sum_{i >= t} KL_i, normalised over the batch (REINFORCE++, arXiv:2501.03262, eq. 6 to 8).

    The KL penalty is in the rewards of the tokens, and nothing is discounted.
    """
    rewards = token_rewards(inputs.rewards.double(), inputs.lengths, inputs.penalty)
    returns = discounted_returns(rewards, inputs.lengths, gamma=1.0)
    advantage = whiten(returns, reduce) if config.whiten else returns
    return Credit(advantage.float(), returns.float())


@estimator("gae")
def gae(inputs: CreditInputs, config: CreditConfig, reduce: Reduce) -> Credit:
    """A_t = sum_i (gamma lam)^i (r_{t+i} + gamma V_{t+i+1} - V_{t+i}), with a critic V (GAE, arXiv:1506.02438, eq. 16).

    By turns, a turn is one action: its rewards are summed, its value is the one before its first token, and all its
    tokens share its advantage. Returns are advantages plus values, before whitening.

    Raises:
        ValueError: without a critic.
    """
    if inputs.value is None or inputs.bootstrap is None:
        raise ValueError("the estimator 'gae' needs a critic; without one take 'reinforce', whose returns are whitened")
    rewards = token_rewards(inputs.rewards.double(), inputs.lengths, inputs.penalty)
    value, lengths = inputs.value.double(), inputs.lengths
    turn_of = None
    if config.by_turn:
        turn_of, first, lengths = _turns(inputs)
        rewards, value = rewards.new_zeros(len(first)).index_add(0, turn_of, rewards), value[first]
    advantage = generalised_advantages(
        rewards, value, lengths, inputs.bootstrap.double(), gamma=config.gamma, lam=config.lam
    )
    returns = advantage + value
    if turn_of is not None:
        advantage, returns = advantage[turn_of], returns[turn_of]
    return Credit((whiten(advantage, reduce) if config.whiten else advantage).float(), returns.float())


@estimator("distillation")
def distillation(inputs: CreditInputs, config: CreditConfig, reduce: Reduce) -> Credit:
    """The negative reverse KL to a teacher q, token by token: log q - log p, and no rewards at all.

    On-policy distillation (Agarwal et al. 2023, arXiv:2306.13649, with reverse KL; Gu et al. 2023, arXiv:2306.08543,
    eq. 2): its expected policy gradient is that of the reverse KL of each next-token distribution.

    Raises:
        ValueError: without a teacher.
    """
    if inputs.reference_logprob is None or inputs.logprob is None:
        raise ValueError("the estimator 'distillation' needs a teacher: give it as the reference model")
    return Credit((inputs.reference_logprob - inputs.logprob).float())


def _turns(inputs: CreditInputs) -> tuple[Tensor, Tensor, Tensor]:
    """For each token its turn's number in the batch [N]; each turn's first token [turns]; turns per sequence [S]."""
    sequence = inputs.sequence
    begins = torch.ones_like(sequence, dtype=torch.bool)
    begins[1:] = (sequence[1:] != sequence[:-1]) | (inputs.turn[1:] != inputs.turn[:-1])
    first = begins.nonzero().squeeze(-1)
    return begins.cumsum(0) - 1, first, torch.bincount(sequence[first], minlength=len(inputs.lengths))
