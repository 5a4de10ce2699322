"""What an episode asks: the task, and where tasks come from."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, TypeAlias, runtime_checkable

Message: TypeAlias = dict[str, Any]
"""One message in OpenAI's form: ``role`` and ``content``, and where they apply ``tool_calls``, ``name`` and so on."""

Split: TypeAlias = Literal["train", "validation", "test"]
SPLITS: tuple[Split, ...] = ("train", "validation", "test")


@dataclass(frozen=True, slots=True)
class Task:
    """What an episode asks.

    Attributes:
        id: unique within its source.
        domain: the family of tasks it belongs to, with statistics of its own.
        messages: the messages that open the episode.
        answer: what graders need to judge a response; kept from the policy.
        metadata: anything else that graders or reports use, such as ``answer_form`` or ``level``.
    """

    id: str
    domain: str
    messages: tuple[Message, ...]
    answer: Any
    metadata: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def ask(cls, prompt: str, answer: Any, *, id: str, domain: str, **metadata: Any) -> Task:
        """A task that opens with one user message."""
        return cls(id, domain, ({"role": "user", "content": prompt},), answer, metadata)

    @property
    def prompt(self) -> str:
        """The text of the opening messages."""
        texts = (message.get("content") for message in self.messages)
        return "\n\n".join(str(text) for text in texts if text is not None)

    def to_json(self) -> str:
        """The task as one line of JSON, readable by :class:`~infinite_rl.datasets.files.FileSource`."""
        row = {"id": self.id, "domain": self.domain, "messages": self.messages, "answer": self.answer}
        return json.dumps(row | ({"metadata": dict(self.metadata)} if self.metadata else {}), ensure_ascii=False)


@runtime_checkable
class TaskSource(Protocol):
    """Where tasks come from: a mapping from an index to a task, the same in every process.

    A source is pure: ``task(i)`` depends on nothing but the source's own arguments and ``i``.
    """

    @property
    def size(self) -> int | None:
        """How many tasks there are: indices run from 0 to ``size - 1``; ``None`` for an endless stream."""

    def task(self, index: int) -> Task:
        """The task at ``index``.

        Raises:
            IndexError: if ``index`` is negative, or at least ``size``.
        """


def domains_of(source: TaskSource) -> Sequence[str] | None:
    """The domains of a source's tasks; None if it doesn't say: its ``domains`` are left out, or None."""
    found: Sequence[str] | None = getattr(source, "domains", None)
    return found


@dataclass(frozen=True, slots=True)
class TaskList:
    """A source over tasks that are already in memory."""

    tasks: Sequence[Task]

    @property
    def size(self) -> int:
        """How many tasks there are."""
        return len(self.tasks)

    @property
    def domains(self) -> tuple[str, ...]:
        """Those of its tasks."""
        return tuple(dict.fromkeys(task.domain for task in self.tasks))

    def task(self, index: int) -> Task:
        """The task at ``index``, which must lie in [0, size)."""
        if not 0 <= index < len(self.tasks):
            raise IndexError(f"task index {index} is outside 0..{len(self.tasks) - 1}")
        return self.tasks[index]
