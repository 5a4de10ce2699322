"""When what a program gave equals what was expected of it: outputs of programs, and results of calls."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from .similarity import number, tidy


def same_output(expected: str, actual: str, tolerance: float = 0.0) -> bool:
    """Whether a program printed what it should: line by line, but for blanks at the ends of lines and of the whole.

    Args:
        expected: what it should print.
        actual: what it printed.
        tolerance: if not 0, words that are numbers may differ by so much, absolutely or relatively, and blanks within
            a line don't count.
    """
    first, second = tidy(expected), tidy(actual)
    if first == second or not tolerance:
        return first == second
    lines = zip_longest(first.split("\n"), second.split("\n"))
    return all(None not in pair and _same_words(*pair, tolerance) for pair in lines)


def _same_words(expected: str, actual: str, tolerance: float) -> bool:
    words = zip_longest(expected.split(), actual.split())
    return all(None not in pair and (pair[0] == pair[1] or _near(*pair, tolerance)) for pair in words)


def _near(expected: str, actual: str, tolerance: float) -> bool:
    first, second = number(expected), number(actual)
    if first is None or second is None:
        return False
    return Comparison(lenient=True, relative=tolerance, absolute=tolerance).close(float(first), second)


@dataclass(frozen=True, slots=True)
class Comparison:
    """How results of calls are compared.

    Integers, booleans, text and bytes are compared exactly; ``True`` is not ``1``, while ``1`` equals ``1.0``. Where a
    float is expected, a number is equal within ``relative`` or ``absolute``. A tuple equals a list only if ``lenient``.
    """

    lenient: bool
    relative: float = 1e-6
    absolute: float = 1e-9

    def equal(self, expected: Any, actual: Any) -> bool:
        """Whether a returned value is the expected one; both are plain data made on this side of the sandbox."""
        if isinstance(expected, bool) or isinstance(actual, bool):
            return expected is actual
        if isinstance(expected, int | float) and isinstance(actual, int | float):
            return self.close(expected, actual)
        if isinstance(expected, Mapping) and isinstance(actual, Mapping):
            return self._equal_keys(expected, actual) and all(
                self.equal(value, actual[key]) for key, value in expected.items()
            )
        if isinstance(expected, list | tuple) and isinstance(actual, list | tuple):
            if not self.lenient and type(expected) is not type(actual):
                return False
            return len(expected) == len(actual) and all(map(self.equal, expected, actual))
        if isinstance(expected, set | frozenset):
            return type(expected) is type(actual) and self._equal_keys(expected, actual)
        return type(expected) is type(actual) and bool(expected == actual)

    def close(self, expected: int | float, actual: int | float) -> bool:
        """Whether two numbers are equal: exactly for an expected integer, else within the tolerance."""
        if expected == actual or (expected != expected and actual != actual):
            return True
        if isinstance(expected, int):
            return False
        try:
            difference = abs(expected - actual)
        except OverflowError:
            return False
        # An infinite difference is below no bound, and an infinite bound must not allow anything.
        return difference <= max(self.absolute, self.relative * min(abs(expected), 1e300)) and difference < 1e300

    @staticmethod
    def _equal_keys(expected: Any, actual: Any) -> bool:
        """Equality of keys or elements in which True is not 1."""
        return {(isinstance(key, bool), key) for key in expected} == {(isinstance(key, bool), key) for key in actual}
