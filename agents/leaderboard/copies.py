"""Replies that two models can't both have written: the same transcripts under another name."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

# Characters from which on two models hardly say the same by chance; what is shorter may be the right answer alone.
_LONG = 80
# Of the smaller set: some replies may be the same by chance, or be changed to look like others.
_SHARE = 0.9
_FEWEST = 3

Replies = frozenset[bytes]
"""Short hashes of the long replies of an entry, each with what it replied to."""


def replies_of(samples: Iterable[Mapping[str, Any]]) -> Replies:
    """What the model wrote, in a form that is small and does not depend on spaces.

    Args:
        samples: of an evaluation.
    """
    found = set()
    for sample in samples:
        said = [_words(one) for one in sample["messages"] if one["role"] == "assistant"]
        asked = [_words(one) for one in sample["messages"] if one["role"] != "assistant"][:2]
        if sum(map(len, said)) >= _LONG:
            found.add(hashlib.blake2b(json.dumps([asked, said]).encode(), digest_size=8).digest())
    return frozenset(found)


def shared(first: Replies, second: Replies) -> float:
    """The share of the smaller set that the other holds too; 0 where that is no sign of a copy."""
    smaller = min(len(first), len(second))
    share = len(first & second) / smaller if smaller >= _FEWEST else 0.0
    return share if share > _SHARE else 0.0


def copied(share: float, name: str) -> str:
    """The line that tells of it."""
    return f"{share:.0%} of its longer replies are word for word those of {name}"


def _words(message: Mapping[str, Any]) -> str:
    parts = (message.get(name) for name in ("reasoning_content", "content", "tool_calls"))
    return " ".join(" ".join(one if isinstance(one, str) else json.dumps(one) for one in parts if one).split())
