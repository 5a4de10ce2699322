"""Strict extraction of the tagged answer from a response, in linear time.

Whatever is thinking is cut away first, then the tags of what is left must form plain, closed pairs. Tags are found by
their name and the bracket behind it, in which nothing can backtrack, and each find looks at a few characters around it,
so a megabyte of anything costs milliseconds.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import NamedTuple

# Spaces looked at between a bracket, the slash and the name. A bound keeps the work per tag constant.
_MAX_PADDING = 8
# More different texts than this are several values without looking at them.
MAX_CANDIDATES = 3
_SPACES = " \t\r\n"
_BRACKETS = {"<": ">", "[": "]"}
# What is behind so many tags is not read: no response needs them.
_MAX_TAGS = 2_000


@dataclass(frozen=True, slots=True)
class Extraction:
    """What a response holds in its answer tags.

    Attributes:
        answers: the different texts found in closed pairs, stripped, in order, at most ``MAX_CANDIDATES + 1``.
            Empty where the tags are missing, unclosed or nested.
        format_score: 1.0 for one exact pair, 0.5 for one malformed but closed pair, 0.4 for several pairs, else 0.0.
        error_msg: what is wrong with the tags; empty for one exact pair.
    """

    answers: tuple[str, ...]
    format_score: float
    error_msg: str = ""


class Tag(NamedTuple):
    """Where a tag stands, whether it closes, and whether it is written exactly."""

    start: int
    end: int
    closing: bool
    exact: bool


def extract_answer(response: str, tag: str = "answer") -> Extraction:
    """Finds the answer of a response in its ``<tag>…</tag>``.

    Args:
        response: the whole response of a model, thinking included.
        tag: name of the tag, in any case; ASCII letters, digits, ``_`` and ``-``.

    Returns:
        The candidate texts with the format score of their tags. One that is unclosed, closed only or nested spoils
        the whole response, because what the answer is would have to be guessed.

    Raises:
        ValueError: ``tag`` isn't a tag name, or is ``think``.
        TypeError: the response is no text.
    """
    check_name(tag)
    if not isinstance(response, str):
        raise TypeError(f"The response is of type {type(response).__name__}. Give text.")
    missing = Extraction((), 0.0, f"Missing <{tag}> tags in response.")
    visible = visible_text(response)
    texts: dict[str, None] = {}  # an ordered set
    pairs, exact, opening = 0, True, None
    for found in tags(visible, tag):
        if found.closing == (opening is None):
            return missing  # nested, or closed without an opening
        if opening is None:
            opening = found
            continue
        pairs += 1
        exact = exact and opening.exact and found.exact
        if len(texts) <= MAX_CANDIDATES:
            texts[visible[opening.end : found.start].strip(_SPACES)] = None
        opening = None
    if opening is not None or not pairs:
        return missing
    if pairs > 1:
        message = f"Multiple <{tag}> tags found. Math problems must have exactly one final answer tag."
        return Extraction(tuple(texts), 0.4, message)
    if not exact:
        return Extraction(tuple(texts), 0.5, f"Malformed <{tag}> tags in response.")
    return Extraction(tuple(texts), 1.0)


def visible_text(response: str) -> str:
    """The response without its thinking.

    The stricter reading wins: thinking that is never closed reaches to the end, nested thinking ends with its
    outermost ``</think>``, and before a ``</think>`` that nothing opened all is thinking, since many chat templates
    open it in the prompt.
    """
    # Folding a megabyte of letters that grow in lower case would cost more than the search.
    if response.isascii() and "think" not in response.lower():
        return response
    parts: list[str] = []
    depth, start = 0, 0
    for tag in tags(response, "think"):
        if not tag.exact:
            continue  # chat templates know the exact tag only
        if not tag.closing:
            if depth == 0:
                parts.append(response[start : tag.start])
            depth += 1
        elif depth == 0:
            parts.clear()
            start = tag.end
        else:
            depth -= 1
            start = tag.end
    if depth == 0:
        parts.append(response[start:])
    # A line break, so that cutting thinking away can't glue a tag or a number together.
    return "\n".join(parts)


@lru_cache(maxsize=64)
def check_name(tag: str) -> None:
    """Refuses what can't be the name of the answer tag.

    Raises:
        ValueError: it isn't a tag name, or is ``think``.
    """
    if not tag.isascii() or not tag.replace("_", "").replace("-", "").isalnum():
        raise ValueError(f"{tag!r} is not a tag name. Use ASCII letters, digits, '_' and '-'.")
    if tag.lower() == "think":
        raise ValueError("'think' can't be the answer tag: what is inside <think> is not part of the answer.")


def tags(text: str, name: str) -> Iterator[Tag]:
    """All tags of one name in any case, exact and malformed, in order; of very many the first."""
    # As long as the text, while some letters grow in lower case, and indices would shift.
    folded = text.encode("ascii", "replace").lower()
    for found in islice(_ends(name).finditer(folded), _MAX_TAGS):
        tag = _tag_around(text, found.start(), found.start() + len(name))
        if tag is not None:
            yield tag


@lru_cache(maxsize=64)
def _ends(name: str) -> re.Pattern[bytes]:
    return re.compile(re.escape(name.lower()).encode() + rb"[ \t\r\n]{0,%d}[>\]]" % _MAX_PADDING)


def _tag_around(text: str, at: int, after: int) -> Tag | None:
    """The tag whose name stands at ``text[at:after]``, or None if that is no tag."""
    if text[after : after + 1] == ">":
        if text[max(0, at - 2) : at] == "</":
            return Tag(at - 2, after + 1, True, True)
        if text[max(0, at - 1) : at] == "<":
            return Tag(at - 1, after + 1, False, True)
    before = text[max(0, at - 2 * _MAX_PADDING - 2) : at].rstrip(_SPACES)
    closing = before.endswith("/")
    if closing:
        before = before[:-1].rstrip(_SPACES)
    behind = text[after : after + _MAX_PADDING + 1]
    bracket = behind.lstrip(_SPACES)[:1]
    if not before or not bracket or _BRACKETS.get(before[-1]) != bracket:
        return None
    start = text.rindex(before[-1], 0, at)
    return Tag(start, text.index(bracket, after) + 1, closing, False)
