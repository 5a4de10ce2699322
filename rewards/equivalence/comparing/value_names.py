r"""What may stand before an equals sign and only says of what something is the value: ``x``, ``f(2)``, ``p+q``."""

from __future__ import annotations

from fractions import Fraction

from ..reading.vocabulary import TRIGONOMETRIC
from ..tree import (
    SCALARS,
    Call,
    Group,
    Matrix,
    Number,
    Operation,
    Operator,
    Ratio,
    Relation,
    Tree,
    Variable,
    variables,
    without_sign,
)


def plain_name(tree: Tree) -> str:
    r"""A name without its arguments: ``y(x)`` is ``y``, and so is ``f(x)``; ``\frac{dy}{dx}`` is ``y'``."""
    match tree:
        case Variable(name) if name.startswith("d") and name[2:4] == "/d":
            return "y'" if name[1] == "f" else f"{name[1]}'"
        case Variable(name):
            return name.removeprefix("vec ")
        case Call(name, (inner,), known=False) if name.startswith("d/d"):
            plain = plain_name(inner)
            return plain and f"{plain}'"
        case Call(name, operands, known=False) if all(isinstance(operand, Variable) for operand in operands):
            if name.endswith("_"):  # f_x, which is no value of f
                return name + canonical_index(operands)
            return name.replace("f", "y") if name.rstrip("'") == "f" else name
    return ""


def same_name(one: Tree, other: Tree) -> bool:
    """Whether two names may be of the same: ``y`` and ``f(x)``, but not ``f(x)`` and ``f(t)``."""
    arguments = [
        (Variable(tree.name[3:]),) if tree.name.startswith("d/d") else tree.operands
        for tree in (one, other)
        if isinstance(tree, Call)
    ]
    return "" != plain_name(one) == plain_name(other) and (len(arguments) < 2 or arguments[0] == arguments[1])


def canonical_index(operands: tuple[Tree, ...]) -> str:
    """The index of a sequence's element, as it is written in a variable's name."""
    return "".join(operand.name for operand in operands if isinstance(operand, Variable))


def is_name(tree: Tree) -> bool:
    r"""Whether a tree merely says of what something is the value: ``x``, ``f(2)``, ``|AB|``, ``(p, q)``, ``\sin A``."""
    match tree:
        case Variable() | Call(known=False):
            return True
        case Call(operands=operands) | Ratio(operands) | Group("(", ")", operands):
            return bool(operands) and all(is_name(operand) for operand in operands)
        case Operation(Operator.PRODUCT, (name, Operation(Operator.INVERSE, (other,)))):
            return is_name(name) and is_name(other)
    return False


def is_solved(relation: Relation) -> bool:
    """Whether an equation says the value of something."""
    return relation.signs == ("=",) and is_name(relation.operands[0]) and not variables(relation.operands[1])


def unnamed(group: Group) -> tuple[Tree, ...]:
    """The parts of a list; of ``x = 1, x = 2`` the values, since the name is one and the same."""
    names = [
        part.operands[0] if isinstance(part, Relation) and part.signs == ("=",) else None for part in group.operands
    ]
    if None not in names and len(set(names)) == 1 and names[0] is not None and is_name(names[0]):
        return tuple(part.operands[1] for part in group.operands)
    return group.operands


def names_value(tree: Tree, value: Tree) -> bool:
    r"""Whether the left side of an equation, which is no single name, says what a value is.

    ``p+q=7``, where p and q are no coordinates (``x+y=7`` is a line), and ``A^{-1}`` of a matrix.
    """
    match tree:
        case Operation(Operator.POWER, (Variable(name), Number())) if name in ("sigma", "chi"):
            return isinstance(value, SCALARS)  # the variance
        case Operation(operator, operands) if isinstance(value, Matrix):
            return operator is not Operator.INVERSE and all(names_value(part, value) for part in operands)
        case Variable(name) if isinstance(value, Matrix):
            return name[0].isupper()
        case Number():
            return isinstance(value, Matrix)
        case Call(name, operands, known=True) if name in TRIGONOMETRIC:
            return _is_constant(value) or isinstance(value, Number)  # \cos 2x
        case Operation(Operator.SUM, operands):
            names = [without_sign(part) for part in operands]
            single = [name.name for name in names if isinstance(name, Variable) and name.name not in ("x", "y", "z")]
            return _is_constant(value) and len(single) == len({*single}) == len(operands)
    return False


def _is_constant(tree: Tree) -> bool:
    return isinstance(tree, SCALARS) and not variables(tree) and tree != Number(Fraction(0))


def are_eigenvalues(group: Group) -> bool:
    """Whether a list says what lambda_1, lambda_2 and so on are; nobody knows which of them is the first."""
    return all(
        isinstance(part, Relation)
        and part.signs == ("=",)
        and isinstance(part.operands[0], Variable)
        and part.operands[0].name.startswith("lambda_")
        for part in group.operands
    )
