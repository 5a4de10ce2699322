"""Checkpoints: everything that the next step depends on, in a folder that appears whole or not at all."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from pickle import UnpicklingError
from typing import TYPE_CHECKING, Any, TypeVar

from ..config import ConfigError

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

    from ..parallel.processes import Processes

T = TypeVar("T")

_NAME = re.compile(r"step-(\d{8})")
STATE_FILE, SHARDS = "trainer.pt", "shards"
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
        processes: of the run, which save together, all of them; by default this one alone. They share the folder.
    """

    def __init__(self, folder: Path, *, keep: int, processes: Processes | None = None) -> None:
        self.folder = folder
        self.keep = keep
        self.processes = processes
        if self._first:
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
        self,
        step: int,
        model: PreTrainedModel,
        tokenizer: PreTrainedTokenizerBase,
        state: dict[str, Any],
        shards: Callable[[Path], None] | None = None,
    ) -> Path:
        """Saves model, tokenizer and ``state`` (tensors and plain values), then removes the oldest beyond ``keep``.

        Args:
            step: the number of the checkpoint.
            model: the policy, divided or not.
            tokenizer: its tokenizer.
            state: what the first process knows.
            shards: called on all processes with the folder in which each writes its part of what is divided.

        Raises:
            CheckpointError: if it cannot be written, because the disk is full, say.
        """
        import torch  # late: a bad configuration is refused without the seconds that loading it takes

        def write(draft: Path) -> None:
            save_policy(draft, model, tokenizer, weights)
            torch.save(state, draft / STATE_FILE)

        place = self.path(step)
        weights = self._gather(model)
        self._replace(place, write, shards)
        if self._first:
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
        weights = self._gather(model)
        self._replace(place, lambda draft: save_policy(draft, model, tokenizer, weights))
        return place

    def keep_copy(self, step: int, name: str) -> Path:
        """Copies the checkpoint of ``step`` to ``name``, in place of an earlier one; no later checkpoint removes it.

        Raises:
            CheckpointError: if it cannot be written.
        """
        place = self.folder / name
        self._replace(place, lambda draft: shutil.copytree(self.path(step), draft, dirs_exist_ok=True))
        return place

    @property
    def _first(self) -> bool:
        return self.processes is None or self.processes.first

    def _gather(self, model: PreTrainedModel) -> dict[str, Tensor] | None:
        """The weights of a divided model, whole, on the process that writes; None where the model is whole."""
        if self.processes is None or self.processes.size == 1:
            return None
        from ..parallel.apply import full_weights

        return full_weights(model, keep=self._first, host=True)

    def _replace(
        self, place: Path, write: Callable[[Path], object], shards: Callable[[Path], None] | None = None
    ) -> None:
        """Has a folder written beside its place, and puts it there once it is whole."""
        from ..parallel.processes import LostProcessError, told_of_losses

        drafts: list[Path] = []

        def begin() -> Path:
            self._put_back()
            draft = self.folder / f".{place.name}.{os.getpid()}"
            drafts.append(draft)
            shutil.rmtree(draft, ignore_errors=True)
            draft.mkdir(parents=True)
            write(draft)
            return draft

        def finish() -> None:
            (draft,) = drafts
            _flush(draft)
            if place.exists():  # the same step again, after a resume; or another best one
                place.rename(self.folder / f".{place.name}.old")
            draft.rename(place)
            _flush(self.folder, files=False)
            self.tidy()

        try:
            draft = self._on_first(begin)
            if shards is not None:
                with told_of_losses():
                    shards(draft / SHARDS)
            self._on_first(finish)
        except LostProcessError:
            raise
        except Exception as error:  # the libraries that write have errors of their own
            for draft in drafts:
                shutil.rmtree(draft, ignore_errors=True)
            reason = next(iter(str(error).splitlines()), type(error).__name__)
            raise CheckpointError(f"{place}: cannot be written ({reason}); earlier checkpoints are whole") from error

    def _on_first(self, make: Callable[[], T]) -> T:
        return make() if self.processes is None else self.processes.from_first(make)

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
        steps = self._on_first(self.steps)
        if not steps:
            raise ConfigError(f"{self.folder}: no checkpoint to resume from")
        path = self.path(steps[-1])
        return path, read_state(path)

    def _put_back(self) -> None:
        """Between its two moves ``_replace`` may be killed: what it had moved aside takes its place again."""
        for aside in self.folder.glob(".*.old"):
            place = self.folder / aside.name[1:].removesuffix(".old")
            if place.exists():
                shutil.rmtree(aside, ignore_errors=True)
            else:
                with suppress(FileNotFoundError):  # another process that is about to resume did it
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


def save_policy(
    folder: Path,
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    weights: dict[str, Tensor] | None = None,
) -> None:
    """Saves a folder that ``from_pretrained`` loads; ``weights`` are the whole ones of a model that is divided."""
    model.save_pretrained(folder, state_dict=weights)
    tokenizer.save_pretrained(folder)
