"""Level 4: dynamic programming, simulation, parsing, counting, geometry."""

# ruff: noqa: D102  (the base class says what the methods do)

from __future__ import annotations

from itertools import product
from typing import Any

from .family import Family, Parameters, Rng, integer, integers, pick, word


class EditDistance(Family):
    """Change one text into another."""

    name = "edit_distance"
    level = 4
    signature = "distance(first, second)"
    statement = (
        "returns the least cost of changing the first text into the second, where putting in a letter costs $insert, "
        "taking one out costs $delete, and replacing one by another costs $replace."
    )
    python = """
def distance(first, second):
    row = [j * $insert for j in range(len(second) + 1)]
    for a in first:
        above, row = row, [row[0] + $delete]
        for j, b in enumerate(second):
            row.append(min(above[j] + (0 if a == b else $replace), above[j + 1] + $delete, row[j] + $insert))
    return row[-1]
"""
    javascript = """
function distance(first, second) {
  let row = Array.from({ length: second.length + 1 }, (_, j) => j * $insert);
  for (const a of first) {
    const next = [row[0] + $delete];
    for (let j = 0; j < second.length; j++) {
      next.push(Math.min(row[j] + (a === second[j] ? 0 : $replace), row[j + 1] + $delete, next[j] + $insert));
    }
    row = next;
  }
  return row[second.length];
}
"""
    python_slips = (("j * $insert", "j"), (", row[j] + $insert", ""), ("0 if a == b else $replace", "$replace"))
    javascript_slips = (("j * $insert", "0"), (", row[j + 1] + $delete", ""), ("a === second[j] ? 0 : $replace", "0"))

    def parameters(self, rng: Rng) -> Parameters:
        insert, delete = integer(rng, 2, 9), integer(rng, 2, 9)
        return {"insert": insert, "delete": delete, "replace": integer(rng, 1, insert + delete - 1)}

    def inputs(self, rng: Rng, p: Parameters) -> list[tuple[str, str]]:
        edges = [
            ("", ""),
            ("", "abc"),
            ("abc", ""),
            ("same", "same"),
            ("xabcdef", "abcdefy"),
            ("abcdefgh", "bcd"),
            ("bcd", "abcdefgh"),
            ("a", "b"),
        ]
        return [*edges, *((self._draw(rng), self._draw(rng)) for _ in range(5))]

    def _draw(self, rng: Rng) -> str:
        return word(rng, integer(rng, 3, 9), "abc")

    def solve(self, p: Parameters, *args: Any) -> int:
        first, second = args
        cost: dict[tuple[int, int], int] = {}
        for i, j in product(range(len(first) + 1), range(len(second) + 1)):
            changed = 0 if first[i - 1 : i] == second[j - 1 : j] else p["replace"]
            ways = [
                *([cost[i - 1, j - 1] + changed] if i and j else []),
                *([cost[i - 1, j] + p["delete"]] if i else []),
                *([cost[i, j - 1] + p["insert"]] if j else []),
            ]
            cost[i, j] = min(ways, default=0)
        return cost[len(first), len(second)]


