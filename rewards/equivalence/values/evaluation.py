"""One evaluation of an expression, bounded in its work and in the size of what comes on the way."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from hashlib import sha256
from typing import Any

from ..limits import ExpressionError, LimitError, SizeError, UndefinedError
from ..tree import Call, Constant, Measure, Number, Operation, Operator, Tree, Variable, fold
from .functions import DOUBLING, FUNCTIONS, MAX_MAGNITUDE, power
from .functions import Number as Value

_HASHED_DIGITS = 22
# Multiplying takes twice as long at so many bits; complex numbers take longer than real ones at any.
_PRODUCT_DOUBLING = 1_000
_COMPLEX = 4
_POWER = 13
_INTEGER_POWER = 4
_HASH = 12

_local = threading.local()


def mpmath_context() -> Any:
    """The state of mpmath, one for each thread: the precision is part of it."""
    if not hasattr(_local, "context"):
        from mpmath.ctx_mp import MPContext  # It takes a while, and most verdicts don't need it.

        _local.context = MPContext()
    return _local.context


def is_real(value: Value) -> bool:
    """Whether a value is real, but for the last digits."""
    return not getattr(value, "imag", 0) or abs(value.imag) <= abs(value) * 2.0**-80


@dataclass(slots=True)
class Budget:
    """What one verdict may compute.

    Attributes:
        work: what is left of it, in units of an addition of some 5 us.
    """

    work: int = 5_500

    def spend(self, units: int) -> None:
        """Takes units off.

        Raises:
            LimitError: there are not as many left.
        """
        self.work -= units
        if self.work < 0:
            raise LimitError("too much to compute")


@dataclass(slots=True)
class Evaluation:
    """One evaluation of a tree: the point, and what was met on the way.

    Attributes:
        largest, smallest: magnitudes (exponents of two) of the values on the way, zero left out.
        real: whether all values on the way are real.
        work: units used up.
        allowance: units from which on it is given up.
        real_only: whether it is given up at a value that is not real.
    """

    context: Any
    point: Mapping[str, Fraction]
    largest: int = 0
    smallest: int = 0
    real: bool = True
    work: int = 0
    allowance: int = 6_000
    real_only: bool = False

    def of(self, tree: Tree) -> Value:
        """The value of an expression."""
        return fold(tree, self._combine)

    def _combine(self, node: Tree, parts: list[Value]) -> Value:
        try:
            value = self._compute(node, parts)
        except (ZeroDivisionError, ValueError, OverflowError, self.context.NoConvergence) as error:
            if isinstance(error, ExpressionError):
                raise
            raise UndefinedError("no value") from error
        if value:
            if not self.context.isfinite(value):
                raise UndefinedError("infinite")
            self.real = self.real and is_real(value)
            if self.real_only and not self.real:
                raise UndefinedError("not real")
            magnitude = int(self.context.mag(value))
            if abs(magnitude) > MAX_MAGNITUDE:
                raise SizeError("a value that is too large or too small")
            self.largest, self.smallest = max(self.largest, magnitude), min(self.smallest, magnitude)
        return value

    def _compute(self, node: Tree, parts: list[Value]) -> Value:
        context = self.context
        self.work += 1
        match node:
            case Number(value):
                return context.mpf(value.numerator) / value.denominator
            case Variable(name):
                value = self.point[name]
                return context.mpf(value.numerator) / value.denominator
            case Constant(name):
                return self._constant(name)
            case Operation(operator):
                return self._operate(operator, parts)
            case Measure("percent"):
                return parts[0] / 100
            case Measure("degree"):
                return parts[0] * context.pi / 180
            case Measure(unit):
                return parts[0] * self._hashed(unit, [])
            case Call(name, known=True):
                if name not in FUNCTIONS:
                    raise ExpressionError(f"the function {name[:40]}")
                function = FUNCTIONS[name]
                if not function.least <= len(parts) <= function.most:
                    raise ExpressionError(f"{name} of {len(parts)} numbers")
                self.spend(function.cost, parts, function.doubling)
                return function.run(context, *parts)
            case Call(name):
                return self._hashed(name, parts)
        raise ExpressionError("it is not a number")

    def spend(self, units: int, parts: list[Value], doubling: int) -> None:
        """Counts work: so many units for real numbers of few digits.

        Raises:
            LimitError: that is more than is allowed.
        """
        if any(map(self.is_complex, parts)):
            units *= _COMPLEX
        self.work += units + units * self.context.prec**2 // doubling**2
        if self.work > self.allowance:
            raise LimitError("too much to compute")

    def is_complex(self, value: Value) -> bool:
        """Whether a value is computed with as a complex number."""
        return isinstance(value, self.context.mpc)

    def _constant(self, name: str) -> Value:
        context = self.context
        values = {"pi": +context.pi, "e": +context.e, "i": context.mpc(0, 1)}
        if name not in values:
            raise UndefinedError(name)
        return values[name]

    def _operate(self, operator: Operator, parts: list[Value]) -> Value:
        match operator:
            case Operator.SUM:
                self.work += len(parts)
                return sum(parts[1:], parts[0])
            case Operator.PRODUCT:
                self.spend(len(parts), parts, _PRODUCT_DOUBLING)
                product = parts[0]
                for part in parts[1:]:
                    product = product * part
                return product
            case Operator.NEGATIVE:
                return -parts[0]
            case Operator.INVERSE:
                self.spend(1, parts, _PRODUCT_DOUBLING)
                if not parts[0]:
                    raise UndefinedError("division by zero")
                return 1 / parts[0]
            case Operator.POWER:
                return self._power(*parts)

    def _power(self, base: Value, exponent: Value) -> Value:
        if self.context.isint(exponent):
            self.spend(_INTEGER_POWER, [base], _PRODUCT_DOUBLING)
        else:
            turned = self.context.mpc(base) if self.context.re(base) < 0 else base
            self.spend(_POWER, [turned, exponent], DOUBLING)
        return power(self.context, base, exponent)

    def _hashed(self, name: str, parts: list[Value]) -> Value:
        """The value of a function that nobody knows: the same for the same arguments, else another."""
        self.spend(_HASH * len(parts), parts, DOUBLING)
        texts = [self._rounded(part) for part in parts]
        digest = sha256("\0".join([name, *texts]).encode()).digest()
        # Of both signs, so that neither an absolute value nor a root of a square goes unnoticed.
        return self.context.mpf(int.from_bytes(digest[:16], "big") - (1 << 127)) / (1 << 126)

    def _rounded(self, value: Value) -> str:
        context = self.context
        if abs(value) < context.mpf(10) ** -_HASHED_DIGITS:
            return "0"
        parts = (context.re(value), context.im(value))
        tiny = abs(value) * context.mpf(10) ** -_HASHED_DIGITS
        return " ".join(context.nstr(part, _HASHED_DIGITS) if abs(part) > tiny else "0" for part in parts)
