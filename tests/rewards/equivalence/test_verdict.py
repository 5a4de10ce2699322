import dataclasses
import threading
from time import process_time

import pytest
import sympy
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from infinite_rl.rewards import verify
from infinite_rl.rewards.equivalence.verdict import Tier, flaw_of
from infinite_rl.rewards.forms import is_numeral, restates


def tier_if_equal(gold, answer):
    verdict, mirrored = verify(gold, answer), verify(answer, gold)
    assert (verdict.equal, verdict.reason, verdict.tier) == (mirrored.equal, mirrored.reason, mirrored.tier)
    assert verdict.reason
    return verdict.tier if verdict.equal else None


@pytest.mark.parametrize(
    ("gold", "answer"),
    [
        ("odd", "odd"),
        ("odd", "Odd"),
        ("\\text{yes}", "Yes"),
        ("\\text{C}", "C"),
        ("(-1,6)", "(-1, 6)"),
        ("11 \\sqrt{5} + 11", "11\\sqrt{5}+11"),
        ("$\\pi$", "\\pi"),
        ("12:30", "12:30"),
        ("6 or 7", "6  or 7"),
    ],
)
def test_the_same_text_is_equal_whether_or_not_it_can_be_read(gold, answer):
    assert tier_if_equal(gold, answer) is Tier.TEXT


@pytest.mark.parametrize(
    ("gold", "answer"),
    [
        ("odd", "dod"),
        ("odd", "ODDS"),
        ("ab", "AB"),
        ("ab", "ba"),
        ("12", "1 2"),
        ("1,234", "1, 234"),
        ("(1,234)", "1234"),
        ("A", "a"),
        ("1.5", "1. 5"),
        ("1", "True"),
        ("0", "False"),
        ("abc", "аbc"),
    ],
)
def test_texts_that_look_alike_are_not_the_same(gold, answer):
    assert tier_if_equal(gold, answer) is None


@pytest.mark.parametrize(
    ("gold", "answer"),
    [
        ("42", "40+2"),
        ("1/2", "0.5"),
        ("1000", "1,000"),
        ("-5", "\\frac{-15}{3}"),
        ("1024", "2^10"),
        ("1/8", "2^-3"),
        ("0.1+0.2", "0.3"),
        ("10^50", "1" + "0" * 50),
        ("2^{2005}/2^{2004}", "2"),
        ("1", "1^(10^100)"),
        ("1", "(-1)^(10**10)"),
        ("9", "(-3)^2"),
        ("-9", "-3^2"),
        ("512", "2^3^2"),
    ],
)
def test_constants_are_equal_where_their_values_are(gold, answer):
    assert tier_if_equal(gold, answer) is Tier.EXACT


@pytest.mark.parametrize(
    ("gold", "answer"),
    [
        ("0", "0.000000000001"),
        ("0", "1/10^300"),
        ("10^50", "10^50+1"),
        ("6", "6.0000001"),
        ("1/3", "0.33"),
        ("1000", "1.000"),
        ("-6", "6"),
        ("6", "66"),
        ("1/2", "2/1"),
    ],
)
def test_there_is_no_tolerance(gold, answer):
    assert tier_if_equal(gold, answer) is None


@pytest.mark.parametrize(
    ("exact", "decimal", "equal"),
    [
        ("1/3", "0.33333333333333", False),  # 14 digits
        ("1/3", "0.333333333333333", True),  # 15 digits
        ("-1/3", "-0.333333333333333", True),
        ("-1/3", "0.333333333333333", False),
        ("2/3", "0.666666666666666", False),  # cut off, not rounded
        ("2/3", "0.666666666666667", True),
        ("1/3", "0.333333333333334", False),
        ("1/300", "0.00333333333333333", True),
        ("1/300", "0.00333333333333", False),  # leading zeros don't count
        ("100/3", "33.3333333333333", True),
        ("100/3", "33.333333333333", False),
        ("10^15/3", "333333333333333", False),  # an integer is not a decimal
        ("0.3333333333333333", "0.333333333333333", False),  # neither is the exact value
        ("0", "0.000000000000000000001", False),
        ("1/10^30", "0.00000000000000000000", False),
        ("1", "1.0000000000000001", False),
    ],
)
def test_only_a_decimal_of_15_digits_equals_the_value_it_is_the_rounding_of(exact, decimal, equal):
    assert tier_if_equal(exact, decimal) is (Tier.EXACT if equal else None)


