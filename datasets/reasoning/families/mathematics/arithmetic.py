"""Arithmetic."""

from __future__ import annotations

from fractions import Fraction

from ....drawing import Rng, integer, pick, sample
from ...family import Family, Problem
from .notation import decimal, slips


class OrderOfOperations(Family):
    """The value of an expression with brackets and 4, 6, 8 or 10 numbers."""

    name = "order_of_operations"
    chance = (0.01, 0.01, 0.01, 0.01)

    def problem(self, rng: Rng, level: int) -> Problem:
        text, value, _ = _expression(rng, 2 + 2 * level)
        question = pick(rng, (f"What is {text}?", f"Compute {text}.", f"Find the value of the expression {text}."))
        others = slips(value, -value, value + 1, value - 1, value + 10, _without_brackets(text))
        return Problem(question, str(value), others, text)


def _expression(rng: Rng, leaves: int) -> tuple[str, int, int]:
    """An expression of so many numbers with its value and how strongly its last operation binds."""
    if leaves == 1:
        number = integer(rng, 2, 20)
        return str(number), number, 3
    if leaves == 2 and pick(rng, (True, False, False)):
        divisor, quotient = integer(rng, 2, 9), integer(rng, 2, 12)
        return f"{divisor * quotient} / {divisor}", quotient, 2
    split = integer(rng, 1, leaves - 1)
    (left, x, binds_left), (right, y, binds_right) = _expression(rng, split), _expression(rng, leaves - split)
    # Products of large numbers are left out, lest their digits be the task.
    operation = pick(rng, "+-**" if max(abs(x), abs(y)) <= 40 else "+-")
    binds = 2 if operation == "*" else 1
    left = f"({left})" if binds_left < binds else left
    right = f"({right})" if binds_right < binds or (operation == "-" and binds_right == 1) else right
    return f"{left} {operation} {right}", {"+": x + y, "-": x - y, "*": x * y}[operation], binds


def _without_brackets(text: str) -> Fraction:
    """The value of one who computes from left to right and overlooks brackets."""
    first, *rest = text.replace("(", "").replace(")", "").split()
    value = Fraction(first)
    for operation, number in zip(rest[::2], map(int, rest[1::2]), strict=True):
        match operation:
            case "+":
                value += number
            case "-":
                value -= number
            case "*":
                value *= number
            case _:
                value /= number
    return value


class FractionArithmetic(Family):
    """Sums of two fractions (1), products and quotients (2), three fractions (3), quotients of sums (4)."""

    name = "fraction_arithmetic"
    answer_form = "simplified"
    chance = (0.01, 0.01, 0.01, 0.01)

    def problem(self, rng: Rng, level: int) -> Problem:
        size = (12, 15, 15, 20)[level - 1]
        a, b, c, d = (_fraction(rng, size) for _ in range(4))
        sign = pick(rng, "+-")
        top = a + b if sign == "+" else a - b
        # The form of the expression, its value, and whether a and b may change places.
        forms = {
            1: [(f"{{0}} {sign} {{1}}", top, sign == "+")],
            2: [("({0}) * ({1})", a * b, True), ("({0}) / ({1})", a / b, False)],
            3: [
                (f"{c} {sign} ({{0}}) * ({{1}})", c + (a * b if sign == "+" else -a * b), True),
                (f"({{0}} {sign} {{1}}) / ({c})", top / c, sign == "+"),
            ],
            4: [(f"({{0}} {sign} {{1}}) / ({c} + 1 / ({d} + 2))", top / (c + 1 / (d + 2)), sign == "+")],
        }
        form, answer, commutes = pick(rng, forms[level])
        text, key = form.format(a, b), form.format(*(sorted((a, b)) if commutes else (a, b)))
        naive = Fraction(a.numerator + b.numerator, a.denominator + b.denominator)
        inverse = 1 / answer if answer else Fraction(1)
        question = pick(rng, (f"What is {text}?", f"Compute {text}.", f"Find the value of {text}."))
        question += " Give a fraction in lowest terms or an integer."
        return Problem(question, str(answer), slips(answer, -answer, inverse, naive, answer + 1), key)


def _fraction(rng: Rng, size: int) -> Fraction:
    """A fraction that is no integer."""
    bottom = integer(rng, 2, size)
    return Fraction(pick(rng, [top for top in range(1, 2 * size) if top % bottom]), bottom)


class PercentChanges(Family):
    """A price after one change by some per cent (1), two (2), three (3); the price before three changes (4)."""

    name = "percent_changes"
    answer_form = "simplified"
    chance = (0.01, 0.01, 0.01, 0.03)

    def problem(self, rng: Rng, level: int) -> Problem:
        changes = [
            sign * percent
            for sign, percent in zip(
                (pick(rng, (1, -1)) for _ in range(3)), sample(rng, range(5, 65, 5), min(level, 3)), strict=False
            )
        ]
        # So many that cents are exact.
        price = Fraction((20, 4, 80, 80)[level - 1] * integer(rng, 5, 150 if level <= 2 else 60))
        after = price
        for change in changes:
            after = after * (100 + change) / 100
        steps = ", then ".join(f"{'raised' if change > 0 else 'lowered'} by {abs(change)}%" for change in changes)
        thing = pick(rng, ("bicycle", "coat", "lamp", "camera", "table"))
        given, answer = (after, price) if level == 4 else (price, after)
        if level == 4:
            question = pick(
                rng,
                (
                    f"The price of a {thing} was {steps}. Now it is {decimal(after)} dollars. What was it at first?",
                    f"After its price was {steps}, a {thing} costs {decimal(after)} dollars. What did it cost before?",
                ),
            )
        else:
            question = pick(
                rng,
                (
                    f"A {thing} costs {decimal(price)} dollars. Its price is {steps}. What does it cost now?",
                    f"The price of a {thing} is {decimal(price)} dollars. It is {steps}. What is the new price?",
                ),
            )
        summed = given * (100 + (-sum(changes) if level == 4 else sum(changes))) / 100
        wrong = slips(answer, summed, given, answer + 1, answer + 10)
        return Problem(f"{question} Answer in dollars.", decimal(answer), wrong, f"{given} {sorted(changes)}")
