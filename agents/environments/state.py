"""States: what an environment knows of one episode."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass
class State:
    """One episode, as its environment sees it. Environments with more to remember subclass it.

    Attributes:
        prompt: what the episode asks.
        response: the policy's latest response.
        step_count: steps taken.
        history: what was said, in order, as ``(who, text)``; environments decide what they keep.
        answer: the expected answer, for rewards; it belongs into no prompt.
        metadata: anything else.
    """

    prompt: str = ""
    response: str = ""
    step_count: int = 0
    history: list[Any] = field(default_factory=list)
    answer: Any = None
    metadata: dict[str, Any] = field(default_factory=dict)


@dataclass
class SVRLState(State):
    """An episode of self-verification.

    Attributes:
        budget: what all calls of tools may cost.
        spent: what they have cost.
        calls: the names of the tools that were run, in order.
        failed_calls: calls that were refused or went wrong by the policy's fault.
        finished: whether the policy has handed in its answer, or asked for more than the budget covers.
    """

    budget: float = 0.0
    spent: float = 0.0
    calls: list[str] = field(default_factory=list)
    failed_calls: int = 0
    finished: bool = False

    @property
    def budget_remaining(self) -> float:
        """What may still be spent."""
        return max(self.budget - self.spent, 0.0)
