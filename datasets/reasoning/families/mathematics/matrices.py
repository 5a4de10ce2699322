"""Matrices and complex numbers."""

from __future__ import annotations

import re
from fractions import Fraction
from itertools import permutations
from math import prod
from typing import Any, TypeAlias

from .....rewards.equivalence.reading.wrappers import unwrap
from ....drawing import Rng, integer, integers, pick
from ...family import Family, Problem
from .notation import slips

Rows: TypeAlias = list[list[int]]


class Determinant(Family):
    """The determinant of a matrix: 2 by 2 (1), 3 by 3 (2), 4 by 4 (3), and of a product of powers (4)."""

    name = "determinant"
    chance = (0.02, 0.02, 0.01, 0.01)

    def problem(self, rng: Rng, level: int) -> Problem:
        size, limit = ((2, 12), (3, 6), (4, 4), (3, 3))[level - 1]
        rows = _regular(rng, size, limit)
        value = determinant(rows)
        if level < 4:
            matrix, answer = f"the matrix {rows}", value
            key = str(rows)
        else:
            other = _regular(rng, size, limit)
            factor, power = integer(rng, 2, 3), integer(rng, 2, 3)
            answer = (factor**3 * value) ** power * determinant(other)
            matrix = f"({factor}A)^{power} B, where A = {rows} and B = {other}"
            key = f"{rows} {other} {factor} {power}"
        question = pick(rng, (f"What is the determinant of {matrix}?", f"Compute the determinant of {matrix}."))
        diagonal = prod(rows[i][i] for i in range(size))
        wrong = slips(answer, -answer, answer + 1, diagonal, answer - diagonal)
        return Problem(f"{question} Matrices are given by rows.", str(answer), wrong, key)


def _regular(rng: Rng, size: int, limit: int) -> Rows:
    """A matrix whose determinant is hardly ever 0, which would otherwise be the answer too often."""
    for _ in range(4):
        rows = [integers(rng, size, -limit, limit) for _ in range(size)]
        if determinant(rows):
            break
    return rows


def determinant(rows: Rows) -> int:
    """The determinant, by Leibniz's sum."""
    total = 0
    for order in permutations(range(len(rows))):
        inversions = sum(order[i] > order[j] for i in range(len(rows)) for j in range(i + 1, len(rows)))
        total += (-1) ** inversions * prod(row[column] for row, column in zip(rows, order, strict=True))
    return total


class MatrixProduct(Family):
    """A product of two matrices: 2 by 2 (1), larger numbers (2), 3 by 3 (3); AB - BA of those (4)."""

    name = "matrix_product"
    answer_form = "simplified"

    def problem(self, rng: Rng, level: int) -> Problem:
        size, limit = (2, (6, 20, 9, 9)[level - 1]) if level <= 2 else (3, 9)
        a, b = ([integers(rng, size, -limit, limit) for _ in range(size)] for _ in range(2))
        ab, ba = _times(a, b), _times(b, a)
        commutator = [[x - y for x, y in zip(*rows, strict=True)] for rows in zip(ab, ba, strict=True)]
        what, answer = ("AB - BA", commutator) if level == 4 else ("AB", ab)
        question = pick(
            rng,
            (
                f"Let A = {a} and B = {b}, given by rows. What is {what}?",
                f"Compute {what} for A = {a} and B = {b}, which are given by their rows.",
            ),
        )
        by_entry = [[x * y for x, y in zip(*rows, strict=True)] for rows in zip(a, b, strict=True)]
        off = [[answer[0][0] + 1, *answer[0][1:]], *answer[1:]]
        wrong = slips(answer, ba, by_entry, off, [list(column) for column in zip(*answer, strict=True)])
        return Problem(f"{question} Write the matrix in the same way.", str(answer), wrong, f"{what} {a} {b}")


def _times(a: Rows, b: Rows) -> Rows:
    return [[sum(x * y for x, y in zip(row, column, strict=True)) for column in zip(*b, strict=True)] for row in a]


