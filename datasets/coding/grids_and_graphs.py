"""Level 3 and 4: matrices, grids and graphs."""

# ruff: noqa: D102  (the base class says what the methods do)

from __future__ import annotations

from typing import Any

from .family import Family, Parameters, Rng, integer, integers, pick

Grid = list[str]


class Spiral(Family):
    """Read a matrix in a spiral."""

    name = "spiral"
    level = 3
    signature = "spiral(matrix)"
    statement = (
        "reads a matrix (a list of rows of equal length) in a spiral, clockwise and inwards, from the top left corner"
        " along the first row, and returns the list of every ${step}. element it meets, beginning with element number"
        " $first (counted from 1)."
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
        step = integer(rng, 2, 6)
        return {"first": step + integer(rng, 1, 6), "step": step}

    def inputs(self, rng: Rng, p: Parameters) -> list[tuple[list[list[int]]]]:
        long = p["first"] + p["step"] + 2
        shapes = [(0, 0), (1, long), (long, 1), (5, 5), (6, 4), (4, 7), (7, 3), (3, 6), (4, 4)]
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


class ShortestLeaps(Family):
    """Breadth-first search on a board."""

    name = "shortest_leaps"
    level = 4
    signature = "leaps(board)"
    statement = (
        "gets a board as a list of texts of equal length, in which '#' is a wall. A piece stands on 'S'; a move leaps"
        " either $a squares along one axis and $b along the other, or just $c along one of them, in any direction, "
        "over walls too, and must end on the board and not on a wall. It returns the least number of moves to 'E', or"
        " -1 if there is no way."
    )
    python = """
from collections import deque

def leaps(board):
    find = lambda mark: next((r, row.index(mark)) for r, row in enumerate(board) if mark in row)
    start, end = find("S"), find("E")
    distance, queue = {start: 0}, deque([start])
    while queue:
        row, column = queue.popleft()
        if (row, column) == end:
            return distance[end]
        for a, b in (($a, $b), ($b, $a), ($c, 0), (0, $c)):
            for r, c in ((row + a, column + b), (row + a, column - b), (row - a, column + b), (row - a, column - b)):
                inside = 0 <= r < len(board) and 0 <= c < len(board[0])
                if inside and board[r][c] != "#" and (r, c) not in distance:
                    distance[r, c] = distance[row, column] + 1
                    queue.append((r, c))
    return -1
"""
    javascript = """
function leaps(board) {
  const row = board.findIndex((line) => line.includes("S"));
  const seen = new Set();
  let squares = [[row, board[row].indexOf("S")]];
  for (let moves = 0; squares.length > 0; moves++) {
    const next = [];
    for (const [r, c] of squares) {
      const mark = (board[r] || "")[c] || "#";
      if (mark === "#" || seen.has(r + "," + c)) continue;
      if (mark === "E") return moves;
      seen.add(r + "," + c);
      for (const [a, b] of [[$a, $b], [$b, $a], [$c, 0], [0, $c]]) {
        next.push([r + a, c + b], [r + a, c - b], [r - a, c + b], [r - a, c - b]);
      }
    }
    squares = next;
  }
  return -1;
}
"""
    python_slips = (
        (' and board[r][c] != "#"', ""),
        ("return distance[end]", "return distance[end] - 1"),
    )
    javascript_slips = (('mark === "#" || ', ""), ("[$b, $a], ", ""))

    def parameters(self, rng: Rng) -> Parameters:
        a = integer(rng, 0, 3)
        b = a + integer(rng, 1, 5 - a)
        return {"a": a, "b": b, "c": pick(rng, [c for c in range(1, 6) if c != b])}

    def inputs(self, rng: Rng, p: Parameters) -> list[tuple[Grid]]:
        a, b = p["a"], p["b"]
        wide = [["." * (a + b + 2) for _ in range(a + b + 2)] for _ in range(4)]
        edges = [
            _put(wide[0], {(0, 0): "S", (a, b): "E"}),
            _put(wide[1], {(0, 0): "S", (b, a): "E"}),
            _put(["." * (b + 1)] * (b + 1), {(0, 0): "S", (b, b): "E"}),
            _put(["." * (2 * b + 1)] * (2 * b + 1), {(0, b): "S", (2 * b, b): "E"}),
            # Two leaps away, but for the walls.
            _put(["#" * (a + b + 1)] * (a + b + 1), {(0, 0): "S", (a + b, a + b): "E"}),
        ]
        return [(board,) for board in (*edges, *(self._draw(rng, p) for _ in range(6)))]

    def _draw(self, rng: Rng, p: Parameters) -> Grid:
        rows, columns = (2 * p["b"] + integer(rng, 1, 4) for _ in range(2))
        board = ["".join(pick(rng, "...#") for _ in range(columns)) for _ in range(rows)]
        start = integer(rng, 0, rows - 1), integer(rng, 0, columns - 1)
        # The end lies where the piece may come, through a wall that a wrong solution would not see.
        reached = _reachable(board, start, p)
        end = pick(rng, sorted(reached)) if reached else ((start[0] + 1) % rows, start[1])
        return _put(board, {start: "S", end: "E"})

    def solve(self, p: Parameters, *args: Any) -> int:
        board = args[0]
        places = {board[r][c]: (r, c) for r in range(len(board)) for c in range(len(board[0]))}
        return _reachable(board, places["S"], p).get(places["E"], -1)


class Islands(Family):
    """Find connected parts."""

    name = "islands"
    level = 4
    signature = "islands(grid)"
    statement = (
        "gets a map as a list of texts of equal length, in which '#' is land. An island is all land that is connected"
        " $connection. It returns the sizes of all islands of at least $least squares$shore, the largest first."
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
        if len(island) >= $least and (inner or not $inland):
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
      if (size >= $least && (inner || !$inland)) sizes.push(size);
    }
  }
  return sizes.sort((a, b) => b - a);
}
"""
    python_slips = (("<= $reach", "<= 3 - $reach"), (">= $least", "> $least"), (", reverse=True", ""))
    javascript_slips = (("<= $reach", "<= 3 - $reach"), (">= $least", "> $least"), ("b - a", "a - b"))

    def parameters(self, rng: Rng) -> Parameters:
        reach, inland = integer(rng, 1, 2), integer(rng, 0, 1)
        return {
            "connection": "along rows and columns" if reach == 1 else "along rows, columns or diagonals",
            "reach": reach,
            "least": integer(rng, 2, 9),
            "shore": " that do not touch the border of the map" if inland else "",
            "inland": inland,
        }

    def inputs(self, rng: Rng, p: Parameters) -> list[tuple[Grid]]:
        least = p["least"]
        sea, strip = "." * (least + 8), "." + "#" * least + "." + "." * 6
        half = "." + "#" * (least - 1) + "." + "." * 7
        longer = "." + "#" * (least + 2) + "." * 5
        corner = ["." + "#" * least + "." * 7, "." * (least + 1) + "#" * 5 + ".."]
        edges = [
            ["..", ".."],
            [sea, strip, sea, half, sea, longer, sea],
            [sea, *corner, sea],
            [strip, sea, strip, sea],
            [sea, longer, sea, strip, sea],
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
        return sorted((count for count in counts if count >= p["least"]), reverse=True)


class CheapestRoute(Family):
    """Dijkstra's algorithm."""

    name = "cheapest_route"
    level = 4
    signature = "cheapest_route(n, roads)"
    statement = (
        "gets the number of towns n and a list of roads [a, b, cost], which can be used in both directions; towns are"
        " numbered from 0 to n-1. Each road costs its cost and a toll of $toll; roads between two even or two odd "
        "numbers cost $extra more. It returns the least cost from town 0 to town n-1, or -1 if there is no way."
    )
    python = """
import heapq

def cheapest_route(n, roads):
    ways = {town: [] for town in range(n)}
    for a, b, cost in roads:
        cost += $toll + (0 if (a + b) % 2 else $extra)
        ways[a].append((b, cost))
        ways[b].append((a, cost))
    done, queue = set(), [(0, 0)]
    while queue:
        total, town = heapq.heappop(queue)
        if town == n - 1:
            return total
        if town not in done:
            done.add(town)
            for other, cost in ways[town]:
                heapq.heappush(queue, (total + cost, other))
    return -1
"""
    javascript = """
function cheapest_route(n, roads) {
  const best = Array(n).fill(Infinity);
  best[0] = 0;
  for (let round = 0; round < n; round++) {
    for (const [a, b, cost] of roads) {
      const whole = cost + $toll + ((a + b) % 2 ? 0 : $extra);
      best[b] = Math.min(best[b], best[a] + whole);
      best[a] = Math.min(best[a], best[b] + whole);
    }
  }
  return best[n - 1] === Infinity ? -1 : best[n - 1];
}
"""
    python_slips = (
        ("        ways[b].append((a, cost))\n", ""),
        ("(0 if (a + b) % 2 else $extra)", "0"),
        ("$toll + ", ""),
    )
    javascript_slips = (
        ("      best[a] = Math.min(best[a], best[b] + whole);\n", ""),
        ("$toll + ", ""),
        ("=== Infinity ? -1 : best[n - 1]", ""),
    )

    def parameters(self, rng: Rng) -> Parameters:
        return {"toll": integer(rng, 1, 20), "extra": integer(rng, 1, 20)}

    def inputs(self, rng: Rng, p: Parameters) -> list[tuple[int, list[list[int]]]]:
        edges = [
            (1, []),
            (2, []),
            (3, [[0, 1, 4]]),
            (3, [[2, 0, 9]]),
            (4, [[3, 1, 2], [1, 0, 3], [0, 2, 1], [2, 3, 1]]),
            (5, [[4, 0, 90 + 9 * (p["toll"] + p["extra"])], [4, 3, 1], [2, 3, 1], [2, 1, 1], [0, 1, 1]]),
        ]
        return [*edges, *(self._draw(rng) for _ in range(5))]

    def _draw(self, rng: Rng) -> tuple[int, list[list[int]]]:
        n = integer(rng, 5, 9)
        pairs = [[int(town) for town in rng.choice(n, 2, replace=False)] for _ in range(2 * n)]
        return n, [[*pair, integer(rng, 0, 30)] for pair in pairs]

    def solve(self, p: Parameters, *args: Any) -> int:
        n, roads = args
        best = {0: 0}
        changed = True
        while changed:
            changed = False
            for a, b, cost in [*roads, *((b, a, cost) for a, b, cost in roads)]:
                whole = best.get(a, 10**9) + cost + p["toll"] + p["extra"] * (a % 2 == b % 2)
                if whole < best.get(b, 10**9):
                    best[b], changed = whole, True
        return best.get(n - 1, -1)


