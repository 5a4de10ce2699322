"""Geometry."""

from __future__ import annotations

from fractions import Fraction
from math import gcd, prod

from ....drawing import Rng, integer, integers, pick, sample
from ...family import Family, Problem
from .notation import listed, polynomial, slips

# Right triangles with integer sides: two legs and the hypotenuse, without a common factor.
_TRIPLES = [
    (min(m * m - n * n, 2 * m * n), max(m * m - n * n, 2 * m * n), m * m + n * n)
    for m in range(2, 9)
    for n in range(1, m)
    if gcd(m, n) == 1 and (m - n) % 2
]


class PolygonArea(Family):
    """The area of a triangle (1), a pentagon (2), an octagon (3) by coordinates; the lattice points inside (4)."""

    name = "polygon_area"
    chance = (0.03, 0.01, 0.01, 0.02)

    def problem(self, rng: Rng, level: int) -> Problem:
        corners = _polygon(rng, (3, 5, 8, 7)[level - 1])
        pairs = list(zip(corners, [*corners[1:], corners[0]], strict=True))
        double = abs(sum(x * v - y * u for (x, y), (u, v) in pairs))
        border = sum(gcd(u - x, v - y) for (x, y), (u, v) in pairs)
        area = Fraction(double, 2)
        shown = listed([f"({x}, {y})" for x, y in corners])
        shape = "triangle" if level == 1 else "polygon"
        xs, ys = zip(*corners, strict=True)
        box = (max(xs) - min(xs)) * (max(ys) - min(ys))
        key = f"{level} {sorted(corners)} {double}"
        if level < 4:
            question = pick(
                rng,
                (
                    f"What is the area of the {shape} whose corners are, in order, {shown}?",
                    f"Find the area of the {shape} with the corners {shown} (in this order).",
                ),
            )
            return Problem(question, str(area), slips(area, 2 * area, box, area + 1, area - Fraction(1, 2)), key)
        # Pick's theorem.
        answer = (double - border) // 2 + 1
        question = pick(
            rng,
            (
                f"How many points with integer coordinates lie strictly inside the polygon with the corners {shown} "
                "(in this order)?",
                f"Count the points with integer coordinates in the interior, without the border, of the polygon "
                f"whose corners are, in order, {shown}.",
            ),
        )
        return Problem(question, str(answer), slips(answer, answer + border, area, answer + 1, answer - 1), key)


def _polygon(rng: Rng, count: int) -> list[tuple[int, int]]:
    """The corners of a polygon without crossings: a chain above a line and one below it."""
    xs = sorted(sample(rng, range(17), count))
    split = sample(rng, range(1, count - 1), integer(rng, 1, count - 2))
    tall = 20 if count == 3 else 9
    dx, dy = integer(rng, -10, 5), integer(rng, -5, 5)
    above = [(x, integer(rng, 1, tall)) for i, x in enumerate(xs) if i in split]
    below = [(x, -integer(rng, 1, tall)) for i, x in enumerate(xs[1:-1], 1) if i not in split]
    corners = [(xs[0], 0), *above, (xs[-1], 0), *below[::-1]]
    # Any corner may be the first, and no side is level: shearing changes no area, and keeps the lattice.
    turn, shear = integer(rng, 0, count - 1), pick(rng, (-2, -1, 1, 2))
    return [(x + dx, y + shear * x + dy) for x, y in corners[turn:] + corners[:turn]]


class Triangles(Family):
    """Side, perimeter or area of a right triangle (1), area of any (2), altitude or incircle of both (3, 4)."""

    name = "triangles"
    chance = (0.01, 0.01, 0.01, 0.02)

    def problem(self, rng: Rng, level: int) -> Problem:
        return _right_triangle(rng, level) if level in (1, 3) else _triangle(rng, level)


