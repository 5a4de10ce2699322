"""Ranges: windows of a list, intervals of a line, areas of a plane."""

from __future__ import annotations

from itertools import pairwise, product
from typing import Any

from ...drawing import Rng, integer, integers, pick
from ..family import Family, Parameters


class MergeIntervals(Family):
    """Join intervals."""

    name = "merge_intervals"
    level = 3
    signature = "merge_intervals(intervals)"
    statement = (
        "gets a list of intervals [start, end] of integers with start <= end, in any order. Two intervals are joined "
        "into one, from the least start to the greatest end, if they overlap or if the gap between them (the start of "
        "the later one minus the end of the earlier one) is at most $gap; this is repeated with the results until "
        "nothing can be joined. It returns the intervals that are left, sorted by start."
    )
    python = """
def merge_intervals(intervals):
    merged = []
    for start, end in sorted(intervals):
        if merged and start - merged[-1][1] <= $gap:
            merged[-1][1] = max(merged[-1][1], end)
        else:
            merged.append([start, end])
    return merged
"""
    javascript = """
function merge_intervals(intervals) {
  const merged = [];
  for (const [start, end] of [...intervals].sort((a, b) => a[0] - b[0])) {
    const last = merged[merged.length - 1];
    if (last && start - last[1] <= $gap) last[1] = Math.max(last[1], end);
    else merged.push([start, end]);
  }
  return merged;
}
"""
    python_slips = (("<= $gap", "< $gap"), ("max(merged[-1][1], end)", "end"), ("sorted(intervals)", "intervals"))
    javascript_slips = (("<= $gap", "< $gap"), ("Math.max(last[1], end)", "end"), (".sort((a, b) => a[0] - b[0])", ""))

    def parameters(self, rng: Rng) -> Parameters:
        return {"gap": integer(rng, 1, 120)}

    def inputs(self, rng: Rng, p: Parameters) -> list[tuple[list[list[int]]]]:
        gap = p["gap"]
        edges = [
            [],
            [[0, 5], [5 + gap, 9 + gap]],
            [[0, 5], [6 + gap, 9 + gap]],
            [[0, 60], [2, 5], [70 + gap, 80 + gap]],
            [[9 + gap, 11 + gap], [0, 3], [2, 8]],
        ]
        drawn = []
        for _ in range(6):
            starts = integers(rng, 7, 0, 12 * gap + 20)
            drawn.append([[start, start + integer(rng, 0, gap + 3)] for start in starts])
        return [(intervals,) for intervals in (*edges, *drawn)]

    def solve(self, p: Parameters, *args: Any) -> list[list[int]]:
        ordered = sorted(args[0])
        ends = [max(end for _, end in ordered[: i + 1]) for i in range(len(ordered))]
        breaks = [
            i + 1 for i, (end, (start, _)) in enumerate(zip(ends, ordered[1:], strict=False)) if start - end > p["gap"]
        ]
        parts = pairwise([0, *breaks, len(ordered)])
        return [[ordered[first][0], ends[last - 1]] for first, last in parts if last]


class WindowSum(Family):
    """Find the best window."""

    name = "window_sum"
    level = 3
    signature = "best_window(numbers)"
    statement = (
        "gets a list of integers, of which each one at an odd index (indices are counted from 0) counts $weight times. "
        "It returns the largest sum of $k neighbouring elements, or $default if the list has fewer than $k elements."
    )
    python = """
def best_window(numbers):
    weighted = [n * $weight if i % 2 else n for i, n in enumerate(numbers)]
    if len(weighted) < $k:
        return $default
    total = best = sum(weighted[:$k])
    for i in range($k, len(weighted)):
        total += weighted[i] - weighted[i - $k]
        best = max(best, total)
    return best
"""
    javascript = """
function best_window(numbers) {
  if (numbers.length < $k) return $default;
  const sums = [0];
  numbers.forEach((n, i) => sums.push(sums[i] + (i % 2 ? n * $weight : n)));
  let best = -Infinity;
  for (let i = $k; i < sums.length; i++) best = Math.max(best, sums[i] - sums[i - $k]);
  return best;
}
"""
    python_slips = (
        ("total = best = sum(weighted[:$k])", "total, best = sum(weighted[:$k]), 0"),
        ("range($k,", "range($k + 1,"),
    )
    javascript_slips = (("best = -Infinity", "best = 0"), ("i < sums.length", "i < sums.length - 1"))

    def parameters(self, rng: Rng) -> Parameters:
        return {"k": integer(rng, 2, 9), "weight": integer(rng, 2, 5), "default": pick(rng, (0, -1, -1_000, 1_000))}

    def inputs(self, rng: Rng, p: Parameters) -> list[tuple[list[int]]]:
        k = p["k"]
        edges = [[], [1] * (k - 1), [-3] * k, [-2 - i for i in range(k + 3)], list(range(k + 5)), [9] * k + [50]]
        return [(numbers,) for numbers in (*edges, *(integers(rng, k + 8, -30, 40) for _ in range(5)))]

    def solve(self, p: Parameters, *args: Any) -> int:
        numbers, k = args[0], p["k"]
        windows = [range(i, i + k) for i in range(len(numbers) - k + 1)]
        sums = [sum(numbers[i] * (p["weight"] if i % 2 else 1) for i in window) for window in windows]
        return int(max(sums, default=p["default"]))