class ComplexNumbers(Family):
    """A product (1), a product and a sum (2), a power (3), a quotient (4) of complex numbers."""

    name = "complex_numbers"
    grader = "family"
    chance = (0.01, 0.01, 0.01, 0.01)

    def problem(self, rng: Rng, level: int) -> Problem:
        (a, b), (c, d), (e, f) = (_pair(rng, 9 if level != 3 else 5) for _ in range(3))
        one, two, three = _complex(a, b), _complex(c, d), _complex(e, f)
        x, y = a * c - b * d, a * d + b * c
        real, im = Fraction(x), Fraction(y)
        text = f"({one})({two})"
        swapped = text if one <= two else f"({two})({one})"
        if level == 2:
            real, im, text = real - e, im - f, f"{text} - ({three})"
        elif level == 3:
            power = integer(rng, 3, 5)
            real, im = Fraction(a), Fraction(b)
            for _ in range(power - 1):
                real, im = real * a - im * b, real * b + im * a
            real, im, text = real + c, im + d, f"({one})^{power} + ({two})"
        elif level == 4:
            size = e * e + f * f
            real, im, text = Fraction(x * e + y * f, size), Fraction(y * e - x * f, size), f"{text} / ({three})"
        question = pick(rng, (f"What is {text}?", f"Compute {text}.", f"Find the value of {text}."))
        question += " Write it as a + bi, with integers or fractions a and b, where i^2 = -1."
        # The factors of a product may change places.
        key = text.replace(f"({one})({two})", swapped)
        right = (real, im)
        others = [(real, -im), (im, real), (real + 1, im), (-real, -im)]
        wrong = [*(_written(*pair) for pair in others if pair != right), text]
        return Problem(question, {"real": str(real), "imaginary": str(im)}, wrong, key, _written(real, im))

    def accepts(self, answer: dict[str, Any], given: str) -> bool:
        """A real number and a multiple of i, in any order; either may be left out where it is 0."""
        if len(given) > 200 or re.search(r"\d\s+\d", given):
            return False
        text = re.sub(r"\\[dt]?frac\{(\d{1,9})\}\{(\d{1,9})\}", r"\1/\2", unwrap(given)).replace("−", "-")
        text = re.sub(r"\s+", "", text).replace("\\cdoti", "i").replace("*i", "i")
        text = re.sub(r"\(([\d/]{1,19})\)", r"\1", text)
        parts = {"real": Fraction(0), "imaginary": Fraction(0)}
        seen: set[str] = set()
        while text:
            found = _TERM.match(text)
            if not found or (seen and not found["sign"]) or not (found["top"] or found["i"]):
                return False
            name = "imaginary" if found["i"] else "real"
            bottom = int(found["bottom"] or found["below"] or 1)
            if name in seen or bottom == 0 or (found["below"] and (found["bottom"] or not found["i"])):
                return False
            seen.add(name)
            parts[name] = Fraction(found["top"] or "1") / bottom * (-1 if found["sign"] == "-" else 1)
            text = text[found.end() :]
        return bool(seen) and all(parts[name] == Fraction(answer[name]) for name in parts)


# A term: 3, 3/4, 0.5, i, 3i, 3/4i (three quarters of i), 3i/4.
_TERM = re.compile(
    r"(?P<sign>[+-])?(?:(?P<top>\d{1,9}(?:\.\d{1,9})?)(?:/(?P<bottom>\d{1,9}))?)?(?P<i>i?)(?:/(?P<below>\d{1,9}))?",
    re.ASCII,
)


def _pair(rng: Rng, limit: int) -> tuple[int, int]:
    signs = (-1, 1)
    return pick(rng, signs) * integer(rng, 1, limit), pick(rng, signs) * integer(rng, 1, limit)


def _complex(real: int, imaginary: int) -> str:
    size = "" if abs(imaginary) == 1 else abs(imaginary)
    return f"{real} {'-' if imaginary < 0 else '+'} {size}i"


def _written(real: Fraction, imaginary: Fraction) -> str:
    if imaginary.denominator == 1:
        return _complex(0, int(imaginary)).replace("0", str(real), 1)
    sign = "-" if imaginary < 0 else "+"
    return f"{real} {sign} ({abs(imaginary)})i"
