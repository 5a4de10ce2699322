"""Written forms: other bases, Roman numerals, dates."""

from __future__ import annotations

import datetime
from typing import Any

from ...drawing import Rng, integer, integers, pick
from ..family import Family, Parameters


class BaseDigits(Family):
    """Convert between bases."""

    name = "base_digits"
    level = 2
    signature = "base_digits(n)"
    statement = (
        "returns the non-negative integer n written in base $base, as a text with the digits 0-9 and then a-z, padded "
        "with zeros on the left to at least $width digits."
    )
    python = """
def base_digits(n):
    digits = ""
    while n:
        digits = "0123456789abcdefghijklmnopqrstuvwxyz"[n % $base] + digits
        n //= $base
    return digits.rjust($width, "0")
"""
    javascript = """
function base_digits(n) {
  return n.toString($base).padStart($width, "0");
}
"""
    python_slips = (('rjust($width, "0")', 'rjust(1, "0")'), ("[n % $base] + digits", "[n % $base]"), ("$base", "10"))
    javascript_slips = (('.padStart($width, "0")', ""), ("$base", "10"), ("$base", "$base - 1"))

    def parameters(self, rng: Rng) -> Parameters:
        return {"base": pick(rng, [b for b in range(3, 37) if b != 10]), "width": integer(rng, 2, 6)}

    def inputs(self, rng: Rng, p: Parameters) -> list[tuple[int]]:
        base, width = p["base"], p["width"]
        edges = [0, 1, base, base - 1, base**width, base**width - 1]
        return [(n,) for n in (*edges, *integers(rng, 4, 1, 2**31))]

    def solve(self, p: Parameters, *args: Any) -> str:
        n, text = args[0], ""
        while n or len(text) < p["width"]:
            n, digit = divmod(n, p["base"])
            text = "0123456789abcdefghijklmnopqrstuvwxyz"[digit] + text
        return text


class Roman(Family):
    """Write Roman numerals."""

    name = "roman"
    level = 2
    statement = (
        "Each line holds an integer n from 1 to 399, and there is at least one line. For each n, in the same order, "
        "print n*$factor+$term as a Roman numeral on a line of its own (4 is IV, 9 is IX, 40 is XL, 90 is XC, 400 is "
        "CD, 900 is CM)."
    )
    python = """
import sys

PARTS = [(1000, "M"), (900, "CM"), (500, "D"), (400, "CD"), (100, "C"), (90, "XC"), (50, "L"), (40, "XL"),
         (10, "X"), (9, "IX"), (5, "V"), (4, "IV"), (1, "I")]

for line in sys.stdin:
    n = int(line) * $factor + $term
    numeral = ""
    for value, letters in PARTS:
        while n >= value:
            numeral += letters
            n -= value
    print(numeral)
"""
    javascript = """
const parts = [[1000, "M"], [900, "CM"], [500, "D"], [400, "CD"], [100, "C"], [90, "XC"], [50, "L"], [40, "XL"],
  [10, "X"], [9, "IX"], [5, "V"], [4, "IV"], [1, "I"]];
for (const line of require("fs").readFileSync(0, "utf8").trim().split("\\n")) {
  let n = Number(line) * $factor + $term;
  let numeral = "";
  for (const [value, letters] of parts) {
    while (n >= value) {
      numeral += letters;
      n -= value;
    }
  }
  console.log(numeral);
}
"""
    python_slips = (('(90, "XC"), ', ""), ("n >= value", "n > value"), (" + $term", ""))
    javascript_slips = (('[400, "CD"], ', ""), ("n >= value", "n > value"), ('[90, "XC"], ', ""))

    def parameters(self, rng: Rng) -> Parameters:
        return {"factor": integer(rng, 2, 9), "term": integer(rng, 1, 60)}

    def inputs(self, rng: Rng, p: Parameters) -> list[str]:
        # All residues of a unit: 4 and 9 occur in ones and tens.
        sizes = [1, 2, 9, 9, 3, 4]
        tens = "".join(f"{n}\n" for n in range(1, 400, 7))
        return [tens, *("".join(f"{n}\n" for n in integers(rng, size, 1, 399)) for size in sizes)]

    def solve(self, p: Parameters, *args: Any) -> str:
        numbers = [int(line) * p["factor"] + p["term"] for line in args[0].split()]
        return "".join(f"{_roman(n)}\n" for n in numbers)


class DateAfter(Family):
    """Count days."""

    name = "date_after"
    level = 2
    signature = "date_after(date)"
    statement = (
        "gets a date as a text of year, month and day, such as '2023-04-09', and returns the date $days days later in "
        "the same form. Leap years are those of the Gregorian calendar: 2000 was one, 1900 was not."
    )
    python = """
import datetime

def date_after(date):
    return str(datetime.date.fromisoformat(date) + datetime.timedelta(days=$days))
"""
    javascript = """
function date_after(date) {
  let [year, month, day] = date.split("-").map(Number);
  for (let left = $days; left > 0; left--) {
    const leap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
    const length = [31, leap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1];
    if (++day > length) {
      day = 1;
      if (++month > 12) {
        month = 1;
        year++;
      }
    }
  }
  return [String(year), String(month).padStart(2, "0"), String(day).padStart(2, "0")].join("-");
}
"""
    python_slips = (
        ("days=$days", "days=$days - 1"),
        ("return str(", "return date[:4] + str("),
        ("import datetime\n", ""),
    )
    javascript_slips = (
        ("leap ? 29 : 28", "28"),
        ('String(month).padStart(2, "0")', "String(month)"),
        (" || year % 400 === 0", ""),
    )

    def parameters(self, rng: Rng) -> Parameters:
        return {"days": integer(rng, 20, 500)}

    def inputs(self, rng: Rng, p: Parameters) -> list[tuple[str]]:
        # The day after is the 29th of February, the 1st of March of years that are no leap years, New Year.
        targets = ["2024-02-29", "2000-02-29", "1900-03-01", "2023-03-01", "2024-01-01", "2025-09-09"]
        days = datetime.timedelta(days=p["days"])
        edges = [str(datetime.date.fromisoformat(target) - days) for target in targets]
        drawn = [str(datetime.date(1950, 1, 1) + datetime.timedelta(days=n)) for n in integers(rng, 4, 0, 50_000)]
        return [(date,) for date in (*edges, *drawn)]

    def solve(self, p: Parameters, *args: Any) -> str:
        return datetime.date.fromordinal(datetime.date.fromisoformat(args[0]).toordinal() + p["days"]).isoformat()


def _roman(n: int) -> str:
    def places(digit: int, one: str, five: str, ten: str) -> str:
        if digit in (4, 9):
            return one + (five if digit == 4 else ten)
        return five * (digit >= 5) + one * (digit % 5)

    hundreds, tens = n // 100 % 10, n // 10 % 10
    return "M" * (n // 1000) + places(hundreds, *"CDM") + places(tens, *"XLC") + places(n % 10, *"IVX")
