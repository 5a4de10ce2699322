"""Grids to complete or to cross."""

from __future__ import annotations

from typing import Any

from ....drawing import Rng, integer, pick, sample
from ...family import Family, Problem
from ...lists import integers_in

Grid = list[list[int]]


def _with_blanks(rng: Rng, grid: Grid, blanks: int) -> Grid:
    """The grid with so many of its numbers replaced by 0."""
    size = len(grid)
    hidden = {divmod(place, size) for place in sample(rng, range(size * size), blanks)}
    return [[0 if (r, c) in hidden else value for c, value in enumerate(row)] for r, row in enumerate(grid)]


def _shown(grid: Grid) -> str:
    return "\n".join(" ".join(str(value) if value else "_" for value in row) for row in grid)


def _keeps(grid: Grid, givens: Grid) -> bool:
    return all(
        given in (0, value)
        for row, start in zip(grid, givens, strict=True)
        for value, given in zip(row, start, strict=True)
    )


def _rows(numbers: list[int], size: int) -> Grid:
    return [numbers[start : start + size] for start in range(0, size * size, size)]


class Sudoku(Family):
    """Fill a sudoku of 4x4 with 8 blanks (1), 6x6 with 14 or 22 (2, 3) or 9x9 with 48 (4); any completion is right."""

    name = "sudoku"
    grader = "family"
    chance = (0.03, 0.0, 0.0, 0.0)

    def problem(self, rng: Rng, level: int) -> Problem:
        height, width, blanks = ((2, 2, 8), (2, 3, 14), (2, 3, 22), (3, 3, 48))[level - 1]
        size = height * width
        digits = sample(rng, range(1, size + 1), size)
        rows = [
            band + r for band in sample(rng, range(0, size, height), width) for r in sample(rng, range(height), height)
        ]
        columns = [
            stack + c for stack in sample(rng, range(0, size, width), height) for c in sample(rng, range(width), width)
        ]
        grid = [[digits[(width * (r % height) + r // height + c) % size] for c in columns] for r in rows]
        givens = _with_blanks(rng, grid, blanks)
        ask = pick(rng, ("Complete this sudoku", "Fill the blanks of this sudoku", "Solve this sudoku"))
        question = (
            f"{ask}, so that every row, every column and every box of {height} rows and {width} columns holds each "
            f"number from 1 to {size} once.\n{_shown(givens)}\nWrite all {size} rows, with blanks between the numbers."
        )
        blank = next((r, c) for r in range(size) for c in range(size) if not givens[r][c])
        slip = [list(row) for row in grid]
        slip[blank[0]][blank[1]] = grid[blank[0]][blank[1]] % size + 1
        wrong = [_shown(slip), _shown(grid[:-1]), _shown([grid[1], grid[0], *grid[2:]])]
        answer = {"givens": givens, "box": [height, width]}
        return Problem(question, answer, [text for text in wrong if text != _shown(grid)], _shown(givens), _shown(grid))

    def accepts(self, answer: dict[str, Any], given: str) -> bool:
        """A full grid; lines between boxes and brackets around rows don't matter."""
        height, width = answer["box"]
        size = height * width
        digits = given.translate({ord(sign): None for sign in " \t\r\n,;|+-[]"})
        if len(digits) != size * size or not (digits.isascii() and digits.isdigit()):
            return False
        grid = _rows([int(digit) for digit in digits], size)
        boxes = [
            [grid[r + i][c + j] for i in range(height) for j in range(width)]
            for r in range(0, size, height)
            for c in range(0, size, width)
        ]
        groups = [*grid, *(list(column) for column in zip(*grid, strict=True)), *boxes]
        return _keeps(grid, answer["givens"]) and all(sorted(group) == list(range(1, size + 1)) for group in groups)


class QueensCompletion(Family):
    """Add 4, 5, 6 or 8 queens to a board of 8, 8, 9 or 10 rows, so that none attacks another; all ways are right."""

    name = "queens_completion"
    grader = "family"
    chance = (0.06, 0.05, 0.03, 0.04)

    def problem(self, rng: Rng, level: int) -> Problem:
        size, missing = ((8, 4), (8, 5), (9, 6), (10, 8))[level - 1]
        queens = _queens(rng, size)
        blank = sample(rng, range(size), missing)
        givens = [0 if row in blank else queen for row, queen in enumerate(queens)]
        placed = "; ".join(f"row {row}, column {queen}" for row, queen in enumerate(givens, 1) if queen)
        ask = pick(
            rng,
            (
                f"Add {missing} queens so that no two queens attack each other.",
                f"Place {missing} more, so that there is one queen in each row and none attacks another.",
            ),
        )
        question = (
            f"On a board of {size} rows and {size} columns stand queens at: {placed}.\n{ask} Queens attack along rows, "
            "columns and diagonals. Write the columns of all queens, from row 1 to the last row, with commas between "
            "them."
        )
        swapped = list(queens)
        swapped[blank[0]], swapped[blank[1]] = queens[blank[1]], queens[blank[0]]
        slips = [queens[:-1], sorted(queens), [queens[blank[0]] if i == blank[1] else q for i, q in enumerate(queens)]]
        wrong = [", ".join(map(str, slip)) for slip in slips if not _peaceful(slip, size)]
        return Problem(question, {"givens": givens}, wrong, f"{size}: {placed}", ", ".join(map(str, queens)))

    def accepts(self, answer: dict[str, Any], given: str) -> bool:
        queens, givens = integers_in(given), answer["givens"]
        if queens is None or not _peaceful(queens, len(givens)):
            return False
        return all(start in (0, queen) for start, queen in zip(givens, queens, strict=True))


def _peaceful(queens: list[int], size: int) -> bool:
    """Whether there is a queen in each row and none attacks another."""
    rows = range(len(queens))
    columns, falling, rising = (
        set(queens),
        {q - r for r, q in zip(rows, queens, strict=True)},
        set(map(sum, enumerate(queens))),
    )
    return len(columns & set(range(1, size + 1))) == len(falling) == len(rising) == size == len(queens)


def _queens(rng: Rng, size: int) -> list[int]:
    """The columns of ``size`` peaceful queens, found by depth-first search in random order."""
    orders = [sample(rng, range(1, size + 1), size) for _ in range(size)]

    def place(queens: list[int]) -> list[int] | None:
        row = len(queens)
        if row == size:
            return queens
        for column in orders[row]:
            if all(column != queen and abs(column - queen) != row - r for r, queen in enumerate(queens)):
                found = place([*queens, column])
                if found:
                    return found
        return None

    found = place([])
    assert found is not None, "boards of 8 and more have solutions"
    return found


class MagicSquare(Family):
    """Fill 4 or 5 blanks of a magic square of 3 rows (1, 2), 7 or 9 of one of 4 (3, 4); any completion is right."""

    name = "magic_square"
    grader = "family"

    def problem(self, rng: Rng, level: int) -> Problem:
        size, blanks = ((3, 4), (3, 5), (4, 7), (4, 9))[level - 1]
        a, b = sample(rng, range(1, 13), 2)
        if size == 3:
            offsets = [[-b, a + b, -a], [b - a, 0, a - b], [a, -a - b, b]]
            centre = integer(rng, a + b + 1, 60)
            grid = [[centre + offset for offset in row] for row in offsets]
        else:
            # Two Latin squares whose diagonals, too, hold each symbol once.
            tens, ones = sample(rng, range(0, 60, 5), 4), sample(rng, range(1, 20), 4)
            latin = ("abcd", "cdab", "dcba", "badc"), ("abcd", "dcba", "badc", "cdab")
            grid = [
                [tens["abcd".index(p)] + ones["abcd".index(q)] for p, q in zip(*rows, strict=True)]
                for rows in zip(*latin, strict=True)
            ]
        if pick(rng, (True, False)):
            grid = [list(column) for column in zip(*grid, strict=True)]
        givens = _with_blanks(rng, grid, blanks)
        ask = pick(rng, ("Fill the blanks", "Complete the square", "Find the missing integers"))
        question = (
            f"{ask}, so that every row, every column and both diagonals have the sum {sum(grid[0])}.\n"
            f"{_shown(givens)}\nWrite all {size} rows, with blanks between the integers."
        )
        slips = [
            [[value + (givens[r][c] == 0) for c, value in enumerate(row)] for r, row in enumerate(grid)],
            grid[:-1],
        ]
        wrong = [_shown(slip) for slip in slips]
        return Problem(question, {"givens": givens, "sum": sum(grid[0])}, wrong, _shown(givens), _shown(grid))

    def accepts(self, answer: dict[str, Any], given: str) -> bool:
        givens, numbers = answer["givens"], integers_in(given)
        size = len(givens)
        if numbers is None or len(numbers) != size * size:
            return False
        grid = _rows(numbers, size)
        diagonals = [[grid[i][i] for i in range(size)], [grid[i][-1 - i] for i in range(size)]]
        lines = [*grid, *(list(column) for column in zip(*grid, strict=True)), *diagonals]
        return _keeps(grid, givens) and all(sum(line) == answer["sum"] for line in lines)
