"""Level 1: one loop, or less."""

# ruff: noqa: D102  (the base class says what the methods do)

from __future__ import annotations

from typing import Any

from .family import LETTERS, Family, Language, Parameters, Rng, integer, integers, pick, word, words


class PrintArithmetic(Family):
    """Print the value of an expression: the smallest program there is."""

    name = "print_arithmetic"
    level = 1
    statement = "Write a $language program that prints the value of $a$sign$b."
    python = "print($a$sign$b)"
    javascript = "console.log($a$sign$b)"
    python_slips = (("$a$sign$b", "'$a$sign$b'"), ("$b", "$b+1"), ("print($a$sign$b)", "$a$sign$b"))
    javascript_slips = (("$a$sign$b", "'$a$sign$b'"), ("$b", "$b+1"), ("console.log($a$sign$b)", "$a$sign$b"))

    def parameters(self, rng: Rng) -> Parameters:
        return {"a": integer(rng, 0, 99), "sign": pick(rng, "+-*"), "b": integer(rng, 1, 99)}

    def inputs(self, rng: Rng, p: Parameters) -> list[str]:
        return [""]

    def solve(self, p: Parameters, *args: Any) -> str:
        a, b = p["a"], p["b"]
        return str({"+": a + b, "-": a - b, "*": a * b}[p["sign"]])

    def key(self, p: Parameters) -> str:
        # 3+4 and 4+3 are one problem.
        a, b = (p["a"], p["b"]) if p["sign"] == "-" else sorted((p["a"], p["b"]))
        return f"{self.name} {a}{p['sign']}{b}"

    def text(self, p: Parameters, language: Language, template: str | None = None) -> str:
        if template is not None:
            return template.replace("{expression}", f"{p['a']}{p['sign']}{p['b']}")
        return super().text(p | {"language": {"python": "Python", "javascript": "JavaScript"}[language]}, language)


class LineArithmetic(Family):
    """Compute with the number on each line."""

    name = "line_arithmetic"
    level = 1
    statement = "Each line holds one integer x. For each, print $a*x+$b on a line of its own."
    python = """
import sys

for line in sys.stdin:
    print($a * int(line) + $b)
"""
    javascript = """
const lines = require("fs").readFileSync(0, "utf8").trim().split("\\n");
for (const line of lines) {
  console.log($a * Number(line) + $b);
}
"""
    python_slips = (("for line in sys.stdin", "for line in [input()]"), ("int(line) + $b", "(int(line) + $b)"))
    javascript_slips = (("of lines", "of lines.slice(0, 1)"), ("$a * Number(line) + $b", "$a * Number(line) + '$b'"))

    def parameters(self, rng: Rng) -> Parameters:
        return {"a": integer(rng, 2, 12), "b": integer(rng, 1, 40)}

    def inputs(self, rng: Rng, p: Parameters) -> list[str]:
        sizes = [1, 4, 7, 2, 3, 2]
        return [lines(integers(rng, size, -50, 50)) for size in sizes]

    def solve(self, p: Parameters, *args: Any) -> str:
        return lines([p["a"] * int(x) + p["b"] for x in args[0].split()])


class RepeatWord(Family):
    """Print a word several times."""

    name = "repeat_word"
    level = 1
    statement = (
        "The only line holds a word. Print it $count times on one line, with '$separator' between the repetitions, "
        "and nothing at the end."
    )
    python = 'print("$separator".join([input()] * $count))'
    javascript = """
const word = require("fs").readFileSync(0, "utf8").trim();
console.log(Array($count).fill(word).join("$separator"));
"""
    python_slips = (
        ('"$separator".join([input()] * $count)', '(input() + "$separator") * $count'),
        ("* $count", "* ($count - 1)"),
    )
    javascript_slips = (('.join("$separator")', '.join("")'), ("Array($count)", "Array($count + 1)"))

    def parameters(self, rng: Rng) -> Parameters:
        return {"count": integer(rng, 3, 12), "separator": pick(rng, "-+*,.:=/|_")}

    def inputs(self, rng: Rng, p: Parameters) -> list[str]:
        return [f"{text}\n" for text in ("a", *words(rng, 5, 8))]

    def solve(self, p: Parameters, *args: Any) -> str:
        return str(p["separator"]).join([args[0].strip()] * p["count"]) + "\n"