@pytest.mark.parametrize(
    ("gold", "answer"),
    [
        ("\\frac{x+2}{7}", "\\frac{x}{7}+\\frac{2}{7}"),
        ("(x+1)^2", "x^2+2x+1"),
        ("(x+1)(x-1)", "x^2-1"),
        ("1", "x-x+1"),
        ("1", "x/x"),
        ("x", "x*(y/y)"),
        ("x+1", "x+1+0*y"),
        ("n(n+1)/2", "(n^2+n)/2"),
        ("1/(x-1)-1/(x+1)", "2/(x^2-1)"),
        ("x^-2", "1/x^2"),
        ("xy", "y x"),
        ("2^10 x", "1024x"),
        ("0.5x", "x/2"),
        ("(x^30)^30", "x^900"),
    ],
)
def test_functions_are_equal_where_they_agree_everywhere(gold, answer):
    assert tier_if_equal(gold, answer) is Tier.IDENTITY


@pytest.mark.parametrize(
    ("gold", "answer"),
    [
        ("10", "10x"),
        ("x", "y"),
        ("X", "x"),
        ("x^2", "x"),
        ("x^2+C", "x^2"),
        ("(a+5)(b+2)", "(+5)(b+2)"),
        ("x", "x + 10^{-300} y"),
        # Multiples of the primes, and exponents that are 1 modulo their predecessors.
        ("x", "x + (2^127-1) y"),
        ("x", "x + (2^127-1)(2^521-1)(2^1279-1) y"),
        ("x", "x + (2^4423-1) y"),
        ("x", "x * y^(2^127-2)"),
    ],
)
def test_functions_that_differ_anywhere_are_not_equal(gold, answer):
    assert tier_if_equal(gold, answer) is None


@pytest.mark.parametrize(
    "answer", ["1/0", "0/0", "1/(2-2)", "0^0", "0^-1", "1/(x-x)", "(x-x)^0", "0*(1/0)", "1/(1/0)", "x/0"]
)
@pytest.mark.parametrize("gold", ["0", "1", "x", "y+1"])
def test_a_division_by_zero_equals_nothing(gold, answer):
    verdict = verify(gold, answer)
    assert not verdict.equal
    assert verdict.reason.startswith("undefined: ")


@pytest.mark.parametrize("empty", ["", "   ", "$$", "$ $", "\\text{}", "\\boxed{}", "."])
def test_empty_never_equals_anything_not_even_itself(empty):
    for other in ("42", "0", "x", "", empty):
        assert tier_if_equal(empty, other) is None


@pytest.mark.parametrize(
    "bomb",
    [
        *(
            "9^9^9^9",
            "9**9**9**9",
            "10**(10**10)",
            "10^{10^{10}}",
            "0.1**-999999999",
            "2^{20001}",
            "(2^{64})^{64^{64}}",
        ),
        *("x^(10^9)", "(x+1)^9999", "((((x^99)^99)^99)^99)^99", "(" * 5000, "(" * 700, "-" * 700 + "1", "9" * 3000),
        *("^".join("2" * 300), "\\frac{" * 300, "x+" * 500 + "x", "1" * 1_000_000),
    ],
)
def test_bombs_are_refused_before_they_are_computed(bomb):
    start = process_time()
    verdict = verify("42", bomb)
    assert process_time() - start < 5
    assert (verdict.equal, verdict.tier) == (False, Tier.LIMITS)


def test_the_dearest_expressions_within_the_limits_take_well_under_a_second():
    numbers = range(2, 18)
    forth = "*".join(f"(x+{number})^9" for number in numbers)
    back = "*".join(f"(x+{number})^9" for number in reversed(numbers))
    fractions = "+".join(f"1/{number}^50" for number in range(3, 120))
    start = process_time()
    assert verify(forth, back).equal
    assert not verify(fractions, fractions + "+1").equal
    assert process_time() - start < 5  # a slow machine that is busy takes several times as long


@pytest.mark.parametrize("text", ["42\0", "4\u200b2", "42\u0301", "４2", "٤٢", "42\ufffd", "\ud800"])
def test_text_in_disguise_equals_nothing(text):
    assert tier_if_equal("42", text) is None
    if text != "42\ufffd":
        assert tier_if_equal(text, text) is None
        assert flaw_of(text)


def test_a_flaw_is_what_keeps_a_gold_answer_from_being_compared():
    assert [flaw_of(text) for text in ("42", "odd", "1/0", "x")] == [""] * 4
    assert all(flaw_of(text) for text in ("", "$$", "2^{99999}", "9" * 2001, "\0"))


def test_the_verdict_is_immutable_timed_and_always_the_same():
    first, second = verify("x+1", "1+x"), verify("x+1", "1+x")
    assert dataclasses.replace(first, seconds=0) == dataclasses.replace(second, seconds=0)
    assert first.seconds > 0
    with pytest.raises(dataclasses.FrozenInstanceError):
        first.equal = False