class Life(Family):
    """Cellular automata like the game of life."""

    name = "life"
    level = 4
    signature = "life(grid)"
    statement = (
        "gets a grid of cells as a list of texts of equal length, '#' for a living cell and '.' for a dead one. In "
        "each generation a dead cell comes to life if $born of its 8 neighbours live, and a living cell stays alive "
        "if $survive of them live; outside the grid all is dead. It returns the grid after $generations generations."
    )
    python = """
def life(grid):
    for _ in range($generations):
        rows, columns = len(grid), len(grid[0])
        living = lambda r, c: 0 <= r < rows and 0 <= c < columns and grid[r][c] == "#"
        count = lambda r, c: sum(living(r + i, c + j) for i in (-1, 0, 1) for j in (-1, 0, 1)) - living(r, c)
        rule = lambda r, c: count(r, c) in ($survive_list if living(r, c) else $born_list)
        grid = ["".join("#" if rule(r, c) else "." for c in range(columns)) for r in range(rows)]
    return grid
"""
    javascript = """
function life(grid) {
  for (let generation = 0; generation < $generations; generation++) {
    const living = (r, c) => (grid[r] && grid[r][c] === "#" ? 1 : 0);
    const next = [];
    for (let r = 0; r < grid.length; r++) {
      let line = "";
      for (let c = 0; c < grid[0].length; c++) {
        let count = -living(r, c);
        for (const i of [-1, 0, 1]) for (const j of [-1, 0, 1]) count += living(r + i, c + j);
        line += (living(r, c) ? $survive_list : $born_list).includes(count) ? "#" : ".";
      }
      next.push(line);
    }
    grid = next;
  }
  return grid;
}
"""
    python_slips = (
        (" - living(r, c)", ""),
        ("0 <= r < rows and 0 <= c < columns and ", "r < rows and c < columns and "),
        ("$survive_list if living(r, c) else $born_list", "$born_list"),
    )
    javascript_slips = (
        ("count = -living(r, c)", "count = 0"),
        ("(living(r, c) ? $survive_list : $born_list)", "$survive_list"),
    )

    def parameters(self, rng: Rng) -> Parameters:
        born = sorted({3, integer(rng, 2, 6)})
        survive = sorted({2, integer(rng, 4, 6), integer(rng, 3, 6)})
        return {
            "born": " or ".join(map(str, born)),
            "survive": " or ".join(map(str, survive)),
            "generations": integer(rng, 2, 3),
            "born_list": born if len(born) > 1 else [*born, 9],
            "survive_list": survive,
        }

    def inputs(self, rng: Rng, p: Parameters) -> list[tuple[Grid]]:
        edges = [
            ["..", ".."],
            ["##", "##"],
            ["###", "...", "###", "#.#"],
            ["#...#", "#...#", ".....", "##.##"],
            [".....", "..#..", "..##.", "..#..", "....."],
        ]
        drawn = [["".join(pick(rng, "#.") for _ in range(7)) for _ in range(6)] for _ in range(5)]
        return [(grid,) for grid in (*edges, *drawn)]

    def solve(self, p: Parameters, *args: Any) -> Grid:
        rows, columns = len(args[0]), len(args[0][0])
        places = [(r, c) for r in range(rows) for c in range(columns)]
        alive = {(r, c) for r, c in places if args[0][r][c] == "#"}
        around = [(i, j) for i in (-1, 0, 1) for j in (-1, 0, 1) if i or j]
        for _ in range(p["generations"]):
            counts = {(r, c): sum((r + i, c + j) in alive for i, j in around) for r, c in places}
            alive = {place for place in places if counts[place] in p["survive_list" if place in alive else "born_list"]}
        return ["".join(".#"[(r, c) in alive] for c in range(columns)) for r in range(rows)]


