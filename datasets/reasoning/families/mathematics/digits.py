"""Numbers by their digits."""

from __future__ import annotations

from ....drawing import Rng, integer, integers, pick
from ...family import Family, Problem
from .notation import slips


class BaseConversion(Family):
    """From base 2 or 3 to 10 (1), from 10 to another (2), between others (3), sums in other bases (4)."""

    name = "base_conversion"
    chance = (0.01, 0.01, 0.01, 0.01)

    def problem(self, rng: Rng, level: int) -> Problem:
        base = integer(rng, 2, 3) if level == 1 else integer(rng, 4, 9)
        target = 10
        if level == 1:
            number = integer(rng, 9, 1100)
            source, given, target = base, to_base(number, base), 10
        elif level == 2:
            number = integer(rng, 50, 2500)
            source, given, target = 10, str(number), base
        elif level == 3:
            number = integer(rng, 500, 9999)
            source, target = base, pick(rng, [other for other in range(2, 10) if other != base])
            given = to_base(number, base)
        else:
            operation = pick(rng, ("+", "*", "-"))
            # Both are long, so that digits are carried or borrowed.
            two, one = sorted(integers(rng, 2, 200, 5000))
            one += 1
            two = two if operation != "*" else two % 180 + 20
            number = {"+": one + two, "*": one * two, "-": one - two}[operation]
            source = target = base
            given = f"{to_base(one, base)} {operation} {to_base(two, base)}"
        answer = to_base(number, target)
        if level == 4:
            question = pick(
                rng,
                (
                    f"All numbers here are in base {base}. What is {given}?",
                    f"Compute {given} in base {base}; the numbers are in that base too.",
                ),
            )
        else:
            question = pick(
                rng,
                (
                    f"Convert {given} from base {source} to base {target}.",
                    f"The number {given} is in base {source}. How is it written in base {target}?",
                    f"Write the base-{source} number {given} in base {target}.",
                ),
            )
        wrong = slips(answer, to_base(number + 1, target), to_base(number - 1, target), answer[::-1], answer + "0")
        wrong = [text for text in wrong if int(text) != int(answer)]
        return Problem(f"{question} Answer with the digits alone.", answer, wrong, f"{given} {source} {target}")


class DigitCount(Family):
    """How many digits the page numbers have (1), how often one occurs (2, 3), the sum of all digits (4)."""

    name = "digit_count"
    chance = (0.01, 0.02, 0.01, 0.01)

    def problem(self, rng: Rng, level: int) -> Problem:
        if level == 1:
            last = integer(rng, 15, 3000)
            answer = sum(last - 10**power + 1 for power in range(4) if 10**power <= last)
            question = pick(
                rng,
                (
                    f"The pages of a book are numbered from 1 to {last}. How many digits are printed for that?",
                    f"How many digits does one write when one writes all integers from 1 to {last}?",
                ),
            )
            return Problem(
                question, str(answer), slips(answer, last, answer + 1, answer - 1, len(str(last)) * last), str(last)
            )
        if level == 4:
            last = integer(rng, 10_000, 999_999)
            answer = sum(digit * occurrences(last, digit) for digit in range(1, 10))
            question = pick(
                rng,
                (
                    f"What is the sum of all digits of all integers from 1 to {last}?",
                    f"One writes down the integers from 1 to {last} and adds up every digit written. What is the sum?",
                ),
            )
            own = sum(map(int, str(last)))
            return Problem(question, str(answer), slips(answer, answer - own, answer + own, answer + 1), str(last))
        digit = integer(rng, 1, 9)
        first = 1 if level == 2 else integer(rng, 200, 4000)
        last = integer(rng, 60, 999) if level == 2 else first + integer(rng, 500, 5000)
        answer = occurrences(last, digit) - occurrences(first - 1, digit)
        question = pick(
            rng,
            (
                f"How many times is the digit {digit} written when one writes all integers from {first} to {last}?",
                f"All integers from {first} to {last} are written down. How often does the digit {digit} occur?",
            ),
        )
        containing = sum(str(digit) in str(n) for n in (first, last))
        wrong = slips(answer, answer + 1, answer - 1, answer + 10, answer + 10 + containing)
        return Problem(question, str(answer), wrong, f"{digit} {first} {last}")


def to_base(number: int, base: int) -> str:
    """The digits of a number that is not negative, in a base up to 10."""
    digits = ""
    while number > 0:
        number, digit = divmod(number, base)
        digits = f"{digit}{digits}"
    return digits or "0"


def occurrences(last: int, digit: int) -> int:
    """How often a digit from 1 to 9 is written in the integers from 1 to ``last``."""
    count, place = 0, 1
    while place <= last:
        above, rest = divmod(last, place * 10)
        count += above * place + min(max(rest - digit * place + 1, 0), place)
        place *= 10
    return count
