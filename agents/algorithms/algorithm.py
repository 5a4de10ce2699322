"""Algorithms: from trajectories to a better policy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import replace
from typing import Any, ClassVar, NamedTuple, Protocol

import torch
from torch import Tensor

from ...envs.text_env import TextEnv
from ..credit.estimators import CreditInputs, estimate
from ..credit.shaping import informative_groups, overlong_penalty
from ..environments.base import BaseEnvironment
from ..losses import find_kl_estimator
from ..parallel.processes import Processes
from ..rollouts.columns import Columns
from ..rollouts.manager import RolloutManager
from ..rollouts.trajectory import State, Trajectory, join
from ..updates.backprop import BackpropModule
from ..updates.batching import TokenBatch, microbatches
from ..updates.planning import OWN_ROWS, find_plan
from ..updates.replay import Lesson, Replay, step_weights
from ..updates.share import share_of
from .loop import TrainingLoop
from .metrics import Metrics, UpdateSums, rollout_metrics
from .recipes import OWN_RECIPE, Recipe, find_recipe
from .settings import AlgorithmConfig as AlgorithmConfig
from .settings import check_companions, check_parts, share_arithmetic

# Responses per task where rewards are compared within a group.
GROUP_SIZE = 8


class ComputesRewards(Protocol):
    """What gives trajectories their rewards: a :class:`RewardComputer`, or anything with its method."""

    @property
    def compute_rewards(self) -> Any:
        """Takes the trajectories, and ``method`` where one is asked for; returns a number for each."""


class Algorithm(TrainingLoop):
    """Learns from trajectories by a recipe.

    Args:
        env: the environment; the one that the rollout manager drives.
        rollout_manager: collects trajectories.
        reward_computer: gives them rewards.
        backprop: scores and updates the policy.
        config: how to learn from a batch.
        recipe: what makes the algorithm, or its name; by default that of the class.
        replay: what is learnt from once more beside the trajectories of a step; None for nothing.
    """

    default_recipe: ClassVar[str] = "grpo"

    def __init__(
        self,
        env: TextEnv | BaseEnvironment[Any],
        rollout_manager: RolloutManager,
        reward_computer: ComputesRewards,
        backprop: BackpropModule,
        config: AlgorithmConfig | None = None,
        *,
        recipe: Recipe | str | None = None,
        replay: Replay | None = None,
    ) -> None:
        self.replay = replay
        self.rollout_manager = rollout_manager
        self._processes: Processes = getattr(rollout_manager, "processes", None) or Processes()
        self.reward_computer = reward_computer
        self.backprop = backprop
        self.config = config or AlgorithmConfig()
        check_parts(env, rollout_manager, backprop, self.config)
        share_arithmetic(rollout_manager, backprop, self.config.use_amp)
        self.max_new_tokens = rollout_manager.config.max_new_tokens
        recipe = recipe or self.default_recipe
        self.name = OWN_RECIPE if isinstance(recipe, Recipe) else recipe
        self.recipe = self._adapt(recipe if isinstance(recipe, Recipe) else find_recipe(recipe))
        check_companions(self.recipe.credit.estimator, backprop, self.config)
        self.rounds = 1

    @property
    def group_size(self) -> int:
        """Responses per task in :meth:`train`."""
        if self.config.group_size is not None:
            return self.config.group_size
        return GROUP_SIZE if self.recipe.credit.estimator in ("group", "rloo") else 1

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
        while True:
            trajectories = collect(groups)
            if found:
                trajectories.group = trajectories.group + int(found[-1].group.max()) + 1
            found.append(trajectories)
            rewards.append(self._rewards_for_all(trajectories))
            if not self.recipe.filter_groups or len(found) == self.recipe.max_rounds:
                break
            groups -= len(informative_groups(rewards[-1], trajectories.group, trajectories.valid))
            if groups <= 0:
                break
        self.rounds = len(found)
        return join(found), torch.cat(rewards)

    def _rewards_for_all(self, trajectories: Trajectory) -> Tensor:
        """The rewards, which one process asks for: they may cost money."""

        def ask() -> tuple[Tensor, Tensor, list[State]]:
            with getattr(self.rollout_manager, "leaving", nullcontext)():
                rewards = self.rewards(trajectories)
            judged = Columns(trajectories)
            return rewards, judged.valid, judged.states

        rewards, valid, states = self._processes.from_first(ask)
        if not self._processes.first:  # who could not be judged is told there, too
            for row, known, state in zip(trajectories.tensordicts, valid.unbind(), states, strict=True):
                row.set("valid", known)
                row.get("state")._non_tensordict["data"].update(state)
        return rewards

    def rewards(self, trajectories: Trajectory) -> Tensor:
        """The rewards of trajectories, checked: [S], float32.

        Raises:
            ValueError: for another number of rewards than trajectories, or one that is not finite.
        """
        method = self.config.reward_method
        asked = {} if method is None else {"method": method}
        found = self.reward_computer.compute_rewards(trajectories, **asked)
        try:  # a reward model's graph and device are its own affair
            rewards = torch.as_tensor(found, dtype=torch.float32, device="cpu").detach()
        except (TypeError, ValueError, RuntimeError) as error:
            raise ValueError(f"the reward computer must return a number for each trajectory: {error}") from error
        if rewards.shape != trajectories.batch_size:
            raise ValueError(f"{len(trajectories)} trajectories but rewards of shape {list(rewards.shape)}")
        bad = ~rewards.isfinite()
        if bad.any() and (bad := bad & trajectories.valid).any():
            task = Columns(trajectories).states[int(bad.int().argmax())]["task_id"]
            raise ValueError(f"the reward of a response to task {task} is not finite")
        return rewards

    def step(self, trajectories: Trajectory | Columns, rewards: Tensor | None = None) -> Metrics:
        """Learns from one batch of trajectories: rewards, advantages, update.

        Those whose grading failed are reported, and take no part in baselines, totals and update.

        Returns:
            What was seen and done, by name; see :mod:`infinite_rl.agents.algorithms.metrics`.
        """
        collected = trajectories if isinstance(trajectories, Columns) else Columns(trajectories)
        rewards = self.rewards(collected.trajectories) if rewards is None else rewards
        metrics = rollout_metrics(collected, rewards)
        chosen = self._chosen(collected, rewards)
        metrics["learnt_from"] = float(chosen.double().mean())
        if self.recipe.filter_groups:
            dropped = len(torch.unique(collected.groups)) - len(torch.unique(collected.groups[chosen]))
            metrics |= {"sampling_rounds": float(self.rounds), "dropped_groups": float(dropped)}
        learnt = None
        if chosen.any():
            learnt = collected if chosen.all() else Columns(collected.trajectories[chosen])
            self.assign(learnt, rewards[chosen])
        if self.replay is None:
            metrics |= self.update(learnt)
        else:
            metrics |= self._update_with(self.replay, collected, learnt)
        self._follow()  # also then: a resumed run counts steps, and knows nothing of what they taught
        return metrics

    def assign(self, learnt: Columns, rewards: Tensor) -> None:
        """Sets the per-token columns of graded trajectories: advantages, and what else the update will read."""
        recipe, backprop = self.recipe, self.backprop
        last_values = self._set_columns(learnt)
        lengths = learnt.response_lengths
        if recipe.overlong_share:
            longest = learnt.longest_turns  # the limit is that of a turn, not of an episode
            rewards = rewards + overlong_penalty(longest, longest=self.max_new_tokens, share=recipe.overlong_share)
        logprob = learnt.sampled("old_logprob" if recipe.needs_old_logprob else "behaviour_logprob")
        reference, penalty = learnt.sampled("reference_logprob"), None
        if recipe.loss.kl_in == "reward" and recipe.loss.kl_coef and reference is not None and logprob is not None:
            penalty = recipe.loss.kl_coef * find_kl_estimator(recipe.loss.kl_estimator)(logprob, reference)
        credit = estimate(
            CreditInputs(
                rewards=rewards,
                groups=learnt.groups,
                lengths=lengths,
                turn=learnt.turns,
                penalty=penalty,
                logprob=logprob,
                reference_logprob=reference,
                value=learnt.sampled("value"),
                bootstrap=torch.where(learnt.cut_short, last_values, 0.0),
            ),
            recipe.credit,
        )
        learnt.set_sampled("advantage", credit.advantage)
        if credit.returns is not None and backprop.critic is not None:
            learnt.set_sampled("returns", credit.returns)

    def _set_columns(self, learnt: Columns) -> Tensor:
        """Has each model score what the update will read of it.

        Returns:
            The critic's value after the last token of each trajectory, [S]; zeros without a critic.
        """
        recipe, backprop, reference = self.recipe, self.backprop, self.backprop.ref_model
        apart = reference is not None and self._apart(reference)
        names = ["old_logprob"] if recipe.needs_old_logprob else []
        names += ["reference_logprob"] if reference is not None and recipe.needs_reference_first and not apart else []
        if names:
            self._have_scored(learnt, backprop.model, names)
        if apart:
            self._have_scored(learnt, reference, ["reference_logprob"])
        if backprop.critic is None:
            return torch.zeros(len(learnt))
        return self._have_scored(learnt, backprop.critic, ["value"])

    def _have_scored(self, learnt: Columns, model: Any, names: Sequence[str]) -> Tensor:
        """Sets columns in the micro-batches that a model takes; see :meth:`BackpropModule.set_columns`."""
        parts = self._parts(learnt, min(self.recipe.minibatches, len(learnt)), model)
        batches = [batch for part in parts for batch in part.batches]
        return self.backprop.set_columns(learnt, batches, names, share_of(model).gather)

    def _apart(self, model: Any) -> bool:
        """Whether a model is divided in another way than the policy, so that it can't be called in between."""
        return share_of(model) != share_of(self.backprop.model)

    def update(self, learnt: Columns | None, more: Sequence[Lesson] = ()) -> Metrics:
        """Updates policy and critic from trajectories with advantages: ``epochs`` times ``minibatches`` steps.

        Args:
            learnt: the trajectories of the step; None where they taught nothing.
            more: what is learnt from once more beside them.
        """
        lessons = [*([] if learnt is None else [Lesson(learnt, self.recipe.loss)]), *more]
        model, critic = self.backprop.model, self.backprop.critic if learnt is not None else None
        sums, values = [UpdateSums() for _ in lessons], torch.zeros((), dtype=torch.float64)
        count = min(self.recipe.minibatches, max((len(lesson.learnt) for lesson in lessons), default=0))
        parts = [self._parts(lesson.learnt, count, model) for lesson in lessons]
        value_parts = self._parts(lessons[0].learnt, count, critic) if critic is not None else []
        tasks = [[state["task_id"] for state in lesson.learnt.states] for lesson in lessons]
        for _ in range(self.recipe.epochs):
            for k in range(count):
                chosen = [part[k] for part in parts]
                weights = step_weights(lessons, [part.rows for part in chosen])
                for lesson, part, weight, names, sum_ in zip(lessons, chosen, weights, tasks, sums, strict=True):
                    for batch in part.batches:
                        sum_.add(*self.backprop.learn(batch, weight[batch.rows], lesson.loss, names))
                for batch in value_parts[k].batches if value_parts else ():
                    values += self.backprop.learn_values(batch, weights[0][batch.rows], self.recipe.loss).double().cpu()
                norm = self.backprop.step()
                for sum_ in sums:
                    sum_.add_step(norm)
        for sum_ in sums:
            sum_.over(self._processes, share_of(model))
        if critic is not None:
            sums[0].add_values(share_of(critic).gather(values), self.recipe.loss.value_coef)
        found = [sum_.means() for sum_ in sums]
        own = UpdateSums().means() if learnt is None else found.pop(0)
        for lesson, means in zip(more, found, strict=True):
            own["replay_loss" if lesson.coef is None else "anchor_loss"] = means["loss"]
            own |= {name: means[name] for name in ("grad_norm", "updates", "skipped_steps")}  # those of all together
        return own

    def set_kl(self, coefficient: float) -> None:
        """Sets the weight of the KL term from the next step on."""
        self.recipe = replace(self.recipe, loss=replace(self.recipe.loss, kl_coef=coefficient))

    def _update_with(self, replay: Replay, collected: Columns, learnt: Columns | None) -> Metrics:
        """The update, with replay: of what earlier steps stored, not of this one."""
        versions = collected.sampled("version")
        # Asynchronous rollouts are of several versions: the oldest one counts for what is stored.
        oldest = version = self.steps
        if versions is not None and len(versions):
            oldest, version = int(versions.min()), int(versions.max())
        lessons, metrics = replay.lessons(version, self.recipe.loss, self._score)
        metrics |= self.update(learnt, lessons)
        replay.add(collected, learnt, oldest)
        return metrics

    def _score(self, learnt: Columns) -> Tensor:
        """Log-probs of sampled tokens under the policy as it is: [N]."""
        found = torch.zeros(int(learnt.mask.sum()))
        for batch in self._parts(learnt, 1, self.backprop.model)[0].batches:
            found[batch.places] = self.backprop.columns(batch, ["old_logprob"])["old_logprob"].float().cpu()
        return share_of(self.backprop.model).gather(found)

    def _adapt(self, recipe: Recipe) -> Recipe:
        recipe, config = recipe.adapted(self.backprop.config, max_new_tokens=self.max_new_tokens), self.config
        if config.norm_std is not None:
            recipe = replace(recipe, credit=replace(recipe.credit, norm_std=config.norm_std))
        if config.reward_method == "relative":  # they are normalised already
            recipe = replace(recipe, credit=replace(recipe.credit, norm_std=False, whiten=False))
        return replace(
            recipe, epochs=config.ppo_epochs or recipe.epochs, minibatches=config.minibatches or recipe.minibatches
        )

    def _chosen(self, collected: Columns, rewards: Tensor) -> Tensor:
        """Which trajectories are learnt from: [S], bool."""
        chosen = collected.valid & (collected.response_lengths > 0)
        if self.recipe.filter_groups:
            informative = informative_groups(rewards, collected.groups, collected.valid)
            chosen = chosen & torch.isin(collected.groups, informative)
        return chosen

    def _parts(self, learnt: Columns, count: int, model: Any) -> list[_Minibatch]:
        """``count`` minibatches for a model: always the same, so that earlier log-probs are exact."""
        share, tokens = share_of(model), self.config.tokens_per_microbatch
        if share.groups > 1:  # there is something for each of them
            tokens = min(tokens, -(-len(learnt.mask) // (share.groups * count)))
        # A critic is called with padded rows.
        with self.backprop.autocast():
            layout = OWN_ROWS if model is self.backprop.critic else find_plan(model)
        found = []
        for m in range(count):
            chosen = range(m, len(learnt), count)
            batches = microbatches(learnt, tokens, self.backprop.model.device, chosen, layout=layout)
            found.append(_Minibatch(share.deal(batches), _rows(batches)))
        return found

    def _follow(self) -> None:
        """Lets the reference follow the policy, where the recipe says so."""
        self.steps += 1
        period = self.recipe.ref_period
        if period is not None and self.backprop.ref_model is not None and self.steps % period == 0:
            self.backprop.update_ref_model()


class _Minibatch(NamedTuple):
    """What one optimizer step learns from.

    Attributes:
        batches: the micro-batches of this process.
        rows: the trajectories of those of all processes, each once.
    """

    batches: Sequence[TokenBatch]
    rows: Tensor


def _rows(batches: Sequence[TokenBatch]) -> Tensor:
    """The trajectories of micro-batches, each once: segments share theirs."""
    return torch.unique(torch.cat([batch.rows for batch in batches])) if batches else torch.zeros(0, dtype=torch.long)


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
