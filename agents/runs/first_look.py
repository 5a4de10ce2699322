"""What is wrong with a run that can be seen on the disk, before torch is loaded, which takes many seconds."""

from __future__ import annotations

from pathlib import Path

from ...datasets.files import files_of
from ...datasets.rows import check_there
from ..config import ConfigError, TrainConfig
from ..models.names import check_model_folder
from .run_folder import CHECKPOINTS, check_steps, refuse_taken


def look_first(config: TrainConfig, folder: Path | None, *, dry_run: bool) -> None:
    """Looks for files and folders that the run names; what it finds is found again later by whoever reads them.

    Args:
        config: of the run.
        folder: of the run to go on with; None for a new one.
        dry_run: whether nothing is to be written.

    Raises:
        ConfigError: something is not there, or is there and should not be.
    """
    if folder is not None:
        steps = [path.name.removeprefix("step-") for path in (folder / CHECKPOINTS).glob("step-*")]
        done = sorted(int(step) for step in steps if step.isdigit())
        # The latest may be damaged, and an older one be taken.
        if done and config.trainer.steps < done[0]:
            check_steps(config, done[-1])
    elif not dry_run:
        refuse_taken(config)
    data, warm_start = config.data, config.model.warm_start
    try:
        for path in (data.train_path, data.validation_path, data.test_path):
            _check_files(path, "tasks")
        _check_files(warm_start.path if warm_start is not None and folder is None else None, "conversations")
    except (OSError, ValueError) as error:
        raise ConfigError(str(error)) from None
    if config.model.name is not None:
        check_model_folder(config.model.name)


def _check_files(path: str | None, of: str) -> None:
    for file in files_of(path) if path else ():
        if file is not None:
            check_there(file, of)
