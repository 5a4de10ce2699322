"""Where a run is, and how that is saved: with the weights, and with all that the next step depends on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from ..config import TrainConfig
from ..updates.shards import Part, load_shards, load_whole, save_shards
from .checkpoint import Checkpoints
from .companions import Companions
from .parts import Parts
from .run_folder import check_steps


@dataclass
class RunState:
    """Where a run is.

    Attributes:
        step: the last one that was done.
        warm: whether the warm start is over, or there is none.
        results: what the run has measured, and spent until its latest checkpoint.
        alike: so many steps in a row had nothing to compare.
        skipped: so many updates in a row were skipped.
        unchecked: the validation that the latest step asks for was left.
        unchecked_loss: of the warm-up step whose check was left.
    """

    step: int = 0
    warm: bool = True
    results: dict[str, Any] = field(default_factory=lambda: {"tokens": 0, "seconds": 0.0, "cpu_seconds": 0.0})
    alike: int = 0
    skipped: int = 0
    unchecked: bool = False
    unchecked_loss: float | None = None


class StateKeeper:
    """Saves a run's checkpoints, and restores the run from one.

    Args:
        config: of the run.
        parts: of the run.
        companions: of its policy.
        checkpoints: where they lie.
        state: where the run is.
    """

    def __init__(
        self, config: TrainConfig, parts: Parts, companions: Companions, checkpoints: Checkpoints, state: RunState
    ) -> None:
        self.config, self.parts, self.companions, self.checkpoints = config, parts, companions, checkpoints
        self.state = state
        # What the latest checkpoint holds, so that nothing is saved twice.
        self._saved: tuple[object, ...] | None = None

    @property
    def has_saved(self) -> bool:
        """Whether there is a checkpoint of this run, which it has saved or was restored from."""
        return self._saved is not None

    def forget(self) -> None:
        """Lets the next `save` save in any case: the weights are no longer those of this step's checkpoint."""
        self._saved = None

    def save(self, spent: Mapping[str, float], metrics_offset: int) -> None:
        """Saves a checkpoint, if anything was done since the last one. What comes after the last step is not saved.

        Args:
            spent: time until now, in place of that in the results.
            metrics_offset: bytes of the metrics' file that belong to it.
        """
        state, parts = self.state, self.parts
        if self._saved == self._made() or "test_after" in state.results:
            return
        self._saved = self._made()
        warm_start, whole = parts.warm_start, not parts.meshes
        self.checkpoints.save(
            state.step,
            parts.model,
            parts.tokenizer,
            {
                "step": state.step,
                "warm": state.warm,
                "warm_start": warm_start.state_dict(averages=whole) if warm_start and not state.warm else None,
                "warm_start_steps": warm_start.steps if warm_start else 0,
                "optimizer": parts.optimizer.state_dict() if whole else None,
                "companions": self.companions.state_dict() if whole else {},
                "curriculum": parts.curriculum.state_dict(),
                "source": parts.source.state_dict(),
                "replay": parts.replay.state_dict() if parts.replay else None,
                "watch": parts.watch.state_dict() if parts.watch else None,
                "unchecked": (state.unchecked, state.unchecked_loss),
                "in_a_row": self._in_a_row(),
                "results": {**state.results, **spent},
                "metrics_offset": metrics_offset,
            },
            None if whole else partial(save_shards, parts=self._divided() | self.companions.parts()),
        )

    def restore(self, saved: Mapping[str, Any], shards: Path) -> int:
        """Goes back to a checkpoint; the model's own weights were loaded with the parts.

        Args:
            saved: its state.
            shards: the folder of what is divided among processes; there is none where nothing is.

        Returns:
            Bytes of the metrics' file that belong to it.

        Raises:
            ConfigError: the configuration asks for fewer steps than were done.
        """
        state, parts = self.state, self.parts
        state.step, state.warm, state.results = saved["step"], saved["warm"], saved["results"]
        check_steps(self.config, state.step)
        state.unchecked, state.unchecked_loss = saved["unchecked"]
        state.alike, state.skipped = saved["in_a_row"]["alike"], saved["in_a_row"]["skipped"]
        for name, rollouts in parts.rollouts.items():
            rollouts.failures.in_a_row = saved["in_a_row"][name]
        if shards.is_dir():
            load_shards(shards, self._divided())
        else:
            load_whole(self._divided()["policy"], None, saved["optimizer"])
        self.companions.load_state_dict(saved["companions"], shards if shards.is_dir() else None)
        parts.curriculum.load_state_dict(saved["curriculum"])
        parts.source.load_state_dict(saved["source"])
        if parts.replay is not None:
            parts.replay.load_state_dict(saved["replay"])
        if parts.watch is not None:
            parts.watch.load_state_dict(saved["watch"])
        parts.hand_over(state.step)
        if parts.warm_start is not None:
            parts.warm_start.steps = saved["warm_start_steps"]
            if saved["warm_start"] is not None:
                parts.warm_start.load_state_dict(saved["warm_start"])
        self._saved = self._made()
        return int(saved["metrics_offset"])

    def _made(self) -> tuple[object, ...]:
        """How far the run is: steps, warm-up steps, and what was measured after them."""
        state, warm_start = self.state, self.parts.warm_start
        unchecked = state.unchecked, state.unchecked_loss
        return state.step, warm_start.steps if warm_start else 0, "test_before" in state.results, *unchecked

    def _in_a_row(self) -> dict[str, int]:
        """What came in a row until now, and ends the run, or is told, when it goes on."""
        failed = {str(name): rollouts.failures.in_a_row for name, rollouts in self.parts.rollouts.items()}
        return {"alike": self.state.alike, "skipped": self.state.skipped, **failed}

    def _divided(self) -> dict[str, Part]:
        """What is divided as the policy is; its own weights are saved whole."""
        warm_start, model = self.parts.warm_start, self.parts.model
        found = {"policy": Part(model, self.parts.optimizer, weights=False)}
        if warm_start is not None and not self.state.warm:
            found["warm_start"] = Part(model, warm_start.optimizer, weights=False)
        return found
