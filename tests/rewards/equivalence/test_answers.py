import contextlib
import dataclasses
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infinite_rl.rewards.equivalence.limits import ExpressionError, LimitError
from infinite_rl.rewards.equivalence.reading.answers import parse
from infinite_rl.rewards.equivalence.reading.wrappers import unwrap
from infinite_rl.rewards.equivalence.tree import Number, Operation, Operator, Variable, canonical


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("42", "42"),
        ("007", "7"),
        ("2.50", "5/2"),
        (".5", "1/2"),
        ("42.", "42"),
        ("1,000", "1000"),
        ("12,345,678.5", "24691357/2"),
        ("1 000", "1000"),
        ("1{,}000", "1000"),
        ("11,\\! 111,\\! 111", "11111111"),
        ("1\\,000", "1000"),
        ("a-b", "(+ a (- b))"),
        ("−x", "(- x)"),
        ("+6", "6"),
        ("2+-3", "(+ 2 (- 3))"),
        ("a*b/c·d", "(* a b (/ c) d)"),
        ("a×b÷c", "(* a b (/ c))"),
        ("-x^2", "(- (^ x 2))"),
        ("2^-3", "(^ 2 (- 3))"),
        ("2**3^4", "(^ 2 (^ 3 4))"),
        ("x^{2+y}z", "(* (^ x (+ 2 y)) z)"),
        ("2x", "(* 2 x)"),
        ("2xy^2", "(* 2 x (^ y 2))"),
        ("3(x+1)", "(* 3 (+ x 1))"),
        ("(a)(b)", "(* a b)"),
        ("2 a b", "(* 2 a b)"),
        ("n(n+1)/2", "(* n (+ n 1) (/ 2))"),
        ("x^2(x+1)^3", "(* (^ x 2) (^ (+ x 1) 3))"),
        ("\\frac{1}{2}x", "(* (* 1 (/ 2)) x)"),
        ("2\\dfrac{x}{3}", "(* 2 (* x (/ 3)))"),
        ("\\left(x\\right) \\times 2 \\div y", "(* x 2 (/ y))"),
        ("$\\boxed{\\frac{1}{2}}$.", "(* 1 (/ 2))"),
        ("\\(x\\)", "x"),
        ("\\[x\\]", "x"),
        ("$$x$$", "x"),
    ],
)
def test_notation_with_one_reading_is_read(text, tree):
    assert canonical(parse(text)) == tree


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("1,00", "(, 1 0)"),
        ("1,234567", "(, 1 234567)"),
        ("(1,234)", "(() 1 234)"),
        ("1, 234", "(, 1 234)"),
        ("[1,2)", "([) 1 2)"),
        ("]1,2[", "(() 1 2)"),
        ("\\{1,2\\}", "({} 1 2)"),
        ("5 or 6", "(, 5 6)"),
        ("12 $ and $13", "(, 12 13)"),
        ("6 \\pm 1", "(+ 6 (pm 1))"),
        ("a<b\\le c", "(< <= a b c)"),
        ("7:32", "(: 7 32)"),
        ("(1,2]\\cup\\{3\\}", "(cup ((] 1 2) ({} 3))"),
        ("\\frac12", "(* 1 (/ 2))"),
        ("\\frac{3}4x", "(* (* 3 (/ 4)) x)"),
        ("1\\frac{1}{2}", "(+ 1 1/2)"),
        ("3 1/2", "(+ 3 1/2)"),
        ("1.5\\frac12", "(* 3/2 (* 1 (/ 2)))"),
        ("1/2x", "(* 1 (/ 2) x)"),
        ("0.1\\overline{6}", "1/6"),
        ("1.5e-3", "3/2000"),
        ("28\\%", "(percent 28)"),
        ("90^\\circ", "(degree 90)"),
        ("\\$1,200", "(dollar 1200)"),
        ("15\\mbox{ cm}^2", "(cm^2 15)"),
        ("5 km", "(km 5)"),
        ("\\sqrt[3]{x}", "(^ x 1/3)"),
        ("√3", "(^ 3 1/2)"),
        ("2π²", "(* 2 (^ pi 2))"),
        ("x₁", "x_1"),
        ("\\sin 2x\\cos x", "(* (sin (* 2 x)) (cos x))"),
        ("\\sin^2 x", "(^ (sin x) 2)"),
        ("\\sin^{-1} x", "(asin x)"),
        ("\\log_2 8", "(log 8 2)"),
        ("\\ln|x|", "(ln (abs x))"),
        ("e^{-x}", "(^ e (- x))"),
        ("f(x+1)", "(f (+ x 1))"),
        ("P(1+r)^2", "(* P (^ (+ 1 r) 2))"),
        ("x(x+1)^2", "(* x (^ (+ x 1) 2))"),
        ("F_{n-1}", "(F_ (+ n (- 1)))"),
        ("5!", "(factorial 5)"),
        ("7 \\bmod 3", "(mod 7 3)"),
        ("|x|y", "(* (abs x) y)"),
        ("\\lfloor x\\rfloor", "(floor x)"),
        ("\\begin{pmatrix}1&2\\\\3&4\\end{pmatrix}", "(2x2 1 2 3 4)"),
        ("\\sum_{k=1}^{n} k^2", "(sum (^ #0 2) 1 n)"),
        ("\\int_0^1 x\\,dx", "(integral #0 0 1)"),
        ("\\frac{d}{dx} x^2", "(d/dx (^ x 2))"),
        ("\\{x : x > 3\\}", "(such that x (, (> x 3)))"),
        ("odd", "odd"),
    ],
)
def test_the_notation_of_answers_is_read(text, tree):
    assert canonical(parse(text)) == tree


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "()",
            "{}",
            "$$",
            "+",
            "1+",
            "*2",
            "(1",
            "1)",
            "x^",
            "x^{}",
            "\\frac{1}",
            "x^{2}^3",
            "1.2.3",
            "1..2",
            "(5]",
        ),
        *(
            "6 7",
            "1 00",
            "1  000",
            "6?",
            "not 6",
            "I think 42 is it",
            "nan",
            "8/2(2+2)",
            "a/b c",
            "x2",
            "(x+1)2",
            "x 2",
        ),
        *("42\0", "4\u200b2", "42\u0301", "４2", "٤٢", "②", "42\ufffd", "\ud800", "аb", "１＋１", "\x1b[0m1"),
        *(
            "\\left",
            "\\",
            "\\frac",
            "\\def\\a{1}",
            "eval('1')",
            "#",
            "__import__",
            "f(x).g",
            "\\boxed{6} \\boxed{7}",
            "\\boxed{6",
        ),
        *(
            "1...",
            "..",
            "1 if x else 0",
            "\\text{not 6}",
            "\\input{x}",
            "2[1,2]",
            "(1,2)+(3,4,5)",
            "\\begin{evil}1\\end{evil}",
        ),
        *(
            "\\begin{pmatrix}1&2\\\\3\\end{pmatrix}",
            "\\int x",
            "\\sum k",
            "5\\text{ frobbing}",
            "the answer",
            "x\\in",
            "\\sqrt{1,2}",
        ),
    ],
)
def test_what_has_no_reading_or_more_than_one_is_refused(text):
    with pytest.raises(ExpressionError):
        parse(text)


