"""The loop around an algorithm: collect, learn, log, save."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import Tensor

from ..models.lora import has_adapters, load_adapters
from ..models.policy import load_policy
from ..progress import Progress
from ..rollouts.columns import Columns
from ..rollouts.trajectory import Trajectory
from ..runs.checkpoint import BEST, STATE_FILE, Checkpoints, read_state
from ..runs.garbage import frozen_heap
from ..runs.sinks import start_wandb
from .metrics import Metrics
from .settings import AlgorithmConfig

if TYPE_CHECKING:
    from ..rollouts.manager import RolloutManager
    from ..updates.backprop import BackpropModule


class TrainingLoop(ABC):
    """Collects and learns, iteration after iteration; the base of all algorithms.

    Attributes:
        iteration: how many iterations there were.
        steps: how often it has learnt.
        best_reward: the highest mean reward of an iteration whose checkpoint was saved.
    """

    name: str
    rollout_manager: RolloutManager
    backprop: BackpropModule
    config: AlgorithmConfig
    iteration: int = 0
    steps: int = 0
    best_reward: float = float("-inf")

    @property
    @abstractmethod
    def group_size(self) -> int:
        """Responses per task."""

    @abstractmethod
    def gather(self, collect: Callable[[int], Trajectory], groups: int) -> tuple[Trajectory, Tensor]:
        """Collects groups, and gives the rewards of their trajectories."""

    @abstractmethod
    def step(self, trajectories: Trajectory | Columns, rewards: Tensor | None = None) -> Metrics:
        """Learns from one batch of trajectories."""

    def train(self, num_iterations: int, progress_bar: bool = True) -> list[Metrics]:
        """Collects and learns ``num_iterations`` times, on tasks that the environment draws.

        Returns:
            The metrics of each iteration.

        Raises:
            ValueError: if the checkpoints to be saved would mix with those of another run.
        """
        self._check_place()
        history = []
        bar = Progress(total_steps=num_iterations, enabled=progress_bar)
        with frozen_heap(), bar as progress, self._remote_log() as log:
            progress.phase("training", num_iterations)
            for _ in range(num_iterations):
                metrics = self.iterate()
                history.append(metrics)
                log(metrics)
                progress.advance(reward=metrics["reward"], kl=metrics["kl"])
                if self.config.save_every is not None and self.iteration % self.config.save_every == 0:
                    best = metrics["reward"] > self.best_reward
                    self.best_reward = max(self.best_reward, metrics["reward"])
                    self.save_checkpoint(self.iteration, best=best)
        return history

    def iterate(self) -> Metrics:
        """One iteration: collect, learn, hand the new weights to inference."""
        size = self.group_size
        trajectories, rewards = self.gather(
            lambda groups: self.rollout_manager.collect_rollouts(groups * size, group_size=size),
            -(-self.config.batch_size // size),
        )
        metrics = self.step(trajectories, rewards)
        self.iteration += 1
        inference = self.rollout_manager.inference
        inference.load(self.backprop.model.state_dict(), version=inference.version + 1)
        return metrics

    def save_checkpoint(self, iteration: int | None = None, best: bool = False) -> Path:
        """Saves all that the next iteration depends on, in a folder that transformers loads too.

        Args:
            iteration: the number in the folder's name; by default that of the latest iteration.
            best: keep a copy as ``best``, which no later checkpoint removes.

        Returns:
            The folder.

        Raises:
            ValueError: if the configuration names no ``checkpoint_dir``.
        """
        if self.config.checkpoint_dir is None:
            raise ValueError("there is no place for checkpoints: set AlgorithmConfig(checkpoint_dir=…)")
        folder = Path(self.config.checkpoint_dir)
        number = self.iteration if iteration is None else iteration
        tokenizer = self.rollout_manager.inference.tokenizer
        checkpoints = Checkpoints(folder, keep=self.config.keep)
        saved = checkpoints.save(number, self.backprop.model, tokenizer, self.state_dict())
        if best:
            checkpoints.keep_copy(number, BEST)
        return saved

    def state_dict(self) -> dict[str, Any]:
        """All that the next iteration depends on, but for the policy's weights."""
        return {
            "algorithm": self.name,
            "config": json.dumps(asdict(self.config), default=str),
            "iteration": self.iteration,
            "steps": self.steps,
            "best_reward": self.best_reward,
            "rollouts": json.dumps(self.rollout_manager.state_dict()),
            "backprop": self.backprop.state_dict(),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restores what :meth:`state_dict` gave."""
        self.iteration, self.steps, self.best_reward = state["iteration"], state["steps"], state["best_reward"]
        self.rollout_manager.load_state_dict(json.loads(state["rollouts"]))
        self.backprop.load_state_dict(state["backprop"])

    def _check_place(self) -> None:
        """Refuses to begin among the checkpoints of another run: the oldest go, and that would be our own."""
        folder = self.config.checkpoint_dir
        if self.iteration or folder is None or self.config.save_every is None:
            return
        if steps := Checkpoints(Path(folder), keep=1).steps():
            raise ValueError(
                f"{folder} holds a checkpoint of iteration {steps[-1]} of another run: go on with "
                "load_algorithm_from_checkpoint, or choose another checkpoint_dir"
            )

    @contextmanager
    def _remote_log(self) -> Iterator[Callable[[Metrics], None]]:
        """Logs metrics to Weights & Biases, where the configuration says so."""
        if not self.config.use_wandb:
            yield lambda metrics: None
            return
        folder = Path(self.config.checkpoint_dir) if self.config.checkpoint_dir is not None else None
        run = start_wandb(self.config.wandb_project, folder, asdict(self.config))
        try:
            yield lambda metrics: run.log(
                {"step": self.iteration, **{f"train/{key}": value for key, value in metrics.items()}}
            )
        except BaseException:
            run.finish(exit_code=1)
            raise
        run.finish()


def restore(loop: TrainingLoop, path: Path) -> None:
    """Takes the weights and the state of a checkpoint."""
    model = loop.backprop.model
    if has_adapters(model):
        load_adapters(model, path)
    else:
        model.load_state_dict(load_policy(str(path), dtype=model.dtype)[0].state_dict())
    loop.load_state_dict(read_state(path))
    loop.rollout_manager.inference.load(model.state_dict(), version=loop.rollout_manager.inference.version)


def find_checkpoint(path: str | Path) -> Path:
    """The checkpoint at ``path``: a checkpoint's own folder, or the latest of a ``checkpoint_dir``.

    Raises:
        ConfigError: if there is none.
    """
    folder = Path(path).expanduser()
    if (folder / STATE_FILE).is_file():
        return folder
    return Checkpoints(folder, keep=1).latest()[0]
