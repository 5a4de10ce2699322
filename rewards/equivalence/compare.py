"""Whether two parsed answers are equal: kind by kind, part by part."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction

from . import numeric, real_sets, rough
from .evaluation import Budget
from .limits import ExpressionError, LimitError, UndefinedError
from .plus_minus import without_plus_minus
from .scalars import Finding, Tier, compare_scalars
from .tree import (
    SCALARS,
    Call,
    Constant,
    Group,
    Matrix,
    Measure,
    Number,
    Operation,
    Operator,
    Ratio,
    Relation,
    SetOperation,
    Tree,
    Variable,
    negative,
    quotient,
    variables,
)
from .units import with_letter_unit

_FLIPPED = {"<": ">", ">": "<", "<=": ">=", ">=": "<=", "=": "=", "!=": "!="}
# Units of work that a comparison takes beside what it evaluates.
_COMPARISON = 6
_KINDS = Finding(False, "answers of different kinds", Tier.STRUCTURE)


def compare(first: Tree, second: Tree) -> Finding:
    """Compares two answers.

    Raises:
        LimitError: they are too large to be compared.
        UndefinedError: one has no value, such as ``1/0``.
        ExpressionError: they hold what can't be compared.
    """
    return _Judge().compare(without_plus_minus(first), without_plus_minus(second))


class _Judge:
    """One verdict: what it may still compute."""

    def __init__(self) -> None:
        self.budget = Budget()

    def compare(self, first: Tree, second: Tree) -> Finding:
        self.budget.spend(_COMPARISON)
        first, second = _normal(first), _normal(second)
        if Constant("...") in (first, second):
            return Finding(first == second, "where a list goes on", Tier.STRUCTURE)
        if isinstance(first, SCALARS) and isinstance(second, SCALARS) and not real_sets.is_set(first):
            return compare_scalars(first, second, self.budget)
        for rule in (self.measures, self.sets, self.relations, self.ratios, self.matrices, self.groups):
            found = rule(first, second) or rule(second, first)
            if found is not None:
                return found
        return _KINDS

    def all(self, pairs: Iterable[tuple[Tree, Tree]]) -> Finding:
        """Whether all pairs are equal; the weakest tier of them."""
        findings: list[Finding] = []
        for one, other in pairs:
            findings.append(self.compare(one, other))
            if not findings[-1].equal:
                return Finding(False, f"parts differ: {findings[-1].reason}", findings[-1].tier)
        tier = max((finding.tier for finding in findings), key=list(Tier).index, default=Tier.STRUCTURE)
        return Finding(True, "all parts are equal", tier)

    def matched(self, first: Sequence[Tree], second: Sequence[Tree]) -> Finding:
        """Whether the parts of two lists are equal in some order, however often they occur."""
        pieces = [(self.distinct(one), self.distinct(other)) for one, other in rough.split(first, second, self.budget)]
        if sum(len(one) for one, _ in pieces) != sum(len(other) for _, other in pieces):
            return Finding(False, "different numbers of parts", Tier.STRUCTURE)
        tier = Tier.STRUCTURE
        for one, left in pieces:
            for part in one:
                found = ((other, self.compare(part, other)) for other in left)
                partner, finding = next(((other, finding) for other, finding in found if finding.equal), (None, _KINDS))
                if partner is None:
                    return Finding(False, "a part is missing on one side", Tier.STRUCTURE)
                left.remove(partner)
                tier = max(tier, finding.tier, key=list(Tier).index)
        return Finding(True, "all parts are equal", tier)

    def measures(self, first: Tree, second: Tree) -> Finding | None:
        """Values with units: the same unit, or one left out; percent and degrees stand for a number as well."""
        if not isinstance(first, Measure):
            return None
        value = first.operands[0]
        if isinstance(second, Measure):
            if first.unit != second.unit:
                return Finding(False, "different units", Tier.STRUCTURE)
            return self.compare(value, second.operands[0])
        second = with_letter_unit(second, first.unit)
        if isinstance(second, Measure):
            return self.compare(first, second)
        found = self.compare(value, second)
        factors = {"percent": Number(Fraction(1, 100)), "degree": quotient(Constant("pi"), Number(Fraction(180)))}
        if found.equal or first.unit not in factors:
            return found
        return self.compare(Operation(Operator.PRODUCT, (value, factors[first.unit])), second)

    def sets(self, first: Tree, second: Tree) -> Finding | None:
        """Sets of real numbers, of which at least one can't be anything else."""
        if not real_sets.is_set(first):
            return None
        try:
            equal = real_sets.same_set(first, second, self.budget)
        except LimitError:
            raise
        except ExpressionError:
            if isinstance(first, SetOperation) and isinstance(second, SetOperation):
                return self.unions(first, second)
            return None
        return Finding(equal, "the same set" if equal else "different sets", Tier.EXACT)

    def unions(self, first: SetOperation, second: SetOperation) -> Finding:
        """Sets with ends that are not constant: the same parts."""
        if first.operator != second.operator:
            return _KINDS
        straight = self.all(zip(first.operands, second.operands, strict=True))
        if straight.equal or first.operator == "setminus":
            return straight
        return self.all(zip(first.operands, second.operands[::-1], strict=True))

    def relations(self, first: Tree, second: Tree) -> Finding | None:
        if not isinstance(first, Relation):
            return None
        if self.ends_rounded(first):
            rest = first.operands[:-1]
            return self.compare(Relation(first.signs[:-1], rest) if len(rest) > 1 else rest[0], second)
        if isinstance(second, Relation):
            return None if self.ends_rounded(second) else self.two_relations(first, second)
        if set(first.signs) - {"=", "approx"} or ("approx" in first.signs and len(first.signs) > 1):
            return Finding(False, "a relation is not a value", Tier.STRUCTURE)
        if _is_name(first.operands[0]):
            return self.all((operand, second) for operand in first.operands[1:])
        if "approx" in first.signs:
            return Finding(False, "a relation is not a value", Tier.STRUCTURE)
        return self.all((operand, second) for operand in first.operands)

    def ends_rounded(self, relation: Relation) -> bool:
        r"""Whether a relation ends with a decimal that is the value before it, rounded: ``\frac13 \approx 0.33``."""
        if relation.signs[-1] != "approx":
            return False
        exact, decimal = relation.operands[-2:]
        literal = decimal.operands[0] if _is_negative(decimal) else decimal
        if not isinstance(exact, SCALARS) or not isinstance(literal, Number) or not literal.places:
            return False
        try:
            return numeric.rounds(literal, literal is not decimal, exact, self.budget)
        except UndefinedError:
            return False

    def two_relations(self, first: Relation, second: Relation) -> Finding:
        if first.signs == second.signs:
            found = self.quietly(zip(first.operands, second.operands, strict=True))
            if found.equal:
                return found
        flipped = tuple(_FLIPPED.get(sign, "") for sign in reversed(second.signs))
        if first.signs == flipped:
            found = self.quietly(zip(first.operands, second.operands[::-1], strict=True))
            if found.equal:
                return found
        if len(first.signs) != 1 or len(second.signs) != 1 or first.signs[0] not in _FLIPPED:
            return Finding(False, "different relations", Tier.STRUCTURE)
        return self.proportional(first, second)

    def quietly(self, pairs: Iterable[tuple[Tree, Tree]]) -> Finding:
        """Like `all`, where parts that have no value are just not equal."""
        try:
            return self.all(pairs)
        except LimitError:
            raise
        except ExpressionError as error:
            return Finding(False, str(error), Tier.STRUCTURE)

    def proportional(self, first: Relation, second: Relation) -> Finding:
        """Equations and inequalities that differ by a factor. One that is solved equals only another solved one."""
        if _is_solved(first) != _is_solved(second) or (_is_solved(first) and first.operands[0] != second.operands[0]):
            return Finding(False, "one is solved, the other is not", Tier.STRUCTURE)
        sides = []
        signs = []
        for relation in (first, second):
            left, right = relation.operands
            sign = relation.signs[0]
            if sign in (">", ">="):
                left, right, sign = right, left, _FLIPPED[sign]
            if not isinstance(left, SCALARS) or not isinstance(right, SCALARS):
                return _KINDS
            sides.append(Operation(Operator.SUM, (left, negative(right))))
            signs.append(sign)
        if signs[0] != signs[1]:
            return Finding(False, "different relations", Tier.STRUCTURE)
        equal = numeric.proportional(sides[0], sides[1], signs[0] in ("<", "<="), self.budget)
        return Finding(equal, "the same relation" if equal else "different relations", Tier.NUMERIC)

    def ratios(self, first: Tree, second: Tree) -> Finding | None:
        """Ratios by value; one of two parts is a quotient too."""
        if not isinstance(first, Ratio):
            return None
        if isinstance(second, Ratio):
            if len(first.operands) != len(second.operands):
                return _KINDS
            found = self.all(zip(first.operands, second.operands, strict=True))
            if found.equal:
                return found
            crossed = [
                (_product(one, second.operands[0]), _product(other, first.operands[0]))
                for one, other in zip(first.operands[1:], second.operands[1:], strict=True)
            ]
            nonzero = not any(
                self.compare(part, Number(Fraction(0))).equal for part in (*first.operands, *second.operands)
            )
            return self.all(crossed) if nonzero else found
        if len(first.operands) == 2 and isinstance(second, SCALARS):
            return self.compare(quotient(*first.operands), second)
        return None

    def matrices(self, first: Tree, second: Tree) -> Finding | None:
        """Matrices entry by entry; a column of several entries is a vector, and so is a tuple."""
        if not isinstance(first, Matrix):
            return None
        if isinstance(second, Matrix):
            if (first.rows, first.columns) != (second.rows, second.columns):
                return Finding(False, "matrices of different shapes", Tier.STRUCTURE)
            return self.all(zip(first.operands, second.operands, strict=True))
        brackets = (second.opening, second.closing) if isinstance(second, Group) else ("", "")
        # Three numbers in brackets are no interval.
        column = first.columns == 1 and (brackets == ("(", ")") or (brackets == ("[", "]") and first.rows > 2))
        if column and len(first.operands) == len(second.operands):
            return self.all(zip(first.operands, second.operands, strict=True))
        return None

    def groups(self, first: Tree, second: Tree) -> Finding | None:
        """Sets and bare lists in any order, all else in order."""
        if not isinstance(first, Group):
            return None
        if not isinstance(second, Group):
            if first.opening == "{" and len(first.operands) == 1:
                return self.compare(first.operands[0], second)
            return None
        brackets = [(group.opening, group.closing) for group in (first, second)]
        one, other = _unnamed(first), _unnamed(second)
        if all(pair in (("", ""), ("{", "}")) for pair in brackets):
            return self.matched(one, other)
        in_order = brackets[0] == brackets[1] or set(brackets) == {("", ""), ("(", ")")}
        if not in_order or len(one) != len(other):
            return Finding(False, "different brackets or numbers of parts", Tier.STRUCTURE)
        return self.all(zip(one, other, strict=True))

    def distinct(self, parts: Sequence[Tree]) -> list[Tree]:
        found: list[Tree] = []
        for part in parts:
            if not any(self.compare(part, other).equal for other in found):
                found.append(part)
        return found


