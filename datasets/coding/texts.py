"""Level 2 and 3: texts."""

# ruff: noqa: D102  (the base class says what the methods do)

from __future__ import annotations

import textwrap
from collections import Counter
from itertools import groupby
from typing import Any

from .family import LETTERS, Family, Parameters, Rng, integer, integers, pick, word, words


class Caesar(Family):
    """Shift letters."""

    name = "caesar"
    level = 2
    signature = "encrypt(text)"
    statement = (
        "returns the text with each letter a-z moved $shift places along the alphabet, after z on to a, and each "
        "letter A-Z moved $back places back, before A on to Z; all other characters stay."
    )
    python = """
def encrypt(text):
    result = ""
    for c in text:
        if "a" <= c <= "z":
            c = chr((ord(c) - 97 + $shift) % 26 + 97)
        elif "A" <= c <= "Z":
            c = chr((ord(c) - 65 - $back) % 26 + 65)
        result += c
    return result
"""
    javascript = """
function encrypt(text) {
  const move = (c, base, by) => String.fromCharCode(((c.charCodeAt(0) - base + by + 26) % 26) + base);
  return text.replace(/[a-z]/g, (c) => move(c, 97, $shift)).replace(/[A-Z]/g, (c) => move(c, 65, -$back));
}
"""
    python_slips = (("+ $shift) % 26", "+ $shift) % 25"), ("- $back", "+ $back - 26"), ('elif "A"', 'elif "B"'))
    javascript_slips = (("% 26", "% 27"), ("/[a-z]/g", "/[a-z]/"), ("-$back", "0"))

    def parameters(self, rng: Rng) -> Parameters:
        return {"shift": integer(rng, 1, 25), "back": pick(rng, [n for n in range(1, 26) if n != 13])}

    def inputs(self, rng: Rng, p: Parameters) -> list[tuple[str]]:
        texts = [
            "",
            LETTERS,
            LETTERS.upper(),
            "A-z, 9!",
            *(" ".join(words(rng, 3, 6, LETTERS + "QXZ!2")) for _ in range(5)),
        ]
        return [(text,) for text in texts]

    def solve(self, p: Parameters, *args: Any) -> str:
        moved = LETTERS[p["shift"] :] + LETTERS[: p["shift"]]
        upper = LETTERS.upper()
        return str(args[0]).translate(str.maketrans(LETTERS + upper, moved + upper[-p["back"] :] + upper[: -p["back"]]))