class LruCache(Family):
    """Simulate a cache."""

    name = "lru_cache"
    level = 4
    signature = "misses(keys)"
    statement = (
        "simulates a cache for $capacity keys that is asked for the given keys (integers) one after another. A key "
        "that is not there is a miss and is put in; if the cache was full, the key that has not been asked for "
        "longest leaves it. Keys divisible by $bypass are never put in (each is a miss). Returns the list of the "
        "indices of all misses."
    )
    python = """
def misses(keys):
    cache, missed = [], []
    for i, key in enumerate(keys):
        if key in cache:
            cache.remove(key)
            cache.append(key)
            continue
        missed.append(i)
        if key % $bypass:
            if len(cache) == $capacity:
                cache.pop(0)
            cache.append(key)
    return missed
"""
    javascript = """
function misses(keys) {
  const cache = new Set();
  const missed = [];
  keys.forEach((key, i) => {
    if (!cache.delete(key)) {
      missed.push(i);
      if (key % $bypass === 0) return;
      if (cache.size === $capacity) cache.delete(cache.values().next().value);
    }
    cache.add(key);
  });
  return missed;
}
"""
    python_slips = (
        ("            cache.remove(key)\n            cache.append(key)\n", ""),
        ("cache.pop(0)", "cache.pop()"),
        ("if key % $bypass:", "if True:"),
    )
    javascript_slips = (
        ("!cache.delete(key)", "!cache.has(key)"),
        ("=== $capacity", "> $capacity"),
        ("if (key % $bypass === 0) return;", ""),
    )

    def parameters(self, rng: Rng) -> Parameters:
        return {"capacity": integer(rng, 2, 6), "bypass": integer(rng, 2, 12)}

    def inputs(self, rng: Rng, p: Parameters) -> list[tuple[list[int]]]:
        capacity, bypass = p["capacity"], p["bypass"]
        keys = [n for n in range(1, 50) if n % bypass]
        full = keys[:capacity]
        edges = [
            [],
            [*full, full[0], keys[capacity], *full, keys[capacity]],
            [*full, keys[capacity], *reversed(full), keys[capacity]],
            [bypass, bypass, bypass, 1, 1],
            [*keys[: capacity + 1], keys[0], keys[1]],
        ]
        pool = [*keys[: capacity + 2], bypass]
        return [(drawn,) for drawn in (*edges, *([pick(rng, pool) for _ in range(20)] for _ in range(5)))]

    def solve(self, p: Parameters, *args: Any) -> list[int]:
        asked: dict[int, int] = {}
        missed = []
        for i, key in enumerate(args[0]):
            # In the cache are the keys asked for last.
            kept = sorted((each for each in asked if each % p["bypass"]), key=lambda each: -asked[each])[
                : p["capacity"]
            ]
            if key not in kept:
                missed.append(i)
            asked[key] = i
        return missed


class LongestSteps(Family):
    """The longest rising subsequence with limits on its steps."""

    name = "longest_steps"
    level = 4
    signature = "longest(numbers)"
    statement = (
        "returns the length of the longest subsequence of the integers (elements in their order, not necessarily "
        "neighbours) in which each element is larger than the one before it by at least $low and at most $high."
    )
    python = """
def longest(numbers):
    best = []
    for i, n in enumerate(numbers):
        best.append(1 + max((best[j] for j in range(i) if $low <= n - numbers[j] <= $high), default=0))
    return max(best, default=0)
"""
    javascript = """
function longest(numbers) {
  const best = numbers.map(() => 1);
  for (let i = 0; i < numbers.length; i++) {
    for (let j = 0; j < i; j++) {
      const step = numbers[i] - numbers[j];
      if (step >= $low && step <= $high) best[i] = Math.max(best[i], best[j] + 1);
    }
  }
  return Math.max(0, ...best);
}
"""
    python_slips = (("$low <= n", "$low < n"), ("<= $high", "< $high"), (" - numbers[j] <= $high", " - numbers[j]"))
    javascript_slips = (
        ("step >= $low", "step > $low"),
        ("step <= $high", "step < $high"),
        ("Math.max(0, ...best)", "Math.max(...best)"),
    )

    def parameters(self, rng: Rng) -> Parameters:
        low = integer(rng, 1, 6)
        return {"low": low, "high": low + integer(rng, 2, 12)}

    def inputs(self, rng: Rng, p: Parameters) -> list[tuple[list[int]]]:
        low, high = p["low"], p["high"]
        edges = [
            [],
            [5],
            [9, 8, 7],
            [0, low, 2 * low],
            [0, high, 2 * high, 50],
            [0, high + 1, 2 * high + 2],
            [3, low + 2, 3 + low],
        ]
        return [(numbers,) for numbers in (*edges, *(integers(rng, 14, 0, 5 * high) for _ in range(5)))]

    def solve(self, p: Parameters, *args: Any) -> int:
        # The longest that ends at each value met so far.
        ends: dict[int, int] = {}
        for n in args[0]:
            before = [ends.get(n - step, 0) for step in range(p["low"], p["high"] + 1)]
            ends[n] = max(ends.get(n, 0), max(before) + 1)
        return max(ends.values(), default=0)


