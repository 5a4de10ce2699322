"""Machines with a memory: a cache, and a stack."""

from __future__ import annotations

from typing import Any

from ...drawing import Rng, integer, integers, pick
from ..family import Family, Parameters


class LruCache(Family):
    """Simulate a cache."""

    name = "lru_cache"
    level = 4
    signature = "misses(keys)"
    statement = (
        "simulates a cache with room for $capacity keys, empty at first, that is asked for the given keys (positive "
        "integers) one after another. A key that is not in the cache is a miss and is put in; if there is no room, the "
        "key whose last request is the oldest is removed first. Keys divisible by $bypass are never put in, so that "
        "each request for one is a miss and removes nothing. It returns the list of the indices of all misses (counted "
        "from 0)."
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
        return {"capacity": integer(rng, 2, 8), "bypass": integer(rng, 2, 17)}

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
        return [(drawn,) for drawn in (*edges, *([pick(rng, pool) for _ in range(24)] for _ in range(5)))]

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
        ("stack.pop() != 0", "stack.pop() >= 0"),
        ("> $limit", ">= $limit"),
        ('"sub": a - b', '"sub": b - a'),
    )
    javascript_slips = (
        ("+ $modulus) % $modulus", ")"),
        ("> $limit", ">= $limit"),
        ("stack.push(b, a)", "stack.push(a, b)"),
        ("stack.pop() !== 0", "stack.pop() >= 0"),
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
            # Counts down from 5, and falls through at 0; jumps over an instruction; ends at what finds no number.
            ["push 5", "push 1", "sub", "dup", "jump 1", "push 9"],
            ["push 2", "push 1", "jump 4", "push 3", "push 4"],
            ["push 6", "push 1", "jump 3", "dup", "jump 5", "jump 0", "push 8"],
            ["dup", "push 1"],
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
