"""What holds of all answers: symmetry, reflexivity, and that notation doesn't matter. sympy is the judge of values."""

import random

import pytest
import sympy
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from infinite_rl.rewards import verify
from infinite_rl.rewards.equivalence.limits import ExpressionError
from infinite_rl.rewards.equivalence.reading.answers import parse

X, Y = sympy.symbols("x y", positive=True)


def equal_both_ways(first, second):
    verdict, mirrored = verify(first, second), verify(second, first)
    assert (verdict.equal, verdict.reason, verdict.tier) == (mirrored.equal, mirrored.reason, mirrored.tier)
    return verdict.equal


leaves = st.one_of(
    st.integers(1, 9).map(sympy.Integer),
    st.sampled_from([X, Y, sympy.pi, sympy.E, sympy.sqrt(2), sympy.Rational(2, 3)]),
)


def extend(inner):
    pair = st.tuples(inner, inner)
    return st.one_of(
        pair.map(lambda p: p[0] + p[1]),
        pair.map(lambda p: p[0] * p[1]),
        pair.map(lambda p: p[0] - p[1]),
        pair.map(lambda p: p[0] / p[1]),
        st.tuples(inner, st.integers(-2, 3)).map(lambda p: p[0] ** p[1]),
        st.tuples(st.sampled_from([sympy.sin, sympy.cos, sympy.exp, sympy.sqrt, sympy.Abs]), inner).map(
            lambda p: p[0](p[1])
        ),
    )


expressions = st.recursive(leaves, extend, max_leaves=6)
# What keeps the value: other forms of one expression, by sympy's own rules.
REWRITES = [sympy.expand, sympy.factor, sympy.together, sympy.powsimp, sympy.trigsimp, sympy.expand_trig]


def is_tame(expression):
    """Whether sympy has left a finite expression of a size that a person would write."""
    bad = expression.has(sympy.zoo, sympy.nan, sympy.oo, sympy.I, sympy.Heaviside, sympy.sign)
    return not bad and len(sympy.latex(expression)) < 300


@settings(deadline=None, max_examples=150)
@given(expressions, st.sampled_from(REWRITES))
def test_a_rewritten_expression_is_equal_in_latex_and_as_plain_text(expression, rewrite):
    assume(is_tame(expression))
    other = rewrite(expression)
    assume(is_tame(other))
    verdict = verify(sympy.latex(expression), sympy.latex(other))
    assume(verdict.tier != "limits")
    assert verdict.equal, (sympy.latex(expression), sympy.latex(other), verdict.reason)
    plain = str(other).replace("E", "e")  # A capital E that stands alone is the letter of a choice.
    assert verify(sympy.latex(expression), plain).equal, (sympy.latex(expression), plain)


@settings(deadline=None, max_examples=150)
@given(expressions, st.integers(0, 5), st.integers(1, 40))
def test_a_perturbed_expression_is_not_equal(expression, kind, digits):
    assume(is_tame(expression) and expression != 0)
    tiny = sympy.Rational(1, 10**digits)
    other = [
        expression + tiny,
        expression * (1 + tiny),
        expression - X * tiny,
        -expression,
        expression + sympy.sin(X) * tiny,
        2 * expression,
    ][kind]
    assume(is_tame(other) and other != expression)
    assert not verify(sympy.latex(expression), sympy.latex(other)).equal


@pytest.mark.parametrize("seed", range(30))
def test_the_order_of_a_set_does_not_matter(seed):
    numbers = random.Random(seed)
    parts = [
        str(numbers.choice(["\\frac{%d}{7}", "\\sqrt{%d}", "%d", "(%d, 1)"])) % numbers.randint(1, 99) for _ in range(6)
    ]
    shuffled = numbers.sample(parts, len(parts))
    assert equal_both_ways("\\{" + ", ".join(parts) + "\\}", "\\{" + ",".join(shuffled) + "\\}")
    assert equal_both_ways(", ".join(parts), " , ".join(shuffled))
    wrong = [*shuffled[:-1], "1000"]
    assert not equal_both_ways("\\{" + ", ".join(parts) + "\\}", "\\{" + ",".join(wrong) + "\\}")


tokens = st.sampled_from(
    [
        "1",
        "2",
        "12",
        "0.5",
        "x",
        "y",
        "n",
        "a",
        "e",
        "i",
        "\\pi",
        "+",
        "-",
        "*",
        "/",
        "^",
        "(",
        ")",
        "[",
        "]",
        "\\{",
        "\\}",
        "{",
        "}",
        "\\frac{1}{2}",
        "\\sqrt{2}",
        "\\sin",
        "\\ln",
        ",",
        "=",
        "<",
        "\\le",
        "\\pm",
        "|",
        "!",
        "%",
        "_1",
        "\\cup",
        "\\infty",
        "\\text{cm}",
        "\\text{",
        "or",
        "}",
        "or",
        "A",
        "^\\circ",
        "\\cdot",
        ":",
        "\\in",
    ]
)
answers = st.lists(tokens, min_size=1, max_size=12).map(" ".join)


@settings(deadline=None, max_examples=400)
@given(answers, answers)
def test_every_verdict_is_symmetric(first, second):
    equal_both_ways(first, second)


@settings(deadline=None, max_examples=400)
@given(answers)
def test_what_is_read_equals_itself_in_other_notation(text):
    try:
        parse(text)
    except ExpressionError:
        return
    assert verify(text, text).equal
    notations = [
        "  " + text.replace(" ", "   ") + " ",
        "$" + text + "$",
        "\\boxed{" + text + "}",
        text.replace("\\frac", "\\dfrac"),
        text.replace("(", "\\left(").replace(")", "\\right)"),
        text.replace("[", "\\left[").replace("]", "\\right]"),
    ]
    for other in notations:
        verdict = verify(text, other)
        undefined = verdict.reason.startswith(("undefined", "over the limits"))
        assert verdict.equal or undefined or "\\text" in text, (text, other, verdict.reason)
