"""From the configuration to the parts of a run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from math import inf
from pathlib import Path
from typing import Any, cast

import torch
from torch.distributed.device_mesh import DeviceMesh
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from ...buffers.tasks import TaskBuffer
from ...datasets.task import SPLITS, Split
from ...envs.hosts import Processes as HostProcesses
from ...envs.hosts_ray import RayActors
from ..algorithms.algorithm import Algorithm, AlgorithmConfig
from ..algorithms.recipes import make_recipe
from ..config import ConfigError, TrainConfig
from ..credit.reward_computer import RewardComputer
from ..inference.continuous import ContinuousBackend
from ..inference.huggingface import HuggingFaceBackend
from ..inference.module import InferenceModule
from ..inference.sampling import TokenFilter, stream_key
from ..models.policy import find_device, load_policy, made_like, make_policy, restore_weights
from ..parallel.apply import full_weights, parallelize
from ..parallel.mesh import make_mesh, resolve
from ..parallel.processes import Processes
from ..parallel.shards import Part, load_whole
from ..rollouts.manager import RolloutConfig, RolloutManager
from ..rollouts.pipeline import Pipeline
from ..rollouts.source import OfFirst, Source, Synchronous
from ..updates.backprop import BackpropConfig, BackpropModule, RefUpdate
from ..updates.clipping import is_divided
from ..updates.conversations import Conversations, read_conversations
from ..updates.demonstrations import refrains, solved
from ..updates.optimizer import make_optimizer
from ..updates.replay import Replay
from ..updates.warm_start import WarmStart
from .companions import Companions
from .data import Splits, load_splits
from .sampler import make_inference
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
        processes: of the run.
        meshes: how they divide the ``policy``, and the ``reference`` and the ``critic`` if there are any; none where
            models are whole.
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
    processes: Processes
    meshes: dict[str, DeviceMesh]

    def whole(self) -> PreTrainedModel:
        """The policy with whole weights: itself, the copy that samples, or else one that is made now."""
        if not self.meshes:
            return self.model
        if not self.rollouts["train"].first_plays:
            assert self.inference.model is not None
            return self.inference.model
        found = made_like(self.model)
        found.load_state_dict(full_weights(self.model))
        return found

    def hand_over(self, version: int) -> None:
        """Gives the weights of the policy to what samples."""
        samplers = dict.fromkeys((self.inference, self.rollouts["train"].inference))
        # Each process has a copy that samples, or the first one asks servers.
        remote = bool(self.meshes) and self.rollouts["train"].first_plays
        weights = self.model.state_dict()
        if self.meshes:
            weights = full_weights(self.model, keep=self.processes.first or not remote)

        def give() -> None:
            for sampler in samplers:
                sampler.load(weights, version=version)

        if remote:
            self.processes.from_first(give)
            self.inference.version = version
        else:
            give()

    def restore(self, folder: Path) -> None:
        """Takes the weights of a saved policy."""
        if not self.meshes:
            restore_weights(self.model, folder)
        else:
            load_whole(Part(self.model), load_policy(str(folder), dtype=self.model.dtype)[0].state_dict(), None)

    def divide(self, name: str, model: Any) -> None:
        """Divides the ``reference`` or the ``critic`` over the processes, in place, if there are several."""
        if self.meshes:
            parallelize(model, self.meshes[name], dtype=_half(self.inference))


def build(
    config: TrainConfig, *, checkpoint: Path | None, reward_computer: RewardComputer | None, processes: Processes
) -> Parts:
    """Makes the parts of a run.

    Args:
        config: what to make.
        checkpoint: the folder to load the policy from, on resume.
        reward_computer: instead of the environment's own rewards.
        processes: of the run.

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
    inference = make_inference(config, model, tokenizer, processes)
    meshes = _divide(config, model, inference, processes)
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
    trained = inference
    if config.rollout.staleness and config.rollout.backend == "huggingface" and processes.first:
        trained = sample_beside(config, inference)
    rollouts = {
        name: _rollouts(config, splits, name, trained if name == "train" else inference, processes) for name in SPLITS
    }
    _check_room(config, model, rollouts["train"])
    return Parts(
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
    )


def _divide(
    config: TrainConfig, model: PreTrainedModel, inference: InferenceModule, processes: Processes
) -> dict[str, DeviceMesh]:
    """Divides the policy over the processes, where there are several.

    Returns:
        The meshes of all models; none if there is one process.

    Raises:
        ConfigError: if there are not as many as the configuration divides it by, or it cannot be divided.
    """
    ours = config.parallel
    try:
        shapes = {"policy": resolve(ours, processes.size)}
        for name, other in (("reference", ours.reference), ("critic", ours.critic)):
            shapes[name] = shapes["policy"] if other is None else resolve(other, processes.size)
        if processes.size == 1:
            return {}
        if config.model.compile:
            raise ValueError("model.compile works in one process only: models are divided as they are written")
        known = {shape: make_mesh(shape, model.device.type) for shape in dict.fromkeys(shapes.values())}
        meshes = {name: known[shape] for name, shape in shapes.items()}
        parallelize(model, meshes["policy"], dtype=_half(inference))
    except ValueError as error:
        raise ConfigError(str(error)) from None
    return meshes


def _autocast(model: PreTrainedModel, inference: InferenceModule) -> Callable[[], AbstractContextManager[Any]]:
    """The context of forward passes. Divided models were told of their arithmetic when they were divided."""
    return nullcontext if is_divided(model) else inference.backend.autocast


def _half(inference: InferenceModule) -> torch.dtype | None:
    """The dtype of the arithmetic if it is another than that of the weights."""
    backend = inference.backend
    return torch.bfloat16 if isinstance(backend, HuggingFaceBackend) and backend.bfloat16 else None


def make_source(config: TrainConfig, curriculum: TaskBuffer, rollouts: RolloutManager, processes: Processes) -> Source:
    """Where the groups of each step come from; asynchronous rollouts sample with weights of their own."""
    group_size, staleness = config.data.responses_per_prompt, config.rollout.staleness
    if not staleness:
        return Synchronous(curriculum, rollouts, group_size=group_size)
    pipeline = Pipeline(
        curriculum,
        rollouts,
        group_size=group_size,
        quota=config.data.prompts_per_rollout,
        staleness=staleness,
        steps=config.trainer.steps,
    )
    return pipeline if processes.size == 1 else OfFirst(pipeline, curriculum, processes)


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
        autocast=_autocast(parts.model, parts.inference),
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
        autocast=_autocast(model, inference),
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