class Roman(Family):
    """Write Roman numerals."""

    name = "roman"
    level = 2
    statement = (
        "Each line holds a positive integer n below 400. For each, print n*$factor+$term as a Roman numeral on a line"
        " of its own (4 is IV, 9 is IX, 40 is XL, 90 is XC, 400 is CD, 900 is CM)."
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


class RunLengths(Family):
    """Compress runs of equal letters."""

    name = "run_lengths"
    level = 2
    signature = "compress(text)"
    statement = (
        "returns the text of letters with each run of at least $least equal letters replaced by $form; shorter runs "
        "stay as they are."
    )
    python = """
def compress(text):
    result, start = "", 0
    for i in range(1, len(text) + 1):
        if i == len(text) or text[i] != text[start]:
            run = text[start:i]
            result += $python_form if len(run) >= $least else run
            start = i
    return result
"""
    javascript = """
function compress(text) {
  return text.replace(/(.)\\1*/g, (run, c) => (run.length >= $least ? $javascript_form : run));
}
"""
    python_slips = (("len(run) >= $least", "len(run) > $least"), ("i == len(text) or ", "i < len(text) and "))
    javascript_slips = (
        ("run.length >= $least", "run.length > $least"),
        ("run.length >= $least ? $javascript_form : run", "c"),
    )
    _forms = (
        ("the letter and the length", "run[0] + str(len(run))", "c + run.length"),
        ("the length and the letter", "str(len(run)) + run[0]", "run.length + c"),
        ("the letter, a star and the length", 'run[0] + "*" + str(len(run))', 'c + "*" + run.length'),
        ("the letter in upper case", "run[0].upper()", "c.toUpperCase()"),
        ("the length in brackets and the letter", '"[" + str(len(run)) + "]" + run[0]', '"[" + run.length + "]" + c'),
        ("the letter and the length in brackets", 'run[0] + "[" + str(len(run)) + "]"', 'c + "[" + run.length + "]"'),
    )

    def parameters(self, rng: Rng) -> Parameters:
        form, python_form, javascript_form = pick(rng, self._forms)
        return {
            "least": integer(rng, 2, 7),
            "form": form,
            "python_form": python_form,
            "javascript_form": javascript_form,
        }

    def key(self, p: Parameters) -> str:
        return f"{self.name} {p['least']} {p['form']}"

    def inputs(self, rng: Rng, p: Parameters) -> list[tuple[str]]:
        least = p["least"]
        edges = ["", "a", "b" * least, "c" * (least - 1), "d" * least + "e" * (least + 9) + "fd"]
        drawn = ["".join(letter * integer(rng, 1, least + 2) for letter in word(rng, 7, "abcx")) for _ in range(5)]
        return [(text,) for text in (*edges, *drawn)]

    def solve(self, p: Parameters, *args: Any) -> str:
        runs = [(letter, len(list(run))) for letter, run in groupby(args[0])]
        write = dict(zip((form for form, _, _ in self._forms), _RUN_FORMS, strict=True))[p["form"]]
        return "".join(write.format(c=c, n=n, C=c.upper()) if n >= p["least"] else c * n for c, n in runs)


_RUN_FORMS = ("{c}{n}", "{n}{c}", "{c}*{n}", "{C}", "[{n}]{c}", "{c}[{n}]")


class WordCounts(Family):
    """Count words."""

    name = "word_counts"
    level = 2
    statement = (
        "The input holds words of lower-case letters between blanks and line ends. Print each word of at least "
        "$letters letters that occurs at least $times times, with a blank and the number of times, one word a line: "
        "the most frequent first, equally frequent ones in alphabetical order. If there is none, print 'none'."
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
        return {"letters": integer(rng, 2, 7), "times": integer(rng, 2, 7)}

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
        for _ in range(4):
            pool = [word(rng, integer(rng, letters - 1, letters + 1)) for _ in range(6)]
            drawn.append("".join(pick(rng, pool) + pick(rng, " \n") for _ in range(6 * times)))
        return [*edges, *drawn]

    def solve(self, p: Parameters, *args: Any) -> str:
        counts = Counter(args[0].split())
        found = [found for found in counts if len(found) >= p["letters"] and counts[found] >= p["times"]]
        found = sorted(sorted(found), key=lambda each: -counts[each])
        return "".join(f"{each} {counts[each]}\n" for each in found) or "none\n"


class Brackets(Family):
    """Match brackets."""

    name = "brackets"
    level = 3
    signature = "bracket_depth(text)"
    statement = (
        "gets a text with brackets $open$close and other characters, which do not matter. It returns how deeply the "
        "brackets are nested at most, 0 if there are none, or -1 if they do not match: each opening one of $open "
        "needs its own closing one of $close (in this order), properly nested. A depth above $most counts as -1 too."
    )
    python = """
def bracket_depth(text):
    stack, depth = [], 0
    for c in text:
        if c in "$open":
            stack.append(c)
            depth = max(depth, len(stack))
        elif c in "$close":
            if not stack or "$open".index(stack.pop()) != "$close".index(c):
                return -1
    return -1 if stack or depth > $most else depth
"""
    javascript = """
function bracket_depth(text) {
  const stack = [];
  let depth = 0;
  for (const c of text) {
    if ("$open".includes(c)) {
      stack.push(c);
      depth = Math.max(depth, stack.length);
    } else if ("$close".includes(c)) {
      if (stack.length === 0 || "$open".indexOf(stack.pop()) !== "$close".indexOf(c)) return -1;
    }
  }
  return stack.length > 0 || depth > $most ? -1 : depth;
}
"""
    python_slips = (
        ("stack or depth > $most", "depth > $most"),
        ("depth > $most", "depth >= $most"),
        ("not stack or ", "stack and "),
    )
    javascript_slips = (
        ("stack.length > 0 || ", ""),
        (" || depth > $most", ""),
        ('"$open".indexOf(stack.pop()) !== "$close".indexOf(c)', "!stack.pop()"),
    )

    def parameters(self, rng: Rng) -> Parameters:
        pairs = ("()", "[]", "{}", "<>")
        chosen = [pairs[int(i)] for i in rng.choice(4, integer(rng, 2, 4), replace=False)]
        return {
            "open": "".join(pair[0] for pair in chosen),
            "close": "".join(pair[1] for pair in chosen),
            "most": integer(rng, 3, 9),
        }

    def inputs(self, rng: Rng, p: Parameters) -> list[tuple[str]]:
        first, second, most = p["open"][0] + p["close"][0], p["open"][1] + p["close"][1], p["most"]
        crossed = first[0] + second[0] + first[1] + second[1]
        deep = [first[0] * n + "x" + first[1] * n for n in (most, most + 1)]
        edges = ["", "abc", crossed, first[0], first[1], first + second, f"{first[0]}{second}{first[1]}", *deep]
        return [(text,) for text in (*edges, *(self._draw(rng, p) for _ in range(4)))]

    def _draw(self, rng: Rng, p: Parameters) -> str:
        """A text that mostly matches."""
        text, stack = "", ""
        for _ in range(16):
            if stack and rng.random() < 0.5:
                text, stack = text + stack[-1], stack[:-1]
            else:
                i = integer(rng, 0, len(p["open"]) - 1)
                text, stack = text + pick(rng, ("", "a", "1 ")) + p["open"][i], stack + p["close"][i]
        return text + stack[::-1] + str(pick(rng, ("", "", "", p["close"][-1])))

    def solve(self, p: Parameters, *args: Any) -> int:
        text, depth = "".join(c for c in args[0] if c in p["open"] + p["close"]), 0
        while text:
            shorter = text
            for pair in map("".join, zip(p["open"], p["close"], strict=True)):
                shorter = shorter.replace(pair, "\0")
            # One layer of innermost pairs is taken off at a time.
            if shorter == text:
                return -1
            text, depth = shorter.replace("\0", ""), depth + 1
        return self._depth(args[0], p)

    def _depth(self, text: str, p: Parameters) -> int:
        levels, level = [0], 0
        for c in text:
            level += (c in p["open"]) - (c in p["close"])
            levels.append(level)
        return max(levels) if max(levels) <= p["most"] else -1


class WrapText(Family):
    """Set a text in lines."""

    name = "wrap_text"
    level = 3
    statement = (
        "The input is a text of words between blanks and line ends, none longer than $width letters. Print it in "
        "lines of at most $width characters: as many words on each line as fit, one blank between them, each line "
        "moved to the $side by filling it up with the character '$filler' to $width characters. Print nothing if "
        "there is no word."
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


class Vigenere(Family):
    """Shift letters by a key word."""

    name = "vigenere"
    level = 3
    signature = "encrypt(text)"
    statement = (
        "returns the text, of letters a-z and blanks, with each letter moved along the alphabet by the place (a: 0, "
        "b: 1, and so on) of the letter that stands above it when the key '$key' is written over the letters again "
        "and again; after z on to a. Blanks stay, and take no letter of the key."
    )
    python = """
def encrypt(text):
    result, used = "", 0
    for c in text:
        if c != " ":
            shift = ord("$key"[used % len("$key")]) - 97
            c = chr((ord(c) - 97 + shift) % 26 + 97)
            used += 1
        result += c
    return result
"""
    javascript = """
function encrypt(text) {
  let used = 0;
  return text.replace(/[a-z]/g, (c) => {
    const shift = "$key".charCodeAt(used++ % "$key".length) - 97;
    return String.fromCharCode(((c.charCodeAt(0) - 97 + shift) % 26) + 97);
  });
}
"""
    python_slips = (
        ("            used += 1\n        result += c", "        used += 1\n        result += c"),
        ("+ shift) % 26", "+ shift)"),
    )
    javascript_slips = (("/[a-z]/g", "/[a-z ]/g"), ("used++", "used"))

    def parameters(self, rng: Rng) -> Parameters:
        key = [*word(rng, integer(rng, 3, 6))]
        key[0], key[1] = "b", pick(rng, "efghkmnxz")  # so that no key is the same letter all through
        return {"key": "".join(key)}

    def inputs(self, rng: Rng, p: Parameters) -> list[tuple[str]]:
        texts = ["", "a b c d e f g h i j", "z" * 8, " x  yz ", *(" ".join(words(rng, 4, 6)) for _ in range(5))]
        return [(text,) for text in texts]

    def solve(self, p: Parameters, *args: Any) -> str:
        letters = [c for c in args[0] if c != " "]
        moved = iter(
            LETTERS[(LETTERS.index(c) + LETTERS.index(p["key"][i % len(p["key"])])) % 26] for i, c in enumerate(letters)
        )
        return "".join(" " if c == " " else next(moved) for c in args[0])


class Flatten(Family):
    """Go into nested lists."""

    name = "flatten"
    level = 3
    signature = "weigh(items)"
    statement = (
        "gets a list of integers and lists, which hold integers and lists again, and so on. It returns the sum of all"
        " integers, each multiplied by $factor once for each list around it but the outermost; what lies in more than"
        " $depth lists (the outermost counts as one) does not count."
    )
    python = """
def weigh(items, depth=1):
    if depth > $depth:
        return 0
    return sum($factor * weigh(item, depth + 1) if isinstance(item, list) else item for item in items)
"""
    javascript = """
function weigh(items, depth = 1) {
  if (depth > $depth) return 0;
  return items.reduce((sum, item) => sum + (Array.isArray(item) ? $factor * weigh(item, depth + 1) : item), 0);
}
"""
    python_slips = (("depth > $depth", "depth >= $depth"), ("$factor * ", ""), ("depth + 1", "depth"))
    javascript_slips = (("depth > $depth", "depth >= $depth"), ("$factor * ", ""), ("depth + 1", "depth"))

    def parameters(self, rng: Rng) -> Parameters:
        return {"factor": pick(rng, [-3, -2, 2, 3, 4, 5, 6, 7]), "depth": integer(rng, 2, 6)}

    def inputs(self, rng: Rng, p: Parameters) -> list[tuple[list[Any]]]:
        depth = p["depth"]
        edges: list[list[Any]] = [
            [],
            [[]],
            [1, [2, [3]], 4],
            _nested(1, depth - 1),
            _nested(1, depth),
            [5, *_nested(2, depth + 1)],
        ]
        return [(items,) for items in (*edges, *(self._draw(rng, depth + 2) for _ in range(5)))]

    def _draw(self, rng: Rng, depth: int) -> list[Any]:
        deeper = [self._draw(rng, depth - 1)] if depth > 1 else []
        return [*integers(rng, integer(rng, 0, 2), -9, 9), *deeper, integer(rng, 1, 9)]

    def solve(self, p: Parameters, *args: Any) -> int:
        total, layer = 0, list(args[0])
        for depth in range(p["depth"]):
            total += p["factor"] ** depth * sum(item for item in layer if isinstance(item, int))
            layer = [inner for item in layer if isinstance(item, list) for inner in item]
        return int(total)


def _nested(value: int, lists: int) -> list[Any]:
    """A value inside so many lists more than one."""
    return [_nested(value, lists - 1)] if lists else [value]


def _roman(n: int) -> str:
    def places(digit: int, one: str, five: str, ten: str) -> str:
        if digit in (4, 9):
            return one + (five if digit == 4 else ten)
        return five * (digit >= 5) + one * (digit % 5)

    hundreds, tens = n // 100 % 10, n // 10 % 10
    return "M" * (n // 1000) + places(hundreds, *"CDM") + places(tens, *"XLC") + places(n % 10, *"IVX")


FAMILIES: tuple[Family, ...] = (
    Caesar(),
    Roman(),
    RunLengths(),
    WordCounts(),
    Brackets(),
    WrapText(),
    Vigenere(),
    Flatten(),
)
