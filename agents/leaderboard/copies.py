"""Replies that two models can't both have written: the same transcripts under another name."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

# Characters from which on two models hardly say the same by chance; what is shorter may be the right answer alone.
_LONG = 80
# Some replies may be the same by chance, or be changed to look like others.
NEARLY_ALL = 0.9
"""The share of a set of replies from which on it counts as held by another."""
A_GOOD_PART = 0.05
"""The share of a set of replies below which what is another's in it keeps nobody out."""
_FEWEST = 3
_FORMS = (("content",), ("content", "tool_calls"))

Replies = tuple[frozenset[bytes], ...]
"""Short hashes of the long replies of an entry, each with what it replied to: of their text alone, and with calls."""


def replies_of(samples: Iterable[Mapping[str, Any]]) -> Replies:
    """What the model wrote, in forms that are small and do not depend on spaces.

    What is said to have been thought is in none of them: no environment records it, so it may be anything.

    Args:
        samples: of an evaluation.
    """
    samples = list(samples)
    return tuple(frozenset(_long(samples, form)) for form in _FORMS)


def shared(first: Replies, second: Replies) -> tuple[float, float]:
    """The share of each one's replies that the other holds too; 0 where that is no sign of a copy.

    It is one where nearly all of the smaller set are in the other. Who copied is not seen by that: it may be who put
    them among many others, or who took a part of many. So both are told of, each with its own share.
    """
    shares = [_shares(*forms) for forms in zip(first, second, strict=True)]
    return max(one for one, _ in shares), max(other for _, other in shares)


def copied(share: float, name: str) -> str:
    """The line that tells of it."""
    return f"{share:.1%} of its longer replies are word for word those of {name}"


def _shares(first: frozenset[bytes], second: frozenset[bytes]) -> tuple[float, float]:
    same, smaller = len(first & second), min(len(first), len(second))
    if smaller < _FEWEST or same <= NEARLY_ALL * smaller:
        return 0.0, 0.0
    return same / len(first), same / len(second)


def _long(samples: Iterable[Mapping[str, Any]], members: Sequence[str]) -> Iterator[bytes]:
    for sample in samples:
        said = [_words(one, members) for one in sample["messages"] if one["role"] == "assistant"]
        asked = [_words(one, members) for one in sample["messages"] if one["role"] != "assistant"][:2]
        if sum(map(len, said)) >= _LONG:
            yield hashlib.blake2b(json.dumps([asked, said]).encode(), digest_size=8).digest()


def _words(message: Mapping[str, Any], members: Sequence[str]) -> str:
    parts = (message.get(name) for name in members)
    return " ".join(" ".join(one if isinstance(one, str) else json.dumps(one) for one in parts if one).split())
