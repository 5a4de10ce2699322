"""The plan of a run: what its configuration comes to, in units, before anything is done."""

from __future__ import annotations

import torch
from rich.table import Table
from rich.text import Text

from ...datasets.task import SPLITS
from ..config import TrainConfig
from ..parallel.shape import DIMENSIONS
from ..progress import some
from .parts import Parts


def plan(config: TrainConfig, parts: Parts) -> dict[str, str]:
    """What will be done, by name, for people."""
    data, rollout, actor, adv = config.data, config.rollout, config.actor, config.adv
    weights = [(weight.numel(), weight.requires_grad) for weight in parts.model.parameters()]
    trained = sum(count for count, trains in weights if trains)
    responses = data.prompts_per_rollout * data.responses_per_prompt
    rounds = f", up to {adv.max_rounds} rounds" if adv.filter_groups else ""
    updates = actor.epochs * actor.minibatches
    longest = rollout.max_length or getattr(parts.model.config, "max_position_embeddings", None)
    samples = config.evaluation.samples_per_prompt
    held_out = {name: len(getattr(parts.splits, name).tasks) * samples for name in ("validation", "test")}
    rate = f"{actor.lr:g}"
    if actor.decay_steps is not None:
        rate += f", {actor.scheduler} to {actor.min_ratio:g} of it over {actor.decay_steps:,} steps"
    return {
        "environment": f"{data.env}: " + ", ".join(f"{len(getattr(parts.splits, s).tasks):,} {s}" for s in SPLITS),
        "model": f"{config.model.name or 'tiny, made on the spot'}: {sum(count for count, _ in weights):,} parameters, "
        f"{'all' if trained == sum(count for count, _ in weights) else f'{trained:,}'} trained",
        "machine": f"{parts.model.device}, {_count(torch.get_num_threads(), 'thread')}",
        **_division(parts),
        "warm start": _warm_start(config),
        "step": f"{data.prompts_per_rollout:,} tasks x {data.responses_per_prompt} responses = {responses:,} episodes"
        + rounds,
        "tokens": f"at most {rollout.max_new_tokens:,} a response"
        + (f", {longest:,} an episode" if longest else "")
        + f"; {actor.tokens_per_microbatch:,} a micro-batch",
        **_sampling(config),
        **_practice(config, parts),
        **({"rollouts": f"while learning, at most {rollout.staleness} steps old"} if rollout.staleness else {}),
        "learning": f"{adv.estimator} advantages, {actor.policy_loss} loss, {_count(updates, 'update')} a step",
        "learning rate": rate,
        "length": f"{config.trainer.steps:,} steps = {config.trainer.steps * responses:,} episodes",
        "validation": f"every {config.evaluation.every:,} steps, {held_out['validation']:,} responses",
        "test": f"before and after, {held_out['test']:,} responses",
        "checkpoints": f"every {config.trainer.save_every:,} steps, the latest {config.trainer.keep} are kept",
    }


def _division(parts: Parts) -> dict[str, str]:
    """How models are divided, where there are several processes."""
    shapes = {
        name: " x ".join(f"{way} {mesh[way].size()}" for way in DIMENSIONS if mesh[way].size() > 1)
        for name, mesh in parts.meshes.items()
    }
    others = [f"{name} {shape}" for name, shape in shapes.items() if shape != shapes["policy"]]
    told = "; ".join([f"{parts.processes.size}: {shapes.get('policy')}", *others])
    return {"processes": told} if shapes else {}


def _sampling(config: TrainConfig) -> dict[str, str]:
    """What samples, where it is not the policy itself."""
    rollout = config.rollout
    if rollout.backend == "huggingface":
        return {}
    where = "in this process" if rollout.servers is None else f"on {_count(len(rollout.servers), 'server')}"
    return {"sampling": f"{rollout.backend}, {where}"}


def _practice(config: TrainConfig, parts: Parts) -> dict[str, str]:
    """What is practised when, and what is learnt from once more, where there is more than one stage or step to it."""
    stages, buffer = parts.curriculum.stages, config.buffer
    found = {"sampler": f"{buffer.sampler}, {_count(len(stages.domains), 'domain')}"}
    if len(stages.begins) > 1:
        came = (f"from step {begin:,} {some(stages.of(k), most=8)}" for k, begin in enumerate(stages.begins))
        found["stages"] = "; ".join(came) + ("; earlier ones retire" if buffer.retire else "")
    if buffer.new_share is not None:
        found["new domains"] = f"{buffer.new_share:.0%} of each step"
    if buffer.replay is not None:
        found["replay"] = (
            f"{buffer.replay.groups:,} stored groups a step, at most {buffer.replay.max_lag:,} versions old"
        )
    if buffer.anchors is not None:
        found["anchors"] = f"{buffer.anchors.groups:,} groups of successes a step, weight {buffer.anchors.coef:g}"
    if config.upgrade is not None and parts.watch is not None:
        found["watch"] = f"over {some([*parts.watch.watched], most=8)}, which may lose {config.upgrade.tolerance:g}"
    return found


def plan_table(rows: dict[str, str]) -> Table:
    """The plan, to print."""
    table = Table(title="Plan", show_header=False, title_justify="left")
    table.add_column(style="dim")
    for name, value in rows.items():
        table.add_row(name, Text(value, overflow="fold"))
    return table


def _warm_start(config: TrainConfig) -> str:
    warm = config.model.warm_start
    if warm is None or not warm.max_steps:
        return "none"
    until = f" or {warm.target:g} of the validation split" if warm.target is not None else ""
    return f"up to {warm.max_steps:,} supervised steps of {warm.batch_size:,} rows{until}"


def _count(number: int, name: str) -> str:
    return f"{number:,} {name}" if number == 1 else f"{number:,} {name}s"
