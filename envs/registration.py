"""The table of environments, and their registration with Gymnasium."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from importlib import import_module
from typing import TYPE_CHECKING, Any

import gymnasium

if TYPE_CHECKING:
    from .text_env import TextEnv

NAMESPACE = "InfiniteRL"


@dataclass(frozen=True, slots=True)
class Row:
    """One environment.

    Attributes:
        name: the id without its namespace, such as ``Math-v0``.
        environment: module and class in this room, such as ``math:MathEnv``; the module also holds the batched form,
            named like the class with ``VectorEnv`` at its end (``MathVectorEnv``).
        asks: what the environment asks, in one line for people.
        reward_threshold: the mean reward at which a policy has learnt it; ``None`` where no such number is honest.
        kwargs: arguments of the class that make this id; JSON values only.
    """

    name: str
    environment: str
    asks: str
    reward_threshold: float | None = None
    kwargs: Mapping[str, Any] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """The id for ``gymnasium.make``."""
        return f"{NAMESPACE}/{self.name}"

    @property
    def entry_point(self) -> str:
        """Where Gymnasium finds the class."""
        return f"{__package__}.{self.environment}"

    @property
    def vector_entry_point(self) -> str:
        """Where Gymnasium finds the batched form."""
        return self.entry_point.removesuffix("Env") + "VectorEnv"

    def load(self) -> type[TextEnv]:
        """The environment's class."""
        module, name = self.environment.split(":")
        environment: type[TextEnv] = getattr(import_module(f".{module}", __package__), name)
        return environment


# A change that affects results gets a row of its own with a new version; the old row stays.
ENVIRONMENTS = (
    # Every task has an answer that the grader accepts, so 1.0 can be reached.
    Row("Math-v0", "math:MathEnv", "Work out a math problem, by default arithmetic.", reward_threshold=1.0),
    Row("Coding-v0", "coding:CodingEnv", "Write a program or function, tested in a sandbox.", reward_threshold=1.0),
    Row("Orz-v0", "orz:OrzEnv", "Reason at length about a math problem, and box the answer.", reward_threshold=1.0),
    Row("MultiDomain-v0", "multi_domain:MultiDomainEnv", "Tasks of several domains, mixed.", reward_threshold=1.0),
    Row(
        "LocalSearch-v0",
        "local_search.environment:LocalSearchEnv",
        "Improve a solution of an optimisation problem over several turns.",
        reward_threshold=1.0,
    ),
    Row(
        "Conversation-v0",
        "conversation.environment:ConversationEnv",
        "Find out in a conversation what a user wants.",
        reward_threshold=1.0,
    ),
    Row(
        "SelfVerification-v0",
        "self_verification:SelfVerificationEnv",
        "Solve a task, check it with tools that cost something, and decide when to submit.",
        reward_threshold=1.0,
    ),
    Row("Stub-v0", "stub:StubEnv", "Answer anything: rewards by chance, to exercise trainers."),
    Row("Search-v0", "search:SearchEnv", "Answer a question by searching documents.", reward_threshold=1.0),
)


def full_id(name: str) -> str:
    """An id as Gymnasium knows it; ours may leave the namespace out."""
    full = f"{NAMESPACE}/{name}"
    return full if any(row.id == full for row in ENVIRONMENTS) else name


def known_id(name: str) -> str:
    """`full_id` of a registered environment; what has a colon names a module, which Gymnasium imports first.

    Raises:
        ValueError: there is no such environment.
    """
    register_envs()
    full = full_id(name)
    if full in gymnasium.registry or ":" in full:
        return full
    ours = {row.name.lower(): row.id for row in ENVIRONMENTS}
    near = get_close_matches(name.removeprefix(f"{NAMESPACE}/").lower(), ours, n=1)
    meant = f"; did you mean {ours[near[0]]}?" if near else ""
    raise ValueError(f"no environment {name[:80]}{meant} (infinite-rl envs lists them)")


def register_envs() -> None:
    """Registers every environment of the table that is not registered yet; safe to call again."""
    for row in ENVIRONMENTS:
        if row.id not in gymnasium.registry:
            gymnasium.register(
                row.id,
                entry_point=row.entry_point,
                vector_entry_point=row.vector_entry_point,
                reward_threshold=row.reward_threshold,
                nondeterministic=False,
                kwargs=dict(row.kwargs),
            )