def _right_triangle(rng: Rng, level: int) -> Problem:
    scale = integer(rng, 1, 40)
    one, other, c = (Fraction(side * scale) for side in pick(rng, _TRIPLES))
    a, b = pick(rng, ((one, other), (other, one)))
    if level == 1:
        facts = (("the length of the other leg", b), ("the perimeter", a + b + c), ("the area", a * b / 2))
    else:
        facts = (
            ("the length of the altitude to the hypotenuse", a * b / c),
            (
                "the length of the shorter of the two parts into which the altitude divides the hypotenuse",
                min(a, b) ** 2 / c,
            ),
            ("the radius of the inscribed circle", (a + b - c) / 2),
        )
    what, answer = pick(rng, facts)
    question = pick(
        rng,
        (
            f"A right triangle has a leg of length {a} and a hypotenuse of length {c}. What is {what}?",
            f"One leg of a right triangle has the length {a}, its hypotenuse {c}. Find {what}.",
        ),
    )
    question += " Give an integer or a fraction." if level == 3 else ""
    wrong = slips(answer, c - a, a + c, a * c / 2, a * b, answer + 1)
    return Problem(question, str(answer), wrong, f"{level} {a} {c} {what}")


def _triangle(rng: Rng, level: int) -> Problem:
    """Two right triangles with a common leg make a triangle with integer sides and a known height."""
    (p, q, r), (s, t, u) = sample(rng, _TRIPLES, 2)
    if pick(rng, (True, False)):
        p, q = q, p
    lengths = (r * s, u * p, q * s + t * p)
    scale = Fraction(integer(rng, 1, 6), gcd(*lengths))
    sides = sorted(length * scale for length in lengths)
    area = p * s * lengths[2] * scale**2 / 2
    facts = (
        ("radius of the circle through all three corners", prod(sides) / (4 * area)),
        ("radius of the inscribed circle", 2 * area / sum(sides)),
        ("height on the longest side", 2 * area / sides[2]),
    )
    what, answer = ("area", area) if level == 2 else pick(rng, facts)
    question = pick(
        rng,
        (
            f"The sides of a triangle have the lengths {listed(sides)}. What is the {what}?",
            f"A triangle has sides of the lengths {listed(sides)}. Find the {what}.",
        ),
    )
    wrong = slips(answer, 2 * answer, answer / 2, answer + 1, sides[0] * sides[1] / 2)
    key = f"{level} {listed(sides)} {what}"
    return Problem(f"{question} Give an integer or a fraction.", str(answer), wrong, key)


class PolygonAngles(Family):
    """The largest or smallest angle, from terms in x, of a polygon with 3, 4, 5 or 7 corners."""

    name = "polygon_angles"
    answer_form = "simplified"
    chance = (0.03, 0.03, 0.03, 0.04)

    def problem(self, rng: Rng, level: int) -> Problem:
        count = (3, 4, 5, 7)[level - 1]
        total = 180 * (count - 2)
        x = integer(rng, 3, 20)
        angles = _angles(rng, count, total)
        factors = integers(rng, count, 1, 6)
        terms = [
            f"({polynomial([factor, angle - factor * x])})°" for angle, factor in zip(angles, factors, strict=True)
        ]
        which, answer = pick(rng, (("largest", max(angles)), ("smallest", min(angles))))
        shape = ("triangle", "convex quadrilateral", "convex pentagon", "convex heptagon")[level - 1]
        question = pick(
            rng,
            (
                f"The interior angles of a {shape} measure {listed(terms)}. "
                f"How many degrees does the {which} angle have?",
                f"A {shape} has the angles {listed(terms)}. Find its {which} angle in degrees.",
            ),
        )
        wrong = slips(answer, x, sum(angles) - answer, answer + 1, sorted(angles)[-2], 180 - answer)
        return Problem(question, str(answer), wrong, f"{which} {sorted(terms)}")


def _angles(rng: Rng, count: int, total: int) -> list[int]:
    """Angles below 180 degrees with a given sum."""
    angles = [total // count] * count
    angles[0] += total - sum(angles)
    for i in range(count - 1):
        most = min(angles[i] - 15, 176 - angles[i + 1], 35)
        shift = integer(rng, 0, most)
        angles[i], angles[i + 1] = angles[i] - shift, angles[i + 1] + shift
    return sample(rng, angles, count)
