"""Tasks without content, to exercise what schedules tasks."""

from __future__ import annotations

from collections.abc import Mapping

from .drawing import Rng, integer, pick
from .procedural import ProceduralSource
from .task import Split, Task

PASS_RATES = {"math": 0.6, "code": 0.4, "language": 0.8, "tool_use": 0.2}


class StubSource(ProceduralSource):
    """Tasks with nothing in them but their domain's pass rate.

    Args:
        seed: names the stream.
        split: ``train``, ``validation`` or ``test``.
        level: multiplies how often answers fail: at level 1 a domain passes at its rate p, at level k at p^k.
        pass_rates: of each domain, from 0 to 1.

    Raises:
        ValueError: if there is no domain, or a rate is outside [0, 1].
    """

    def __init__(
        self,
        *,
        seed: int = 0,
        split: Split = "train",
        level: int = 1,
        pass_rates: Mapping[str, float] = PASS_RATES,
    ) -> None:
        super().__init__(seed=seed, split=split, level=level)
        if not pass_rates or not all(0 <= rate <= 1 for rate in pass_rates.values()):
            raise ValueError(f"pass_rates must be numbers from 0 to 1 by domain, not {dict(pass_rates)}")
        self.pass_rates = dict(pass_rates)

    @property
    def domains(self) -> tuple[str, ...]:
        """Those with a pass rate."""
        return tuple(self.pass_rates)

    def draw(self, rng: Rng) -> Task:
        """Draws a domain and a number."""
        domain = pick(rng, [*self.pass_rates])
        number = integer(rng, 0, 10**9)
        return Task.ask(
            f"{domain} task {number}",
            self.pass_rates[domain] ** self.level,
            id=f"stub/{domain}/{number}",
            domain=domain,
            key=f"{domain} {number}",
            level=self.level,
        )
