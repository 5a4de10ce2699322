"""The stream of questions about the invented world."""

from __future__ import annotations

import hashlib
from dataclasses import fields
from typing import Any

from ..drawing import Rng
from ..procedural import ProceduralSource
from ..task import Task
from .questions import Ending, Plan, draw_question
from .world import world_of

_KINDS: dict[Ending | None, str] = {
    None: "chain",
    "more": "comparison",
    "less": "comparison",
    "sum": "sum",
    "difference": "difference",
}
CLOSING = "Give the answer between <answer> and </answer>."


class SearchSource(ProceduralSource):
    """Questions about a world that was invented for them, so that no model knows the answers.

    Every split has a world of its own with about 2,000 documents (`world_of`), and no name is in two of them: so every
    question belongs to its split, whatever the seed.

    Args:
        seed: names the stream; the worlds are always the same.
        split: ``train``, ``validation`` or ``test``.
        level: how many facts a question needs: 1 to 4; half of level 4 compare or add up two chains.
    """

    def belongs(self, key: str) -> bool:
        """Always: splits share no entity."""
        return True

    def draw(self, rng: Rng) -> Task:
        """Draws a question."""
        question = draw_question(rng, world_of(self.split), self.level)
        key = _key(question.plan)
        return Task.ask(
            f"{question.text}\n\n{CLOSING}",
            question.answer,
            id=f"search/{hashlib.blake2b(f'{key} {question.text}'.encode(), digest_size=8).hexdigest()}",
            domain=f"search/{_KINDS[question.plan.ending]}",
            key=key,
            level=self.level,
            plan=_as_json(question.plan),
        )


def _key(plan: Plan) -> str:
    """Names the problem, whatever the words and the order of two chains."""
    names = sorted(start.name for start in plan.starts)
    return " | ".join([*names, *plan.path, plan.measure, plan.ending or "", plan.asked])


def _as_json(plan: Plan) -> dict[str, Any]:
    members = {field.name: getattr(plan, field.name) for field in fields(plan)}
    return members | {"starts": [start.name for start in plan.starts], "path": list(plan.path)}
