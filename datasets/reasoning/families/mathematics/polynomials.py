"""Polynomials and their calculus."""

from __future__ import annotations

from fractions import Fraction

from ....drawing import Rng, integer, integers, pick
from ...family import Family, Problem
from .notation import polynomial, product, slips, value_at


class PolynomialCoefficient(Family):
    """A coefficient of a product of linear factors (1), of a cubic (2), a power (3), a product of powers (4)."""

    name = "polynomial_coefficient"
    chance = (0.04, 0.02, 0.02, 0.01)

    def problem(self, rng: Rng, level: int) -> Problem:
        if level == 1:
            factors, powers = [_factors(rng, 2, 12, least=2), _factors(rng, 2, 12, least=2)], [1, 1]
        elif level == 2:
            factors, powers = [_factors(rng, 2, 9), _factors(rng, 4, 9)], [1, 1]
        elif level == 3:
            factors, powers = [_factors(rng, 2, 9)], [integer(rng, 4, 7)]
        else:
            factors, powers = [_factors(rng, 3, 3), _factors(rng, 2, 4)], [integer(rng, 3, 4), integer(rng, 2, 5)]
        expanded = [1]
        for factor, power in zip(factors, powers, strict=True):
            for _ in range(power):
                expanded = product(expanded, factor)
        # The outermost coefficients need no expansion. Zero would be the answer too often.
        inner = [place for place in range(1, len(expanded) - 1) if expanded[place]]
        place = pick(rng, inner or [0])
        exponent = len(expanded) - 1 - place
        power_of_x = polynomial([1, *[0] * exponent])
        shown = "".join(
            f"({polynomial(factor)})" + (f"^{power}" if power > 1 else "")
            for factor, power in zip(factors, powers, strict=True)
        )
        question = pick(
            rng,
            (
                f"What is the coefficient of {power_of_x} in the expansion of {shown}?",
                f"Expand {shown}. What is the coefficient of {power_of_x}?",
                f"Which number stands before {power_of_x} when {shown} is multiplied out?",
            ),
        )
        answer = expanded[place]
        wrong = slips(answer, -answer, answer + 1, expanded[place - 1], expanded[-1])
        return Problem(
            question, str(answer), wrong, f"{exponent} {sorted(zip(map(polynomial, factors), powers, strict=True))}"
        )


class Slope(Family):
    """The derivative at a point: of a quadratic (1), a quartic (2), a product (3), a quotient (4)."""

    name = "slope"
    chance = (0.02, 0.01, 0.01, 0.01)

    def problem(self, rng: Rng, level: int) -> Problem:
        x = pick(rng, (-5, -4, -3, -2, 2, 3, 4, 5))
        one = _factors(rng, (3, 5, 3, 3)[level - 1], 9)
        other = _factors(rng, 3 if level == 3 else 2, 9) if level >= 3 else [1]
        if level == 4 and not value_at(other, x):
            other = [other[0], other[1] + 1]
        value, slope = value_at(one, x), value_at(_derivative(one), x)
        other_value, other_slope = value_at(other, x), value_at(_derivative(other), x)
        if level == 3:
            shown, answer = f"({polynomial(one)})({polynomial(other)})", slope * other_value + value * other_slope
        elif level == 4:
            shown = f"({polynomial(one)}) / ({polynomial(other)})"
            answer = (slope * other_value - value * other_slope) / other_value**2
        else:
            shown, answer = polynomial(one), slope
        question = pick(
            rng,
            (
                f"Let f(x) = {shown}. What is f'({x})?",
                f"What is the slope of the graph of f(x) = {shown} at x = {x}?",
                f"Find the derivative of f(x) = {shown} at the point x = {x}.",
            ),
        )
        question += " Give an integer or a fraction." if level == 4 else ""
        return Problem(
            question, str(answer), slips(answer, value, -answer, answer + 1, slope * other_slope), f"{shown} {x}"
        )


class DefiniteIntegral(Family):
    """The integral of a line (1), a quadratic (2), a quartic (3); the area between a parabola and a line (4)."""

    name = "definite_integral"
    chance = (0.02, 0.01, 0.01, 0.03)

    def problem(self, rng: Rng, level: int) -> Problem:
        low = integer(rng, -5, 4)
        high = low + integer(rng, 1, 9)
        integrand = _factors(rng, (2, 3, 5, 2)[level - 1], 12)
        if level == 4:
            leading = pick(rng, (-6, -5, -4, -3, -2, -1, 1, 2, 3, 4, 5, 6))
            gap = [leading, -leading * (low + high), leading * low * high]
            parabola = [gap[0], gap[1] + integrand[0], gap[2] + integrand[1]]
            key = f"y = {polynomial(parabola)} and y = {polynomial(integrand)}"
            answer = abs(_integral(gap, low, high))
            question = pick(
                rng,
                (
                    f"What is the area of the region that the graphs of {key} enclose?",
                    f"Find the area between the curves {key}.",
                ),
            )
            wrong = slips(answer, -answer, answer / 2, answer + 1, 2 * answer)
        else:
            shown = polynomial(integrand)
            key = f"{shown} {low} {high}"
            answer = _integral(integrand, low, high)
            question = pick(
                rng,
                (
                    f"What is the integral of {shown} with respect to x from {low} to {high}?",
                    f"Integrate f(x) = {shown} over the interval from x = {low} to x = {high}. What do you get?",
                ),
            )
            wrong = slips(answer, -answer, value_at(integrand, high) - value_at(integrand, low), answer + 1)
        return Problem(f"{question} Give an integer or a fraction.", str(answer), wrong, key)


def _factors(rng: Rng, count: int, limit: int, *, least: int = 1) -> list[int]:
    """Coefficients, of which the first is at least ``least`` and the last is not 0."""
    last = pick(rng, (-1, 1)) * integer(rng, 1, limit)
    return [integer(rng, least, limit), *integers(rng, count - 2, -limit, limit), last]


def _derivative(coefficients: list[int]) -> list[int]:
    return [factor * power for factor, power in zip(coefficients, range(len(coefficients) - 1, 0, -1), strict=False)]


def _integral(coefficients: list[int], low: int, high: int) -> Fraction:
    powers = range(len(coefficients), 0, -1)
    terms = zip(coefficients, powers, strict=True)
    return sum((Fraction(factor * (high**power - low**power), power) for factor, power in terms), Fraction(0))
