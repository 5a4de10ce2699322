"""Episodes that say nothing about the policy: counted, told once, and too many of them end the run."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from ...envs.scoring import logger as env_logger
from .trajectory import Trajectory

logger = logging.getLogger(__name__)


class RolloutError(RuntimeError):
    """Nothing can be learnt, because no episode comes to a verdict."""


class Failures:
    """Watches what a rollout manager collects.

    Args:
        patience: so many collections in a row without one valid trajectory are an error.

    Attributes:
        in_a_row: so many there were up to now.
    """

    def __init__(self, patience: int) -> None:
        self.patience = patience
        self._told: set[str] = set()
        self.in_a_row = 0

    def note(self, trajectories: Trajectory) -> None:
        """Counts the failures of one collection, and tells every cause the first time that it is seen.

        Raises:
            RolloutError: if this was one collection too many in which everything failed.
        """
        valid = trajectories.valid.tolist()
        failed = (
            [row.state for row, good in zip(trajectories, valid, strict=True) if not good] if not all(valid) else []
        )
        causes = Counter(f"{state['status']}: {state['error_msg']}" for state in failed)
        for cause, count in causes.items():
            if cause not in self._told:
                self._told.add(cause)
                logger.warning("%d of %d episodes do not count (%s)", count, len(valid), cause)
        self.in_a_row = 0 if any(valid) else self.in_a_row + 1
        if self.in_a_row >= self.patience:
            (cause, count), *_ = causes.most_common(1)
            raise RolloutError(
                f"not one episode of the last {self.in_a_row} collections could be judged; "
                f"{count} of the last {len(valid)} failed with {cause}"
            )

    @contextmanager
    def told_once(self) -> Iterator[None]:
        """While it lasts, the environment logs each of its exceptions once, and not for every episode of a batch."""

        def is_new(record: logging.LogRecord) -> bool:
            cause = f"{record.getMessage()}: {record.exc_info and record.exc_info[1]!r}"
            new = cause not in self._told
            self._told.add(cause)
            return new

        env_logger.addFilter(is_new)
        try:
            yield
        finally:
            env_logger.removeFilter(is_new)
