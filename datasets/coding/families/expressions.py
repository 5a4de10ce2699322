"""Expressions to parse and compute."""

from __future__ import annotations

from typing import Any

from ...drawing import Rng, integer, pick
from ..family import Family, Parameters


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