class SumOfMultiples(Family):
    """Add up some of the numbers of a list."""

    name = "sum_of_multiples"
    level = 1
    signature = "sum_of_multiples(numbers)"
    statement = "returns the sum of those of the integers that are divisible by $k and greater than $low."
    python = """
def sum_of_multiples(numbers):
    return sum(n for n in numbers if n % $k == 0 and n > $low)
"""
    javascript = """
function sum_of_multiples(numbers) {
  return numbers.filter((n) => n % $k === 0 && n > $low).reduce((total, n) => total + n, 0);
}
"""
    python_slips = ((" and n > $low", ""), ("n > $low", "n >= $low"), ("sum(n for", "sum(1 for"))
    javascript_slips = (
        (" && n > $low", ""),
        ("n > $low", "n >= $low"),
        ("(total, n) => total + n, 0", "(a, n) => a + n"),
    )

    def parameters(self, rng: Rng) -> Parameters:
        k = integer(rng, 2, 9)
        return {"k": k, "low": k * pick(rng, (-5, -4, -3, -2, -1, 1, 2, 3, 4, 5))}

    def inputs(self, rng: Rng, p: Parameters) -> list[tuple[list[int]]]:
        k, low = p["k"], p["low"]
        border = [low, low + k, low + 1, low - k, low + 2 * k, k, -k]
        drawn = [[integer(rng, -9, 12) * k + pick(rng, (0, 0, 1)) for _ in range(6)] for _ in range(4)]
        return [([],), (border,), ([low],), ([low + k, low + 2 * k],), *[(numbers,) for numbers in drawn]]

    def solve(self, p: Parameters, *args: Any) -> int:
        return sum(n for n in args[0] if n > p["low"] and n % p["k"] == 0)


class CountLetter(Family):
    """Count a letter in a text."""

    name = "count_letter"
    level = 1
    signature = "count_letter(text)"
    statement = (
        "returns how often the letters '$first' and '$second' occur in the text together, in upper or lower case."
    )
    python = """
def count_letter(text):
    text = text.lower()
    return text.count("$first") + text.count("$second")
"""
    javascript = """
function count_letter(text) {
  return [...text.toLowerCase()].filter((c) => c === "$first" || c === "$second").length;
}
"""
    python_slips = (("text = text.lower()", "pass"), (' + text.count("$second")', ""))
    javascript_slips = ((".toLowerCase()", ""), (' || c === "$second"', ""))

    def parameters(self, rng: Rng) -> Parameters:
        first, second = sorted(int(i) for i in rng.choice(len(LETTERS), 2, replace=False))
        return {"first": LETTERS[first], "second": LETTERS[second]}

    def inputs(self, rng: Rng, p: Parameters) -> list[tuple[str]]:
        first, second = p["first"], p["second"]
        some = first + second + first.upper() + second.upper() + LETTERS[:6]
        texts = ["", first.upper() + second, second * 3, *(" ".join(words(rng, 4, 6, some)) for _ in range(4))]
        return [(text,) for text in texts]

    def solve(self, p: Parameters, *args: Any) -> int:
        return sum(char.lower() in (p["first"], p["second"]) for char in args[0])


class Clamp(Family):
    """Limit numbers to a range."""

    name = "clamp"
    level = 1
    signature = "clamp(numbers)"
    statement = "returns the list with each number below $low replaced by $low and each number above $high by $high."
    python = """
def clamp(numbers):
    return [min(max(n, $low), $high) for n in numbers]
"""
    javascript = """
function clamp(numbers) {
  return numbers.map((n) => Math.min(Math.max(n, $low), $high));
}
"""
    python_slips = (("min(max(n, $low), $high)", "max(n, $low)"), ("for n in numbers", "for n in set(numbers)"))
    javascript_slips = (("Math.max(n, $low)", "n"), ("Math.max(n, $low), $high", "Math.max(n, $low), $high - 1"))

    def parameters(self, rng: Rng) -> Parameters:
        low = integer(rng, -20, 10)
        return {"low": low, "high": low + integer(rng, 3, 25)}

    def inputs(self, rng: Rng, p: Parameters) -> list[tuple[list[int]]]:
        low, high = p["low"], p["high"]
        border = [high, low, high + 1, low - 1, high, low + 1]
        return [([],), (border,), *[(integers(rng, 6, low - 15, high + 15),) for _ in range(5)]]

    def solve(self, p: Parameters, *args: Any) -> list[int]:
        return [p["low"] if n < p["low"] else p["high"] if n > p["high"] else n for n in args[0]]


