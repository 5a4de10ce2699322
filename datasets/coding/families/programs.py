"""Programs that read lines and print lines."""

from __future__ import annotations

import textwrap
from collections import Counter
from typing import Any

from ...drawing import Rng, integer, integers, pick, word, words
from ..family import Family, Language, Parameters


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
    statement = (
        "Each line holds one integer x, and there is at least one line. For each x, in the same order, print "
        "$a*x+$b on a line of its own."
    )
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
        "The only line holds a word of lower-case letters. Print it $count times on one line, with '$separator' between"
        " the repetitions, but not before the first or after the last."
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


class WordCounts(Family):
    """Count words."""

    name = "word_counts"
    level = 2
    statement = (
        "The input holds words of lower-case letters, separated by blanks and line ends; it may be empty. Print each "
        "word of at least $letters letters that occurs at least $times times, followed by a blank and the number of "
        "times, one word a line: the most frequent first, equally frequent ones in alphabetical order. If there is no "
        "such word, print 'none'."
    )
    python = """
import sys
from collections import Counter

counts = Counter(word for word in sys.stdin.read().split() if len(word) >= $letters)
chosen = sorted((-count, word) for word, count in counts.items() if count >= $times)
for count, word in chosen:
    print(word, -count)
if not chosen:
    print("none")
"""
    javascript = """
const counts = new Map();
for (const word of require("fs").readFileSync(0, "utf8").split(/\\s+/)) {
  if (word.length >= $letters) counts.set(word, (counts.get(word) || 0) + 1);
}
const chosen = [...counts].filter(([, count]) => count >= $times);
chosen.sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
for (const [word, count] of chosen) console.log(word + " " + count);
if (chosen.length === 0) console.log("none");
"""
    python_slips = (
        ("count >= $times", "count > $times"),
        ("(-count, word)", "(count, word)"),
        ("len(word) >= $letters", "word"),
    )
    javascript_slips = (
        ("count >= $times", "count > $times"),
        (" || (a[0] < b[0] ? -1 : 1)", ""),
        ("split(/\\s+/)", 'split(" ")'),
    )

    def parameters(self, rng: Rng) -> Parameters:
        return {"letters": integer(rng, 2, 12), "times": integer(rng, 2, 11)}

    def inputs(self, rng: Rng, p: Parameters) -> list[str]:
        letters, times = p["letters"], p["times"]
        exact, short = "b" * letters, "x" * (letters - 1)
        first, second = "a" * letters, "c" * (letters + 1)
        edges = [
            "",
            f"{exact} " * times + "\n",
            f"{exact} " * (times - 1) + f"{short} " * (times + 3) + "\n",
            f"{second}\n{exact}\n{first}\n" * times + exact + "\n",
        ]
        drawn = []
        for _ in range(6):
            pool = [word(rng, integer(rng, letters - 1, letters + 1)) for _ in range(6)]
            drawn.append("".join(pick(rng, pool) + pick(rng, " \n") for _ in range(6 * times)))
        return [*edges, *drawn]

    def solve(self, p: Parameters, *args: Any) -> str:
        counts = Counter(args[0].split())
        found = [found for found in counts if len(found) >= p["letters"] and counts[found] >= p["times"]]
        found = sorted(sorted(found), key=lambda each: -counts[each])
        return "".join(f"{each} {counts[each]}\n" for each in found) or "none\n"


class WrapText(Family):
    """Set a text in lines."""

    name = "wrap_text"
    level = 3
    statement = (
        "The input is a text of words separated by blanks and line ends; no word is longer than $width letters. Print "
        "the text in lines of exactly $width characters: put as many words on each line as fit, with one blank between "
        "them, and fill the line up with the character '$filler' so that the words stand at its $side end. Print "
        "nothing if there is no word."
    )
    python = """
import sys

line = ""
for word in sys.stdin.read().split():
    if line and len(line) + 1 + len(word) > $width:
        print(line.$python_side($width, "$filler"))
        line = word
    else:
        line = line + " " + word if line else word
if line:
    print(line.$python_side($width, "$filler"))
"""
    javascript = """
let line = "";
const show = () => console.log(line.$javascript_side($width, "$filler"));
for (const word of require("fs").readFileSync(0, "utf8").split(/\\s+/).filter(Boolean)) {
  if (line && line.length + 1 + word.length > $width) {
    show();
    line = word;
  } else {
    line = line ? line + " " + word : word;
  }
}
if (line) show();
"""
    python_slips = (
        ("> $width", ">= $width"),
        ("len(line) + 1 + len(word)", "len(line) + len(word)"),
        ("if line:\n", "if not line:\n"),
    )
    javascript_slips = (
        ("> $width", ">= $width"),
        ("line.length + 1 + word.length", "line.length + word.length"),
        ("if (line) show();", ""),
    )

    def parameters(self, rng: Rng) -> Parameters:
        side = pick(rng, ("left", "right"))
        sides = {"left": ("ljust", "padEnd"), "right": ("rjust", "padStart")}
        python_side, javascript_side = sides[side]
        return {
            "width": integer(rng, 8, 30),
            "side": side,
            "filler": pick(rng, ".-*#_"),
            "python_side": python_side,
            "javascript_side": javascript_side,
        }

    def inputs(self, rng: Rng, p: Parameters) -> list[str]:
        width = p["width"]
        full = "a" * (width - 4) + " bcd"  # fills a line to its last place
        edges = ["", "word\n", f"{full} {full}\n", "e" * width + " f\n", "a" * (width - 3) + " bcd e\n"]
        return [*edges, *(" ".join(words(rng, 12, min(8, width))) + "\n" for _ in range(4))]

    def solve(self, p: Parameters, *args: Any) -> str:
        wrapped = textwrap.wrap(args[0], p["width"], break_long_words=False)
        align = "<" if p["side"] == "left" else ">"
        return "".join(f"{line:{p['filler']}{align}{p['width']}}\n" for line in wrapped)


def lines(values: list[Any]) -> str:
    """Each value on a line."""
    return "".join(f"{value}\n" for value in values)
