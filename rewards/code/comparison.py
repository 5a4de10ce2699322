"""When what a program gave equals what was expected of it: outputs of programs, and results of calls."""

from __future__ import annotations

import json
from array import array
from collections import deque
from collections.abc import ItemsView, KeysView, Mapping, Set, ValuesView
from dataclasses import dataclass
from datetime import date, time
from decimal import Decimal
from fractions import Fraction
from itertools import islice, zip_longest
from typing import Any

from ...runtimes.values import UNDEFINED, Iteration, Opaque
from ..similarity import number, tidy


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
    float is expected, a number is equal within ``relative`` or ``absolute``.

    A result that no literal can write equals what it stands for: an iterator, range, deque, array or view the list of
    its items, a frozenset or a view of keys the set, a Decimal or Fraction the number, a namedtuple the tuple, an
    object the dict of its attributes, ``undefined`` None. Sets are never lists: they have no order.

    JSON has less than Python: if ``lenient``, a tuple equals a list, keys equal their texts, and dates too.
    """

    lenient: bool
    relative: float = 1e-6
    absolute: float = 1e-9

    def equal(self, expected: Any, actual: Any) -> bool:
        """Whether a returned value is the expected one; both are plain data made on this side of the sandbox."""
        if isinstance(expected, bool) or isinstance(actual, bool):
            return expected is actual
        if isinstance(expected, int | float):
            return isinstance(actual, int | float | Decimal | Fraction) and self.close(expected, actual)
        if isinstance(expected, Mapping):
            return self._equal_mappings(expected, actual)
        if isinstance(expected, list | tuple):
            return self._equal_items(expected, actual)
        if isinstance(expected, Set):
            return isinstance(actual, Set) and _same_elements(expected, actual)
        if expected is None:
            return actual is None or actual is UNDEFINED
        if isinstance(expected, str) and self.lenient and isinstance(actual, date | time):
            return _same_time(expected, actual)
        if isinstance(expected, bytes) and isinstance(actual, bytearray):
            return expected == bytes(actual)
        return type(expected) is type(actual) and bool(expected == actual)

    def close(self, expected: int | float, actual: int | float | Decimal | Fraction) -> bool:
        """Whether two numbers are equal: exactly for an expected integer, else within the tolerance."""
        if expected == actual or (expected != expected and actual != actual):
            return True
        if isinstance(expected, int):
            return False
        try:
            difference = abs(expected - (actual if isinstance(actual, int) else float(actual)))
        except OverflowError:
            return False
        # An infinite difference is below no bound, and an infinite bound must not allow anything.
        return difference <= max(self.absolute, self.relative * min(abs(expected), 1e300)) and difference < 1e300

    def _equal_items(self, expected: list[Any] | tuple[Any, ...], actual: Any) -> bool:
        if isinstance(actual, list | tuple):
            if not self.lenient and isinstance(expected, tuple) is not isinstance(actual, tuple):
                return False
        elif isinstance(actual, Iteration):
            actual = actual.items
        elif not isinstance(actual, range | deque | array | ValuesView | KeysView | ItemsView) or (
            not self.lenient and isinstance(expected, tuple)
        ):
            return False
        # A range may be longer than any memory, or than `len` can say.
        items = list(islice(actual, len(expected) + 1))
        return len(items) == len(expected) and all(map(self.equal, expected, items))

    def _equal_mappings(self, expected: Mapping[Any, Any], actual: Any) -> bool:
        if isinstance(actual, Opaque):
            actual = actual.attributes
        if not isinstance(actual, Mapping) or len(expected) != len(actual):
            return False
        name = _name if self.lenient else _marked
        found = {name(key): value for key, value in actual.items()}
        return all(name(key) in found and self.equal(value, found[name(key)]) for key, value in expected.items())


def _marked(key: Any) -> Any:
    """A key or element for comparison, in which True is not 1."""
    return isinstance(key, bool), key


def _name(key: Any) -> Any:
    """A key as JSON writes it."""
    if isinstance(key, float) and key.is_integer():
        key = int(key)
    return json.dumps(key) if isinstance(key, bool | float | None) or (type(key) is int and abs(key) < 2**63) else key


def _same_elements(expected: Set[Any], actual: Set[Any]) -> bool:
    try:
        return set(map(_marked, expected)) == set(map(_marked, actual))
    except TypeError:  # a view of items may hold lists
        return False


def _same_time(text: str, moment: date | time) -> bool:
    try:
        return type(moment).fromisoformat(text) == moment
    except ValueError:
        return False
