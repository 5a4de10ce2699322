"""Matrices and maps."""

from __future__ import annotations

from typing import Any

from ...drawing import Rng, integer, integers, pick
from ..family import Family, Parameters

Grid = list[str]


class Spiral(Family):
    """Read a matrix in a spiral."""

    name = "spiral"
    level = 3
    signature = "spiral(matrix)"
    statement = (
        "reads a matrix (a list of rows of equal length, which may be empty) in a spiral, clockwise and inwards, from "
        "the top left corner along the first row. It returns the list of the $first_th element that it meets and every "
        "$step_th one after that."
    )
    python = """
def spiral(matrix):
    order = []
    rows = [list(row) for row in matrix]
    while rows:
        order += rows.pop(0)
        rows = [list(row) for row in zip(*rows)][::-1]
    return order[$first - 1::$step]
"""
    javascript = """
function spiral(matrix) {
  const order = [];
  let rows = matrix.map((row) => [...row]);
  while (rows.length > 0 && rows[0].length > 0) {
    order.push(...rows.shift());
    if (rows.length === 0) break;
    rows = rows[0].map((_, column) => rows.map((row) => row[column])).reverse();
  }
  return order.filter((_, i) => i >= $first - 1 && (i - $first + 1) % $step === 0);
}
"""
    python_slips = (("[::-1]", ""), ("[$first - 1::$step]", "[$first::$step]"), ("rows.pop(0)", "rows.pop()"))
    javascript_slips = ((".reverse()", ""), ("i >= $first - 1 && ", ""), ("rows.shift()", "rows.pop()"))

    def parameters(self, rng: Rng) -> Parameters:
        step = integer(rng, 2, 9)
        return {"first": step + integer(rng, 1, 14), "step": step}

    def inputs(self, rng: Rng, p: Parameters) -> list[tuple[list[list[int]]]]:
        long = p["first"] + p["step"] + 2
        shapes = [(0, 0), (1, long), (long, 1), (7, 7), (8, 5), (5, 9), (9, 4), (4, 8), (6, 6)]
        return [([integers(rng, columns, 0, 99) for _ in range(rows)],) for rows, columns in shapes]

    def solve(self, p: Parameters, *args: Any) -> list[int]:
        matrix = args[0]
        unread = {(row, column): n for row, line in enumerate(matrix) for column, n in enumerate(line)}
        order, row, column, down, right = [], 0, 0, 0, 1
        while unread:
            order.append(unread.pop((row, column)))
            if (row + down, column + right) not in unread:
                down, right = right, -down
            row, column = row + down, column + right
        return order[p["first"] - 1 :: p["step"]]