def test_verify_works_from_any_thread():
    verdicts = []
    threads = [threading.Thread(target=lambda: verdicts.append(verify("(x+1)^2", "x^2+2x+1").equal)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert verdicts == [True] * 8


def expressions(leaves):
    """Texts with the sympy expressions that they mean, built side by side."""

    def extend(inner):
        pair = st.tuples(inner, inner)
        return st.one_of(
            pair.map(lambda p: (f"({p[0][0]}+{p[1][0]})", p[0][1] + p[1][1])),
            pair.map(lambda p: (f"({p[0][0]}-{p[1][0]})", p[0][1] - p[1][1])),
            pair.map(lambda p: (f"{p[0][0]}*{p[1][0]}", p[0][1] * p[1][1])),
            pair.map(lambda p: (f"\\frac{{{p[0][0]}}}{{{p[1][0]}}}", p[0][1] / p[1][1])),
            st.tuples(inner, st.integers(1, 3)).map(lambda p: (f"({p[0][0]})^{p[1]}", p[0][1] ** p[1])),
        )

    return st.recursive(leaves, extend, max_leaves=5)


numbers = st.integers(0, 9).map(lambda n: (str(n), sympy.Integer(n)))
decimals = st.integers(0, 99).map(lambda n: (f"{n / 10}", sympy.Rational(n, 10)))
variables = st.sampled_from("xyn").map(lambda name: (name, sympy.Symbol(name)))
rationals = expressions(numbers | decimals)
functions = expressions(numbers | variables)


def is_defined(expression):
    return not expression.has(sympy.zoo, sympy.nan, sympy.oo)


@settings(deadline=None)
@given(rationals, rationals)
def test_rationals_are_equal_if_and_only_if_sympy_says_so(first, second):
    defined = is_defined(first[1]) and is_defined(second[1])
    assume(defined and first[0] != second[0])
    assert verify(first[0], second[0]).equal == (first[1] == second[1])
    assert verify(first[0], str(first[1])).equal
    assert not verify(first[0], str(first[1] + sympy.Rational(1, 10**40))).equal


@settings(deadline=None, max_examples=60)
@given(functions, functions)
def test_functions_are_equal_if_and_only_if_sympy_says_so(first, second):
    defined = is_defined(first[1]) and is_defined(second[1])
    assume(defined and first[0] != second[0])
    try:
        simple = sympy.cancel(first[1])
        difference = sympy.cancel(first[1] - second[1])
    except ZeroDivisionError:
        return
    assume(is_defined(simple) and is_defined(difference))
    verdict = verify(first[0], second[0])
    assume(not verdict.reason.startswith("undefined: "))
    assert verdict.equal == (difference == 0)
    assert verify(first[0], str(sympy.expand(first[1]))).equal
    assert not verify(first[0], f"{first[0]}+x^7").equal


@settings(deadline=None)
@given(functions)
def test_every_generated_expression_equals_itself_in_other_notation(expression):
    text = expression[0]
    verdict = verify(text, f"0+({text})")
    assert verdict.equal or verdict.reason.startswith("undefined: ")
    assert verify(text, text).tier is Tier.TEXT


texts = st.text(max_size=40) | st.text("0123456789xyzab+-*/^(){}.,\\$ ", max_size=40)


@settings(deadline=None)
@given(texts, texts)
def test_verify_never_raises_and_is_symmetric_on_any_text(first, second):
    tier_if_equal(first, second)
    assert verify(first, first).tier in (Tier.TEXT, Tier.PARSE, Tier.LIMITS)


@pytest.mark.parametrize(
    ("first", "second", "reason"),
    [
        ("red", "blue", "different words"),
        ("\\text{red}", "3", "different words"),
        ("\\sqrt2", "\\sqrt3", "different values"),
        ("\\sqrt2 apples", "\\sqrt3 apples", "different values"),
        ("x", "y", "they differ at a point"),
        ("5 km", "6 km", "different rational numbers"),
        ("5 km", "5 kg", "different units"),
    ],
)
def test_the_reason_fits_what_differs(first, second, reason):
    assert verify(first, second).reason == verify(second, first).reason == reason


WHOLE = ["0", "-1", "1", "12", "-12", "21", "999999999999999", "-999999999999999", "999999999999998"]


@pytest.mark.parametrize("first", [*WHOLE, "-0", "007", "9999999999999999", "1e3", "²", "١٢"])
def test_whole_numbers_need_no_parser_and_get_the_verdict_that_it_would_give(first):
    for second in WHOLE:
        # White space changes nothing but that the parser is asked.
        short, long = verify(first, second), verify(f" {first}", f"{second} ")
        assert (short.equal, short.reason, short.tier) == (long.equal, long.reason, long.tier)
        assert flaw_of(second) == flaw_of(f" {second}") == ""
        assert is_numeral(second) is is_numeral(f" {second}") is True
    for question in (
        "12",
        "-12",
        "(12)",
        "5+7",
        "24/2",
        "12*1",
        "12 + 0",
        "3-15",
        "2^3",
        "\\frac{24}{2}",
        "1 2",
        "0-12",
    ):
        assert restates(first, question) == restates(f" {first}", question), question
