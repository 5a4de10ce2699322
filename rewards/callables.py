"""The reward of an answer by any Python function."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, SupportsFloat

from .reward_function import Judged, TaggedRewardFunction


class CallableRewardFunction(TaggedRewardFunction[Callable[[str], object]]):
    """Lets a function judge the answer: it returns True for right, or a score, which is cut to [0, 1].

    An exception in it, or another result, counts as a wrong answer, lest a response gain by provoking it. The function
    is trusted, runs in this process, and must bound its own time.

    Args:
        function: gets the answer's text and what is expected. Without it, what is expected is itself a function that
            gets the answer's text.
    """

    def __init__(self, function: Callable[[str, Any], object] | None = None) -> None:
        self.function = function

    def read_expected(self, expected_output: Any) -> Callable[[str], object]:
        """The function of the answer's text.

        Raises:
            TypeError: there is none.
        """
        function = self.function
        if function is not None:
            return lambda answer: function(answer, expected_output)
        if not callable(expected_output):
            kind = type(expected_output).__name__
            raise TypeError(f"The expected answer is of type {kind}. Give a function of the answer.")
        validator: Callable[[str], object] = expected_output
        return validator

    def judge(self, answer: str, expected: Callable[[str], object]) -> Judged:
        """Calls the function."""
        value, problem = call_scorer(expected, answer)
        message = problem or ("" if value == 1.0 else f"The validator gave the answer {value:g}.")
        return Judged(value, answer, message)


def call_scorer(function: Callable[[str], object], text: str, failure: str = "Validator error") -> tuple[float, str]:
    """The score that a function gives a text, cut to [0, 1]; or 0.0 and what is wrong with the function."""
    try:
        result = function(text)
        if not isinstance(result, SupportsFloat):
            raise TypeError(f"it returned {type(result).__name__}, not True, False or a number")
        value = float(result)
        if value != value:
            raise ValueError("it returned NaN")
    except Exception as error:
        return 0.0, f"{failure}: {error}"
    return min(max(value, 0.0), 1.0), ""