class LatticePoints(Family):
    """Count points in a triangle."""

    name = "lattice_points"
    level = 4
    signature = "points_inside(a, b, c)"
    statement = (
        "gets the corners of a triangle as [x, y] with integer coordinates. It returns how many points with integer "
        "coordinates, x divisible by $x_step and y divisible by $y_step, lie inside it$border. A triangle whose "
        "corners lie on one line has no inside$flat."
    )
    python = """
def points_inside(a, b, c):
    side = lambda p, q, x, y: (q[0] - p[0]) * (y - p[1]) - (q[1] - p[1]) * (x - p[0])
    if side(a, b, *c) == 0:
        return 0
    if side(a, b, *c) < 0:
        b, c = c, b
    xs, ys = zip(a, b, c)
    count = 0
    for x in range(min(xs), max(xs) + 1):
        for y in range(min(ys), max(ys) + 1):
            if x % $x_step == 0 and y % $y_step == 0:
                count += min(side(a, b, x, y), side(b, c, x, y), side(c, a, x, y)) >= $least
    return count
"""
    javascript = """
function points_inside(a, b, c) {
  const side = (p, q, x, y) => (q[0] - p[0]) * (y - p[1]) - (q[1] - p[1]) * (x - p[0]);
  const area = side(a, b, c[0], c[1]);
  if (area === 0) return 0;
  if (area < 0) [b, c] = [c, b];
  let count = 0;
  for (let x = Math.min(a[0], b[0], c[0]); x <= Math.max(a[0], b[0], c[0]); x++) {
    for (let y = Math.min(a[1], b[1], c[1]); y <= Math.max(a[1], b[1], c[1]); y++) {
      if (x % $x_step !== 0 || y % $y_step !== 0) continue;
      if (Math.min(side(a, b, x, y), side(b, c, x, y), side(c, a, x, y)) >= $least) count++;
    }
  }
  return count;
}
"""
    python_slips = (
        (">= $least", ">= 1 - $least"),
        ("        b, c = c, b\n", "        pass\n"),
        ("    if side(a, b, *c) == 0:\n        return 0\n", "    if side(a, b, *c) == 0:\n        return 1\n"),
    )
    javascript_slips = (
        (">= $least", ">= 1 - $least"),
        ("if (area < 0) [b, c] = [c, b];", ""),
        ("x % $x_step !== 0 || ", ""),
    )

    def parameters(self, rng: Rng) -> Parameters:
        least = integer(rng, 0, 1)
        border = " (points on the border do not count)" if least else " or on its border"
        flat = "" if least else " and no border"
        return {
            "x_step": integer(rng, 2, 6),
            "y_step": integer(rng, 1, 6),
            "least": least,
            "border": border,
            "flat": flat,
        }

    def inputs(self, rng: Rng, p: Parameters) -> list[tuple[list[int], list[int], list[int]]]:
        x, y = 6 * p["x_step"], 6 * p["y_step"]
        edges = [
            ([0, 0], [x, 0], [0, y]),
            ([0, y], [x, 0], [0, 0]),
            ([0, 0], [x, y], [2 * x, 2 * y]),
            ([-x, -y], [x, -y], [0, y]),
            ([1, 1], [1, 1], [1, 1]),
        ]
        return [*edges, *(self._draw(rng) for _ in range(6))]

    def _draw(self, rng: Rng) -> tuple[list[int], list[int], list[int]]:
        a, b, c = (integers(rng, 2, -20, 20) for _ in range(3))
        return a, b, c

    def solve(self, p: Parameters, *args: Any) -> int:
        (ax, ay), (bx, by), (cx, cy) = args
        whole = abs((bx - ax) * (cy - ay) - (by - ay) * (cx - ax))
        count = 0
        corners = (((ax, ay), (bx, by)), ((bx, by), (cx, cy)), ((cx, cy), (ax, ay)))
        xs, ys = (range(min(sides), max(sides) + 1) for sides in ((ax, bx, cx), (ay, by, cy)))
        for x, y in product(xs, ys):
            if not whole or x % p["x_step"] or y % p["y_step"]:
                continue
            # A point is inside if the three triangles that it makes with the sides fill the whole.
            parts = [abs((u - x) * (t - y) - (v - y) * (s - x)) for (u, v), (s, t) in corners]
            count += sum(parts) == whole and min(parts) >= p["least"]
        return count


