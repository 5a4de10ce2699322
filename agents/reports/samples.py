"""The transcripts of a report: the same tasks before and after training, side by side."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..progress import number
from .text import cut

MOST_SAMPLES = 12
MOST_MESSAGES = 8


def pair_samples(rows: Iterable[Mapping[str, Any]]) -> tuple[list[dict[str, Any]], int]:
    """The first tasks of the file, each with its transcript from before and its latest one.

    The order of the file is kept and nothing is picked, so that the page flatters nobody.

    Args:
        rows: the transcripts of a run, in its order.

    Returns:
        The pairs, and how many tasks follow. A pair has ``task_id``, the samples ``before`` and ``after`` as far as
        there are such, and the first of them once more as ``shared``, for what all have in common.
    """
    pairs: dict[str, dict[str, Any]] = {}
    others = set()
    for row in rows:
        task = _text(row.get("task_id", "?"))[:200]
        if task not in pairs and len(pairs) == MOST_SAMPLES:
            others.add(task)
            continue
        side = "before" if row.get("when") == "before" else "after"
        sample = _sample(row)
        pairs.setdefault(task, {"task_id": task, "shared": sample})[side] = sample
    return list(pairs.values()), len(others)


def _sample(row: Mapping[str, Any]) -> dict[str, Any]:
    """One transcript, cut when it is read, so that a file of long responses never lies in memory whole."""
    messages = row.get("messages")
    messages = messages if isinstance(messages, list) else []
    roles = [message.get("role") if isinstance(message, dict) else None for message in messages]
    start = roles.index("assistant") if "assistant" in roles else len(messages)
    return {
        "when": cut(_text(row.get("when", "?")), 40),
        "domain": cut(_text(row.get("domain", "")), 80),
        "answer": cut(_text(row.get("answer", "")), 500),
        "prompt": _messages(messages[:start]),
        "response": _messages(messages[start:]),
        "reward": number(row.get("reward")),
        "status": cut(_text(row.get("status", "")), 40),
        "error": cut(_text(row.get("error_msg") or ""), 500),
    }


def _messages(messages: Sequence[Any]) -> dict[str, Any]:
    """A part of a transcript, as far as it is shown."""
    shown = []
    for message in messages[:MOST_MESSAGES]:
        fields = message if isinstance(message, dict) else {"role": "?", "content": message}
        texts = [_text(fields[key]) for key in ("reasoning_content", "content", "tool_calls") if fields.get(key)]
        shown.append({"role": cut(_text(fields.get("role", "?")), 40), "text": cut("\n".join(texts))})
    return {"messages": shown, "left_out": max(0, len(messages) - MOST_MESSAGES)}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
