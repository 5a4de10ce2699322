"""Truth tables as integers: bit w of a table says whether it holds in world w, whose bits are the variables' values."""

from __future__ import annotations

from functools import cache


@cache
def _variable(index: int, count: int) -> int:
    return sum(1 << world for world in range(2**count) if world >> index & 1)


def variables(count: int) -> list[int]:
    """The tables of ``count`` variables. With ``& | ^ ~`` they combine to the tables of formulas."""
    return [_variable(index, count) for index in range(count)]


def holds_in(table: int, world: int) -> int:
    """1 where the table holds in the world, else 0."""
    return table >> world & 1
