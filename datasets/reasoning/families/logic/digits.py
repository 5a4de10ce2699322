"""Numbers to combine and digits to find."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from fractions import Fraction
from typing import Any

from ....drawing import LETTERS, Rng, integer, pick, sample, shuffled
from ...family import Family, Problem

_LONGEST_EXPRESSION = 200
_SIGNS = str.maketrans({"×": "*", "·": "*", "÷": "/", ":": "/", "−": "-", "–": "-", "[": "(", "]": ")"})
_APPLY: dict[str, Callable[[Fraction, Fraction], Fraction]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
}
_BINDING = {"(": 0, "+": 1, "-": 1, "*": 2, "/": 2}


class Countdown(Family):
    """Combine 3, 4, 5 or 6 numbers with + - * / to reach a target; any expression that does is right."""

    name = "countdown"
    grader = "family"
    chance = (0.02, 0.01, 0.0, 0.0)

    def problem(self, rng: Rng, level: int) -> Problem:
        numbers: list[int] = []
        target = 0
        # Neither the plain sum nor a number of the list itself, so that there is something to find.
        while not 0 < target < 1000 or target == sum(numbers) or target in numbers:
            numbers = [integer(rng, 1, 10 + 10 * level) for _ in range(2 + level)]
            text, target = _combine(rng, numbers)
        listed = ", ".join(map(str, sorted(numbers)))
        ask = pick(
            rng,
            (
                f"Make {target} of the numbers {listed}.",
                f"Combine the numbers {listed} to {target}.",
                f"Find an expression of the numbers {listed} that equals {target}.",
            ),
        )
        question = f"{ask} Use each of them exactly once, with + - * / and brackets. Write the expression."
        slips = [" + ".join(map(str, numbers)), str(target), f"{text} + 1", f"({text}) * 1"]
        return Problem(
            question, {"numbers": sorted(numbers), "target": target}, slips, f"{sorted(numbers)} {target}", text
        )

    def accepts(self, answer: dict[str, Any], given: str) -> bool:
        """Reads + - * / and brackets with exact values, and knows nothing else; ``= target`` may stand behind."""
        text, equals, value = given.translate(_SIGNS).partition("=")
        if len(text) > _LONGEST_EXPRESSION or (equals and value.strip() != str(answer["target"])):
            return False
        tokens = re.findall(r"[0-9]+|\S", text)
        # With the numbers known to be the right ones, values are bounded as well.
        numbers = [token for token in tokens if _is_number(token)]
        if sorted(numbers) != sorted(map(str, answer["numbers"])):
            return False
        return bool(evaluate(tokens) == answer["target"])


def evaluate(tokens: list[str]) -> Fraction | None:
    """The value of an expression of numbers, + - * / and brackets; None if it is none (shunting-yard)."""
    values: list[Fraction] = []
    pending: list[str] = []
    expects_value = True

    def settle(binding: int) -> bool:
        while pending and _BINDING[pending[-1]] >= binding:
            right, left, sign = values.pop(), values.pop(), pending.pop()
            if sign == "/" and not right:
                return False
            values.append(_APPLY[sign](left, right))
        return True

    for token in tokens:
        if expects_value != (token == "(" or _is_number(token)):
            return None
        if _is_number(token):
            values.append(Fraction(int(token)))
            expects_value = False
        elif token == "(":
            pending.append(token)
        elif token == ")":
            if not settle(1) or not pending:
                return None
            pending.pop()
        elif token in _APPLY:
            if not settle(_BINDING[token]):
                return None
            pending.append(token)
            expects_value = True
        else:
            return None
    if expects_value or not settle(1) or pending:
        return None
    return values[0]


def _is_number(token: str) -> bool:
    # Digits of other scripts are none, nor is ²: nobody has counted them among the numbers that are used.
    return token.isascii() and token.isdigit()


def _combine(rng: Rng, numbers: list[int]) -> tuple[str, int]:
    """An expression of all numbers whose parts are positive integers, and its value."""
    parts = [(str(number), number) for number in shuffled(rng, numbers)]
    while len(parts) > 1:
        (a, x), (b, y), *rest = shuffled(rng, parts)
        sign = pick(
            rng,
            [
                sign
                for sign in "+-**/"
                if not ((sign == "-" and x <= y) or (sign == "/" and x % y) or (sign == "*" and x * y > 999))
            ],
        )
        # Quotients of integers without rest are integers again.
        parts = [(f"({a} {sign} {b})", int(_APPLY[sign](Fraction(x), Fraction(y)))), *rest]
    return parts[0][0][1:-1], parts[0][1]


class Cryptarithm(Family):
    """Which digits make the sum of two numbers of 3, 4, 5 or 6 letters right? Any that do are right."""

    name = "cryptarithm"
    grader = "family"
    chance = (0.01, 0.0, 0.0, 0.0)

    def problem(self, rng: Rng, level: int) -> Problem:
        low, high = 10 ** (1 + level), 10 ** (2 + level) - 1
        a, b = integer(rng, low, high), integer(rng, low, high)
        letters = dict(zip("0123456789", sample(rng, LETTERS.upper(), 10), strict=True))
        words = ["".join(letters[digit] for digit in str(number)) for number in (a, b, a + b)]
        ask = pick(
            rng, ("Which digits make this sum right?", "Find digits that make this sum right.", "Decode this sum.")
        )
        question = (
            f"{words[0]} + {words[1]} = {words[2]}\n{ask} Each letter stands for one digit, different letters for "
            "different digits, and no number begins with 0. Write the sum in digits, as in 123 + 456 = 579."
        )
        slips = [f"{a} + {b} = {a + b + 10}", f"{a + 1} + {b} = {a + b + 1}", f"{a}{b}"]
        answer = {"words": words}
        wrong = [slip for slip in slips if not self.accepts(answer, slip)]
        return Problem(question, answer, wrong, " ".join(words), f"{a} + {b} = {a + b}")

    def accepts(self, answer: dict[str, Any], given: str) -> bool:
        words = answer["words"]
        numbers = given.replace("+", " ").replace("=", " ").split()
        if [len(number) for number in numbers] != [len(word) for word in words]:
            return False
        if not all(number.isascii() and number.isdigit() and number[0] != "0" for number in numbers):
            return False
        pairs = set(zip("".join(words), "".join(numbers), strict=True))
        letters, digits = ({pair[i] for pair in pairs} for i in (0, 1))
        return len(pairs) == len(letters) == len(digits) and int(numbers[0]) + int(numbers[1]) == int(numbers[2])
