"""Whether two parsed answers are equal: kind by kind, part by part."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction

from ..limits import ExpressionError, LimitError, UndefinedError
from ..reading.units import CLOCK, with_letter_unit
from ..tree import (
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
    without_sign,
)
from ..values import numeric
from ..values.evaluation import Budget
from . import real_sets, rough
from .parameters import congruence, with_arguments_of, with_one_parameter
from .plain_forms import clock, plain
from .plus_minus import without_plus_minus
from .scalars import Finding, Tier, compare_scalars
from .shapes import condition_of, has_conditions, in_radians, is_conditioned
from .value_names import are_eigenvalues, is_name, is_solved, names_value, same_name, unnamed

_FLIPPED = {"<": ">", ">": "<", "<=": ">=", ">=": "<=", "=": "=", "!=": "!="}
# Units of work that a comparison takes beside what it evaluates.
_COMPARISON = 6
_KINDS = Finding(False, "answers of different kinds", Tier.STRUCTURE)


def compare(first: Tree, second: Tree, budget: Budget | None = None) -> Finding:
    """Compares two answers, within a budget of their own or a given one.

    Raises:
        LimitError: they are too large to be compared.
        UndefinedError: one has no value, such as ``1/0``.
        ExpressionError: they hold what can't be compared.
    """
    return _Judge(budget or Budget()).compare(without_plus_minus(first), without_plus_minus(second))


class _Judge:
    """One verdict: what it may still compute."""

    def __init__(self, budget: Budget) -> None:
        self.budget = budget

    def compare(self, first: Tree, second: Tree) -> Finding:
        self.budget.spend(_COMPARISON)
        first, second = with_one_parameter(plain(first), plain(second))
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
        if not isinstance(first, Measure) or isinstance(second, Relation):
            return None
        value = first.operands[0]
        if first.unit in CLOCK and not (isinstance(second, Measure) and second.unit != first.unit):
            return self.compare(clock(value), clock(second.operands[0] if isinstance(second, Measure) else second))
        if isinstance(second, Measure):
            if {first.unit, second.unit} == {"degree", "radian"}:
                turned = (in_radians(part) for part in (first, second))
                return self.compare(*turned)
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
            if isinstance(first, Call) and isinstance(second, Call):
                pairs = zip(first.operands, second.operands, strict=True)
                return self.all((one, other) for one, other in pairs)
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
        if is_name(first.operands[0]) or names_value(first.operands[0], second):
            return self.all((operand, second) for operand in first.operands[1:])
        if "approx" in first.signs:
            return Finding(False, "a relation is not a value", Tier.STRUCTURE)
        return self.all((operand, second) for operand in first.operands)

    def ends_rounded(self, relation: Relation) -> bool:
        r"""Whether a relation ends with a decimal that is the value before it, rounded: ``\frac13 \approx 0.33``."""
        if relation.signs[-1] != "approx":
            return False
        exact, decimal = relation.operands[-2:]
        literal = without_sign(decimal)
        if not isinstance(exact, SCALARS) or not isinstance(literal, Number) or not literal.places:
            return False
        try:
            return numeric.rounds(literal, literal is not decimal, exact, self.budget)
        except UndefinedError:
            return False

    def congruences(self, first: Relation, second: Relation) -> Finding:
        """The same residue of the same modulus, whichever number stands for it."""
        modulus, _ = parts = first.operands[2], second.operands[2]
        same = self.quietly([(first.operands[0], second.operands[0]), parts])
        if not same.equal or not isinstance(modulus, Number) or not modulus.value:
            return self.quietly(zip(first.operands, second.operands, strict=True))
        one, other = (Call("mod", (relation.operands[1], modulus)) for relation in (first, second))
        return self.quietly([(one, other)])

    def two_relations(self, first: Relation, second: Relation) -> Finding:
        if ("equiv", "pmod") in (first.signs, second.signs):
            first, second = congruence(first), congruence(second)
            return self.congruences(first, second) if first.signs == second.signs else _KINDS
        second = with_arguments_of(first, second)
        if first.signs == second.signs == ("=",) and same_name(first.operands[0], second.operands[0]):
            found = self.quietly([(first.operands[1], second.operands[1])])
            if found.equal:
                return found
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
        if is_solved(first) != is_solved(second) or (is_solved(first) and first.operands[0] != second.operands[0]):
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
            if has_conditions(first) and has_conditions(second):
                return self.cases(first, second)
            if (first.rows, first.columns) != (second.rows, second.columns):
                return Finding(False, "matrices of different shapes", Tier.STRUCTURE)
            return self.all(zip(first.operands, second.operands, strict=True))
        brackets = (second.opening, second.closing) if isinstance(second, Group) else ("", "")
        # Three numbers in brackets are no interval.
        column = first.columns == 1 and (brackets == ("(", ")") or (brackets == ("[", "]") and first.rows > 2))
        if column and len(first.operands) == len(second.operands):
            return self.all(zip(first.operands, second.operands, strict=True))
        return None

    def cases(self, first: Matrix, second: Matrix) -> Finding:
        """Functions by cases: the same values under the same conditions, in any order."""
        rows = [list(zip(side.operands[::2], side.operands[1::2], strict=True)) for side in (first, second)]
        spelled = [[(value, condition_of(at, side)) for at, (value, _) in enumerate(side)] for side in rows]
        if len(rows[0]) != len(rows[1]):
            return Finding(False, "different numbers of cases", Tier.STRUCTURE)
        for value, condition in spelled[0]:
            partner = next(
                (row for row in spelled[1] if self.quietly([(condition, row[1]), (value, row[0])]).equal), None
            )
            if partner is None:
                return Finding(False, "a case is missing on one side", Tier.STRUCTURE)
            spelled[1].remove(partner)
        return Finding(True, "the same cases", Tier.STRUCTURE)

    def groups(self, first: Tree, second: Tree) -> Finding | None:
        """Sets and bare lists in any order, all else in order."""
        if not isinstance(first, Group):
            return None
        if not isinstance(second, Group):
            single = first.opening == "{" and len(first.operands) == 1
            if single or (isinstance(second, SCALARS) and is_conditioned(first)):
                return self.compare(first.operands[0], second)
            return None
        brackets = [(group.opening, group.closing) for group in (first, second)]
        one, other = unnamed(first), unnamed(second)
        if all(isinstance(part, Variable) for part in (*one, *other)) and "or" in {first.joiner, second.joiner}:
            return Finding(first == second and first.joiner == second.joiner, "one of several names", Tier.STRUCTURE)
        if are_eigenvalues(first) and are_eigenvalues(second):
            return self.matched(*([part.operands[-1] for part in group.operands] for group in (first, second)))
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


def _product(one: Tree, other: Tree) -> Tree:
    return Operation(Operator.PRODUCT, (one, other))