def _normal(tree: Tree) -> Tree:
    """The same answer in its plainest form."""
    match tree:
        case Operation(Operator.NEGATIVE, (Measure(unit, (value,)),)):
            return Measure(unit, (negative(value),))
        case Group("[", "]", (Group("[", "]", row), *_) as rows):
            if all(
                isinstance(other, Group) and other.opening == "[" and len(other.operands) == len(row) for other in rows
            ):
                return Matrix(len(rows), len(row), tuple(entry for other in rows for entry in other.operands))
        case Group("", "", (Relation(("=",), (name, value)), *rest)) if _is_name(name):
            # n = 1, 2, 3
            if rest and not any(isinstance(part, Relation) for part in rest):
                return Relation(("=",), (name, Group("", "", (value, *rest))))
        case Group("", "", (single,)):
            return _normal(single)
        case Group("", "", (value, Relation(("in",), (Variable(name), Constant("mathbb Z"))))):
            # k\pi, k \in Z; of a set it would be a condition.
            if name in variables(value) and not real_sets.is_set(value):
                return _normal(value)
    return tree


def _is_negative(tree: Tree) -> bool:
    return isinstance(tree, Operation) and tree.operator is Operator.NEGATIVE


def _unnamed(group: Group) -> tuple[Tree, ...]:
    """The parts of a list; of ``x = 1, x = 2`` the values, since the name is one and the same."""
    names = [
        part.operands[0] if isinstance(part, Relation) and part.signs == ("=",) else None for part in group.operands
    ]
    if None not in names and len(set(names)) == 1 and names[0] is not None and _is_name(names[0]):
        return tuple(part.operands[1] for part in group.operands)
    return group.operands


def _is_name(tree: Tree) -> bool:
    r"""Whether a tree merely says of what something is the value: ``x``, ``f(2)``, ``|AB|``, ``(p, q)``, ``\sin A``."""
    match tree:
        case Variable() | Call(known=False):
            return True
        case Call(operands=operands) | Ratio(operands) | Group("(", ")", operands):
            return bool(operands) and all(_is_name(operand) for operand in operands)
        case Operation(Operator.PRODUCT, (name, Operation(Operator.INVERSE, (other,)))):
            return _is_name(name) and _is_name(other)
    return False


def _is_solved(relation: Relation) -> bool:
    """Whether an equation says the value of something."""
    return relation.signs == ("=",) and _is_name(relation.operands[0]) and not variables(relation.operands[1])


def _product(one: Tree, other: Tree) -> Tree:
    return Operation(Operator.PRODUCT, (one, other))
