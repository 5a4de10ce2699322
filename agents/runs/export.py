"""``python -m infinite_rl.agents.runs.export RUN FOLDER``: the policy of a run's latest checkpoint, ready to be served.

Adapters become part of the weights, so that what loads the folder needs no peft and no base model.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import torch
from transformers.utils.logging import disable_progress_bar

from ..config import ConfigError
from ..models.lora import has_adapters, merged
from ..models.policy import make_policy
from .checkpoint import Checkpoints, save_policy
from .load_config import reload_config
from .run_folder import CHECKPOINTS, CONFIG_FILE


def export_policy(run: Path, folder: Path) -> int:
    """Writes model and tokenizer of the run's latest checkpoint into ``folder``, which transformers and vLLM load.

    Returns:
        The step of the checkpoint.

    Raises:
        ConfigError: if there is no checkpoint, or the folder holds something.
    """
    config = reload_config(run / CONFIG_FILE)
    checkpoints = Checkpoints(run / CHECKPOINTS, keep=config.trainer.keep)
    steps = checkpoints.steps()
    if not steps:
        raise ConfigError(f"{run}: no checkpoint to export")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ConfigError(f"{folder}: is there already; name an empty or a new folder")
    config.model.gradient_checkpointing = config.model.compile = config.model.liger = False
    model, tokenizer = make_policy(
        config.model, torch.device("cpu"), seed=config.seed, folder=checkpoints.path(steps[-1])
    )
    save_policy(folder, merged(model) if has_adapters(model) else model, tokenizer)
    return steps[-1]


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command; the exit code is 0, or 2 for bad input."""
    parser = argparse.ArgumentParser(prog="python -m infinite_rl.agents.runs.export", description=__doc__)
    parser.add_argument("run", type=Path, help="the run's folder")
    parser.add_argument("folder", type=Path, help="where the model goes")
    parsed = parser.parse_args(arguments)
    disable_progress_bar()
    try:
        step = export_policy(parsed.run, parsed.folder)
    except ConfigError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(f"{parsed.folder}: the policy of step {step}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
