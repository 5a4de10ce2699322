"""Texts, letter by letter."""

from __future__ import annotations

from itertools import groupby
from typing import Any

from ...drawing import LETTERS, Rng, integer, pick, sample, word, words
from ..family import Family, Parameters


class CountLetter(Family):
    """Count a letter in a text."""

    name = "count_letter"
    level = 1
    signature = "count_letter(text)"
    statement = (
        "returns how many characters of the text are the letter '$first' or the letter '$second', in upper or lower "
        "case."
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
        first, second = sorted(sample(rng, LETTERS, 2))
        return {"first": first, "second": second}

    def inputs(self, rng: Rng, p: Parameters) -> list[tuple[str]]:
        first, second = p["first"], p["second"]
        some = first + second + first.upper() + second.upper() + LETTERS[:6]
        texts = ["", first.upper() + second, second * 3, *(" ".join(words(rng, 4, 6, some)) for _ in range(4))]
        return [(text,) for text in texts]

    def solve(self, p: Parameters, *args: Any) -> int:
        return sum(char.lower() in (p["first"], p["second"]) for char in args[0])


class Caesar(Family):
    """Shift letters."""

    name = "caesar"
    level = 2
    signature = "encrypt(text)"
    statement = (
        "returns the text with each letter a-z moved $shift places along the alphabet, going on with a after z, and "
        "each letter A-Z moved $back places back, going on with Z before A; all other characters stay as they are."
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


class RunLengths(Family):
    """Compress runs of equal letters."""

    name = "run_lengths"
    level = 3
    signature = "compress(text)"
    statement = (
        "gets a text of lower-case letters and returns it with each run of at least $least equal letters replaced by "
        "$form; shorter runs stay as they are. A run is as long as it can be: it ends at another letter or at the end "
        "of the text."
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

    def parameters(self, rng: Rng) -> Parameters:
        least, sign = integer(rng, 2, 9), pick(rng, "*:-=/+_")
        if rng.random() < 0.5:
            form = f"the letter, the sign '{sign}' and the length of the run (such as a{sign}12)"
            python_form, javascript_form = f'run[0] + "{sign}" + str(len(run))', f'c + "{sign}" + run.length'
        else:
            form = f"the length of the run, the sign '{sign}' and the letter (such as 12{sign}a)"
            python_form, javascript_form = f'str(len(run)) + "{sign}" + run[0]', f'run.length + "{sign}" + c'
        return {"least": least, "form": form, "python_form": python_form, "javascript_form": javascript_form}

    def key(self, p: Parameters) -> str:
        return f"{self.name} {p['least']} {p['python_form']}"

    def inputs(self, rng: Rng, p: Parameters) -> list[tuple[str]]:
        least = p["least"]
        edges = [
            "",
            "b" * least,
            "fa" + "b" * least,
            "c" * (least - 1) + "d" * least,
            "d" * least + "e" * (least + 9) + "fd",
        ]
        drawn = ["".join(letter * integer(rng, 1, least + 2) for letter in word(rng, 7, "abcx")) for _ in range(5)]
        return [(text,) for text in (*edges, *drawn)]

    def solve(self, p: Parameters, *args: Any) -> str:
        _, example = p["form"].split("(such as ")
        result = ""
        for letter, equal in groupby(args[0]):
            run = "".join(equal)
            long = len(run) >= p["least"]
            result += example.rstrip(")").replace("a", letter).replace("12", str(len(run))) if long else run
        return result


class Vigenere(Family):
    """Shift letters by a key word."""

    name = "vigenere"
    level = 3
    signature = "encrypt(text)"
    statement = (
        "gets a text of letters a-z and blanks. The key '$key' is written over its letters again and again, leaving out"
        " the blanks. It returns the text with each letter moved along the alphabet by as many places as the letter of "
        "the key above it says (a: 0, b: 1, and so on), going on with a after z; blanks stay where they are."
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

    def key(self, p: Parameters) -> str:
        # A key that repeats itself asks for the same as its shortest part.
        key: str = p["key"]
        return f"{self.name} {key[: (key + key).index(key, 1)]}"

    def inputs(self, rng: Rng, p: Parameters) -> list[tuple[str]]:
        texts = ["", "a b c d e f g h i j", "z" * 8, " x  yz ", *(" ".join(words(rng, 4, 6)) for _ in range(5))]
        return [(text,) for text in texts]

    def solve(self, p: Parameters, *args: Any) -> str:
        letters = [c for c in args[0] if c != " "]
        moved = iter(
            LETTERS[(LETTERS.index(c) + LETTERS.index(p["key"][i % len(p["key"])])) % 26] for i, c in enumerate(letters)
        )
        return "".join(" " if c == " " else next(moved) for c in args[0])
