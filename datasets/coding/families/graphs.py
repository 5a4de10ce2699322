"""Shortest ways."""

from __future__ import annotations

from typing import Any

from ...drawing import Rng, integer, pick, sample
from ..family import Family, Parameters

Grid = list[str]


class ShortestLeaps(Family):
    """Breadth-first search on a board."""

    name = "shortest_leaps"
    level = 4
    signature = "leaps(board)"
    statement = (
        "gets a board as a list of texts of equal length, in which '#' is a wall and '.' is free. A piece stands on "
        "'S'; a move leaps either $a squares along one axis and $b along the other, or just $c along one of them, in "
        "any direction. It may leap over walls, but must end on the board and not on a wall. It returns the least "
        "number of moves from 'S' to 'E', or -1 if there is no way."
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
        a = integer(rng, 0, 4)
        b = a + integer(rng, 1, 6 - a)
        return {"a": a, "b": b, "c": pick(rng, [c for c in range(1, 8) if c != b])}

    def inputs(self, rng: Rng, p: Parameters) -> list[tuple[Grid]]:
        a, b = p["a"], p["b"]
        last, far = 2 * b, 3 * p["c"]
        wide, square, line = ["." * (a + b + 2)] * (a + b + 2), ["." * (last + 1)] * (last + 1), "." * (far + 1)
        edges = [
            _put(wide, {(0, 0): "S", (a, b): "E"}),
            _put(wide, {(b, a): "S", (0, 0): "E"}),
            # Two leaps in each direction.
            _put(square, {(0, 0): "S", (2 * a, last): "E"}),
            _put(square, {(0, last): "S", (last, last - 2 * a): "E"}),
            _put(square, {(last, last): "S", (last - 2 * a, 0): "E"}),
            _put(square, {(last, 0): "S", (0, 2 * a): "E"}),
            _put(["." * (b + 1)] * (b + 1), {(0, 0): "S", (b, b): "E"}),
            # One leap away, if the other end of the board followed on its edge.
            _put([line], {(0, 0): "S", (0, far + 1 - p["c"]): "E"}),
            _put(["."] * (far + 1), {(0, 0): "S", (far + 1 - p["c"], 0): "E"}),
            # Two leaps away, but for the walls.
            _put(["#" * (a + b + 1)] * (a + b + 1), {(0, 0): "S", (a + b, a + b): "E"}),
        ]
        return [(board,) for board in (*edges, *(self._draw(rng, p) for _ in range(6)))]

    def _draw(self, rng: Rng, p: Parameters) -> Grid:
        rows, columns = (2 * p["b"] + integer(rng, 1, 4) for _ in range(2))
        board = ["".join(pick(rng, "...#") for _ in range(columns)) for _ in range(rows)]
        start = integer(rng, 0, rows - 1), integer(rng, 0, columns - 1)
        # The end lies where the piece may come, far away: past walls that a wrong solution would not see.
        reached = _reachable(board, start, p)
        far = sorted(reached, key=lambda place: (reached[place], place))[len(reached) // 2 :]
        end = pick(rng, far) if far else ((start[0] + 1) % rows, start[1])
        return _put(board, {start: "S", end: "E"})

    def solve(self, p: Parameters, *args: Any) -> int:
        board = args[0]
        places = {board[r][c]: (r, c) for r in range(len(board)) for c in range(len(board[0]))}
        return _reachable(board, places["S"], p).get(places["E"], -1)


class CheapestRoute(Family):
    """Dijkstra's algorithm."""

    name = "cheapest_route"
    level = 4
    signature = "cheapest_route(n, roads)"
    statement = (
        "gets the number n of towns, which are numbered from 0 to n-1, and a list of roads [a, b, cost] between towns a"
        " and b, which can be used in both directions. Each use of a road costs its cost and a toll of $toll; if both "
        "its towns have even numbers, or both odd ones, it costs $extra more. It returns the least cost of a way from "
        "town 0 to town n-1 (0 if they are the same), or -1 if there is no way."
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
        pairs = [sample(rng, range(n), 2) for _ in range(2 * n)]
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


def _put(board: Grid, marks: dict[tuple[int, int], str]) -> Grid:
    """The board with marks on it."""
    cells = [list(row) for row in board]
    for (row, column), mark in marks.items():
        cells[row][column] = mark
    return ["".join(row) for row in cells]


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
