"""The expected answer, as data sets and callers give it: text, tags, JSON or a number."""

from __future__ import annotations

import json
from decimal import Decimal
from fractions import Fraction
from typing import Any

from .extraction import extract_answer

_TAGS = ("answer", "summary")
MAX_EXPONENT = 1_000
_KEYS = ("answer", "result", "solution", "value")


def expected_text(expected: object) -> str:
    """The expected answer as plain text.

    Tags ``<answer>`` or ``<summary>`` around it are taken off. Then, if it is a JSON object, its first key of
    ``answer``, ``result``, ``solution``, ``value`` is the answer.

    Args:
        expected: text, or a number (int, finite float, Fraction or Decimal), which is taken as it prints.

    Raises:
        TypeError: it is of another type. That includes bool, since ``True`` is not the answer 1.
        ValueError: it is a float or Decimal that is not finite.
    """
    if not isinstance(expected, str):
        return _number_text(expected)
    text = _untagged(expected).strip()
    members = _json_members(text)
    for key in _KEYS:
        if key in members:
            value = members[key]
            return value.strip() if isinstance(value, str) else _number_text(value)
    return text


def _untagged(text: str) -> str:
    if "<" not in text and "[" not in text:
        return text
    for tag in _TAGS:
        answers = extract_answer(text, tag).answers
        if len(answers) == 1:
            return answers[0]
    return text


def _json_members(text: str) -> dict[str, Any]:
    """The members of a JSON object; none if the text is anything else, such as a set in braces."""
    if not text.startswith("{"):
        return {}
    try:
        # Decimal keeps the digits as they were written.
        found = json.loads(text, parse_float=Decimal)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _number_text(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float | Fraction | Decimal):
        kind = type(value).__name__
        raise TypeError(f"The expected answer is of type {kind}. Give text, a number or a function of the answer.")
    if isinstance(value, float | Decimal):
        exact = Decimal(repr(value)) if isinstance(value, float) else value
        if not exact.is_finite():
            raise ValueError(f"The expected answer is {value}. Give a finite number.")
        if abs(exact.adjusted()) > MAX_EXPONENT:
            raise ValueError(f"The expected answer has an exponent over {MAX_EXPONENT}. Give it as text.")
        return f"{exact:f}"
    return str(value)
