import random
import time
from array import array
from collections import Counter, deque
from datetime import UTC, date, datetime
from decimal import Decimal
from difflib import SequenceMatcher
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infinite_rl.rewards.code.comparison import Comparison, same_output
from infinite_rl.rewards.similarity import MAX_COMPARED, equal_outputs, ratio, similarity
from infinite_rl.runtimes.values import UNDEFINED, Iteration, NamedTuple, Opaque


@pytest.mark.parametrize(
    ("expected", "actual"),
    [
        ("", ""),
        (" \n", "\n\n"),
        ("Hello", "hello"),
        ("a\nb", "a\r\nb\r\n"),
        ("a\nb", "a  \nb\t\n\n"),
        ("red", "\x1b[31mred\x1b[0m"),
        ('{"a": 1, "b": [true]}', '{"b":[true],"a":1.0}'),
        ("[1, 2]", "[1,2]"),
        ("1.0", "1"),
        ("1e3", "1000"),
        ("12345678901234567890", "12345678901234567890"),
    ],
)
def test_outputs_that_are_equal_without_a_guess(expected, actual):
    assert equal_outputs(expected, actual)
    assert equal_outputs(actual, expected)
    assert similarity(expected, actual) == 1.0


@pytest.mark.parametrize(
    ("expected", "actual", "value"),
    [
        ("", "a", 0.0),
        ("a", "  ", 0.0),
        ("1.0", "1.0000000001", 0.99),
        ("x = 5", "y = 5", 1.0),
        ("x = 5", "5", 1.0),
        ("x=5.0000000001", "y=5", 0.99),
        ("a b", "ab", 0.95),
        ("a\nb", "a b", 0.95),
        ("abcd", "abxd", 0.75),
        ("5", "6", 0.0),
    ],
)
def test_outputs_that_are_alike_but_not_equal(expected, actual, value):
    assert not equal_outputs(expected, actual)
    assert similarity(expected, actual) == pytest.approx(value)


@pytest.mark.parametrize(
    ("expected", "actual"),
    [
        ("[1]", "[true]"),
        ("1", "true"),
        ("9007199254740993", "9007199254740992"),
        ("nan", "inf"),
        ("1e400", "1e500"),
        ("1_0", "10"),
        ("٣", "3"),
        ('{"a": 1}', '{"a": 1, "b": 2}'),
        ("a  b", "a b"),
        ("1 2", "12"),
        ("[" * 100_000, "[" * 100_001),
        ("9" * 5_000, "9" * 5_001),
    ],
)
def test_what_only_looks_equal_is_not(expected, actual):
    assert not equal_outputs(expected, actual)
    assert not equal_outputs(actual, expected)


@given(st.text("ab1 \n", max_size=60), st.text("ab1 \n", max_size=60))
def test_the_ratio_is_difflibs(first, second):
    assert ratio(first, second) == SequenceMatcher(None, first, second, autojunk=False).ratio()


def test_the_ratio_of_a_thousand_digits_is_difflibs():
    rng = random.Random(0)
    first = "".join(rng.choice("0123456789") for _ in range(MAX_COMPARED))
    second = first[:500] + "x" + first[501:]
    assert ratio(first, second) == SequenceMatcher(None, first, second, autojunk=False).ratio() == 0.999
    assert similarity("1" * 999 + "2", "1" * 1000) > 0.9


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("a" * 10**6, ("a" * 7 + "b") * 10**5),
        ("ab" * 10**6, "ba" * 10**6),
        ("\x1b[" * 10**6, "\x1b[3" * 10**6),
        ("[" * 10**6, "[" * 10**6 + "]"),
        ("{" * 10**6, '{"a":' * 10**5),
        ("=" * 10**6, "= " * 10**6),
        ("1" * 10**6, "1" * 10**6 + "2"),
    ],
)
def test_hostile_outputs_are_compared_in_seconds(first, second):
    start = time.process_time()
    assert similarity(first, second) < 1.0
    assert time.process_time() - start < 30


@pytest.mark.parametrize(
    ("expected", "actual", "same"),
    [
        ("1\n2\n", "1\n2", True),
        ("1\n2", "1 \r\n2\n\n\n", True),
        ("", "\n \n", True),
        ("1\n2", "1\n\n2", False),
        ("a", "A", False),
        (" a", "a", False),
        ("1", "1.0", False),
        ("[1, 2]", "[1,2]", False),
    ],
)
def test_output_of_a_case_is_compared_line_by_line(expected, actual, same):
    assert same_output(expected, actual) is same


