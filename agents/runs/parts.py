"""The parts of a run, and what they do together."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch.distributed.device_mesh import DeviceMesh
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from ...buffers.tasks import TaskBuffer
from ...datasets.task import Split
from ..config import TrainConfig
from ..credit.reward_computer import RewardComputer
from ..inference.module import InferenceModule
from ..models.lora import has_adapters
from ..models.policy import made_like, restore_weights
from ..parallel.apply import full_weights, parallelize
from ..parallel.processes import Processes
from ..rollouts.manager import RolloutManager
from ..rollouts.source import Source
from ..updates.replay import Replay
from ..updates.shards import Part, load_whole
from ..updates.warm_start import WarmStart
from .data import Splits
from .division import half_of
from .places import Places
from .upgrade import RegressionWatch


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of a run.

    Attributes:
        config: of the run.
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
        places: which of the models are on the device.
    """

    config: TrainConfig
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
    places: Places

    def whole(self) -> PreTrainedModel:
        """The policy with whole weights: itself, the copy that samples, or else one made now, in host memory."""
        if not self.meshes:
            return self.model
        if not self.rollouts["train"].first_plays:
            assert self.inference.model is not None
            return self.inference.model
        found = made_like(self.model)
        found.load_state_dict(full_weights(self.model, host=True))
        return found

    def hand_over(self, version: int) -> None:
        """Gives the weights of the policy to what samples."""
        samplers = dict.fromkeys((self.inference, self.rollouts["train"].inference))
        # The first process asks vLLM, or each has a model that samples.
        first_asks = self.rollouts["train"].first_plays
        # A device has no room for all of a divided model, unless a copy samples there.
        host, keep = first_asks and bool(self.meshes), self.processes.first or not first_asks
        weights = full_weights(self.model, keep=keep, host=host, adapters=first_asks and has_adapters(self.model))

        def give() -> None:
            for sampler in samplers:
                sampler.load(weights, version=version)

        if first_asks:
            self.processes.from_first(give)
            self.inference.version = version
        else:
            give()

    def restore(self, folder: Path) -> None:
        """Takes the weights of a saved policy."""
        if not self.meshes:
            restore_weights(self.model, folder)
        else:
            whole = self.whole()
            restore_weights(whole, folder)
            load_whole(Part(self.model), whole.state_dict(), None)

    def settle(self, name: str, model: Any) -> None:
        """Puts the ``reference`` or the ``critic`` on the device, divided over those of all processes if several."""
        if self.meshes:
            parallelize(model, self.meshes[name], dtype=half_of(self.config, self.model.device))
        else:
            model.to(self.model.device)
        self.places.learns(model)
