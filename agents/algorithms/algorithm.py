"""Algorithms: from trajectories to a better policy."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ...buffers.trajectories import TrajectoryBuffer
from ...envs.text_env import TextEnv
from ..credit.advantages import group_advantages
from ..credit.reward_computer import RewardComputer
from ..losses import grpo_loss
from ..progress import Progress
from ..rollouts.manager import RolloutManager
from ..rollouts.trajectory import Trajectory, response_lengths, states_of
from ..updates.backprop import BackpropModule
from ..updates.batching import microbatches
from .metrics import Metrics, UpdateSums, rollout_metrics


@dataclass(frozen=True, slots=True)
class AlgorithmConfig:
    """How an algorithm learns from a batch.

    Attributes:
        batch_size: trajectories per iteration of :meth:`GRPOAlgorithm.train`.
        group_size: responses per task there.
        ppo_epochs: passes over the trajectories of a step.
        norm_std: divide advantages by the standard deviation of their group.
        tokens_per_microbatch: at most so many tokens, padding included, in one forward pass.
    """

    batch_size: int = 32
    group_size: int = 8
    ppo_epochs: int = 1
    norm_std: bool = True
    tokens_per_microbatch: int = 16_384


class GRPOAlgorithm:
    """Group relative policy optimisation (Shao et al. 2024, arXiv:2402.03300): no critic, rewards against their group.

    The loss is averaged over all sampled tokens of the step, whatever micro-batches they came in.

    Args:
        env: the environment; the one that the rollout manager drives.
        rollout_manager: collects trajectories.
        reward_computer: gives them rewards.
        backprop: scores and updates the policy.
        config: how to learn from a batch.
    """

    def __init__(
        self,
        env: TextEnv,
        rollout_manager: RolloutManager,
        reward_computer: RewardComputer,
        backprop: BackpropModule,
        config: AlgorithmConfig | None = None,
    ) -> None:
        if env is not rollout_manager.env:
            raise ValueError("env is not the environment that rollout_manager drives")
        if backprop.model is not rollout_manager.inference.model:
            raise ValueError("backprop trains another model than the one that rollout_manager samples from")
        if backprop.config.temperature != rollout_manager.config.temperature:
            raise ValueError(
                f"responses are sampled at temperature {rollout_manager.config.temperature}, "
                f"but BackpropConfig says {backprop.config.temperature}: ratios would be wrong"
            )
        if rollout_manager.config.token_filter:
            raise ValueError(
                "top_p, top_k and min_p are for evaluation: ratios of filtered probabilities would be wrong. "
                "Train without them, at a lower temperature if need be"
            )
        self.rollout_manager = rollout_manager
        self.reward_computer = reward_computer
        self.backprop = backprop
        self.config = config or AlgorithmConfig()

    def train(self, num_iterations: int, progress_bar: bool = True) -> list[Metrics]:
        """Collects and learns ``num_iterations`` times, on tasks that the environment draws.

        Returns:
            The metrics of each iteration.
        """
        history = []
        with Progress(total_steps=num_iterations, enabled=progress_bar) as progress:
            progress.phase("training", num_iterations)
            for _ in range(num_iterations):
                trajectories = self.rollout_manager.collect_rollouts(
                    self.config.batch_size, group_size=self.config.group_size
                )
                history.append(self.step(trajectories))
                inference = self.rollout_manager.inference
                inference.load(self.backprop.model.state_dict(), version=inference.version + 1)
                progress.advance(reward=history[-1]["reward"], kl=history[-1]["kl"])
        return history

    def step(self, trajectories: Trajectory) -> Metrics:
        """Learns from one batch of trajectories: rewards, advantages, update.

        Returns:
            What was seen and done, by name; see :mod:`infinite_rl.agents.algorithms.metrics`.
        """
        rewards = torch.as_tensor(self.reward_computer.compute_rewards(trajectories), dtype=torch.float32)
        if rewards.shape != trajectories.batch_size:
            raise ValueError(f"{len(trajectories)} trajectories but rewards of shape {list(rewards.shape)}")
        bad = ~rewards.isfinite() & trajectories.valid
        if bad.any():
            task = states_of(trajectories)[int(bad.int().argmax())]["task_id"]
            raise ValueError(f"the reward of a response to task {task} is not finite")
        trajectories.advantage = self.advantages(trajectories, rewards)
        replay = TrajectoryBuffer(len(trajectories))
        replay.extend(trajectories)
        return rollout_metrics(trajectories, rewards) | self.update(replay.drain())

    def advantages(self, trajectories: Trajectory, rewards: Tensor) -> Tensor:
        """Rewards relative to their group: [N], float32."""
        return group_advantages(rewards, trajectories.group, trajectories.valid, norm_std=self.config.norm_std)

    def update(self, trajectories: Trajectory) -> Metrics:
        """Makes ``ppo_epochs`` updates from trajectories with advantages.

        Those whose grading failed have advantage 0; their tokens still count in the mean and in the KL term.
        """
        backprop, config = self.backprop, self.config
        tokens = int(response_lengths(trajectories).sum())
        sums = UpdateSums()
        for _ in range(config.ppo_epochs):
            for batch in microbatches(trajectories, config.tokens_per_microbatch, backprop.model.device):
                scores = backprop.score(batch)
                loss = grpo_loss(
                    backprop.loss_inputs(batch, scores),
                    clip=backprop.config.ppo_clip_range,
                    beta=backprop.config.kl_coef,
                )
                backprop.accumulate(loss.loss / tokens)
                sums.add(loss, scores.entropy)
            sums.add_step(backprop.step())
        return sums.means(tokens)
