"""From the configuration to the parts of a run."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import cast

import torch
from transformers import PreTrainedModel

from ...buffers.tasks import TaskBuffer
from ...datasets.task import SPLITS, Split
from ...envs.hosts import Processes as HostProcesses
from ...envs.hosts_ray import RayActors
from ..algorithms.algorithm import Algorithm, AlgorithmConfig
from ..algorithms.recipes import make_recipe
from ..config import ConfigError, TrainConfig
from ..credit.reward_computer import RewardComputer
from ..inference.module import InferenceModule
from ..inference.sampling import TokenFilter, stream_key
from ..models.policy import find_device, make_policy
from ..parallel.processes import Processes
from ..rollouts.manager import RolloutConfig, RolloutManager
from ..updates.backprop import BackpropConfig, BackpropModule, RefUpdate
from ..updates.conversations import Conversations, read_conversations
from ..updates.demonstrations import refrains, solved
from ..updates.optimizer import make_optimizer
from ..updates.replay import Replay
from ..updates.warm_start import WarmStart
from .companions import Companions
from .data import Splits, load_splits
from .division import autocast_of, divide_policy
from .groups import make_source
from .parts import Parts
from .places import Places
from .room import check_room
from .sampler import make_inference, sample_beside
from .upgrade import RegressionWatch


def build(
    config: TrainConfig,
    *,
    checkpoint: Path | None,
    reward_computer: RewardComputer | None,
    processes: Processes | None = None,
) -> Parts:
    """Makes the parts of a run.

    Args:
        config: what to make.
        checkpoint: the folder to load the policy from, on resume.
        reward_computer: instead of the environment's own rewards.
        processes: of the run; by default this one alone.

    Raises:
        ConfigError: if the configuration names something that is not there.
    """
    processes = processes or Processes()
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
        config.model,
        device,
        seed=config.seed,
        folder=checkpoint,
        phrases=_phrases(config, splits),
        divided=processes.size > 1,
    )
    inference = make_inference(config, model, tokenizer, device, processes)
    meshes = divide_policy(config, model, device, processes)
    places = Places(device, wanted=config.actor.offload_models)
    places.learns(model)
    if config.rollout.backend == "huggingface":
        assert inference.model is not None
        places.samples(inference.model)
    curriculum, watch = _curriculum(config, splits)
    trained = inference
    if config.rollout.staleness and config.rollout.backend == "huggingface" and processes.first:
        trained = sample_beside(config, inference)
    rollouts = {
        name: _rollouts(config, splits, name, trained if name == "train" else inference, processes) for name in SPLITS
    }
    check_room(config, model, rollouts["train"])
    return Parts(
        config=config,
        splits=splits,
        model=model,
        tokenizer=tokenizer,
        inference=inference,
        rollouts=rollouts,
        curriculum=curriculum,
        source=make_source(config, curriculum, rollouts["train"], processes),
        replay=_replay(config, curriculum),
        watch=watch,
        reward_computer=reward_computer or RewardComputer(),
        optimizer=make_optimizer(model, config.actor, lr=config.actor.lr, weight_decay=config.actor.weight_decay),
        warm_start=_warm_start(config, splits, model, inference),
        processes=processes,
        meshes=meshes,
        places=places,
    )


def _curriculum(config: TrainConfig, splits: Splits) -> tuple[TaskBuffer, RegressionWatch | None]:
    """What draws tasks, and what looks after prior domains."""
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
    return curriculum, watch


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
        autocast=autocast_of(config, parts.model),
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
        autocast=autocast_of(config, model),
        left_out=found.left_out,
    )


def _rollouts(
    config: TrainConfig, splits: Splits, split: Split, inference: InferenceModule, processes: Processes
) -> RolloutManager:
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
        make = RayActors if config.rollout.ray else HostProcesses
        try:
            hosts = make(env, config.rollout.processes)
        except (ModuleNotFoundError, ValueError) as error:
            raise ConfigError(f"rollout.processes={config.rollout.processes}: {error}") from None
    return RolloutManager(
        env,
        sampling,
        inference=inference,
        hosts=hosts,
        processes=processes,
        first_plays=config.rollout.backend != "huggingface",
    )