class StackMachine(Family):
    """Run a program for a small machine."""

    name = "stack_machine"
    level = 4
    statement = (
        "The input is a program for a stack machine, one instruction a line. 'push n' puts an integer on the stack, "
        "modulo $modulus. 'add', 'sub' and 'mul' take the top b and the a below it and put a+b, a-b or a*b in their "
        "place, modulo $modulus (from 0 to $top). 'dup' doubles the top. 'swap' exchanges the two at the top. 'jump "
        "n' takes the top and, if it is not 0, goes on with instruction n (counted from 0). The program ends after "
        "its last instruction, after $limit instructions have been carried out, or at an instruction that finds too "
        "little on the stack, which then does nothing. Print the stack from bottom to top on one line, with blanks "
        "between, or 'empty'."
    )
    python = """
import sys

program = [line.split() for line in sys.stdin if line.strip()]
stack, at, steps = [], 0, 0
while at < len(program):
    steps += 1
    name, *number = program[at]
    needs = {"push": 0, "dup": 1, "jump": 1}.get(name, 2)
    if steps > $limit or len(stack) < needs:
        break
    at += 1
    if name == "push":
        stack.append(int(number[0]) % $modulus)
    elif name == "dup":
        stack.append(stack[-1])
    elif name == "jump":
        if stack.pop() != 0:
            at = int(number[0])
    else:
        b, a = stack.pop(), stack.pop()
        if name == "swap":
            stack += [b, a]
        else:
            stack.append({"add": a + b, "sub": a - b, "mul": a * b}[name] % $modulus)
print(*stack or ["empty"])
"""
    javascript = """
const program = require("fs").readFileSync(0, "utf8").split("\\n").filter(Boolean).map((line) => line.split(" "));
const stack = [];
const wrap = (n) => ((n % $modulus) + $modulus) % $modulus;
const needs = { push: 0, dup: 1, jump: 1, add: 2, sub: 2, mul: 2, swap: 2 };
for (let at = 0, steps = 1; at < program.length; steps++) {
  const [name, number] = program[at++];
  if (steps > $limit || stack.length < needs[name]) break;
  if (name === "push") stack.push(wrap(Number(number)));
  else if (name === "dup") stack.push(stack[stack.length - 1]);
  else if (name === "jump") {
    if (stack.pop() !== 0) at = Number(number);
  } else {
    const b = stack.pop();
    const a = stack.pop();
    if (name === "swap") stack.push(b, a);
    else stack.push(wrap(name === "add" ? a + b : name === "sub" ? a - b : a * b));
  }
}
console.log(stack.length ? stack.join(" ") : "empty");
"""
    python_slips = (
        ("len(stack) < needs", "not stack and needs"),
        ("> $limit", ">= $limit"),
        ('"sub": a - b', '"sub": b - a'),
    )
    javascript_slips = (
        ("+ $modulus) % $modulus", ")"),
        ("> $limit", ">= $limit"),
        ("stack.push(b, a)", "stack.push(a, b)"),
    )

    def parameters(self, rng: Rng) -> Parameters:
        modulus = integer(rng, 11, 99)
        return {"modulus": modulus, "top": modulus - 1, "limit": integer(rng, 30, 60)}

    def inputs(self, rng: Rng, p: Parameters) -> list[str]:
        edges = [
            [],
            ["push 3", "add"],
            ["push 2", "push 5", "sub", "push 7", "swap"],
            [f"push {p['modulus'] + 1}", "push -1"],
            # Counts without end, an odd number of instructions a round, so that the limit can be seen.
            ["push 1", "push 1", "add", "push 1", "jump 1"],
            ["push 0", "push 1", "push 1", "jump 1"],
        ]
        return ["".join(f"{line}\n" for line in program) for program in (*edges, *(self._draw(rng) for _ in range(5)))]

    def _draw(self, rng: Rng) -> list[str]:
        pushes = [f"push {n}" for n in integers(rng, 4, 0, 99)]
        return [*pushes, *(pick(rng, ("add", "sub", "mul", "dup", "swap", "push 7", "dup")) for _ in range(9))]

    def solve(self, p: Parameters, *args: Any) -> str:
        program = [line.split() for line in args[0].splitlines()]
        stack: list[int] = []
        at = 0
        for _ in range(p["limit"]):
            if at >= len(program):
                break
            match program[at], stack:
                case ["push", n], _:
                    stack = [*stack, int(n) % p["modulus"]]
                case ["dup"], [*rest, a]:
                    stack = [*rest, a, a]
                case ["jump", n], [*rest, a]:
                    stack, at = rest, int(n) - 1 if a else at
                case ["swap"], [*rest, a, b]:
                    stack = [*rest, b, a]
                case [("add" | "sub" | "mul") as name], [*rest, a, b]:
                    stack = [*rest, {"add": a + b, "sub": a - b, "mul": a * b}[name] % p["modulus"]]
                case _:
                    break
            at += 1
        return (" ".join(map(str, stack)) or "empty") + "\n"


