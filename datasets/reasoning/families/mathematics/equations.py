"""Equations."""

from __future__ import annotations

from fractions import Fraction

from ....drawing import Rng, integer, integers, pick, sample
from ...family import Family, Problem
from .notation import listed, polynomial, product, signed, slips


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
            left, right = f"{a + c}x + {b}", f"{a}x {signed(c * x + b)}"
        elif level == 3:
            left, right = f"{a}(x + {b}) + {c}x", f"{a * (x + b) + c * x}"
        else:
            left, right = f"{a + c}(x + {b})", f"{c}x {signed(x)}"
        # x solves the equation by construction, but for level 4, where it is the constant on the right.
        answer = Fraction(x - (a + c) * b, a) if level == 4 else Fraction(x)
        wrong = {str(-answer), str(answer + 1), str(answer - 1)} - {str(answer)}
        equation = f"{left} = {right}"
        return Problem(f"Solve for x: {equation}", str(answer), sorted(wrong), equation)


class PolynomialRoots(Family):
    """All roots of a quadratic (1), with a leading coefficient (2), with fractions (3); of a cubic (4)."""

    name = "polynomial_roots"
    answer_form = "simplified"
    chance = (0.01, 0.01, 0.01, 0.01)

    def problem(self, rng: Rng, level: int) -> Problem:
        bottoms = [integer(rng, 2, 5), integer(rng, 1, 3)] if level == 3 else [1, 1, 1]
        limit = 30 if level == 1 else 20
        tops = sample(rng, [n for n in range(-limit, limit + 1) if n], 3 if level == 4 else 2)
        roots = {Fraction(top, bottom) for top, bottom in zip(tops, bottoms, strict=False)}
        factors = [integer(rng, 2, 7) if level == 2 else 1]
        for root in sorted(roots):
            factors = product(factors, (root.denominator, -root.numerator))
        shown = polynomial(factors)
        question = pick(
            rng,
            (
                f"Find all real solutions of {shown} = 0.",
                f"For which real numbers x is {shown} equal to 0?",
                f"What are the roots of the polynomial {shown}?",
            ),
        )
        answer = _set(roots)
        others = [_set({-root for root in roots}), _set({min(roots), max(roots) + 1}), _set({max(roots)})]
        wrong = [text for text in others if text != answer]
        return Problem(f"{question} List them with commas between them.", answer, wrong, shown)


class LinearSystem(Family):
    """Two equations with x and y, small (1) and larger (2), three with z, small (3) and larger (4)."""

    name = "linear_system"
    answer_form = "simplified"
    chance = (0.01, 0.01, 0.01, 0.01)

    def problem(self, rng: Rng, level: int) -> Problem:
        names = "xy" if level <= 2 else "xyz"
        limit = (9, 20, 9, 15)[level - 1]
        values = sample(rng, range(-limit, limit + 1), len(names))
        rows = _regular(rng, len(names), 5 if level in (1, 3) else 9)
        equations = [f"{_terms(row, names)} = {sum(a * b for a, b in zip(row, values, strict=True))}" for row in rows]
        where = f"({', '.join(names)})"
        question = pick(
            rng,
            (
                f"Solve the system {listed(equations)}. Write the solution as {where}.",
                f"Which numbers {listed(list(names))} satisfy {listed(equations)}? Answer in the form {where}.",
            ),
        )
        answer = _tuple(values)
        wrong = slips(answer, _tuple([-v for v in values]), _tuple(values[::-1]), _tuple([values[0] + 1, *values[1:]]))
        return Problem(question, answer, wrong, str(sorted(equations)))


def _regular(rng: Rng, size: int, limit: int) -> list[list[int]]:
    """A matrix of full rank: triangular, with rows added to one another."""
    rows = [[0] * i + [pick(rng, (1, 2, 3)), *integers(rng, size - i - 1, -limit, limit)] for i in range(size)]
    for i in range(1, size):
        factor = pick(rng, (-2, -1, 1, 2))
        rows[i] = [a + factor * b for a, b in zip(rows[i], rows[i - 1], strict=True)]
    return sample(rng, rows, size)


def _terms(row: list[int], names: str) -> str:
    text = ""
    for factor, name in zip(row, names, strict=True):
        if factor:
            size = "" if abs(factor) == 1 else str(abs(factor))
            sign = (" - " if factor < 0 else " + ") if text else ("-" if factor < 0 else "")
            text += f"{sign}{size}{name}"
    return text


def _tuple(values: list[int]) -> str:
    return f"({', '.join(map(str, values))})"


def _set(values: set[Fraction]) -> str:
    return ", ".join(map(str, sorted(values)))