class DigitSum(Family):
    """Add up digits."""

    name = "digit_sum"
    level = 1
    signature = "digit_sum(n)"
    statement = (
        "returns the sum of the digits of the integer, each digit above $limit counted $times times. The sign of a "
        "negative number does not matter."
    )
    python = """
def digit_sum(n):
    return sum(int(d) * ($times if int(d) > $limit else 1) for d in str(abs(n)))
"""
    javascript = """
function digit_sum(n) {
  return [...String(Math.abs(n))].map(Number).reduce((sum, d) => sum + d * (d > $limit ? $times : 1), 0);
}
"""
    python_slips = (("> $limit", ">= $limit"), ("str(abs(n))", "str(n).strip('-')[:-1]"))
    javascript_slips = (("> $limit", ">= $limit"), ("d * (d > $limit ? $times : 1)", "d"))

    def parameters(self, rng: Rng) -> Parameters:
        return {"limit": integer(rng, 1, 8), "times": integer(rng, 2, 9)}

    def inputs(self, rng: Rng, p: Parameters) -> list[tuple[int]]:
        numbers = [0, p["limit"], -9 * 10 - p["limit"], *integers(rng, 5, -99_999, 9_999_999)]
        return [(n,) for n in numbers]

    def solve(self, p: Parameters, *args: Any) -> int:
        total, rest = 0, abs(args[0])
        while rest:
            rest, digit = divmod(rest, 10)
            total += digit * p["times"] if digit > p["limit"] else digit
        return total


class EveryNth(Family):
    """Take some elements of a list."""

    name = "every_nth"
    level = 1
    signature = "every_nth(items)"
    statement = (
        "returns the elements at index $start, $start+$step, $start+2*$step and so on (counted from 0), in reverse "
        "order."
    )
    python = """
def every_nth(items):
    return items[$start::$step][::-1]
"""
    javascript = """
function every_nth(items) {
  return items.filter((_, i) => i >= $start && (i - $start) % $step === 0).reverse();
}
"""
    python_slips = (("[$start::$step][::-1]", "[$start::$step]"), ("[$start::$step]", "[$start + 1::$step]"))
    javascript_slips = ((".reverse()", ""), ("i >= $start && ", ""))

    def parameters(self, rng: Rng) -> Parameters:
        step = integer(rng, 2, 7)
        return {"start": integer(rng, step, 12), "step": step}

    def inputs(self, rng: Rng, p: Parameters) -> list[tuple[list[Any]]]:
        start, step = p["start"], p["step"]
        sizes = [0, start, start + 1, start + step + 1, start + 2 * step, start + 3 * step + 1, start + 2 * step + 1]
        drawn: list[list[Any]] = [integers(rng, size, 0, 99) for size in sizes]
        drawn[4] = [word(rng, 2) for _ in drawn[4]]
        return [(items,) for items in drawn]

    def solve(self, p: Parameters, *args: Any) -> list[Any]:
        indices = range(p["start"], len(args[0]), p["step"])
        return [args[0][i] for i in reversed(indices)]


def lines(values: list[Any]) -> str:
    """Each value on a line."""
    return "".join(f"{value}\n" for value in values)


FAMILIES: tuple[Family, ...] = (
    PrintArithmetic(),
    LineArithmetic(),
    RepeatWord(),
    SumOfMultiples(),
    CountLetter(),
    Clamp(),
    DigitSum(),
    EveryNth(),
)
