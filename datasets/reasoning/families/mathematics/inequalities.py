"""Inequalities, whose solutions are intervals."""

from __future__ import annotations

from fractions import Fraction

from ....drawing import Rng, integer, pick, sample
from ...family import Family, Problem
from .notation import polynomial, signed

_FLIPPED = {"<": ">", ">": "<", "<=": ">=", ">=": "<="}


class Inequality(Family):
    """Solve for x: a linear inequality (1), two at once (2), a quadratic one (3), one with an absolute value (4)."""

    name = "inequality"
    answer_form = "simplified"
    chance = (0.02, 0.01, 0.01, 0.01)

    def problem(self, rng: Rng, level: int) -> Problem:
        sign = pick(rng, tuple(_FLIPPED))
        factor = pick(rng, (-9, -8, -7, -6, -5, -4, -3, -2, 2, 3, 4, 5, 6, 7, 8, 9))
        more = pick(rng, (-1, 1)) * integer(rng, 1, 40)
        low, high = sorted(sample(rng, range(-20, 21), 2))
        ends: tuple[Fraction, Fraction] = Fraction(low), Fraction(high)
        if level == 1:
            shown = f"{factor}x {signed(more)} {sign} {factor * low + more}"
            answer, mirrored = (
                _ray(sign if factor > 0 else _FLIPPED[sign], low),
                _ray(sign if factor < 0 else _FLIPPED[sign], low),
            )
            others = [mirrored, _ray(sign, low + 1), _ray(_FLIPPED[sign], low - 1)]
        elif level == 2:
            sign = sign[0].replace(">", "<") + sign[1:]
            least, most = sorted((factor * low + more, factor * high + more))
            shown = f"{least} {sign} {factor}x {signed(more)} {sign} {most}"
            answer = _between(ends, sign)
            others = [
                _between((-ends[1], -ends[0]), sign),
                _between((ends[0], ends[1] + 1), sign),
                _outside(ends, sign),
            ]
        elif level == 3:
            factor = pick(rng, (-4, -3, -2, -1, 1, 2, 3, 4))
            shown = f"{polynomial([factor, -factor * (low + high), factor * low * high])} {sign} 0"
            inside = (sign[0] == "<") == (factor > 0)
            answer = (_between if inside else _outside)(ends, sign)
            others = [(_outside if inside else _between)(ends, sign), _between((ends[0] - 1, ends[1]), sign)]
        else:
            factor = abs(factor)
            bound = integer(rng, 1, 60)
            ends = Fraction(-bound - more, factor), Fraction(bound - more, factor)
            extra = integer(rng, 2, 6)
            shown = f"{extra}|{factor}x {signed(more)}| - {more + 50} {sign} {extra * bound - more - 50}"
            inside = sign[0] == "<"
            answer = (_between if inside else _outside)(ends, sign)
            others = [(_outside if inside else _between)(ends, sign), _between((-ends[1], ends[1] + 1), sign)]
        question = pick(
            rng,
            (
                f"Solve the inequality {shown} for real x.",
                f"Which real numbers x satisfy {shown}?",
                f"Find the set of all real x with {shown}.",
            ),
        )
        question += " Answer in interval notation, such as (-oo, 3] or (-oo, 1) U (2, oo)."
        return Problem(question, answer, [text for text in others if text != answer], shown)


def _ray(sign: str, end: int) -> str:
    if sign[0] == "<":
        return f"(-oo, {end}{']' if '=' in sign else ')'}"
    return f"{'[' if '=' in sign else '('}{end}, oo)"


def _between(ends: tuple[Fraction, Fraction], sign: str) -> str:
    opening, closing = "[]" if "=" in sign else "()"
    return f"{opening}{ends[0]}, {ends[1]}{closing}"


def _outside(ends: tuple[Fraction, Fraction], sign: str) -> str:
    opening, closing = "[]" if "=" in sign else "()"
    return f"(-oo, {ends[0]}{closing} U {opening}{ends[1]}, oo)"
