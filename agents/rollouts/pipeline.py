"""Rollouts ahead of the trainer: groups are played in threads while it learns, and none is older than allowed.

The guarantee: no token that version v of the policy learns from was sampled by a version before v - staleness. A group
counts from the version at which it is begun; where weights change while it is played, its later tokens are younger.
What is begun but not learnt from is bounded, so that all of it can be learnt from in time: when a step takes its groups
there are at most (staleness / 2 + 1) x groups per step; see :mod:`.window` for why, and for which it takes.

The trainer's thread alone draws tasks, takes groups and keeps the books; threads only play. Tasks are drawn when a step
begins, as in a synchronous run: at staleness 0 both are the same, bit for bit.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any

import torch

from ...buffers.tasks import TaskBuffer, TaskDraw
from ...envs.text_env import TextEnv
from .columns import Columns
from .manager import RolloutManager
from .source import plain
from .trajectory import Trajectory, join
from .window import choose, room

# Threads that are in an environment's code at the end are waited for so long; they never hold up the process.
FAREWELL_S = 1.0


@dataclass(eq=False, slots=True)
class Group:
    """A group that was drawn and not yet learnt from.

    Attributes:
        draw: what was drawn.
        version: of the policy when it was begun; None before that.
        trajectories: what came of it; None until it is finished.
    """

    draw: TaskDraw
    version: int | None = None
    trajectories: Trajectory | None = None


@dataclass(frozen=True, slots=True)
class _Played:
    """What a thread tells when it has played groups."""

    groups: list[Group]
    found: Trajectory | BaseException


class Pipeline:
    """Plays groups ahead of the trainer; a :class:`~infinite_rl.agents.rollouts.source.Source`.

    Args:
        tasks: the curriculum.
        rollouts: plays groups, of a text environment, which threads may use at once; its inference module must have
            weights of its own.
        group_size: trajectories of a group.
        quota: groups of a step.
        staleness: a step learns from tokens of policies at most so many versions before its own.
        steps: of the run: for what comes after them nothing is begun.

    Raises:
        ValueError: for an environment that asks the policy itself.
    """

    def __init__(
        self, tasks: TaskBuffer, rollouts: RolloutManager, *, group_size: int, quota: int, staleness: int, steps: int
    ) -> None:
        if not isinstance(rollouts.env, TextEnv):
            raise ValueError("asynchronous rollouts need a text environment, not one that asks the policy itself")
        self.tasks, self.rollouts, self.group_size = tasks, rollouts, group_size
        self.quota, self.staleness, self.steps = quota, staleness, steps
        # Oldest first, as they are begun; those that are not begun come last.
        self.groups: list[Group] = []
        self._taken: list[Group] = []
        self._failed_in_a_row = 0
        self._drawing: tuple[dict[str, Any], list[Group]] | None = None
        self._work: SimpleQueue[list[Group] | None] = SimpleQueue()
        self._played: SimpleQueue[_Played] = SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._clock = BusyClock()

    @property
    def version(self) -> int:
        """Of the policy that samples."""
        return self.rollouts.inference.version

    def begin(self, step: int) -> None:
        """See ``Source``; the curriculum is told."""
        self._taken, self._failed_in_a_row = [], self.rollouts.failures.in_a_row
        self.tasks.advance(step)

    def take(self, wanted: int) -> tuple[list[TaskDraw], Trajectory]:
        """See ``Source``: the oldest finished groups that leave no other one behind for too long, in their order.

        Raises:
            Exception: what playing any group raised.
        """
        with self.rollouts.leaving():
            self._begin(wanted)
            places = self._choose(wanted)
            while places is None:
                self._hear(self._played.get())
                places = self._choose(wanted)
        chosen = [self.groups[place] for place in places]
        self._taken += chosen
        self.groups = [group for group in self.groups if group not in chosen]
        trajectories = join([group.trajectories for group in chosen if group.trajectories is not None])
        trajectories.group = torch.arange(wanted).repeat_interleave(self.group_size)
        self._check_age(trajectories)
        self.rollouts.note(trajectories)
        return [group.draw for group in chosen], trajectories

    def put_back(self) -> None:
        """See ``Source``: what was taken will be taken again. Draws stay drawn, and will be played."""
        if self._drawing is not None:
            state, self.groups = self._drawing
            self.tasks.load_state_dict(state)
            self._drawing = None
        self.groups = [*self._taken, *(group for group in self.groups if group not in self._taken)]
        self._taken = []
        self.rollouts.failures.in_a_row = self._failed_in_a_row

    def report(self) -> dict[str, float]:
        """``rollouts_idle``: the share of the time since the last report in which no group was being played."""
        return {"rollouts_idle": self._clock.idle_share()}

    def state_dict(self) -> dict[str, Any]:
        """What was drawn and not learnt from. It is played anew after a resume, from the same random streams."""
        return {"drawn": plain([group.draw for group in self.groups])}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """See ``Source``."""
        self.groups = [Group(TaskDraw(*row)) for row in state["drawn"]]

    def close(self) -> None:
        """Ends the threads, as soon as they are in no environment's code; safe to call again."""
        with suppress(Empty):
            while True:
                self._work.get_nowait()
        for _ in self._threads:
            self._work.put(None)
        self.rollouts.inference.close()
        until = time.monotonic() + FAREWELL_S
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))
        self._threads = []
        self.rollouts.close()

    def _begin(self, wanted: int) -> None:
        """Draws what there is room for, and begins it."""
        steps_left = max(0, self.steps - self.version - 1)
        space = room(staleness=self.staleness, quota=self.quota, wanted=wanted, steps_left=steps_left)
        if len(self.groups) < space:
            # Who leaves in the midst of this must neither lose a draw nor make it twice.
            self._drawing = self.tasks.state_dict(), self.groups
            self.groups = [*self.groups, *map(Group, self.tasks.draw_here(space - len(self.groups)))]
            self._drawing = None
        new = [group for group in self.groups[:space] if group.version is None]
        for group in new:
            group.version = self.version
        # All of a step that waits for everything are best played together.
        for part in [new] if self.staleness == 0 else [[group] for group in new]:
            if part:
                self._play(part)

    def _play(self, groups: list[Group]) -> None:
        limit = max(1, self.rollouts.config.num_parallel // self.group_size)
        playing = sum(group.version is not None and group.trajectories is None for group in self.groups)
        if len(self._threads) < min(limit, playing):
            # A daemon: an environment's code that hangs must not keep the process alive.
            self._threads.append(threading.Thread(target=self._live, name="rollouts", daemon=True))
            self._threads[-1].start()
        self._work.put(groups)

    def _live(self) -> None:
        """What a thread does."""
        while (groups := self._work.get()) is not None:
            self._clock.enter()
            try:
                found: Trajectory | BaseException = self.rollouts.play([one.draw for one in groups], self.group_size)
            except BaseException as error:  # the trainer's thread raises it
                found = error
            self._clock.leave()
            self._played.put(_Played(groups, found))

    def _hear(self, played: _Played) -> None:
        if isinstance(played.found, BaseException):
            raise played.found
        for place, group in enumerate(played.groups):
            start = place * self.group_size
            group.trajectories = played.found[start : start + self.group_size]

    def _choose(self, wanted: int) -> list[int] | None:
        """The places of the groups to take; None while others have to finish first."""
        with suppress(Empty):
            while True:
                self._hear(self._played.get_nowait())
        begun = [group for group in self.groups if group.version is not None]
        return choose(
            [group.version + self.staleness for group in begun if group.version is not None],
            [group.trajectories is not None for group in begun],
            wanted=wanted,
            version=self.version,
            quota=self.quota,
        )

    def _check_age(self, trajectories: Trajectory) -> None:
        """The guarantee, of what was sampled indeed."""
        versions = Columns(trajectories).sampled("version")
        if versions is not None and len(versions) and int(versions.min()) < self.version - self.staleness:
            raise RuntimeError(
                f"a token of version {int(versions.min())} at version {self.version}: older than {self.staleness}"
            )


class BusyClock:
    """Measures for how long nothing was done, by any number of threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._busy = 0
        self._since = self._idle_since = time.monotonic()
        self._idle = 0.0

    def enter(self) -> None:
        """One more thread has begun to work."""
        with self._lock:
            if not self._busy:
                self._idle += time.monotonic() - self._idle_since
            self._busy += 1

    def leave(self) -> None:
        """It has ended."""
        with self._lock:
            self._busy -= 1
            if not self._busy:
                self._idle_since = time.monotonic()

    def idle_share(self) -> float:
        """The share of the time since the last call in which none worked."""
        with self._lock:
            now = time.monotonic()
            idle = self._idle + (0.0 if self._busy else now - self._idle_since)
            passed, self._since, self._idle_since, self._idle = now - self._since, now, now, 0.0
            return idle / passed if passed else 0.0
