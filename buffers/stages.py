"""Stages: which domains are practised when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from .sum_tree import Flags


class Stages:
    """Domains that come in one after the other.

    Args:
        domains: their names, such as ``coding/caesar``.
        arrivals: the step from which on a domain is practised, by its name or by what stands before the slash. Those
            that are not named were there before. A whole name counts more than what stands before the slash.
        retire: whether domains are no longer practised once others have come in.

    Attributes:
        begins: the steps at which the stages begin, the first of them 0.

    Raises:
        ValueError: for a name that is no domain, a step below 0, or domains that leave the first stage empty.
    """

    def __init__(
        self, domains: Sequence[str], arrivals: Mapping[str, int] | None = None, *, retire: bool = False
    ) -> None:
        self.domains, self.retire = tuple(domains), retire
        self._arrival = np.full(len(domains), -1)
        for name, step in sorted((arrivals or {}).items(), key=lambda item: "/" in item[0]):
            mine = [k for k, domain in enumerate(domains) if name in (domain, domain.split("/")[0])]
            if not mine:
                raise ValueError(f"arrivals names {name!r}, but the domains are {', '.join(domains)}")
            if not isinstance(step, int) or step < 0:
                raise ValueError(f"arrivals.{name}: a step is a whole number, at least 0, not {step!r}")
            self._arrival[mine] = step
        if self._arrival.min() > 0:
            raise ValueError(
                f"arrivals: no domain is there from the start, the first comes at step {self._arrival.min()}"
            )
        self.begins: list[int] = sorted({0, *self._arrival[self._arrival > 0].tolist()})

    @property
    def prior(self) -> Flags:
        """The domains that were there before any came in: [K]."""
        found: Flags = self._arrival < 0
        return found

    def stage(self, step: int) -> int:
        """The number of the stage, from 0, after ``step`` steps."""
        return sum(begin <= step for begin in self.begins) - 1

    def arrived(self, step: int) -> Flags:
        """The domains that have come in: [K]."""
        found: Flags = self._arrival <= step
        return found

    def latest(self, step: int) -> Flags:
        """The domains that came in last: [K]; all that there are where none came in yet."""
        found: Flags = self._arrival == self._arrival[self.arrived(step)].max()
        return found

    def practised(self, step: int) -> Flags:
        """The domains that are practised: [K]."""
        return self.latest(step) if self.retire else self.arrived(step)

    def left(self, step: int) -> Flags:
        """The domains that have come in and are practised no longer: [K]."""
        return self.arrived(step) & ~self.practised(step)

    def of(self, stage: int) -> list[str]:
        """The names of the domains that come in at a stage; of the first also those that were there before."""
        begin = self.begins[stage]
        return [name for name, step in zip(self.domains, self._arrival, strict=True) if max(step, 0) == begin]
