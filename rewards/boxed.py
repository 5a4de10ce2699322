r"""Answers in ``\boxed{…}``, where models of long reasoning put them."""

from __future__ import annotations

from .extraction import extract_answer, visible_text

_BOX = "\\boxed{"


def boxed_as_tagged(response: str, tag: str = "answer") -> str:
    r"""The response with its boxed answer between tags, so that every reward function can read it.

    Tags win: a response that has any is returned as it is. Otherwise the last ``\boxed{…}`` after the thinking counts,
    as in the MATH data; one that is never closed is no answer. Takes linear time.

    Args:
        response: the whole response.
        tag: the name of the tag that reward functions look for.
    """
    shown = visible_text(response)
    if f"<{tag}>" in shown.lower() or extract_answer(response, tag).answers:
        return response
    content = last_boxed(shown)
    return response if content is None else f"<{tag}>{content}</{tag}>"


def last_boxed(text: str) -> str | None:
    r"""What stands in the last ``\boxed{…}``; None without one, or if it is never closed."""
    start = text.rfind(_BOX)
    return None if start < 0 else _balanced(text, start + len(_BOX))


def _balanced(text: str, start: int) -> str | None:
    r"""The text up to the brace that closes the one before ``start``; ``\{`` and ``\}`` are no braces."""
    depth, at = 1, start
    while at < len(text):
        letter = text[at]
        if letter == "\\":
            at += 1
        elif letter == "{":
            depth += 1
        elif letter == "}":
            depth -= 1
            if not depth:
                return text[start:at]
        at += 1
    return None
