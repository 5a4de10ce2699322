"""Kinds of answers: what is equal to what, and what only looks like it. Each row is a kind, each pair a claim."""

import pytest

from infinite_rl.rewards import verify

EQUAL = {
    "fractions": [
        *(("1/2", "\\frac12"), ("\\frac{1}{2}", "0.5"), ("-\\frac{1}{2}", "\\frac{-1}{2}"), ("-1/2", "\\frac{1}{-2}")),
        *(("7/2", "3\\frac{1}{2}"), ("7/2", "3 1/2"), ("-7/2", "-3\\tfrac12"), ("7/2", "3½"), ("1/2", "½")),
        *(("\\frac{\\sqrt3}{2}", "\\sqrt{3}/2"), ("\\frac\\pi2", "\\pi/2"), ("\\frac{a}{b}", "a/b"), ("1/2x", "\\frac{x}{2}")),
        *(("1/3", "0.\\overline{3}"), ("1/6", "0.1\\overline{6}"), ("1/3", "0.(3)"), ("2/11", "0.\\overline{18}")),
    ],
    "numbers": [
        *(("12345", "12,345"), ("12345", "12{,}345"), ("1.5e3", "1500"), ("1.5\\times 10^3", "1500"), ("0.05", "5e-2")),
        *(("5!", "120"), ("5!!", "15"), ("\\binom{5}{2}", "10"), ("{5 \\choose 2}", "10"), ("7 \\bmod 3", "1")),
        *(("|-5|", "5"), ("\\lfloor 2.7 \\rfloor", "2"), ("\\lceil 2.1 \\rceil", "3"), ("\\gcd(12, 18)", "6")),
        *(("\\max\\{1, 2\\}", "2"), ("\\operatorname{lcm}(4,6)", "12"), ("2^{10}", "1024"), ("\\sqrt{16}", "4")),
        *(("\\sqrt[3]{27}", "3"), ("\\sqrt[3]{-8}", "-2"), ("8^{2/3}", "4"), ("\\sqrt{\\frac14}", "1/2"), ("16", "4²")),
    ],
    "irrational": [
        *(("\\sqrt{8}", "2\\sqrt{2}"), ("\\frac{1}{\\sqrt2}", "\\frac{\\sqrt2}{2}"), ("\\sqrt2+\\sqrt3", "\\sqrt{5+2\\sqrt6}")),
        *(("2\\pi", "2π"), ("\\pi^2", "pi**2"), ("e^2", "\\exp(2)"), ("\\ln e^3", "3"), ("\\log_2 8", "3")),
        *(("\\log_{10} 100", "2"), ("\\ln 8", "3\\ln 2"), ("\\sin\\frac{\\pi}{6}", "1/2"), ("\\cos 60^\\circ", "1/2")),
        *(("\\sin^{-1}(1)", "\\frac{\\pi}{2}"), ("\\arctan 1", "\\pi/4"), ("\\tan(\\pi/4)", "1"), ("√3", "\\sqrt{3}")),
        *(("4.123105625617661", "\\sqrt{17}"), ("\\frac{1+\\sqrt5}{2}", "\\frac{2}{\\sqrt5-1}"), ("2^{1/3}", "\\sqrt[3]{2}")),
    ],
    "functions": [
        *(("\\sin 2x", "2\\sin x\\cos x"), ("\\sin^2 x + \\cos^2 x", "1"), ("\\tan x", "\\frac{\\sin x}{\\cos x}")),
        *(("\\ln(x^2)", "2\\ln x"), ("e^{x+y}", "e^x e^y"), ("\\sqrt{x^2+2x+1}", "|x+1|"), ("\\cosh x", "(e^x+e^{-x})/2")),
        *(("x^{1/3}", "\\sqrt[3]{x}"), ("\\frac{x^2-1}{x-1}", "x+1"), ("\\log_3 x", "\\frac{\\ln x}{\\ln 3}")),
        *(("2^{n+1}", "2\\cdot 2^n"), ("\\frac{n!}{(n-1)!}", "n"), ("\\binom{n}{2}", "\\frac{n(n-1)}{2}"), ("a_1+a_2", "a_2+a_1")),
        *(("x(x+1)^2", "x^3+2x^2+x"), ("2xy^2", "2 x y**2"), ("3ab", "3*a*b"), ("\\lambda_1", "lambda_1"), ("f(x+1)", "f(1+x)")),
        *(("x^2 e^{-x}", "\\frac{x^2}{e^x}"), ("\\sec x", "1/\\cos x"), ("|x|", "\\sqrt{x^2}"), ("x^{-1}", "1/x")),
    ],
    "complex": [
        *(("3+4i", "4i+3"), ("i^2", "-1"), ("(1+i)^2", "2i"), ("e^{i\\pi}", "-1"), ("\\frac{1}{i}", "-i"), ("|3+4i|", "5")),
        *(("\\cos\\theta+i\\sin\\theta", "e^{i\\theta}"), ("\\frac{1+i}{1-i}", "i"), ("\\sqrt{-4}", "2i"), ("14-i", "14.0 - 1.0*I")),
    ],
    "tuples": [
        *(("(1,2)", "(1, 2)"), ("(1,\\frac12)", "(1,0.5)"), ("(x,y)=(1,2)", "(1,2)"), ("(-\\infty,3)", "(-oo, 3)")),
        *(("\\langle 1,2\\rangle", "(1,2)"), ("(1;2)", "(1,2)"), ("\\begin{pmatrix}1\\\\2\\end{pmatrix}", "(1,2)")),
        *(("(1,2)", "1, 2"), ("(\\pi, 2)", "(\\pi, 4/2)"), ("]1,2[", "(1,2)")),
    ],
    "sets": [
        *(("\\{1,2,3\\}", "\\{3,1,2\\}"), ("\\{1,2\\}", "1, 2"), ("{1,2}", "\\{2,1\\}"), ("1,2,3", "3, 2, 1"), ("1 and 2", "2, 1")),
        *(("2 \\text{ or } 3", "3 or 2"), ("x=2 \\text{ or } x=3", "\\{2,3\\}"), ("x=2, x=3", "2,3"), ("\\emptyset", "\\{\\}")),
        *(("\\{1,1,2\\}", "\\{1,2\\}"), ("x\\in\\{1,2\\}", "1,2"), ("(1,2),(3,4)", "(3,4),(1,2)"), ("\\{5\\}", "5")),
    ],
    "plus and minus": [
        *(("\\pm 2", "2, -2"), ("\\pm 2", "\\{-2, 2\\}"), ("1\\pm\\sqrt2", "1-\\sqrt2, 1+\\sqrt2"), ("x=\\pm 3", "x=3 or x=-3")),
        *(("\\pm\\sqrt{4}", "±2"), ("\\frac{-1\\pm\\sqrt5}{2}", "\\frac{-1+\\sqrt5}{2},\\frac{-1-\\sqrt5}{2}"), ("\\mp 1", "\\pm 1")),
    ],
    "intervals": [
        *(("[1,2)", "1\\le x<2"), ("x>3", "(3,\\infty)"), ("x\\ge 3", "[3, +\\infty)"), ("3<x", "x>3"), ("(1,2]\\cup[3,4]", "[3,4]\\cup(1,2]")),
        *(("x<-1\\text{ or }x>1", "(-\\infty,-1)\\cup(1,\\infty)"), ("x\\neq 0", "(-\\infty,0)\\cup(0,\\infty)")),
        *(("\\mathbb{R}\\setminus\\{0\\}", "x\\ne 0"), ("[1,3]\\cap[2,4]", "[2,3]"), ("(1,2]\\cup(2,3)", "(1,3)")),
        *(("\\{x : x > 3\\}", "x>3"), ("\\{x\\in\\mathbb{R} \\mid -1<x<1\\}", "(-1,1)"), ("m\\ge\\sqrt2", "m\\in[\\sqrt2,\\infty)")),
        *(("\\mathbb{R}", "(-\\infty,\\infty)"), ("-2\\le x\\le 7", "7\\ge x\\ge -2"), ("[0,2\\pi)", "0 \\leq x < 2\\pi")),
    ],
    "relations": [
        *(("x=5", "5"), ("y=2x+1", "2x+1"), ("y=2x+1", "2x-y+1=0"), ("2x+4y=6", "x+2y-3=0"), ("x>-3", "-x<3"), ("a+b=5", "b+a=5")),
        *(("f(x)=x^2", "x^2"), ("|AB|=5", "5"), ("\\sin A=\\frac35", "\\frac35"), ("x\\approx 3.5", "3.5"), ("x^2+y^2=1", "1-x^2=y^2")),
        *(("40+2=42", "42"), ("x=12/2=6", "6"), ("a<b<c", "c>b>a"), ("x=1,y=2", "y=2,x=1"), ("n \\equiv 1 \\pmod 3", "n\\equiv 1\\pmod{3}")),
    ],
    "units": [
        *(("5", "5\\text{ cm}"), ("5\\text{ cm}", "5 cm"), ("15\\mbox{ cm}^2", "15"), ("5\\text{ m/s}", "5\\text{ meters per second}")),
        *(("28", "28\\%"), ("0.28", "28\\%"), ("28\\%", "28 percent"), ("90^\\circ", "90"), ("90°", "\\frac{\\pi}{2}"), ("\\$5", "5")),
        *(("\\$1,234.50", "1234.50"), ("5\\text{ square meters}", "5\\text{ m}^2"), ("60\\text{ degrees}", "60^\\circ"), ("3 hours", "3")),
        *(("12\\text{ apples}", "12"), ("-5\\%", "-0.05"), ("5\\,\\mathrm{km}", "5 km"), ("10 dollars", "\\$10")),
    ],
    "ratios": [("7:32", "7:32"), ("1:2", "2:4"), ("1:2", "\\frac12"), ("1:2:3", "2:4:6"), ("a:b=3:4", "3:4"), ("12:30", "12:30")],
    "bases": [("204_5", "204_{5}"), ("1011_2", "1011_{2}"), ("AB_{16}", "AB_{16}")],
    "matrices": [
        ("\\begin{pmatrix}1&2\\\\3&4\\end{pmatrix}", "\\begin{bmatrix}1&2\\\\3&\\frac82\\end{bmatrix}"),
        ("\\begin{pmatrix}1&2\\\\3&4\\end{pmatrix}", "[[1,2],[3,4]]"),
        ("\\begin{pmatrix}\\frac12\\\\-1\\end{pmatrix}", "\\begin{pmatrix}0.5\\\\-1\\end{pmatrix}"),
        ("\\left(\\begin{array}{cc}1&0\\\\0&1\\end{array}\\right)", "\\begin{pmatrix}1&0\\\\0&1\\end{pmatrix}"),
    ],
    "choices and words": [
        *(("A", "(A)"), ("\\text{(B)}", "B"), ("\\textbf{(C)}", "C"), ("D", "D."), ("B", "(B) 12"), ("E", "\\text{E}")),
        *(("Even", "even"), ("\\text{even}", "Even"), ("no solution", "No solution."), ("yes", "\\text{Yes}"), ("Monday", "\\text{Monday}")),
        ("The midpoints form a regular hexagon", "the midpoints form a regular hexagon."),
    ],
    "unevaluated": [
        *(("\\int x\\,dx", "\\int x dx"), ("\\sum_{k=1}^n k^2", "\\sum_{j=1}^{n} j^2"), ("\\int_0^1 x^2 dx", "\\int_0^1 t^2 dt")),
        *(("\\lim_{x\\to 0} f(x)", "\\lim_{y \\to 0} f(y)"), ("\\sum_{k=0}^n a_k b_k", "\\sum_{i=0}^n b_i a_i")),
        *(("\\frac{d}{dx} x^2", "\\frac{d}{dx}(x\\cdot x)"), ("\\int \\sin x dx + 1", "1 + \\int \\sin x dx")),
        *(("\\sum_{k=1}^n k^2", "Sum(k**2, (k, 1, n))"), ("\\int x dx", "Integral(x, x)")),
    ],
}