class CountTexts(Family):
    """Count texts with a rule."""

    name = "count_texts"
    level = 4
    signature = "count_texts(n)"
    statement = (
        "returns how many texts of n letters from an alphabet of $letters letters have no run of more than $run equal"
        " letters, modulo $modulus. There is one text of 0 letters."
    )
    python = """
def count_texts(n):
    if n == 0:
        return 1
    runs = [$letters] + [0] * ($run - 1)
    for _ in range(n - 1):
        runs = [sum(runs) * ($letters - 1) % $modulus] + runs[:-1]
    return sum(runs) % $modulus
"""
    javascript = """
function count_texts(n) {
  if (n === 0) return 1;
  let runs = [$letters, ...Array($run - 1).fill(0)];
  for (let i = 1; i < n; i++) {
    const total = runs.reduce((a, b) => a + b, 0);
    runs = [(total * ($letters - 1)) % $modulus, ...runs.slice(0, -1)];
  }
  return runs.reduce((a, b) => a + b, 0) % $modulus;
}
"""
    python_slips = (
        ("    if n == 0:\n        return 1\n", ""),
        ("[0] * ($run - 1)", "[0] * $run"),
        ("runs[:-1]", "runs"),
    )
    javascript_slips = (
        ("if (n === 0) return 1;", ""),
        ("Array($run - 1)", "Array($run)"),
        ("($letters - 1)", "$letters"),
    )

    def parameters(self, rng: Rng) -> Parameters:
        return {"letters": integer(rng, 2, 6), "run": integer(rng, 2, 5), "modulus": pick(rng, (997, 10_007, 99_991))}

    def inputs(self, rng: Rng, p: Parameters) -> list[tuple[int]]:
        return [(n,) for n in (0, 1, p["run"], p["run"] + 1, p["run"] + 2, *integers(rng, 6, 15, 300))]

    def solve(self, p: Parameters, *args: Any) -> int:
        letters, run = p["letters"], p["run"]
        counts = [1, letters]
        for n in range(2, args[0] + 1):
            # A text is a shorter one, followed by a new run of 1 to `run` letters.
            whole = letters if n <= run else 0
            counts.append(whole + (letters - 1) * sum(counts[max(1, n - run) : n]))
        return int(counts[args[0]] % p["modulus"])