@pytest.mark.parametrize(
    ("expected", "actual", "same"),
    [
        ("x 0.333333", "x 0.3333331", True),
        ("x 0.333333", "x 0.34", False),
        ("1000000 1", "1000000.5   1", True),
        ("a", "b", False),
        ("1\n2", "1 2", False),
        ("1 2", "1", False),
        ("nan", "inf", False),
    ],
)
def test_a_tolerance_is_for_numbers_only(expected, actual, same):
    assert same_output(expected, actual, 1e-5) is same


@pytest.mark.parametrize(
    ("expected", "actual", "strict", "lenient"),
    [
        (1, 1, True, True),
        (1, 1.0, True, True),
        (1.0, 1, True, True),
        (1, True, False, False),
        (True, 1, False, False),
        (True, True, True, True),
        (None, None, True, True),
        (None, 0, False, False),
        ("1", 1, False, False),
        (2**60, float(2**60), True, True),
        (2**60 + 1, float(2**60), False, False),
        (0.1 + 0.2, 0.3, True, True),
        (1.0, 1.00001, False, False),
        (1, 1.0000001, False, False),
        (1e-9, 0, True, True),
        (float("inf"), 1e308, False, False),
        (float("inf"), float("inf"), True, True),
        (float("nan"), float("nan"), True, True),
        (1e308, -1e308, False, False),
        (10**400, 1.0, False, False),
        (1.5, 10**400, False, False),
        ([1, 2], (1, 2), False, True),
        ((1, 2), [1, 2], False, True),
        ([1, [2]], [1, [2.0]], True, True),
        ([1], [1, 2], False, False),
        ({"a": [1]}, {"a": (1,)}, False, True),
        ({"a": 1}, {"a": 1, "b": 2}, False, False),
        ({1: "x"}, {True: "x"}, False, False),
        ({1, 2}, {2, 1}, True, True),
        ({1}, {True}, False, False),
        ({1}, frozenset({1}), True, True),
        ([1], {1}, False, False),
        ([1, 2], {1: 0, 2: 0}.keys(), True, True),
        ({1, 2}, {2: 0, 1: 0}.keys(), True, True),
        ([1, 2], {1: 1, 2: 2}.values(), True, True),
        ([(1, 2)], {1: 2}.items(), True, True),
        ([0, 1, 2], range(3), True, True),
        ([0, 1, 2], range(10**30), False, False),
        ((0, 1), range(2), False, True),
        ([1, 2], deque([1, 2]), True, True),
        ([1, 2], array("i", [1, 2]), True, True),
        ([1, 2], Iteration((1, 2)), True, True),
        ([1], Iteration((1, 2)), False, False),
        ([[1]], Iteration((Iteration((1,)),)), True, True),
        ((1, 2), NamedTuple.of("P", ["x", "y"], [1, 2]), True, True),
        ({"x": 1}, Opaque("P", "P(1)", {"x": 1}), True, True),
        ({"x": 1}, Opaque("P", "P(1)", {"x": 2}), False, False),
        ({}, Opaque("P", "P()"), False, False),
        ({"a": 2}, Counter("aa"), True, True),
        ([1], {1: []}.items(), False, False),
        ({1}, {1: []}.items(), False, False),
        ({"1": "x", "null": 0, "1.5": 0}, {1: "x", None: 0, 1.5: 0}, False, True),
        ({"1": "x", "2": "y"}, {1: "x", "1": "y"}, False, False),
        (0.5, Decimal("0.5"), True, True),
        (1, Decimal("1.0"), True, True),
        (1, Decimal("1.1"), False, False),
        (0.1, Decimal("1e9999"), False, False),
        (0.3333333333, Fraction(1, 3), True, True),
        (1.5, Fraction(10**400), False, False),
        (None, UNDEFINED, True, True),
        ("2020-01-02", date(2020, 1, 2), False, True),
        ("2020-01-02T03:04:05.000Z", datetime(2020, 1, 2, 3, 4, 5, tzinfo=UTC), False, True),
        ("tomorrow", date(2020, 1, 2), False, False),
        (b"a", bytearray(b"a"), True, True),
        (b"a", "a", False, False),
    ],
)
def test_returned_values_are_compared_by_rule(expected, actual, strict, lenient):
    assert Comparison(lenient=False).equal(expected, actual) is strict
    assert Comparison(lenient=True).equal(expected, actual) is lenient