UNEQUAL = {
    "values": [
        *(("6", "7"), ("6", "-6"), ("6", "66"), ("1/2", "2"), ("\\sqrt2", "1.414"), ("\\pi", "3.14"), ("\\pi", "22/7"), ("e", "2.718")),
        *(("\\sqrt{2}", "\\sqrt{2}+10^{-45}"), ("\\sqrt2", "\\sqrt2+10^{-900}"), ("1", "1+e^{-500}"), ("x", "|x|"), ("x", "\\sqrt{x^2}")),
        *(("\\sqrt{17}", "4.1231056256177"), ("\\sqrt{17}", "4.123105625617662"), ("10^{50}", "10^{50}+1"), ("0", "10^{-40}")),
        *(("\\sin x", "\\cos x"), ("\\sin x", "x"), ("e^x", "e^{2x}"), ("\\ln x", "\\log_{10} x"), ("2^n", "n^2"), ("n!", "n")),
        *(("x^2", "x^2+C"), ("f(x)", "f(y)"), ("f(x)", "g(x)"), ("a_1", "a_2"), ("i", "1"), ("3+4i", "3-4i"), ("\\infty", "-\\infty")),
        *(("e^{\\pi\\sqrt{163}}", "262537412640768744"), ("\\sqrt{x}", "-\\sqrt{x}"), ("5!", "5"), ("x_1", "x1"), ("AB", "BA")),
    ],
    "hedges": [
        *(("6", text) for text in ("5 or 6", "6 or 6.5", "5, 6, 7", "\\{5,6\\}", "(5,6)", "[5,7]", "6=7", "7=6", "x=6=7", "\\pm 6")),
        *(("6", text) for text in ("6\\pm1", "6 \\approx 7", "6?", "not 6", "I think 6", "the answer is 6", "x\\ge6", "x=6,y=7", "6\\ne 7")),
        *(("6", text) for text in ("6 or maybe 7", "about 6", "6 if x else 7", "6; 7", "\\boxed{6}\\boxed{7}", "x\\in[6,7]", "\\min(6,")),
        *(("A", text) for text in ("A or B", "(A)(B)", "(A) or (B)", "AB", "A, B", "(A) 5 (B) 6", "not A", "B")),
    ],
    "undefined": [*(("42", text) for text in ("1/0", "0/0", "nan", "oo", "\\infty", "\\frac{1}{1-1}", "\\ln 0", "0^0", "\\tan 90^\\circ"))],
    "kinds": [
        *(("(1,2)", "[1,2]"), ("(1,2)", "(1,2]"), ("(1,2)", "\\{1,2\\}"), ("(1,2)", "(2,1)"), ("[1,2]", "1,2"), ("\\{1,2\\}", "\\{1,2,3\\}")),
        *(("x>3", "x\\ge3"), ("x>3", "x<3"), ("x>3", "y>3"), ("x>3", "3"), ("x=2", "2x=4"), ("x=2", "y=2"), ("x+1=3", "2"), ("x=1,y=2", "x=2,y=1")),
        *(("\\pm 2", "2"), ("\\pm 2", "-2"), ("(1,2)\\cup(3,4)", "(1,4)"), ("[1,2]\\cup[3,4]", "[1,2]\\cap[3,4]"), ("x<1 or x>2", "x<1 and x>2")),
        *(("x^2=4", "\\pm 2"), ("7=11a+c", "11a+c"), ("a^2+b=0", "0"), ("2x+3y=6", "2x+3y=7"), ("-x<3", "x<-3"), ("ab=6", "7")),
        *(("1:2", "2:1"), ("12:30", "12:31"), ("1:2", "12"), ("204_5", "204"), ("204_5", "54"), ("101_2", "101_3"), ("x\\ne 0", "x=0")),
    ],
    "units": [
        *(("5\\text{ cm}", "5\\text{ m}"), ("5\\text{ cm}", "5\\text{ cm}^2"), ("\\$5", "€5"), ("28\\%", "2.8"), ("28\\%", "0.028")),
        *(("5", "5x"), ("160", "160x"), ("90^\\circ", "\\pi"), ("5\\text{ cm}", "6\\text{ cm}"), ("5\\text{ km/h}", "5\\text{ m/s}"), ("3 hours", "3 minutes")),
    ],
    "matrices": [
        ("\\begin{pmatrix}1&2\\end{pmatrix}", "\\begin{pmatrix}1\\\\2\\end{pmatrix}"),
        ("\\begin{pmatrix}1&2\\\\3&4\\end{pmatrix}", "\\begin{pmatrix}1&3\\\\2&4\\end{pmatrix}"),
        ("\\begin{pmatrix}1&2\\end{pmatrix}", "(1,2)"),
    ],
    "restating": [
        *(("2x", "\\frac{d}{dx} x^2"), ("1/3", "\\int_0^1 x^2 dx"), ("55", "\\sum_{k=1}^{10} k"), ("24", "\\prod_{k=1}^4 k"), ("1", "\\lim_{x\\to0}\\frac{\\sin x}{x}")),
        *(("\\sum_{k=1}^n k", "\\sum_{k=1}^n k^2"), ("\\sum_{k=1}^n k", "\\sum_{k=0}^n k"), ("\\int x dx", "\\int y dy"), ("x^2/2+C", "\\int x dx")),
    ],
    "words": [
        *(("odd", "dod"), ("Even", "odd"), ("yes", "no"), ("no solution", "solution no"), ("1", "True"), ("abc", "аbc"), ("ab", "ba"), ("A", "a")),
        *(("no solution", "one solution"), ("42", "fourty two"), ("Monday", "Tuesday"), ("C", "(A)"), ("cm", "c*n"), ("e", "E"), ("2I", "2J")),
    ],
}


def pairs(table):
    return [pytest.param(*pair, id=f"{kind}: {pair[0]} | {pair[1]}") for kind, rows in table.items() for pair in rows]


@pytest.mark.parametrize(("gold", "answer"), pairs(EQUAL))
def test_what_means_the_same_is_equal_in_both_orders(gold, answer):
    for verdict in (verify(gold, answer), verify(answer, gold)):
        assert verdict.equal, verdict.reason


@pytest.mark.parametrize(("gold", "answer"), pairs(UNEQUAL))
def test_what_only_looks_alike_is_not_equal_in_either_order(gold, answer):
    for verdict in (verify(gold, answer), verify(answer, gold)):
        assert not verdict.equal, verdict.reason


@pytest.mark.parametrize("text", sorted({text for rows in EQUAL.values() for pair in rows for text in pair}))
def test_everything_equals_itself_however_it_is_spaced(text):
    assert verify(text, text).equal
    assert verify(text, f"$ {text} $").equal or "$" in text
