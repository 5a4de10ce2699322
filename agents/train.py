"""``python -m agents.train``: train a language model by reinforcement learning.

python -m agents.train                                  a tiny model learns to add, on a CPU
python -m agents.train seed=1 actor.lr=1e-4             with other values
python -m agents.train model=hf model.name=FOLDER       any causal language model
python -m agents.train data=file data.train_path=FILE   tasks from a JSON Lines file
python -m agents.train --dry-run model=hf …             show what would be done
python -m agents.train --resume                         go on with the latest run
python -m agents.train --resume auto trainer.save_dir=F go on with the run in F, or begin it: one line for a scheduler
"""

from __future__ import annotations

import os

os.environ.setdefault("RL_LOGGING_LEVEL", "WARNING")  # TorchRL tells of every buffer it makes

import argparse
import errno
import logging
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from infinite_rl.agents.config import TrainConfig
    from infinite_rl.agents.parallel.processes import Processes

LATEST, AUTO = "latest", "auto"
# What a system says of a disk, a quota or a file that has no more room.
FULL_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def parse_arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(
        prog=_program(), description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--config-name", default="grpo", metavar="NAME", help="a file of config/ (default: grpo)")
    parser.add_argument(
        "--resume",
        nargs="?",
        const=LATEST,
        metavar="RUN",
        help="go on with this run's folder, or with the latest run; auto: with that in trainer.save_dir, if any",
    )
    parser.add_argument("--dry-run", action="store_true", help="load everything, show the plan, and do nothing")
    parser.add_argument("overrides", nargs="*", metavar="KEY=VALUE", help="as Hydra takes them, such as model=hf")
    parsed = parser.parse_intermixed_args(arguments)
    # "--resume seed=1" means the latest run and an override, not a run of that name.
    if parsed.resume and "=" in parsed.resume:
        parsed.overrides.insert(0, parsed.resume)
        parsed.resume = LATEST
    return parsed


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command.

    Returns:
        The exit code: 0, 1 if nothing could be learnt or saved any more, 2 for bad input, 130 after Ctrl-C.
    """
    from infinite_rl.agents.config import ConfigError

    parsed = parse_arguments(arguments)
    # Started with others, which find the same mistakes, one of each machine tells of them.
    tells = os.environ.get("LOCAL_RANK", "0") == "0"
    try:
        return _run(parsed)
    except KeyboardInterrupt:
        if tells:
            print("stopped before training began", file=sys.stderr)
        return 130
    except ConfigError as error:
        message = " ".join(str(error).split())
        tells = tells or type(error).__name__ == "DeviceError"
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("infinite_rl"):
            raise
        message = f'{error.name} is not installed; training needs it: pip install -c constraints.txt -e ".[train]"'
    if tells:
        print(f"error: {message}", file=sys.stderr)
    return 2


def _program(processes: int = 1) -> str:
    """How this command was started: from a clone as ``agents.train``, elsewhere as ``infinite_rl.agents.train``."""
    spec = getattr(sys.modules["__main__"], "__spec__", None)
    name = spec.name if spec is not None and spec.name.endswith("agents.train") else "agents.train"
    return f"python -m {name}" if processes == 1 else f"torchrun --nproc_per_node={processes} -m {name}"


def _find_run(parsed: argparse.Namespace) -> tuple[TrainConfig, Path | None]:
    """The configuration, and the folder of the run to go on with; None for a new one."""
    from infinite_rl.agents.config import ConfigError
    from infinite_rl.agents.runs.load_config import check_same_run, load_config, reload_config
    from infinite_rl.agents.runs.run_folder import CONFIG_FILE, find_run, has_checkpoints

    if parsed.resume and parsed.resume != AUTO:
        folder = find_run(None if parsed.resume == LATEST else Path(parsed.resume))
        return reload_config(folder / CONFIG_FILE, parsed.overrides), folder
    config = load_config(parsed.config_name, parsed.overrides)
    if not parsed.resume:
        return config, None
    if config.trainer.save_dir is None:
        raise ConfigError("--resume auto needs trainer.save_dir: the folder to go on with, or to begin in")
    folder = Path(config.trainer.save_dir).expanduser()
    if not has_checkpoints(folder):
        return config, None
    check_same_run(config, folder / CONFIG_FILE)
    return config, folder


def _run(parsed: argparse.Namespace) -> int:
    # Late, so that --help and wrong arguments answer at once.
    from infinite_rl.agents.runs.first_look import look_first

    config, known = _find_run(parsed)
    look_first(config, known, dry_run=parsed.dry_run)

    # Later still: with these comes torch, which takes seconds to load.
    from infinite_rl.agents.models.policy import find_device
    from infinite_rl.agents.parallel.processes import joined

    with joined(find_device(config.trainer.device)) as processes:
        if not processes.first:  # one process talks to people
            logging.disable(logging.WARNING)
        return _train(parsed, config, known, processes)


def _train(parsed: argparse.Namespace, config: TrainConfig, known: Path | None, processes: Processes) -> int:
    """One of the processes of a run."""
    from rich.console import Console
    from transformers.utils.logging import disable_progress_bar

    from infinite_rl.agents.config import ConfigError
    from infinite_rl.agents.inference.backend import BackendError
    from infinite_rl.agents.parallel.processes import LostProcessError, told_of_losses
    from infinite_rl.agents.progress import summary_table
    from infinite_rl.agents.reports.report import write_report
    from infinite_rl.agents.rollouts.failures import RolloutError
    from infinite_rl.agents.runs.checkpoint import CheckpointError
    from infinite_rl.agents.runs.plan import plan, plan_table
    from infinite_rl.agents.runs.run_folder import make_run
    from infinite_rl.agents.runs.sinks import check_login
    from infinite_rl.agents.runs.training import Trainer
    from infinite_rl.agents.updates.guard import NonFiniteError
    from infinite_rl.runtimes.endpoint import EndpointError

    disable_progress_bar()  # we show one of our own
    console = Console(quiet=not processes.first)
    if config.trainer.use_wandb:
        processes.from_first(check_login)
    if parsed.dry_run:
        with TemporaryDirectory() as nowhere:
            trainer = Trainer(config, known or Path(nowhere), resume=known is not None, processes=processes)
        console.print(plan_table(plan(config, trainer.parts)))
        return 0
    known = processes.from_first(lambda: known)  # others may see another state of the disk
    folder = known or processes.from_first(lambda: make_run(config))
    try:
        trainer = Trainer(config, folder, resume=known is not None, processes=processes)
    except ConfigError:
        with suppress(OSError):  # an empty folder of a run that never was; one with anything in it stays
            folder.rmdir()
        raise
    if config.trainer.progress:
        console.print(plan_table(plan(config, trainer.parts)))
    if processes.first and known is None:
        _warn(config)
    endings = (RolloutError, NonFiniteError, CheckpointError, LostProcessError, BackendError, EndpointError, OSError)
    go_on = f"go on with: {_program(processes.size)} --resume {folder}"
    processes.last_words = f"; {go_on}"
    try:
        with told_of_losses():
            summary = trainer.run()
    except KeyboardInterrupt:
        if processes.first:
            write_report(folder)
            saved = trainer.checkpoints.steps()
            print(f"stopped at once; {go_on if saved else 'nothing was saved yet'}", file=sys.stderr)
        return 130
    except endings as error:
        if isinstance(error, OSError) and error.errno not in FULL_DISK:
            raise
        if processes.tells_the_end():
            more = f"; {go_on}" if trainer.checkpoints.steps() and not isinstance(error, NonFiniteError) else ""
            print(f"error: the run ended at step {trainer.state.step}: {error}{more}", file=sys.stderr)
            with suppress(OSError):
                write_report(folder)
        return 1
    if processes.first:
        report = write_report(folder)
        console.print(summary_table(summary | {"report": str(report)}))
    if summary["status"] != "interrupted":
        return 0
    if processes.first:
        print(go_on, file=sys.stderr)
    return trainer.interrupt.exit_code


def _warn(config: TrainConfig) -> None:
    """Tells people what they are not likely to want."""
    from infinite_rl.agents.runs.load_config import has_recipe

    if config.model.name is None and not has_recipe(config):
        print(
            f"note: the tiny model is made for short tasks, and there is no recipe for it with {config.data.env}: "
            "its warm start may take long and lead nowhere; model=hf model.name=… trains a model that can speak",
            file=sys.stderr,
        )


if __name__ == "__main__":
    sys.exit(main())
