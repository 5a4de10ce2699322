"""How families of mathematics write numbers and formulas."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction


def signed(n: int) -> str:
    """``+ 3`` or ``- 3``: a constant behind other terms."""
    return f"- {-n}" if n < 0 else f"+ {n}"


def slips(right: object, *others: object) -> list[str]:
    """Those of the plausible wrong answers that are indeed wrong, as texts."""
    return sorted({str(other) for other in others if other != right})


def decimal(value: Fraction | int) -> str:
    """A number with at most two decimals."""
    hundredths = value * 100
    if hundredths != int(hundredths):
        raise ValueError(f"{value} has more than two decimals")
    return str(int(value)) if value == int(value) else str(Decimal(int(hundredths)).scaleb(-2))


def polynomial(coefficients: Sequence[int]) -> str:
    """A polynomial in x from its coefficients, that of the highest power first: ``2x^2 - x + 5``."""
    text = ""
    for power, factor in zip(range(len(coefficients) - 1, -1, -1), coefficients, strict=True):
        if factor == 0:
            continue
        letter = "" if power == 0 else "x" if power == 1 else f"x^{power}"
        size = "" if abs(factor) == 1 and letter else str(abs(factor))
        sign = (" - " if factor < 0 else " + ") if text else ("-" if factor < 0 else "")
        text += f"{sign}{size}{letter}"
    return text or "0"


def product(one: Sequence[int], other: Sequence[int]) -> list[int]:
    """The coefficients of a product of two polynomials."""
    result = [0] * (len(one) + len(other) - 1)
    for i, left in enumerate(one):
        for j, right in enumerate(other):
            result[i + j] += left * right
    return result


def value_at(coefficients: Sequence[int], x: int | Fraction) -> Fraction:
    """The value of a polynomial."""
    result = Fraction(0)
    for factor in coefficients:
        result = result * x + factor
    return result


def listed(parts: Sequence[object], last: str = "and") -> str:
    """``1, 2 and 3``."""
    texts = [str(part) for part in parts]
    return texts[0] if len(texts) == 1 else f"{', '.join(texts[:-1])} {last} {texts[-1]}"
