"""Where numbers of a run go beside its own files: Weights & Biases, TensorBoard."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from ..config import ConfigError, TrainConfig

if TYPE_CHECKING:
    from torch.utils.tensorboard import FileWriter

TENSORBOARD = "tensorboard"
# Values of WANDB_MODE that need no login.
ALONE = ("offline", "dryrun", "disabled")


class Sink(Protocol):
    """Takes the numbers of a run as they come."""

    def write(self, phase: str, step: int, values: Mapping[str, float]) -> None:
        """Takes numbers of one step of a phase: ``warmup``, ``train``, ``validation`` or ``test``."""

    def summary(self, values: Mapping[str, Any]) -> None:
        """Takes what the run came to."""

    def finish(self, *, failed: bool) -> None:
        """Closes; nothing comes after this."""


class WandbSink:
    """A run at Weights & Biases; numbers are called ``<phase>/<name>``.

    Args:
        project: the project's name there.
        folder: of the run, whose name it takes.
        values: the configuration.
    """

    def __init__(self, project: str, folder: Path, values: Mapping[str, Any]) -> None:
        import wandb  # slow to import, and seldom wanted

        try:
            self._run = start_wandb(project, folder, values)
        except wandb.Error as error:
            raise ConfigError(f"trainer.use_wandb: {error}; WANDB_MODE=offline keeps the numbers here") from None

    def write(self, phase: str, step: int, values: Mapping[str, float]) -> None:
        """One row, whose axis is ``step``."""
        self._run.log({"step": step, **{f"{phase}/{name}": value for name, value in values.items()}})

    def summary(self, values: Mapping[str, Any]) -> None:
        """The run's summary."""
        self._run.summary.update(dict(values))

    def finish(self, *, failed: bool) -> None:
        """Ends the run, as failed where it did."""
        self._run.finish(exit_code=int(failed))


class TensorBoardSink:
    """Event files under ``tensorboard/`` of a run's folder, in a folder for each phase: TensorBoard lays them together.

    Args:
        folder: of the run.
        known: the last step of each phase that is to be seen; None for a new run. What a resumed run does once more is
            not shown twice.
    """

    def __init__(self, folder: Path, known: Mapping[str, int] | None) -> None:
        self._folder = folder / TENSORBOARD
        self._known = known or {}
        self._writers: dict[str, FileWriter] = {}
        if known is None:
            shutil.rmtree(self._folder, ignore_errors=True)
        for phase in self._known:
            if (self._folder / phase).is_dir():  # now: maybe nothing more comes to tell what is out of date
                self._writer(phase)

    def write(self, phase: str, step: int, values: Mapping[str, float]) -> None:
        """Scalars of a step, all in one record: one by one they take ten times as long."""
        from tensorboard.compat.proto.summary_pb2 import Summary

        scalars = [Summary.Value(tag=name, simple_value=value) for name, value in values.items()]
        self._writer(phase).add_summary(Summary(value=scalars), step)

    def summary(self, values: Mapping[str, Any]) -> None:
        """The summary is in the run's folder; there is no place for it here."""

    def finish(self, *, failed: bool) -> None:
        """Writes what still waits, and closes the files."""
        for writer in self._writers.values():
            writer.close()

    def _writer(self, phase: str) -> FileWriter:
        if phase not in self._writers:
            from tensorboard.compat.proto.event_pb2 import Event, SessionLog
            from torch.utils.tensorboard import FileWriter  # slow to import, and seldom wanted

            writer = self._writers[phase] = FileWriter(str(self._folder / phase), flush_secs=10)
            if phase in self._known:  # readers drop what earlier files hold from this step on
                writer.add_event(Event(session_log=SessionLog(status=SessionLog.START)), self._known[phase] + 1)
        return self._writers[phase]


def check_login() -> None:
    """Looks for a login to Weights & Biases, before a run leaves anything behind; at a terminal it is asked for.

    Raises:
        ConfigError: if there is none, or one that cannot be.
    """
    if os.environ.get("WANDB_MODE") in ALONE:
        return
    import wandb  # slow to import, and seldom wanted

    try:
        wandb.login()
    except wandb.Error as error:
        raise ConfigError(
            f"trainer.use_wandb: log in with `wandb login`, or set WANDB_MODE=offline ({error})"
        ) from None


def open_sinks(config: TrainConfig, folder: Path, known: Mapping[str, int] | None) -> list[Sink]:
    """The sinks that the configuration asks for.

    Args:
        config: of the run.
        folder: of the run.
        known: the last step of each phase that a checkpoint had seen; None for a new run.
    """
    trainer = config.trainer
    sinks: list[Sink] = []
    if trainer.use_wandb:
        sinks.append(WandbSink(trainer.project, folder, asdict(config)))
    if trainer.use_tensorboard:
        sinks.append(TensorBoardSink(folder, known))
    return sinks


def without_sinks(config: TrainConfig) -> TrainConfig:
    """The same configuration of a process whose numbers go nowhere: another one's do."""
    return replace(config, trainer=replace(config.trainer, use_wandb=False, use_tensorboard=False))


def start_wandb(project: str, folder: Path | None, values: Mapping[str, Any]) -> Any:
    """A run at Weights & Biases whose axis is ``step``; its files lie in ``folder``, and so does its name."""
    import wandb  # slow to import, and seldom wanted

    run = wandb.init(project=project, name=None if folder is None else folder.name, dir=folder, config=dict(values))
    run.define_metric("*", step_metric="step")
    return run
