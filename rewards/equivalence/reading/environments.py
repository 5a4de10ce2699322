r"""The parser of what has rows: matrices, functions by cases, systems; and of sets as sympy prints them."""

from __future__ import annotations

from abc import abstractmethod
from fractions import Fraction
from functools import reduce

from ..limits import ExpressionError
from ..tree import (
    Call,
    Group,
    Matrix,
    Number,
    SetOperation,
    Tree,
    Variable,
)
from .expressions import ExpressionParser

_HALF_OPEN = ("Interval.Lopen", "Interval.Ropen")
_MATRICES = ("matrix", "pmatrix", "bmatrix", "Bmatrix", "smallmatrix", "array")


class EnvironmentParser(ExpressionParser):
    """Reads LaTeX environments, and the containers of sympy."""

    @abstractmethod
    def parts(self) -> tuple[list[Tree], str]:
        """Relations, and what stands between them."""

    def environment(self, name: str) -> Tree:
        """A matrix, determinant or function by cases, behind its beginning."""
        if name == "cases":
            return self.cases()
        if name not in _MATRICES and name != "vmatrix":
            raise ExpressionError(f"unknown environment {name[:40]!r}")
        if name == "array" and self.next.text in ("{", "["):
            while self.take().text not in ("}", "]"):
                pass
        rows: list[list[Tree]] = [[]]
        while True:
            rows[-1].append(self.deeper(self.relation))
            if self.accept("&"):
                continue
            if self.accept("newline") and self.next.kind != "finish":
                rows.append([])
                continue
            if self.take().text != name:
                raise ExpressionError(f"an environment that is not closed: {name[:40]!r}")
            break
        if len({len(row) for row in rows}) != 1:
            raise ExpressionError("a matrix with rows of different lengths")
        matrix = Matrix(len(rows), len(rows[0]), tuple(entry for row in rows for entry in row))
        return Call("det", (matrix,), known=False) if name == "vmatrix" else matrix

    def cases(self) -> Tree:
        """A function by cases, as a matrix of values and conditions; or a system of equations, as a list."""
        rows: list[list[Tree]] = []
        while not rows or (self.accept("newline") and self.next.kind != "finish"):
            row = [self.deeper(self.relation)]
            self.accept(",")
            if self.accept("&"):
                if self.next.kind == "text" and self.next.text.strip(",") in ("if", "for", "when"):
                    self.take()
                row.append(self.deeper(self.condition))
                self.accept(",")
            rows.append(row)
        if self.take().text != "cases" or len({len(row) for row in rows}) != 1:
            raise ExpressionError("cases that are not closed, or not of one shape")
        if len(rows[0]) == 1:
            return Group("", "", tuple(row[0] for row in rows), "and")
        return Matrix(len(rows), 2, tuple(entry for row in rows for entry in row))

    def condition(self) -> Tree:
        """When a case holds."""
        if self.next.kind == "text" and self.next.text.strip(",.") in ("otherwise", "else", "elsewhere"):
            self.take()
            return Variable("otherwise")
        return self.relation()

    def container(self, word: str) -> Tree:
        """``Matrix([[1, 2]])``, ``Interval.open(0, 1)`` and the like, as sympy prints them."""
        if word == "Matrix":
            return self.rows()
        if word == "diag":
            self.expect("(")
            entries = self.deeper(self.parts)[0]
            self.expect(")")
            size = range(len(entries))
            zero = Number(Fraction(0))
            return Matrix(
                len(size), len(size), tuple(entries[at] if at == row else zero for row in size for at in size)
            )
        self.expect("(")
        parts = [] if self.next.text == ")" else self.deeper(self.parts)[0]
        self.expect(")")
        if word == "FiniteSet":
            return Group("{", "}", tuple(parts))
        if len(parts) < 2:
            raise ExpressionError(f"{word} of too few parts")
        if word == "Union":
            return reduce(lambda one, other: SetOperation("cup", (one, other)), parts)
        opened = [part == Variable("True") for part in (*parts[2:4], *parts[:2])[:2]]
        opened = [word in ("Interval.open", shape) or flag for shape, flag in zip(_HALF_OPEN, opened, strict=True)]
        return Group("(" if opened[0] else "[", ")" if opened[1] else "]", tuple(parts[:2]))

    def rows(self) -> Tree:
        """The rows of a ``Matrix``; a flat list is a column."""
        self.expect("(")
        self.expect("[")
        rows: list[list[Tree]] = []
        while not rows or self.accept(","):
            if self.accept("["):
                rows.append(self.deeper(self.parts)[0])
                self.expect("]")
            else:
                rows.append([self.deeper(self.relation)])
        self.expect("]")
        self.expect(")")
        if len({len(row) for row in rows}) != 1:
            raise ExpressionError("a matrix with rows of different lengths")
        return Matrix(len(rows), len(rows[0]), tuple(entry for row in rows for entry in row))
