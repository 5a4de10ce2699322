"""Rules carried out step by step."""

from __future__ import annotations

from typing import Any

from ...drawing import Rng, integer, integers, pick
from ..family import Family, Parameters

Grid = list[str]


class Josephus(Family):
    """Count out a circle."""

    name = "josephus"
    level = 2
    signature = "last_one(n)"
    statement = (
        "plays a counting-out game: the players 1 to n stand in a circle, with n at least $start. Counting begins with "
        "player $start, who is counted as 1; whoever is counted as $k leaves, and counting starts anew with 1 at the "
        "next player who is still there, until one is left. It returns the number of that player."
    )
    python = """
def last_one(n):
    circle = list(range(1, n + 1))
    at = ($start - 1) % n
    while len(circle) > 1:
        at = (at + $k - 1) % len(circle)
        circle.pop(at)
    return circle[0]
"""
    javascript = """
function last_one(n) {
  const circle = Array.from({ length: n }, (_, i) => i + 1);
  let at = ($start - 1) % n;
  while (circle.length > 1) {
    at = (at + $k - 1) % circle.length;
    circle.splice(at, 1);
  }
  return circle[0];
}
"""
    python_slips = (("at + $k - 1", "at + $k"), ("($start - 1) % n", "0"), ("return circle[0]", "return circle[0] - 1"))
    javascript_slips = (("at + $k - 1", "at + $k"), ("($start - 1) % n", "$start % n"))

    def parameters(self, rng: Rng) -> Parameters:
        return {"k": integer(rng, 2, 15), "start": integer(rng, 2, 9)}

    def inputs(self, rng: Rng, p: Parameters) -> list[tuple[int]]:
        start = p["start"]
        return [(n,) for n in (start, start + 1, start + 2, start + p["k"], *integers(rng, 6, 10, 80))]

    def solve(self, p: Parameters, *args: Any) -> int:
        place = 0  # of the last one, where the counting starts
        for size in range(2, args[0] + 1):
            place = (place + p["k"]) % size
        return int((place + p["start"] - 1) % args[0] + 1)


class Life(Family):
    """Cellular automata like the game of life."""

    name = "life"
    level = 4
    signature = "life(grid)"
    statement = (
        "gets a grid of cells as a list of texts of equal length, '#' for a living cell and '.' for a dead one. In "
        "each generation, all at once, a dead cell comes to life if exactly $born of its 8 neighbours live, and a "
        "living cell stays alive if exactly $survive of them live; all other cells are dead then, and all outside the "
        "grid always are. It returns the grid after $generations generations."
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
            "generations": integer(rng, 2, 4),
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
