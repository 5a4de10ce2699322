"""Returns and generalised advantages over the sampled tokens of a batch, flat: [N], one sequence after the other.

What the environment or a tool said between two turns is no action of the policy and has no place here, so that
returns cross such gaps as if they were not there.
"""

from __future__ import annotations

import torch
from torch import Tensor


def token_rewards(rewards: Tensor, lengths: Tensor, penalty: Tensor | None = None) -> Tensor:
    """The rewards of tokens: [N]: that of the sequence at its last token, less ``penalty`` [N] at each token.

    Args:
        rewards: [S], of sequences.
        lengths: [S], int64: sampled tokens of each; N in all. A sequence without any has no place for its reward.
        penalty: such as a KL penalty.
    """
    found = rewards.new_zeros(int(lengths.sum()))
    ends = lengths.cumsum(0) - 1
    spoken = lengths > 0
    found[ends[spoken]] = rewards[spoken]
    return found if penalty is None else found - penalty


def discounted_returns(rewards: Tensor, lengths: Tensor, gamma: float) -> Tensor:
    """R_t = r_t + gamma R_{t+1} within each sequence: [N]."""
    return flatten_rows(return_rows(pad_rows(rewards, lengths), gamma=gamma), lengths)


def generalised_advantages(
    rewards: Tensor, values: Tensor, lengths: Tensor, bootstrap: Tensor, *, gamma: float, lam: float
) -> Tensor:
    """Generalised advantages of flat rows; see :func:`gae_rows`: [N].

    Args:
        rewards: [N], of tokens (or of turns).
        values: [N]: what the critic expected before each of them.
        lengths: [S], int64.
        bootstrap: [S]: the value of what would have come after the last token: 0 where the episode terminated, the
            critic's where it was truncated.
        gamma: the discount.
        lam: 0 trusts the critic, 1 the rewards.
    """
    reward, value = pad_rows(rewards, lengths), torch.nn.functional.pad(pad_rows(values, lengths), (0, 1))
    value[torch.arange(len(lengths)), lengths] = bootstrap.to(value.dtype)
    inside = torch.arange(reward.shape[1]) < lengths[:, None]
    return flatten_rows(gae_rows(reward, value, inside=inside, gamma=gamma, lam=lam), lengths)


def gae_rows(
    rewards: Tensor,
    values: Tensor,
    dones: Tensor | None = None,
    inside: Tensor | None = None,
    *,
    gamma: float,
    lam: float,
) -> Tensor:
    """A_t = d_t + gamma lam A_{t+1}, d_t = r_t + gamma V_{t+1} - V_t (GAE, arXiv:1506.02438, eq. 16): [B, T].

    Args:
        rewards: [B, T].
        values: [B, T + 1]: before each step, and after the last.
        dones: [B, T], bool: the episode terminated with this step, so that nothing follows it.
        inside: [B, T], bool: steps that there are; what stands elsewhere does not matter.
        gamma: the discount.
        lam: 0 trusts the critic, 1 the rewards.
    """
    goes_on = torch.ones_like(rewards) if dones is None else (~dones.bool()).to(rewards.dtype)
    delta = rewards + gamma * torch.where(goes_on > 0, values[:, 1:], 0.0) - values[:, :-1]
    if inside is not None:
        delta = torch.where(inside, delta, 0.0)
    found, carried = torch.zeros_like(delta), delta.new_zeros(len(delta))
    for t in reversed(range(delta.shape[1])):
        carried = delta[:, t] + gamma * lam * goes_on[:, t] * carried
        found[:, t] = carried
    return found


def return_rows(rewards: Tensor, dones: Tensor | None = None, *, gamma: float) -> Tensor:
    """R_t = r_t + gamma R_{t+1}, [B, T]; nothing is carried over a step with which the episode was done."""
    # Advantages over a critic that expects nothing, with all trust in the rewards.
    nothing = rewards.new_zeros(len(rewards), rewards.shape[1] + 1)
    return gae_rows(rewards, nothing, dones, gamma=gamma, lam=1.0)


def pad_rows(values: Tensor, lengths: Tensor) -> Tensor:
    """From flat [N] to rows [S, longest], zeros behind."""
    return torch.nn.utils.rnn.pad_sequence(list(torch.split(values, lengths.tolist())), batch_first=True)


def flatten_rows(rows: Tensor, lengths: Tensor) -> Tensor:
    """From rows [S, longest] to flat [N]."""
    return rows[torch.arange(rows.shape[1], device=lengths.device) < lengths[:, None]]
