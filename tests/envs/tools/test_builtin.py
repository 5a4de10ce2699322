import pytest

from infinite_rl.envs.tools.builtin import calculator, sandbox
from infinite_rl.envs.tools.tool import ToolError


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("2+3*4", "14"),
        ("(2^10 - 1)/3", "341"),
        ("7/3", "7/3 = 2.33333333333333…"),
        ("\\frac{1}{3} + \\frac{1}{6}", "1/2 = 0.5"),
        ("1/2^60", "1/1152921504606846976 = 8.67361737988404e-19…"),
        ("sin(pi)", "0"),
        ("sqrt(2)^2 - 2", "0"),
        ("10^-30 * sqrt(2)", "1.4142135623731e-30"),
        ("10!", "3628800"),
        ("15% * 80", "12"),
        ("sqrt(16)", "4"),
        ("sqrt(2)", "1.4142135623731"),
        ("sin(30°)", "0.5"),
        ("-2^2", "-4"),
    ],
)
def test_the_calculator_computes(expression, value):
    assert calculator().run(expression=expression) == value


@pytest.mark.parametrize(
    "expression",
    [
        "",
        "x + 1",
        "f(2)",
        "1/0",
        "0^0",
        "2 +",
        "3 km",
        "9" * 5_000,
        "9^9^9^9",
        "sqrt(-1)",
        "tan(90°)",
        "__import__('os')",
        "ln(0)",
    ],
)
def test_the_calculator_says_what_it_cannot_do(expression):
    with pytest.raises(ToolError, match="can't compute"):
        calculator().run(expression=expression)


@pytest.mark.parametrize(("language", "code"), [("python", "print(6 * 7)"), ("javascript", "console.log(6 * 7)")])
def test_sandboxes_return_what_is_printed(language, code):
    tool = sandbox(language, cost=2.0)
    assert (tool.run(code=code), tool.cost) == ("42", 2.0)
    assert "no output" in tool.run(code="1")
    assert "Error" in tool.run(code="no such name")
