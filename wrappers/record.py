"""Transcripts on disk."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gymnasium

from ..envs.transcript import append_line, make_folder
from .base import Step, TextWrapper


class RecordTranscripts(TextWrapper):
    """Appends every episode that has ended to a JSON Lines file, with its messages, reward, components and status.

    Each line is written at once, so environments of several threads and processes may share a file, and a kill loses no
    line that was written. The expected answer is not in it.

    Args:
        env: the environment.
        path: the file; its folder is made.

    Raises:
        FileNotFoundError: the folder would have to be made in one that does not exist.
    """

    def __init__(self, env: gymnasium.Env[str, str], path: str | Path) -> None:
        super().__init__(env, path=str(path))
        self.path = Path(path)
        make_folder(self.path)
        self._reward = 0.0

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[str, dict[str, Any]]:
        """Starts an episode."""
        self._reward = 0.0
        return self.env.reset(seed=seed, options=options)

    def step(self, action: str) -> Step:
        """Takes an action; the last one writes the line."""
        observation, reward, terminated, truncated, info = self.env.step(action)
        self._reward += float(reward)
        if terminated or truncated:
            self._write(info, terminated)
        return observation, float(reward), terminated, truncated, info

    def _write(self, info: dict[str, Any], terminated: bool) -> None:
        row = {
            "task_id": info["task_id"],
            "task_index": info["task_index"],
            "domain": info["domain"],
            "reward": self._reward,
            "terminated": terminated,
            "status": str(info["status"]) if "status" in info else None,
            "error_msg": info.get("error_msg", ""),
            "components": dict(info.get("components", {})),
            "messages": info["messages"],
        }
        append_line(self.path, row)
