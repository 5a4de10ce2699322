"""From the configuration to the parts of a run."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from math import inf
from pathlib import Path
from typing import cast

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from ...buffers.tasks import TaskBuffer
from ...datasets.task import SPLITS, Split
from ...envs.hosts import Processes
from ...envs.hosts_ray import RayActors
from ..algorithms.algorithm import Algorithm, AlgorithmConfig
from ..algorithms.recipes import make_recipe
from ..config import ConfigError, TrainConfig
from ..credit.reward_computer import RewardComputer
from ..inference.continuous import ContinuousBackend
from ..inference.module import InferenceModule
from ..inference.sampling import TokenFilter, stream_key
from ..models.policy import find_device, make_policy
from ..rollouts.manager import RolloutConfig, RolloutManager
from ..rollouts.pipeline import Pipeline
from ..rollouts.source import Source, Synchronous
from ..updates.backprop import BackpropConfig, BackpropModule, RefUpdate
from ..updates.conversations import Conversations, read_conversations
from ..updates.demonstrations import refrains, solved
from ..updates.optimizer import make_optimizer
from ..updates.replay import Replay
from ..updates.warm_start import WarmStart
from .companions import Companions
from .data import Splits, load_splits
from .upgrade import RegressionWatch

# So many training tasks at most are measured at the start.
TASKS_LOOKED_AT = 100


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
        source: gives the groups of each step.
        replay: what is learnt from once more; None for nothing.
        watch: looks after prior domains; None where the run is no upgrade.
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
    source: Source
    replay: Replay | None
    watch: RegressionWatch | None
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
    if config.data.prompts_per_rollout > len(splits.train.tasks):
        raise ConfigError(
            f"data.prompts_per_rollout={config.data.prompts_per_rollout} tasks per step, but the train split has only "
            f"{len(splits.train.tasks)}: lower the one, or give more tasks"
        )
    device = find_device(config.trainer.device)
    model, tokenizer = make_policy(
        config.model, device, seed=config.seed, folder=checkpoint, phrases=_phrases(config, splits)
    )
    inference = InferenceModule(model, tokenizer, dtype=config.model.dtype)
    try:
        curriculum = TaskBuffer(
            [task.domain for task in splits.train.tasks],
            preset=config.buffer.sampler,
            seed=config.seed,
            group_size=config.data.responses_per_prompt,
            arrivals=config.buffer.arrivals,
            retire=config.buffer.retire,
            new_share=config.buffer.new_share,
        )
        measured = Counter(task.domain for task in splits.validation.tasks)
        watch = RegressionWatch(config.upgrade, curriculum, measured) if config.upgrade is not None else None
    except ValueError as error:
        raise ConfigError(f"buffer.{error}") from None
    trained = sample_beside(config, inference) if config.rollout.staleness else inference
    rollouts = {name: _rollouts(config, splits, name, trained if name == "train" else inference) for name in SPLITS}
    _check_room(config, model, rollouts["train"])
    return Parts(
        splits=splits,
        model=model,
        tokenizer=tokenizer,
        inference=inference,
        rollouts=rollouts,
        curriculum=curriculum,
        source=make_source(config, curriculum, rollouts["train"]),
        replay=_replay(config, curriculum),
        watch=watch,
        reward_computer=reward_computer or RewardComputer(),
        optimizer=make_optimizer(model, config.actor, lr=config.actor.lr, weight_decay=config.actor.weight_decay),
        warm_start=_warm_start(config, splits, model, inference),
    )


def make_source(config: TrainConfig, curriculum: TaskBuffer, rollouts: RolloutManager) -> Source:
    """Where the groups of each step come from; asynchronous rollouts sample with weights of their own."""
    group_size, staleness = config.data.responses_per_prompt, config.rollout.staleness
    if not staleness:
        return Synchronous(curriculum, rollouts, group_size=group_size)
    return Pipeline(
        curriculum,
        rollouts,
        group_size=group_size,
        quota=config.data.prompts_per_rollout,
        staleness=staleness,
        steps=config.trainer.steps,
    )


def make_algorithm(config: TrainConfig, parts: Parts, companions: Companions) -> Algorithm:
    """The algorithm over the run's parts."""
    backprop = BackpropModule(
        parts.model,
        companions.reference,
        parts.optimizer,
        BackpropConfig(
            max_grad_norm=config.actor.max_grad_norm,
            ref_update_method=cast(RefUpdate, config.actor.ref_update),
            ema_alpha=config.actor.ema_alpha,
            temperature=config.rollout.temperature,
            max_skipped_steps=config.actor.max_skipped_steps,
            offload_activations=config.actor.offload_activations,
        ),
        autocast=parts.inference.backend.autocast,
        critic=companions.critic,
        critic_optimizer=companions.critic_optimizer,
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
        replay=parts.replay,
    )


