"""The folders of runs."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path

from ...datasets.folder import FolderInUseError
from ...datasets.folder import alone_in as alone
from ..config import ConfigError, TrainConfig

RUNS = Path("runs")
CONFIG_FILE = "config.yaml"
CHECKPOINTS = "checkpoints"


def make_run(config: TrainConfig) -> Path:
    """Makes the folder of a new run. What a run that never came to a checkpoint left there is overwritten.

    Raises:
        ConfigError: if it cannot be written, or holds a run already.
    """
    refuse_taken(config)
    name = f"{config.experiment}-{datetime.now():%Y%m%d-%H%M%S}-{os.getpid()}"
    folder = Path(config.trainer.save_dir).expanduser() if config.trainer.save_dir else RUNS / name
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise ConfigError(f"{folder}: cannot be written ({error.strerror or error}); set trainer.save_dir") from None
    return folder


def refuse_taken(config: TrainConfig) -> None:
    """Refuses the folder of another run for a new one.

    Raises:
        ConfigError: it is one.
    """
    if config.trainer.save_dir and has_checkpoints(folder := Path(config.trainer.save_dir).expanduser()):
        raise ConfigError(
            f"{folder}: holds a run already; go on with --resume {folder}, or set another trainer.save_dir"
        )


def check_steps(config: TrainConfig, done: int) -> None:
    """Refuses fewer steps than a run has done.

    Raises:
        ConfigError: they are fewer.
    """
    if config.trainer.steps < done:
        raise ConfigError(f"trainer.steps={config.trainer.steps}: the run has done {done} already")


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """While it lasts, no other process trains in the folder: each would take the other's drafts for leftovers.

    Raises:
        ConfigError: if another process trains there.
    """
    with ExitStack() as stack:
        try:
            stack.enter_context(alone(folder, "trains"))
        except FolderInUseError as error:
            raise ConfigError(str(error)) from None
        yield


def has_checkpoints(folder: Path) -> bool:
    """Whether a folder holds a run that can be resumed."""
    # Also one that a killed process had moved aside; nothing is put back here, as others may look at the same time.
    return any((folder / CHECKPOINTS).glob("step-*")) or any((folder / CHECKPOINTS).glob(".step-*.old"))


def find_run(folder: Path | None) -> Path:
    """The folder of the run to resume: the given one, or that under ``runs/`` which was started last.

    Raises:
        ConfigError: if there is none.
    """
    if folder is not None:
        return folder.expanduser()
    runs = [path.parent for path in RUNS.glob(f"*/{CONFIG_FILE}")]
    if not runs:
        raise ConfigError(f"no run to resume under {RUNS}/; name its folder: --resume FOLDER")
    return max(runs, key=lambda run: (run / CONFIG_FILE).stat().st_mtime)