@pytest.mark.parametrize(
    "text",
    [
        "9" * 2001,
        "+".join("1" * 401),
        "(" * 61 + "x" + ")" * 61,
        "(" * 700,
        "-" * 700 + "x",
        "^".join("1" * 62),
        "\\frac{" * 61,
        "x^{" * 300,
    ],
)
def test_text_over_the_limits_is_refused_as_such(text):
    with pytest.raises(LimitError):
        parse(text)


@pytest.mark.parametrize("text", ["9" * 2000, "+".join("1" * 400), "(" * 60 + "x" + ")" * 60, "x " * 800])
def test_text_at_the_limits_is_read(text):
    parse(text)


def test_a_number_knows_how_it_was_written_and_equals_by_value():
    number = parse("0.2500")
    assert (number.value, number.places, number.digits) == (Fraction(1, 4), 4, 4)
    assert number == parse(".25") == Number(Fraction(1, 4))


def test_trees_are_immutable():
    tree = Operation(Operator.SUM, (Variable("x"), Number(Fraction(1))))
    assert parse("x+1") == tree
    with pytest.raises(dataclasses.FrozenInstanceError):
        tree.operands = ()


def test_wrappers_come_off_only_around_the_whole():
    assert unwrap(" $ \\boxed{ 6 } $ . ") == "6"
    assert unwrap("$5$ or $6$") == "$5$ or $6$"
    assert unwrap("\\boxed{6} \\boxed{7}") == "\\boxed{6} \\boxed{7}"
    assert unwrap("\\boxed{\\{6\\}}") == "\\{6\\}"
    assert unwrap("1, 2, ...") == "1, 2, ..."


@settings(deadline=None)
@given(st.text(max_size=60) | st.text("0123456789xyzab+-*/^(){}.,\\$ ", max_size=60))
def test_any_text_is_read_or_refused_by_our_own_error(text):
    with contextlib.suppress(ExpressionError):
        parse(text)
