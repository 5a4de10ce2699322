"""Where the groups of a step come from: drawn and played while the trainer waits, or ahead of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from ...buffers.tasks import TaskBuffer, TaskDraw
from ..parallel.processes import Processes
from .exchange import Parcel, pack, unpack
from .manager import RolloutManager
from .trajectory import Trajectory


class Source(Protocol):
    """Gives a trainer its groups, step by step."""

    def begin(self, step: int) -> None:
        """Notes that ``step`` steps were made, and that the groups of the next one are to be taken."""

    def take(self, wanted: int) -> tuple[list[TaskDraw], Trajectory]:
        """So many groups of the step, numbered from 0, and the draws that they answer."""

    def put_back(self) -> None:
        """Undoes what happened since :meth:`begin`: the step is left, and nothing was learnt."""

    def report(self) -> dict[str, float]:
        """What the clock says of the time since the last report."""

    def state_dict(self) -> dict[str, Any]:
        """Everything that the next groups depend on beside curriculum and weights; plain values."""

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restores what :meth:`state_dict` gave."""

    def close(self) -> None:
        """Ends what is under way."""


class Synchronous:
    """Draws and plays the groups of a step while the trainer waits.

    Args:
        tasks: the curriculum.
        rollouts: plays.
        group_size: trajectories of a group.
    """

    def __init__(self, tasks: TaskBuffer, rollouts: RolloutManager, *, group_size: int) -> None:
        self.tasks, self.rollouts, self.group_size = tasks, rollouts, group_size
        # What a run that was asynchronous before had drawn.
        self._drawn: list[TaskDraw] = []
        self._before: tuple[dict[str, Any], int, list[TaskDraw]] = {}, 0, []

    def begin(self, step: int) -> None:
        """See :class:`Source`; the curriculum is told."""
        self._before = self.tasks.state_dict(), self.rollouts.failures.in_a_row, [*self._drawn]
        self.tasks.advance(step)

    def take(self, wanted: int) -> tuple[list[TaskDraw], Trajectory]:
        """See :class:`Source`."""
        draws, self._drawn = self._drawn[:wanted], self._drawn[wanted:]
        if len(draws) < wanted:
            draws += self.tasks.draw(wanted - len(draws))
        return draws, self.rollouts.collect(draws, self.group_size)

    def put_back(self) -> None:
        """See :class:`Source`; what was drawn will be drawn again."""
        state, self.rollouts.failures.in_a_row, self._drawn = self._before
        self.tasks.load_state_dict(state)

    def report(self) -> dict[str, float]:
        """Nothing: the phases of a step say it."""
        return {}

    def state_dict(self) -> dict[str, Any]:
        """See :class:`Source`."""
        return {"drawn": plain(self._drawn)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """See :class:`Source`."""
        self._drawn = [TaskDraw(*row) for row in state["drawn"]]

    def close(self) -> None:
        """Nothing is under way; hosts end."""
        self.rollouts.close()


class OfFirst:
    """What the first process takes from its source, on all processes.

    Args:
        source: of the first process; it alone is asked. Others don't use theirs.
        tasks: the curriculum.
        processes: of the run.
    """

    def __init__(self, source: Source, tasks: TaskBuffer, processes: Processes) -> None:
        self.source, self.tasks, self.processes = source, tasks, processes

    def begin(self, step: int) -> None:
        """See :class:`Source`."""
        if self.processes.first:
            self.source.begin(step)
        else:
            self.tasks.advance(step)

    def take(self, wanted: int) -> tuple[list[TaskDraw], Trajectory]:
        """See :class:`Source`."""

        def take() -> tuple[list[TaskDraw], Parcel]:
            draws, trajectories = self.source.take(wanted)
            return draws, pack(trajectories)

        draws, parcel = self.processes.from_first(take)
        return draws, unpack(parcel)

    def put_back(self) -> None:
        """See :class:`Source`."""
        if self.processes.first:
            self.source.put_back()

    def report(self) -> dict[str, float]:
        """See :class:`Source`."""
        return self.source.report()

    def state_dict(self) -> dict[str, Any]:
        """See :class:`Source`."""
        return self.source.state_dict()

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """See :class:`Source`."""
        self.source.load_state_dict(state)

    def close(self) -> None:
        """See :class:`Source`."""
        self.source.close()


def plain(draws: Sequence[TaskDraw]) -> list[list[Any]]:
    """Draws as plain values."""
    return [[draw.task_index, draw.attempt, draw.weight] for draw in draws]