class Islands(Family):
    """Find connected parts."""

    name = "islands"
    level = 4
    signature = "islands(grid)"
    statement = (
        "gets a map as a list of texts of equal length, with '#' for land and '.' for sea. An island is all land that "
        "is connected $connection. It returns the sizes of all islands of $least to $most squares$shore, the largest "
        "first; islands of equal size are listed one by one."
    )
    python = """
def islands(grid):
    land = {(r, c) for r, row in enumerate(grid) for c, mark in enumerate(row) if mark == "#"}
    sizes = []
    while land:
        stack, island = [land.pop()], []
        while stack:
            r, c = stack.pop()
            island.append((r, c))
            for near in [(r + dr, c + dc) for dr in (-1, 0, 1) for dc in (-1, 0, 1) if abs(dr) + abs(dc) <= $reach]:
                if near in land:
                    land.remove(near)
                    stack.append(near)
        inner = all(0 < r < len(grid) - 1 and 0 < c < len(grid[0]) - 1 for r, c in island)
        if $least <= len(island) <= $most and (inner or not $inland):
            sizes.append(len(island))
    return sorted(sizes, reverse=True)
"""
    javascript = """
function islands(grid) {
  const cells = grid.map((row) => [...row]);
  const sizes = [];
  let size, inner;
  const visit = (r, c) => {
    if (!cells[r] || cells[r][c] !== "#") return;
    cells[r][c] = ".";
    size++;
    if (r === 0 || c === 0 || r === cells.length - 1 || c === cells[0].length - 1) inner = false;
    for (const dr of [-1, 0, 1])
      for (const dc of [-1, 0, 1]) if (Math.abs(dr) + Math.abs(dc) <= $reach) visit(r + dr, c + dc);
  };
  for (let r = 0; r < cells.length; r++) {
    for (let c = 0; c < cells[0].length; c++) {
      size = 0;
      inner = true;
      visit(r, c);
      if (size >= $least && size <= $most && (inner || !$inland)) sizes.push(size);
    }
  }
  return sizes.sort((a, b) => b - a);
}
"""
    python_slips = (
        ("<= $reach", "<= 3 - $reach"),
        ("$least <= len", "$least < len"),
        (" <= $most", ""),
        (", reverse=True", ""),
    )
    javascript_slips = (
        ("<= $reach", "<= 3 - $reach"),
        (">= $least", "> $least"),
        ("size <= $most", "size < $most"),
        ("b - a", "a - b"),
    )

    def parameters(self, rng: Rng) -> Parameters:
        reach, inland, least = integer(rng, 1, 2), integer(rng, 0, 1), integer(rng, 2, 5)
        return {
            "connection": "along rows and columns" if reach == 1 else "along rows, columns or diagonals",
            "reach": reach,
            "least": least,
            "most": least + integer(rng, 4, 13),
            "shore": " that do not touch the border of the map" if inland else "",
            "inland": inland,
        }

    def inputs(self, rng: Rng, p: Parameters) -> list[tuple[Grid]]:
        least, most = p["least"], p["most"]
        width = most + 3

        def row(size: int) -> str:
            return f".{'#' * size}".ljust(width, ".")

        sea, strip, longer = row(0), row(least), row(least + 2)
        edges = [
            ["..", ".."],
            [sea, strip, sea, row(least - 1), sea, longer, sea],
            [sea, row(most), sea, row(most + 1), sea, longer, sea],
            # Two strips that touch at a corner.
            [sea, strip, ("." * (least + 1) + "##").ljust(width, "."), sea],
            # At each of the four borders.
            [strip, sea, row(least + 1), sea],
            [sea, longer, sea, strip],
            [sea, row(least + 3), sea, ("#" * least).ljust(width, "."), sea],
            [sea, row(least + 4), sea, ("#" * least).rjust(width, "."), sea],
        ]
        drawn = [["".join(pick(rng, "#.") for _ in range(11)) for _ in range(8)] for _ in range(5)]
        return [(grid,) for grid in (*edges, *(_surround(grid) if i % 2 else grid for i, grid in enumerate(drawn)))]

    def solve(self, p: Parameters, *args: Any) -> list[int]:
        grid = args[0]
        # Each square of land starts as its own part; parts take the smallest name among their neighbours.
        names = {(r, c): (r, c) for r, row in enumerate(grid) for c, mark in enumerate(row) if mark == "#"}
        changed = True
        while changed:
            changed = False
            for r, c in names:
                near = [(r + dr, c + dc) for dr in (-1, 0, 1) for dc in (-1, 0, 1) if abs(dr) + abs(dc) <= p["reach"]]
                smallest = min(names[place] for place in near if place in names)
                changed, names[r, c] = changed or smallest != names[r, c], smallest
        last_row, last_column = len(grid) - 1, len(grid[0]) - 1
        shore = {name for (r, c), name in names.items() if r in (0, last_row) or c in (0, last_column)}
        counts = [list(names.values()).count(name) for name in set(names.values()) - (shore if p["inland"] else set())]
        return sorted((count for count in counts if p["least"] <= count <= p["most"]), reverse=True)


def _surround(grid: Grid) -> Grid:
    """The map with sea around it."""
    sea = "." * (len(grid[0]) + 2)
    return [sea, *(f".{row}." for row in grid), sea]
