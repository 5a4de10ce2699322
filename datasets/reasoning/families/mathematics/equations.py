"""Equations."""

from __future__ import annotations

from fractions import Fraction

from ....drawing import Rng, integer
from ...family import Family, Problem


class LinearEquation(Family):
    """Solve for x: x on one side (1), on both (2), with brackets (3), with a fraction as answer (4)."""

    name = "linear_equation"
    answer_form = "simplified"
    chance = (0.06, 0.04, 0.04, 0.04)

    def problem(self, rng: Rng, level: int) -> Problem:
        a, b, c = integer(rng, 3, 12), integer(rng, 1, 40), integer(rng, 2, 9)
        x = integer(rng, -15, 15) if level == 1 else integer(rng, -30, 30)
        if level == 1:
            left, right = f"{a}x + {b}", f"{a * x + b}"
        elif level == 2:
            left, right = f"{a + c}x + {b}", f"{a}x {_signed(c * x + b)}"
        elif level == 3:
            left, right = f"{a}(x + {b}) + {c}x", f"{a * (x + b) + c * x}"
        else:
            left, right = f"{a + c}(x + {b})", f"{c}x {_signed(x)}"
        # x solves the equation by construction, but for level 4, where it is the constant on the right.
        answer = Fraction(x - (a + c) * b, a) if level == 4 else Fraction(x)
        wrong = {str(-answer), str(answer + 1), str(answer - 1)} - {str(answer)}
        equation = f"{left} = {right}"
        return Problem(f"Solve for x: {equation}", str(answer), sorted(wrong), equation)


def _signed(n: int) -> str:
    return f"- {-n}" if n < 0 else f"+ {n}"
