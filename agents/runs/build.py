"""From the configuration to the parts of a run."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import gymnasium
import torch
from gymnasium.error import Error as GymnasiumError
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from ...buffers.tasks import TaskBuffer
from ...datasets.task import SPLITS, Split, TaskList
from ...envs.text_env import TextEnv
from ..algorithms.algorithm import Algorithm, AlgorithmConfig
from ..algorithms.recipes import make_recipe
from ..config import ActorConfig, ConfigError, TrainConfig
from ..credit.reward_computer import RewardComputer
from ..inference.module import InferenceModule
from ..models.policy import find_device, make_policy
from ..rollouts.manager import RolloutConfig, RolloutManager
from ..updates.backprop import BackpropConfig, BackpropModule, RefUpdate
from ..updates.warm_start import WarmStart, solved
from .data import Splits, load_splits


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of a run.

    Attributes:
        splits: the tasks.
        model: the policy.
        tokenizer: its tokenizer.
        inference: samples from the policy; shares its weights.
        rollouts: collects trajectories on each split.
        curriculum: draws tasks of the train split.
        reward_computer: gives trajectories their rewards.
        optimizer: of the policy's weights.
        warm_start: supervised steps to begin with; None for none.
    """

    splits: Splits
    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    inference: InferenceModule
    rollouts: dict[Split, RolloutManager]
    curriculum: TaskBuffer
    reward_computer: RewardComputer
    optimizer: torch.optim.Optimizer
    warm_start: WarmStart | None


def build(config: TrainConfig, *, checkpoint: Path | None, reward_computer: RewardComputer | None) -> Parts:
    """Makes the parts of a run.

    Args:
        config: what to make.
        checkpoint: the folder to load the policy from, on resume.
        reward_computer: instead of the environment's own rewards.

    Raises:
        ConfigError: if the configuration names something that is not there.
    """
    torch.manual_seed(config.seed)
    if config.trainer.threads is not None:
        torch.set_num_threads(config.trainer.threads)
    splits = load_splits(config.data, seed=config.seed)
    device = find_device(config.trainer.device)
    model, tokenizer = make_policy(config.model, device, seed=config.seed, folder=checkpoint)
    inference = InferenceModule(model, tokenizer, dtype=config.model.dtype)
    warm_start = None
    if config.model.warm_start is not None:
        warm_start = WarmStart(model, solved(splits.train, tokenizer), config.model.warm_start, seed=config.seed)
    try:
        curriculum = TaskBuffer(
            [task.domain for task in splits.train.tasks], preset=config.buffer.sampler, seed=config.seed
        )
    except ValueError as error:
        raise ConfigError(f"buffer.{error}") from None
    return Parts(
        splits=splits,
        model=model,
        tokenizer=tokenizer,
        inference=inference,
        rollouts={name: _rollouts(config, getattr(splits, name), name, inference) for name in SPLITS},
        curriculum=curriculum,
        reward_computer=reward_computer or RewardComputer(),
        # A slow second moment: the gradients of single steps are noisy.
        optimizer=torch.optim.AdamW(
            model.parameters(), lr=config.actor.lr, betas=(0.9, 0.99), weight_decay=config.actor.weight_decay
        ),
        warm_start=warm_start,
    )


def make_algorithm(config: TrainConfig, parts: Parts, reference: PreTrainedModel | None) -> Algorithm:
    """The algorithm over the run's parts; ``reference`` is the model of the KL term."""
    backprop = BackpropModule(
        parts.model,
        reference,
        parts.optimizer,
        BackpropConfig(
            max_grad_norm=config.actor.max_grad_norm,
            ref_update_method=cast(RefUpdate, config.actor.ref_update),
            ema_alpha=config.actor.ema_alpha,
            temperature=config.rollout.temperature,
            max_skipped_steps=config.actor.max_skipped_steps,
        ),
        autocast=parts.inference.backend.autocast,
    )
    rollouts = parts.rollouts["train"]
    return Algorithm(
        rollouts.env,
        rollouts,
        parts.reward_computer,
        backprop,
        AlgorithmConfig(
            batch_size=config.data.prompts_per_rollout * config.data.responses_per_prompt,
            group_size=config.data.responses_per_prompt,
            tokens_per_microbatch=config.actor.tokens_per_microbatch,
        ),
        recipe=make_recipe(config.actor, config.adv),
    )


def learning_rate(actor: ActorConfig, step: int) -> float:
    """The learning rate of ``step``, counted from 1."""
    if actor.decay_steps is None:
        return actor.lr
    return actor.lr * max(0.1, 1 - 0.9 * (step - 1) / actor.decay_steps)


def freeze_copy(model: PreTrainedModel) -> PreTrainedModel:
    """A copy of the policy as it is now."""
    return copy.deepcopy(model).requires_grad_(False)


def _rollouts(config: TrainConfig, tasks: TaskList, split: Split, inference: InferenceModule) -> RolloutManager:
    try:
        env = gymnasium.make(config.data.env, tasks=tasks).unwrapped
    except (GymnasiumError, TypeError, ValueError) as error:
        # Gymnasium's words may hold all arguments, and so every task.
        raise ConfigError(f"data.env={config.data.env}: {str(error).split(' with kwargs')[0][:200]}") from None
    if not isinstance(env, TextEnv):
        raise ConfigError(f"data.env={config.data.env}: not a text environment")
    sampling = RolloutConfig(
        num_parallel=config.rollout.num_parallel,
        max_new_tokens=config.rollout.max_new_tokens,
        temperature=config.rollout.temperature,
        seed=config.seed,
        stream=split,
    )
    return RolloutManager(env, sampling, inference=inference)
