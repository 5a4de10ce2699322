"""Algorithms: from trajectories to a better policy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import torch
from torch import Tensor

from ...buffers.trajectories import TrajectoryBuffer
from ...envs.text_env import TextEnv
from ..credit.estimators import CreditInputs, estimate
from ..credit.reward_computer import RewardComputer
from ..credit.shaping import informative_groups, overlong_penalty
from ..losses import find_kl_estimator, sequence_weights
from ..progress import Progress
from ..rollouts.manager import RolloutManager
from ..rollouts.trajectory import Trajectory, response_lengths, sampled, set_sampled, stack, states_of, turns
from ..updates.backprop import BackpropModule
from ..updates.batching import TokenBatch, microbatches
from .metrics import Metrics, UpdateSums, rollout_metrics
from .recipes import Recipe, find_recipe


@dataclass(frozen=True, slots=True)
class AlgorithmConfig:
    """How an algorithm learns from a batch. None takes the recipe's value.

    Attributes:
        batch_size: trajectories per iteration of :meth:`Algorithm.train`.
        group_size: responses per task there.
        ppo_epochs: passes over the trajectories of a step.
        minibatches: optimizer steps in each of them.
        norm_std: divide advantages by the standard deviation of their group.
        tokens_per_microbatch: at most so many tokens, padding included, in one forward pass.
    """

    batch_size: int = 32
    group_size: int = 8
    ppo_epochs: int | None = None
    minibatches: int | None = None
    norm_std: bool | None = None
    tokens_per_microbatch: int = 16_384


class Algorithm:
    """Learns from trajectories by a recipe.

    Args:
        env: the environment; the one that the rollout manager drives.
        rollout_manager: collects trajectories.
        reward_computer: gives them rewards.
        backprop: scores and updates the policy.
        config: how to learn from a batch.
        recipe: what makes the algorithm, or its name; by default that of the class.
    """

    default_recipe: ClassVar[str] = "grpo"

    def __init__(
        self,
        env: TextEnv,
        rollout_manager: RolloutManager,
        reward_computer: RewardComputer,
        backprop: BackpropModule,
        config: AlgorithmConfig | None = None,
        *,
        recipe: Recipe | str | None = None,
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
        self.max_new_tokens = rollout_manager.config.max_new_tokens
        self.recipe = self._adapt(recipe if isinstance(recipe, Recipe) else find_recipe(recipe or self.default_recipe))
        self.steps = 0

    def train(self, num_iterations: int, progress_bar: bool = True) -> list[Metrics]:
        """Collects and learns ``num_iterations`` times, on tasks that the environment draws.

        Returns:
            The metrics of each iteration.
        """
        history = []
        size = self.config.group_size
        with Progress(total_steps=num_iterations, enabled=progress_bar) as progress:
            progress.phase("training", num_iterations)
            for _ in range(num_iterations):
                trajectories, rewards = self.gather(
                    lambda groups: self.rollout_manager.collect_rollouts(groups * size, group_size=size),
                    -(-self.config.batch_size // size),
                )
                history.append(self.step(trajectories, rewards))
                inference = self.rollout_manager.inference
                inference.load(self.backprop.model.state_dict(), version=inference.version + 1)
                progress.advance(reward=history[-1]["reward"], kl=history[-1]["kl"])
        return history

    def gather(self, collect: Callable[[int], Trajectory], groups: int) -> tuple[Trajectory, Tensor]:
        """Collects until there are ``groups`` groups to learn from, or the rounds are used up.

        Dynamic sampling (DAPO, arXiv:2503.14476, section 3.2) where the recipe asks for it; else one round.

        Args:
            collect: collects so many groups.
            groups: so many are wanted.

        Returns:
            Everything collected, and its rewards. :meth:`step` leaves out what teaches nothing.
        """
        found: list[Trajectory] = []
        rewards: list[Tensor] = []
        for _ in range(self.recipe.max_rounds if self.recipe.filter_groups else 1):
            trajectories = collect(groups)
            if found:
                trajectories.group = trajectories.group + int(found[-1].group.max()) + 1
            found.append(trajectories)
            rewards.append(self.rewards(trajectories))
            groups -= len(informative_groups(rewards[-1], trajectories.group, trajectories.valid))
            if groups <= 0:
                break
        if len(found) == 1:
            return found[0], rewards[0]
        return stack([row for trajectories in found for row in trajectories]), torch.cat(rewards)

    def rewards(self, trajectories: Trajectory) -> Tensor:
        """The rewards of trajectories, checked: [S], float32.

        Raises:
            ValueError: for another number of rewards than trajectories, or one that is not finite.
        """
        rewards = torch.as_tensor(self.reward_computer.compute_rewards(trajectories), dtype=torch.float32)
        if rewards.shape != trajectories.batch_size:
            raise ValueError(f"{len(trajectories)} trajectories but rewards of shape {list(rewards.shape)}")
        bad = ~rewards.isfinite() & trajectories.valid
        if bad.any():
            task = states_of(trajectories)[int(bad.int().argmax())]["task_id"]
            raise ValueError(f"the reward of a response to task {task} is not finite")
        return rewards

    def step(self, trajectories: Trajectory, rewards: Tensor | None = None) -> Metrics:
        """Learns from one batch of trajectories: rewards, advantages, update.

        Those whose grading failed are reported, and take no part in baselines, totals and update.

        Returns:
            What was seen and done, by name; see :mod:`infinite_rl.agents.algorithms.metrics`.
        """
        rewards = self.rewards(trajectories) if rewards is None else rewards
        metrics = rollout_metrics(trajectories, rewards)
        chosen = self._chosen(trajectories, rewards)
        metrics["learnt_from"] = float(chosen.double().mean())
        if not chosen.any():
            return metrics | UpdateSums().means()
        learnt = trajectories[chosen]
        self.assign(learnt, rewards[chosen])
        replay = TrajectoryBuffer(len(learnt))
        replay.extend(learnt)
        metrics |= self.update(replay.drain())
        self._follow()
        return metrics

    def assign(self, trajectories: Trajectory, rewards: Tensor) -> None:
        """Sets the per-token columns of graded trajectories: advantages, and what else the update will read."""
        recipe, backprop = self.recipe, self.backprop
        names = ["old_logprob"] if recipe.needs_old_logprob else []
        names += ["reference_logprob"] if backprop.ref_model is not None else []
        names += ["value"] if backprop.critic is not None else []
        batches = [batch for part in self._parts(trajectories) for batch in part] if names else []
        last_values = backprop.set_columns(trajectories, batches, names)
        lengths = response_lengths(trajectories)
        if recipe.overlong_tokens:
            rewards = rewards + overlong_penalty(lengths, longest=self.max_new_tokens, margin=recipe.overlong_tokens)
        logprob = sampled(trajectories, "old_logprob" if recipe.needs_old_logprob else "behaviour_logprob")
        reference, penalty = sampled(trajectories, "reference_logprob"), None
        if recipe.loss.kl_in == "reward" and recipe.loss.kl_coef and reference is not None and logprob is not None:
            penalty = recipe.loss.kl_coef * find_kl_estimator(recipe.loss.kl_estimator)(logprob, reference)
        credit = estimate(
            CreditInputs(
                rewards=rewards,
                groups=trajectories.group,
                lengths=lengths,
                turn=turns(trajectories),
                penalty=penalty,
                logprob=logprob,
                reference_logprob=reference,
                value=sampled(trajectories, "value"),
                bootstrap=torch.where(trajectories.truncated, last_values, 0.0),
            ),
            recipe.credit,
        )
        set_sampled(trajectories, "advantage", credit.advantage)
        if credit.returns is not None and backprop.critic is not None:
            set_sampled(trajectories, "returns", credit.returns)

    def update(self, trajectories: Trajectory) -> Metrics:
        """Updates policy and critic from trajectories with advantages: ``epochs`` times ``minibatches`` steps."""
        backprop, loss = self.backprop, self.recipe.loss
        tasks = [state["task_id"] for state in states_of(trajectories)]
        lengths = response_lengths(trajectories)
        parts = self._parts(trajectories)
        sums = UpdateSums()
        for _ in range(self.recipe.epochs):
            for part in parts:
                rows = torch.cat([batch.rows for batch in part])
                weights = torch.zeros(len(lengths), dtype=torch.float64)
                weights[rows] = sequence_weights(lengths[rows], loss.aggregation, normaliser=loss.normaliser)
                for batch in part:
                    sums.add(*backprop.learn(batch, weights[batch.rows], loss, tasks))
                sums.add_step(backprop.step())
        return sums.means()

    def _adapt(self, recipe: Recipe) -> Recipe:
        recipe, config = recipe.adapted(self.backprop.config, max_new_tokens=self.max_new_tokens), self.config
        if config.norm_std is not None:
            recipe = replace(recipe, credit=replace(recipe.credit, norm_std=config.norm_std))
        return replace(
            recipe, epochs=config.ppo_epochs or recipe.epochs, minibatches=config.minibatches or recipe.minibatches
        )

    def _chosen(self, trajectories: Trajectory, rewards: Tensor) -> Tensor:
        """Which trajectories are learnt from: [S], bool."""
        spoken = response_lengths(trajectories) > 0
        chosen: Tensor = trajectories.valid & spoken
        if self.recipe.filter_groups:
            chosen = chosen & torch.isin(
                trajectories.group, informative_groups(rewards, trajectories.group, trajectories.valid)
            )
        return chosen

    def _parts(self, trajectories: Trajectory) -> Sequence[Sequence[TokenBatch]]:
        """The micro-batches of each minibatch: always the same, so that log-probs before the update are exact."""
        tokens, device = self.config.tokens_per_microbatch, self.backprop.model.device
        count, k = len(trajectories), min(self.recipe.minibatches, len(trajectories))
        return [microbatches(trajectories, tokens, device, range(m, count, k)) for m in range(k)]

    def _follow(self) -> None:
        """Lets the reference follow the policy, where the recipe says so."""
        self.steps += 1
        period = self.recipe.ref_period
        if period is not None and self.backprop.ref_model is not None and self.steps % period == 0:
            self.backprop.update_ref_model()


class GRPOAlgorithm(Algorithm):
    """Group relative policy optimisation (Shao et al. 2024, arXiv:2402.03300): no critic, rewards against their group.

    The loss is averaged over all sampled tokens of the step, whatever micro-batches they came in.
    """

    default_recipe = "grpo"


class PPOAlgorithm(Algorithm):
    """Proximal policy optimisation (Schulman et al. 2017, arXiv:1707.06347) with generalised advantages.

    Without a critic its advantages are whitened returns.
    """

    default_recipe = "ppo"

    def _adapt(self, recipe: Recipe) -> Recipe:
        if self.backprop.critic is None and recipe.credit.estimator == "gae":
            recipe = replace(recipe, credit=replace(recipe.credit, estimator="reinforce"))
        return super()._adapt(recipe)


class REINFORCEAlgorithm(Algorithm):
    """The likelihood ratio gradient (Williams 1992) on whitened returns."""

    default_recipe = "reinforce"
