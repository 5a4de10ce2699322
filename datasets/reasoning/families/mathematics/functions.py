"""Logarithms and trigonometric functions."""

from __future__ import annotations

import re
from fractions import Fraction

from ....drawing import Rng, integer, pick, sample
from ...family import Family, Problem
from .notation import polynomial, signed, slips


class LogarithmEquation(Family):
    """Solve for x: one logarithm (1), of a linear term (2), an exponential equation (3), a sum of logarithms (4)."""

    name = "logarithm_equation"
    chance = (0.02, 0.01, 0.03, 0.01)

    def problem(self, rng: Rng, level: int) -> Problem:
        base = integer(rng, 2, 9)
        power = integer(rng, 2, 4 if base < 6 else 3)
        a, b = integer(rng, 2, 9), integer(rng, 1, 99)
        others: tuple[Fraction, ...] = ()
        if level == 1:
            answer = Fraction(base**power - b)
            shown = f"log_{base}(x + {b}) = {power}"
            others = (Fraction(base**power + b), Fraction(base * power - b))
        elif level == 2:
            outer, inner = integer(rng, 2, 6), integer(rng, -20, 20)
            answer = Fraction(base**power - b, a)
            shown = f"{outer} * log_{base}({a}x + {b}) {signed(inner)} = {outer * power + inner}"
            others = (Fraction(base**power + b, a), Fraction(base * power - b, a))
        elif level == 3:
            # Both sides are powers of one number.
            base, (p, q) = pick(rng, (2, 3, 5, 7)), sample(rng, (1, 2, 3, 4), 2)
            c, d = integer(rng, -9, 9), integer(rng, -9, 9)
            # p(ax + c) = q(bx + d)
            b = b % 9 + 1
            if p * a == q * b:
                b += 1
            answer = Fraction(q * d - p * c, p * a - q * b)
            shown = f"{base**p}^({polynomial([a, c])}) = {base**q}^({polynomial([b, d])})"
            others = (Fraction(d - c, a - b) if a != b else Fraction(d - c), -answer)
        else:
            # log(x - u) + log(x - v) = n: of the two roots of the quadratic equation one is too small.
            base = pick(rng, (6, 8, 10, 12, 14, 15, 18, 20))
            # Were one of them the base, x could be guessed.
            trivial = (1, base, base * base)
            one = pick(rng, [n for n in range(1, base * base) if base**3 % n == 0 and n not in trivial])
            power, shift = 3, integer(rng, -40, 40)
            other = base**power // one
            low, high = shift, shift + abs(one - other)
            shown = f"log_{base}(x {signed(-low)}) + log_{base}(x {signed(-high)}) = {power}"
            # Here x - high is the smaller factor.
            answer = Fraction(high + min(one, other))
            others = (Fraction(low - min(one, other)), Fraction(base**power - low))
        question = pick(
            rng, (f"Solve {shown} for x.", f"Which real number x satisfies {shown}?", f"Find the x with {shown}.")
        )
        question += " Give an integer or a fraction." if level in (2, 3) else ""
        return Problem(question, str(answer), slips(answer, *others, answer + 1, -answer - 1), shown)


# Rational values: what is written, with its value.
_TERMS = (
    ("sin(30°)", Fraction(1, 2)),
    ("cos(60°)", Fraction(1, 2)),
    ("tan(45°)", Fraction(1)),
    ("sin(90°)", Fraction(1)),
    ("cos(0°)", Fraction(1)),
    ("sin(150°)", Fraction(1, 2)),
    ("cos(120°)", Fraction(-1, 2)),
    ("cos(180°)", Fraction(-1)),
    ("tan(135°)", Fraction(-1)),
    ("sin(210°)", Fraction(-1, 2)),
    ("sin(270°)", Fraction(-1)),
    ("cos(300°)", Fraction(1, 2)),
    ("cos(240°)", Fraction(-1, 2)),
    ("sin(330°)", Fraction(-1, 2)),
    ("tan(225°)", Fraction(1)),
    ("tan(315°)", Fraction(-1)),
)
_PRODUCTS = (
    ("sin(60°)^2", Fraction(3, 4)),
    ("cos(45°)^2", Fraction(1, 2)),
    ("tan(60°)^2", Fraction(3)),
    ("tan(30°)^2", Fraction(1, 3)),
    ("sin(60°) * cos(30°)", Fraction(3, 4)),
    ("sin(45°) * cos(135°)", Fraction(-1, 2)),
    ("sin(120°) * tan(60°)", Fraction(3, 2)),
    ("cos(150°) * tan(30°)", Fraction(-1, 2)),
    ("tan(120°) * cos(210°)", Fraction(3, 2)),
    ("sin(225°) * sin(315°)", Fraction(1, 2)),
    ("sin(240°) * cos(330°)", Fraction(-3, 4)),
    ("tan(150°) * tan(240°)", Fraction(-1)),
    ("sin(300°) * tan(210°)", Fraction(-1, 2)),
    ("sin(15°) * cos(15°)", Fraction(1, 4)),
    ("cos(75°) * cos(15°)", Fraction(1, 4)),
    ("sin(105°) * sin(15°)", Fraction(1, 4)),
)


class TrigonometricValue(Family):
    """Sums of two multiples of exact values (1), three (2), with products and squares (3), beyond one turn (4)."""

    name = "trigonometric_value"
    chance = (0.02, 0.02, 0.01, 0.01)

    def problem(self, rng: Rng, level: int) -> Problem:
        terms = sample(rng, _TERMS, min(level + 1, 3)) if level <= 2 else sample(rng, _PRODUCTS, level - 1)
        if level >= 3:
            terms += sample(rng, _TERMS, 1)
        shown, answer = "", Fraction(0)
        for text, value in terms:
            factor = integer(rng, 2, 30)
            sign = pick(rng, (-1, 1)) if shown else 1
            name = _turned(rng, text) if level == 4 else text
            shown += f"{' - ' if sign < 0 else ' + ' if shown else ''}{factor} * {name}"
            answer += sign * factor * value
        question = pick(rng, (f"What is {shown}?", f"Find the exact value of {shown}.", f"Compute {shown} exactly."))
        wrong = slips(answer, -answer, answer + 1, answer + Fraction(1, 2), 2 * answer)
        return Problem(f"{question} Give an integer or a fraction.", str(answer), wrong, shown)


def _turned(rng: Rng, text: str) -> str:
    """The same with whole turns added to the angles, which change no value."""
    return re.sub(r"\d+(?=°)", lambda angle: str(int(angle[0]) + 360 * pick(rng, (-2, -1, 1, 2, 3))), text)