class LatticePoints(Family):
    """Count points in a triangle."""

    name = "lattice_points"
    level = 4
    signature = "points_inside(a, b, c)"
    statement = (
        "gets the corners of a triangle as [x, y] with integer coordinates. It returns how many points with integer "
        "coordinates, x divisible by $x_step and y divisible by $y_step, lie inside it$border. A triangle whose "
        "corners lie on one line has no inside$flat."
    )
    python = """
def points_inside(a, b, c):
    side = lambda p, q, x, y: (q[0] - p[0]) * (y - p[1]) - (q[1] - p[1]) * (x - p[0])
    if side(a, b, *c) == 0:
        return 0
    if side(a, b, *c) < 0:
        b, c = c, b
    xs, ys = zip(a, b, c)
    count = 0
    for x in range(min(xs), max(xs) + 1):
        for y in range(min(ys), max(ys) + 1):
            if x % $x_step == 0 and y % $y_step == 0:
                count += min(side(a, b, x, y), side(b, c, x, y), side(c, a, x, y)) >= $least
    return count
"""
    javascript = """
function points_inside(a, b, c) {
  const side = (p, q, x, y) => (q[0] - p[0]) * (y - p[1]) - (q[1] - p[1]) * (x - p[0]);
  const area = side(a, b, c[0], c[1]);
  if (area === 0) return 0;
  if (area < 0) [b, c] = [c, b];
  let count = 0;
  for (let x = Math.min(a[0], b[0], c[0]); x <= Math.max(a[0], b[0], c[0]); x++) {
    for (let y = Math.min(a[1], b[1], c[1]); y <= Math.max(a[1], b[1], c[1]); y++) {
      if (x % $x_step !== 0 || y % $y_step !== 0) continue;
      if (Math.min(side(a, b, x, y), side(b, c, x, y), side(c, a, x, y)) >= $least) count++;
    }
  }
  return count;
}
"""
    python_slips = (
        (">= $least", ">= 1 - $least"),
        ("        b, c = c, b\n", "        pass\n"),
        ("    if side(a, b, *c) == 0:\n        return 0\n", "    if side(a, b, *c) == 0:\n        return 1\n"),
    )
    javascript_slips = (
        (">= $least", ">= 1 - $least"),
        ("if (area < 0) [b, c] = [c, b];", ""),
        ("x % $x_step !== 0 || ", ""),
    )

    def parameters(self, rng: Rng) -> Parameters:
        least = integer(rng, 0, 1)
        border = " (points on the border do not count)" if least else " or on its border"
        flat = "" if least else " and no border"
        return {
            "x_step": integer(rng, 2, 8),
            "y_step": integer(rng, 1, 8),
            "least": least,
            "border": border,
            "flat": flat,
        }

    def inputs(self, rng: Rng, p: Parameters) -> list[tuple[list[int], list[int], list[int]]]:
        x, y = 4 * p["x_step"], 4 * p["y_step"]
        edges = [
            ([0, 0], [x, 0], [0, y]),
            ([0, y], [x, 0], [0, 0]),
            ([0, 0], [x, y], [2 * x, 2 * y]),
            ([-x, -y], [x, -y], [0, y]),
            ([1, 1], [1, 1], [1, 1]),
        ]
        return [*edges, *(self._draw(rng) for _ in range(6))]

    def _draw(self, rng: Rng) -> tuple[list[int], list[int], list[int]]:
        a, b, c = (integers(rng, 2, -30, 30) for _ in range(3))
        return a, b, c

    def solve(self, p: Parameters, *args: Any) -> int:
        (ax, ay), (bx, by), (cx, cy) = args
        whole = abs((bx - ax) * (cy - ay) - (by - ay) * (cx - ax))
        count = 0
        corners = (((ax, ay), (bx, by)), ((bx, by), (cx, cy)), ((cx, cy), (ax, ay)))
        xs, ys = (range(min(sides), max(sides) + 1) for sides in ((ax, bx, cx), (ay, by, cy)))
        for x, y in product(xs, ys):
            if not whole or x % p["x_step"] or y % p["y_step"]:
                continue
            # A point is inside if the three triangles that it makes with the sides fill the whole.
            parts = [abs((u - x) * (t - y) - (v - y) * (s - x)) for (u, v), (s, t) in corners]
            count += sum(parts) == whole and min(parts) >= p["least"]
        return count
