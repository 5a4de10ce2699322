"""The stream of conversations."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any

from ...datasets.drawing import Rng, integer, pick, sample
from ...datasets.naming import check_names
from ...datasets.procedural import ProceduralSource
from ...datasets.task import Split, Task
from .scenarios import SCENARIOS
from .slots import Slot, Value

# How many details, and how many of them the user gives in one message.
_DETAILS = (3, 4, 5, 6)
_PATIENCE = (6, 3, 2, 2)
_HINTS_FROM, _CHANGES_FROM = 3, 4


class ConversationSource(ProceduralSource):
    """Users who want something.

    Each scenario is a domain of its own, such as ``conversation/table``. At level 1 the user wants three things and
    tells all that is asked; from level 2 on more things, and not all at once; from level 3 on the user tells some of
    them in a roundabout way; at level 4 the user changes a wish once.

    Args:
        seed: names the stream.
        split: ``train``, ``validation`` or ``test``.
        level: 1 to 4.
        scenarios: names of scenarios, each drawn equally often; by default all.
    """

    def __init__(
        self, *, seed: int = 0, split: Split = "train", level: int = 1, scenarios: Sequence[str] | str | None = None
    ) -> None:
        super().__init__(seed=seed, split=split, level=level)
        known = {scenario.name: scenario for scenario in SCENARIOS}
        chosen = tuple(known) if scenarios is None else check_names("scenarios", scenarios, known)
        if not chosen:
            raise ValueError("scenarios names no scenario")
        self.scenarios = tuple(known[name] for name in chosen)

    @property
    def domains(self) -> tuple[str, ...]:
        """One for each scenario."""
        return tuple(f"conversation/{scenario.name}" for scenario in self.scenarios)

    def draw(self, rng: Rng) -> Task:
        """Draws a scenario, its details and how the user behaves."""
        scenario = pick(rng, self.scenarios)
        wide, *others = scenario.slots
        slots = [wide, *sample(rng, others, _DETAILS[self.level - 1] - 1)]
        wishes = {slot.name: slot.draw(rng) for slot in slots}
        script: dict[str, Any] = {
            "patience": _PATIENCE[self.level - 1],
            "slots": {slot.name: self._script(slot, wishes[slot.name], rng) for slot in slots},
        }
        goal = dict(wishes)
        if self.level >= _CHANGES_FROM:
            slot = pick(rng, slots)
            while goal[slot.name] == wishes[slot.name]:
                goal[slot.name] = slot.draw(rng)
            said = {"value": goal[slot.name], "says": slot.say(goal[slot.name])}
            script["change"] = {"slot": slot.name, "after": integer(rng, 2, len(slots)), **said}
        key = json.dumps([scenario.name, wishes, goal], sort_keys=True)
        return Task(
            f"{scenario.name}/{hashlib.blake2b(key.encode(), digest_size=8).hexdigest()}",
            f"conversation/{scenario.name}",
            (
                {"role": "system", "content": instructions(scenario.place, slots)},
                {"role": "user", "content": scenario.opening},
            ),
            goal,
            {"key": key, "level": self.level, "user": script},
        )

    def _script(self, slot: Slot, value: Value, rng: Rng) -> dict[str, Any]:
        roundabout = self.level >= _HINTS_FROM and rng.random() < 0.5
        return {
            "value": value,
            "says": slot.hint(value, rng) if roundabout else slot.say(value),
            "keywords": [slot.name, *slot.keywords],
            "values": slot.values(),
        }


def instructions(place: str, slots: Sequence[Slot]) -> str:
    """What the agent is told."""
    listed = "\n".join(f"- {slot.name}: {slot.form}" for slot in slots)
    return (
        f"You serve customers of {place}. Find out what the customer wants: ask, since customers only answer what they "
        "are asked, and may change their mind. When you know all of it, end with a JSON object between <answer> and "
        f"</answer>, with these members:\n{listed}"
    )
