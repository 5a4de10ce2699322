"""The form that a task wants its answer in: copying the question is not answering it."""

from __future__ import annotations

import re
from math import gcd
from typing import Literal, NamedTuple, TypeAlias, get_args

from .equivalence.limits import ExpressionError, check_text
from .equivalence.reading.answers import parse
from .equivalence.reading.normal_text import is_whole, same_text
from .equivalence.reading.tokens import tokenize
from .equivalence.reading.wrappers import unwrap
from .equivalence.tree import Call, Number, Operation, Operator, Tree, canonical, fold
from .equivalence.values.exact import IrrationalError, reduce_constants
from .equivalence.values.integers import FUNCTIONS

AnswerForm: TypeAlias = Literal["any", "numeral", "simplified"]
# An operation between two numbers, as in most questions.
_COMPUTATION = re.compile(r"[0-9] ?[-+*/] ?[0-9]")
ANSWER_FORMS: tuple[AnswerForm, ...] = get_args(AnswerForm)


def is_numeral(answer: str) -> bool:
    r"""Whether an answer is one bare number, so that nothing is left to compute.

    That is digits with an optional sign, groups of thousands and decimals; or, where the value is not an integer,
    two integers as ``p/q`` or ``\frac{p}{q}`` behind an optional sign. ``40+2``, ``(42)``, ``84/2`` and ``2^5`` aren't.
    """
    if is_whole(answer):
        return True
    try:
        check_text(answer)
        tokens = tokenize(unwrap(answer))
    except ExpressionError:
        return False
    shape = [token.text if token.kind == "symbol" or token.text == "frac" else token.kind for token in tokens]
    if shape[:1] in (["+"], ["-"]):
        del shape[0]
    if shape == ["number"]:
        return True
    # A division sign reads as "/", but asks for a computation.
    quotient = shape == ["number", "/", "number"] and "/" in answer
    if not quotient and shape != ["frac", "{", "number", "}", "{", "number", "}"]:
        return False
    numerator, denominator = (token.text for token in tokens if token.kind == "number")
    if "." in numerator + denominator or not int(denominator):
        return False
    return int(numerator) % int(denominator) != 0


def is_simplified(answer: str) -> bool:
    """Whether an answer leaves no arithmetic between two numbers to be done.

    A fraction of two integers in lowest terms is a number. What can't be read is not known to be simplified.
    """
    try:
        return fold(parse(answer), _simplify).simplified
    except ExpressionError:
        return False


def restates(answer: str, question: str) -> bool:
    """Whether an answer is the question's own expression, up to spacing, notation and redundant parentheses."""
    if is_whole(answer) and _COMPUTATION.search(question):
        return False  # one number is no computation, and most right answers need not be parsed
    try:
        return same_text(answer, question) or canonical(parse(answer)) == canonical(parse(question))
    except ExpressionError:
        return False


class _Part(NamedTuple):
    tree: Tree
    constant: bool
    simplified: bool


def _simplify(node: Tree, parts: list[_Part]) -> _Part:
    below = all(part.simplified for part in parts)
    if isinstance(node, Call) and node.known:
        return _Part(node, False, below and not (node.name in FUNCTIONS and all(part.constant for part in parts)))
    if not isinstance(node, Operation):
        return _Part(node, isinstance(node, Number), below)
    constants = [part.tree for part in parts if part.constant]
    constant = len(constants) == len(parts)
    match node.operator:
        case Operator.SUM:
            done = len(constants) < 2
        case Operator.PRODUCT:
            done = len(constants) < 2 or _in_lowest_terms(constants)
        case Operator.POWER:
            # A root of a number is left as it is, unless it is rational.
            done = not constant or _is_irrational(node)
        case Operator.NEGATIVE:
            done = not constant or _unsigned(parts[0].tree) is parts[0].tree
        case Operator.INVERSE:
            done = not constant or (_integer(parts[0].tree) or 0) > 1
    return _Part(node, constant, done and below)


def _is_irrational(node: Tree) -> bool:
    try:
        reduce_constants(node)
    except IrrationalError:
        return True
    return False


def _in_lowest_terms(constants: list[Tree]) -> bool:
    """Whether the constants of a product are an integer and the inverse of another that shares no factor with it."""
    if len(constants) != 2:
        return False
    numerator, inverse = constants
    if not isinstance(inverse, Operation) or inverse.operator is not Operator.INVERSE:
        return False
    above, below = _integer(_unsigned(numerator)), _integer(inverse.operands[0])
    return above is not None and below is not None and gcd(above, below) == 1


def _unsigned(tree: Tree) -> Tree:
    return tree.operands[0] if isinstance(tree, Operation) and tree.operator is Operator.NEGATIVE else tree


def _integer(tree: Tree) -> int | None:
    """The value of a literal without decimals."""
    return int(tree.value) if isinstance(tree, Number) and not tree.places else None