def _put(board: Grid, marks: dict[tuple[int, int], str]) -> Grid:
    """The board with marks on it."""
    cells = [list(row) for row in board]
    for (row, column), mark in marks.items():
        cells[row][column] = mark
    return ["".join(row) for row in cells]


def _surround(grid: Grid) -> Grid:
    """The map with sea around it."""
    sea = "." * (len(grid[0]) + 2)
    return [sea, *(f".{row}." for row in grid), sea]


def _reachable(board: Grid, start: tuple[int, int], p: Parameters) -> dict[tuple[int, int], int]:
    """The number of moves to each square that can be reached."""
    a, b = p["a"], p["b"]
    leaps = ((a, b), (b, a), (p["c"], 0), (0, p["c"]))
    moves = {(x * i, y * j) for x, y in leaps for i in (1, -1) for j in (1, -1)}
    found, last, count = {start: 0}, [start], 0
    while last:
        count += 1
        ahead = {(r + i, c + j) for r, c in last for i, j in moves}
        last = [
            (r, c)
            for r, c in sorted(ahead - found.keys())
            if 0 <= r < len(board) and 0 <= c < len(board[0]) and board[r][c] != "#"
        ]
        found |= dict.fromkeys(last, count)
    return {place: moves for place, moves in found.items() if moves}


FAMILIES: tuple[Family, ...] = (Spiral(), ShortestLeaps(), Islands(), CheapestRoute(), Life())
