"""Small languages: to compute, and to carry out."""

from __future__ import annotations

from typing import Any

from ..family import Family, Parameters, Rng, integer, integers, pick


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
