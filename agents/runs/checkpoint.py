"""Checkpoints: everything that the next step depends on, in a folder that appears whole or not at all."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from pickle import UnpicklingError
from typing import TYPE_CHECKING, Any

from ..config import ConfigError

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

_NAME = re.compile(r"step-(\d{8})")
STATE_FILE = "trainer.pt"
BEST, REFERENCE = "best", "reference"


class CheckpointError(RuntimeError):
    """A checkpoint could not be written."""


class Checkpoints:
    """The checkpoints of one run, ``step-00000050`` and so on, and the ``best`` policy; transformers loads each.

    A checkpoint is written beside its place and moved there when it is complete and on the disk, so that a kill at any
    instant, a loss of power and a full disk leave the earlier ones usable.

    Args:
        folder: where they lie; made when the first is saved.
        keep: how many of the latest are kept.
    """

    def __init__(self, folder: Path, *, keep: int) -> None:
        self.folder = folder
        self.keep = keep
        self._put_back()

    def steps(self) -> list[int]:
        """The steps of all complete checkpoints, in order."""
        if not self.folder.is_dir():
            return []
        return sorted(int(match[1]) for path in self.folder.iterdir() if (match := _NAME.fullmatch(path.name)))

    def path(self, step: int) -> Path:
        """Where the checkpoint of ``step`` lies."""
        return self.folder / f"step-{step:08d}"

    def save(
        self, step: int, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, state: dict[str, Any]
    ) -> Path:
        """Saves model, tokenizer and ``state`` (tensors and plain values), then removes the oldest beyond ``keep``.

        Raises:
            CheckpointError: if it cannot be written, because the disk is full, say.
        """
        import torch  # late: a bad configuration is refused without the seconds that loading it takes

        def write(draft: Path) -> None:
            save_policy(draft, model, tokenizer)
            torch.save(state, draft / STATE_FILE)

        place = self.path(step)
        self._replace(place, write)
        for old in self.steps()[: -self.keep]:  # out of sight first: a kill must leave no half of it
            gone = self.folder / f".{self.path(old).name}.gone"
            shutil.rmtree(self.path(old).rename(gone))
        return place

    def save_policy(self, name: str, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> Path:
        """Saves a policy, and nothing else, as ``name``, in place of an earlier one.

        Raises:
            CheckpointError: if it cannot be written.
        """
        place = self.folder / name
        self._replace(place, lambda draft: save_policy(draft, model, tokenizer))
        return place

    def keep_copy(self, step: int, name: str) -> Path:
        """Copies the checkpoint of ``step`` to ``name``, in place of an earlier one; no later checkpoint removes it.

        Raises:
            CheckpointError: if it cannot be written.
        """
        place = self.folder / name
        self._replace(place, lambda draft: shutil.copytree(self.path(step), draft, dirs_exist_ok=True))
        return place

    def _replace(self, place: Path, write: Callable[[Path], object]) -> None:
        """Has a folder written beside its place, and puts it there once it is whole."""
        self._put_back()
        draft = self.folder / f".{place.name}.{os.getpid()}"
        shutil.rmtree(draft, ignore_errors=True)
        try:
            draft.mkdir(parents=True)
            write(draft)
            _flush(draft)
        except Exception as error:  # the libraries that write have errors of their own
            shutil.rmtree(draft, ignore_errors=True)
            reason = next(iter(str(error).splitlines()), type(error).__name__)
            raise CheckpointError(f"{place}: cannot be written ({reason}); earlier checkpoints are whole") from error
        if place.exists():  # the same step again, after a resume; or another best one
            place.rename(self.folder / f".{place.name}.old")
        draft.rename(place)
        _flush(self.folder, files=False)
        self.tidy()

    def tidy(self) -> None:
        """Removes what is of no use any more: the one before, and what a killed process left half done."""
        self._put_back()
        for leftover in self.folder.glob(".*"):
            shutil.rmtree(leftover, ignore_errors=True)

    def latest(self) -> tuple[Path, dict[str, Any]]:
        """Folder and state of the latest checkpoint.

        Raises:
            ConfigError: if there is none, or it cannot be read.
        """
        steps = self.steps()
        if not steps:
            raise ConfigError(f"{self.folder}: no checkpoint to resume from")
        path = self.path(steps[-1])
        return path, read_state(path)

    def _put_back(self) -> None:
        """Between its two moves ``_replace`` may be killed: what it had moved aside takes its place again."""
        for aside in self.folder.glob(".*.old"):
            place = self.folder / aside.name[1:].removesuffix(".old")
            if place.exists():
                shutil.rmtree(aside)
            else:
                aside.rename(place)


def _flush(folder: Path, *, files: bool = True) -> None:
    """Waits until the folder, and what it holds, is on the disk."""
    for path in [*(folder.rglob("*") if files else ()), folder]:
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def read_state(path: Path) -> dict[str, Any]:
    """The state that a checkpoint holds beside the policy.

    Raises:
        ConfigError: if it cannot be read.
    """
    import torch

    try:
        return torch.load(path / STATE_FILE, weights_only=True, map_location="cpu")  # type: ignore[no-any-return]
    except (OSError, RuntimeError, ValueError, EOFError, UnpicklingError) as error:
        # torch's own words advise to load the file as a program, which we never do.
        unclear = isinstance(error, EOFError | UnpicklingError)
        reason = type(error).__name__ if unclear else str(error).splitlines()[0]
        raise ConfigError(f"{path}: cannot be read ({reason}); remove it to use the one before") from None


def save_policy(folder: Path, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> None:
    """Saves a folder that ``from_pretrained`` loads."""
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
