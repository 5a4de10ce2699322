"""Where the groups of each step come from."""

from __future__ import annotations

from ...buffers.tasks import TaskBuffer
from ..config import TrainConfig
from ..parallel.processes import Processes
from ..rollouts.manager import RolloutManager
from ..rollouts.pipeline import Pipeline
from ..rollouts.source import OfFirst, Source, Synchronous


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