class Expression(Family):
    """Parse and compute an expression."""

    name = "expression"
    level = 4
    signature = "evaluate(text)"
    statement = (
        "computes an expression of non-negative integers, parentheses, blanks and the operators + - * and $operator, "
        "where a${operator}b stands for $meaning. * and $operator bind equally, and more tightly than + and -; "
        "operators that bind equally are computed from left to right. It returns the value modulo $modulus (from 0 to"
        " $top); intermediate results are taken modulo $modulus too."
    )
    python = """
import re

def evaluate(text):
    tokens = re.findall(r"\\d+|[^\\d ]", text) + [")"]

    def atom():
        token = tokens.pop(0)
        return total() if token == "(" else int(token) % $modulus

    def term():
        a = atom()
        while tokens[0] in "*$operator":
            operator, b = tokens.pop(0), atom()
            a = (a * b if operator == "*" else $formula) % $modulus
        return a

    def total():
        a = term()
        while tokens[0] in "+-":
            operator, b = tokens.pop(0), term()
            a = (a + b if operator == "+" else a - b) % $modulus
        tokens.pop(0)
        return a

    return total()
"""
    javascript = """
function evaluate(text) {
  const tokens = [...text.matchAll(/\\d+|[^\\d ]/g)].map((match) => match[0]).concat(")");
  const wrap = (n) => ((n % $modulus) + $modulus) % $modulus;
  const atom = () => {
    const token = tokens.shift();
    return token === "(" ? total() : wrap(Number(token));
  };
  const term = () => {
    let a = atom();
    while ("*$operator".includes(tokens[0])) {
      const operator = tokens.shift();
      const b = atom();
      a = wrap(operator === "*" ? a * b : $formula);
    }
    return a;
  };
  const total = () => {
    let a = term();
    while ("+-".includes(tokens[0])) {
      const operator = tokens.shift();
      const b = term();
      a = wrap(operator === "+" ? a + b : a - b);
    }
    tokens.shift();
    return a;
  };
  return total();
}
"""
    python_slips = (
        ('while tokens[0] in "+-"', 'if tokens[0] in "+-"'),
        ("$formula", "a * b"),
        ('"*$operator"', '"*$operator+-"'),
    )
    javascript_slips = (("+ $modulus) % $modulus", ")"), ("$formula", "a * b"), ('"*$operator"', '"*$operator+-"'))
    _operations = (
        ("#", "a*a+b", "a * a + b"),
        ("@", "3*a-b", "3 * a - b"),
        ("&", "a+2*b", "a + 2 * b"),
        ("~", "a*b+1", "a * b + 1"),
        ("!", "b*b-a", "b * b - a"),
    )

    def parameters(self, rng: Rng) -> Parameters:
        modulus = integer(rng, 50, 999)
        operator, meaning, formula = pick(rng, self._operations)
        return {"modulus": modulus, "top": modulus - 1, "operator": operator, "meaning": meaning, "formula": formula}

    def inputs(self, rng: Rng, p: Parameters) -> list[tuple[str]]:
        o = p["operator"]
        edges = [
            "7",
            "1 - 2 - 3",
            f"2 + 3{o}4",
            f"(2+3) {o} (4 - 9)",
            f"((5)){o}6*7",
            "12345 + 1",
            f"9 - 4{o}5{o}2 + 1",
        ]
        return [(text,) for text in (*edges, *(self._draw(rng, o, 3) for _ in range(5)))]

    def _draw(self, rng: Rng, operator: str, depth: int) -> str:
        if not depth or rng.random() < 0.15:
            return str(integer(rng, 0, 60))
        first, second = (self._draw(rng, operator, depth - 1) for _ in range(2))
        text = f"{first} {pick(rng, '+-*' + operator)} {second}"
        return f"({text})" if rng.random() < 0.6 else text

    def solve(self, p: Parameters, *args: Any) -> int:
        values: list[int] = []
        operators = [""]
        binding = {"": 0, "(": 0, "+": 1, "-": 1, "*": 2, p["operator"]: 2}

        def reduce(least: int) -> None:
            while binding[operators[-1]] >= least:
                b, a, operator = values.pop(), values.pop(), operators.pop()
                special = {
                    "a*a+b": a * a + b,
                    "3*a-b": 3 * a - b,
                    "a+2*b": a + 2 * b,
                    "a*b+1": a * b + 1,
                    "b*b-a": b * b - a,
                }
                results = {"+": a + b, "-": a - b, "*": a * b}
                values.append(results.get(operator, special[p["meaning"]]) % p["modulus"])

        for token in "".join(c if c.isdigit() else f" {c} " for c in args[0]).split():
            if token.isdigit():
                values.append(int(token) % p["modulus"])
            elif token == "(":
                operators.append(token)
            elif token == ")":
                reduce(1)
                operators.pop()
            else:
                reduce(binding[token])
                operators.append(token)
        reduce(1)
        return int(values[0])


FAMILIES: tuple[Family, ...] = (
    EditDistance(),
    LruCache(),
    LongestSteps(),
    LatticePoints(),
    StackMachine(),
    CountTexts(),
    Expression(),
)
