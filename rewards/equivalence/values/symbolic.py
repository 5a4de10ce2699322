"""The last resort: sympy, in a process that is killed when it takes too long.

It gets our own tree, never text, and it is asked only where both expressions have values at too few points, such as
``floor(sqrt(x - 9))``. So hardly a verdict depends on how fast a machine is.
"""

from __future__ import annotations

from typing import Any, Final

from ..processes import ProcessPool
from ..tree import Call, Constant, Measure, Number, Operation, Tree, Variable, fold

SECONDS = 2.0
"""How long sympy may take for one verdict; loading it is not part of that."""

POOL: Final = ProcessPool("sympy")

_OPERATORS: Final = {"+": "Add", "*": "Mul", "^": "Pow"}
_NAMES: Final = {
    **{
        name: name
        for name in ("sin", "cos", "tan", "cot", "sec", "csc", "sinh", "cosh", "tanh", "coth", "sech", "csch")
    },
    **{name: name for name in ("asin", "acos", "atan", "acot", "asec", "acsc", "asinh", "acosh", "atanh", "acoth")},
    **{
        name: name
        for name in ("floor", "gcd", "lcm", "sign", "arg", "re", "im", "conjugate", "factorial", "factorial2")
    },
    "ln": "log",
    "log": "log",
    "abs": "Abs",
    "norm": "Abs",
    "ceil": "ceiling",
    "max": "Max",
    "min": "Min",
    "mod": "Mod",
    "binomial": "binomial",
    "gamma": "gamma",
    "asech": "asech",
    "acsch": "acsch",
}


def equal(first: Tree, second: Tree) -> bool:
    """Whether sympy can show that two expressions are equal; False if it can't, or not in time."""
    try:
        return bool(POOL.ask({"difference": [_encoded(first), _encoded(second)]}, SECONDS))
    except (TimeoutError, ChildProcessError):
        return False


def _encoded(tree: Tree) -> Any:
    """The tree as JSON: lists of an operator and its operands."""
    return fold(tree, _encode)


def _encode(node: Tree, operands: list[Any]) -> Any:
    match node:
        case Number(value):
            return ["number", hex(value.numerator), hex(value.denominator)]
        case Variable(name):
            return ["variable", name]
        case Constant(name):
            return ["constant", name]
        case Operation(operator):
            return [str(operator), *operands]
        case Call(name, known=True):
            return ["function", name, *operands]
        case Measure(unit):
            return ["*", *operands, ["variable", f"unit {unit}"]]
    return ["unknown", str(getattr(node, "name", type(node).__name__)), *operands]


def difference_vanishes(first: Any, second: Any) -> bool:
    """Whether sympy reduces the difference of two encoded expressions to zero. For the process, which may be killed."""
    import sympy

    return bool(sympy.simplify(_decoded(first) - _decoded(second)) == 0)


def _decoded(code: Any) -> Any:
    import sympy

    kind, *rest = code
    if kind == "number":
        return sympy.Rational(int(rest[0], 16), int(rest[1], 16))
    if kind == "variable":
        return sympy.Symbol(rest[0])
    if kind == "constant":
        return {"pi": sympy.pi, "e": sympy.E, "i": sympy.I, "infinity": sympy.oo}.get(rest[0], sympy.Symbol(rest[0]))
    if kind in ("function", "unknown"):
        name, *rest = rest
        operands = [_decoded(operand) for operand in rest]
        if name == "log10":
            return sympy.log(operands[0], 10)
        known = _NAMES.get(name) if kind == "function" else None
        return (getattr(sympy, known) if known else sympy.Function(name))(*operands)
    operands = [_decoded(operand) for operand in rest]
    if kind == "-":
        return -operands[0]
    return 1 / operands[0] if kind == "/" else getattr(sympy, _OPERATORS[kind])(*operands)