def _replay(config: TrainConfig, curriculum: TaskBuffer) -> Replay | None:
    if config.buffer.replay is None and config.buffer.anchors is None:
        return None
    try:
        return Replay(config.buffer, curriculum, seed=config.seed)
    except ValueError as error:
        section = "anchors" if config.buffer.replay is None else "replay"
        raise ConfigError(f"buffer.{section}: {error}") from None


def _phrases(config: TrainConfig, splits: Splits) -> list[str]:
    """What a tokenizer that is made on the spot has single tokens for."""
    if config.model.tiny is None or config.model.warm_start is None:
        return []
    return refrains(splits.train, splits.envs["train"], tool_share=config.model.warm_start.tool_share)


def _warm_start(
    config: TrainConfig, splits: Splits, model: PreTrainedModel, inference: InferenceModule
) -> WarmStart | None:
    how, tokenizer = config.model.warm_start, inference.tokenizer
    if how is None or not how.max_steps:
        return None
    if how.path is None:
        key = stream_key(config.seed, "demonstrations")
        train, validation = (
            solved(tasks, tokenizer, env, tool_share=how.tool_share, key=key)
            for tasks, env in ((splits.train, splits.envs["train"]), (splits.validation, splits.envs["validation"]))
        )
        found = Conversations(train, validation)
    else:
        limit = how.max_tokens or getattr(model.config.get_text_config(), "max_position_embeddings", None)
        measured = {task.prompt for tasks in (splits.validation, splits.test) for task in tasks.tasks}
        try:
            found = read_conversations(how.path, tokenizer, max_tokens=limit, held_out=measured)
        except (OSError, ValueError, ModuleNotFoundError) as error:
            raise ConfigError(f"model.warm_start.path: {error}") from None
    return WarmStart(
        model,
        found.train,
        how,
        seed=config.seed,
        validation=found.validation,
        autocast=inference.backend.autocast,
        left_out=found.left_out,
    )


def _rollouts(config: TrainConfig, splits: Splits, split: Split, inference: InferenceModule) -> RolloutManager:
    sampling = RolloutConfig(
        num_parallel=config.rollout.num_parallel,
        max_new_tokens=config.rollout.max_new_tokens,
        temperature=config.rollout.temperature,
        max_length=config.rollout.max_length,
        deadline=config.rollout.deadline,
        patience=config.rollout.patience,
        seed=config.seed,
        stream=split,
    )
    if split != "train":
        ours = config.evaluation
        temperature = sampling.temperature if ours.temperature is None else ours.temperature
        only = TokenFilter(ours.top_k, ours.top_p, ours.min_p)
        sampling = replace(sampling, temperature=temperature, token_filter=only)
    env, hosts = splits.envs[split], None
    if split == "train" and config.rollout.processes is not None:
        make = RayActors if config.rollout.ray else Processes
        try:
            hosts = make(env, config.rollout.processes)
        except (ModuleNotFoundError, ValueError) as error:
            raise ConfigError(f"rollout.processes={config.rollout.processes}: {error}") from None
    return RolloutManager(env, sampling, inference=inference, hosts=hosts)


def sample_beside(config: TrainConfig, inference: InferenceModule) -> InferenceModule:
    """Inference by a copy of the policy, while the policy itself is trained."""
    model = inference.model
    assert model is not None
    backend = ContinuousBackend(
        model, inference.tokenizer, dtype=config.model.dtype, temperature=config.rollout.temperature
    )
    return InferenceModule("a copy of the policy", inference.tokenizer, backend)


def _check_room(config: TrainConfig, model: PreTrainedModel, rollouts: RolloutManager) -> None:
    """Refuses lengths that do not go together, and looks for a task to which a response has room: often the first."""
    given = config.rollout.max_length
    longest: int | None = given or getattr(model.config, "max_position_embeddings", None)
    if given and (most := _positions(model)) and given > most:
        raise ConfigError(f"rollout.max_length={given} is more than the {most} tokens that the model was made for")
    if not longest:
        return
    shortest = inf
    for length in rollouts.opening_lengths(most=TASKS_LOOKED_AT):
        shortest = min(shortest, length)
        if length < longest:
            break
    what = f"rollout.max_length={given}" if given else f"the model, made for {longest} tokens,"
    if longest <= shortest < inf:
        raise ConfigError(
            f"{what} leaves no room for a response: the shortest of the first {TASKS_LOOKED_AT} training tasks opens "
            f"with {shortest} tokens"
        )
    if config.rollout.max_new_tokens >= longest:
        raise ConfigError(
            f"rollout.max_new_tokens={config.rollout.max_new_tokens}: {what} has no room for that and a prompt"
        )


def _positions(model: PreTrainedModel) -> int | None:
    """So many tokens the model can tell apart by their places, stretched ones (YaRN) included; None for no limit."""
    text = model.config.get_text_config()
    known: int = getattr(text, "max_position_embeddings", None) or 0
    rope = getattr(text, "rope_parameters", None) or {}
    stretched = (rope.get("original_max_position_embeddings") or known) * (rope.get("factor") or 1)
    return max(known, int(stretched)) or None
