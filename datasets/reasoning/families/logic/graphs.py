"""Graphs: ways through them and orders."""

from __future__ import annotations

from heapq import heappop, heappush
from itertools import pairwise
from typing import Any

from ....drawing import LETTERS, Rng, integer, pick, sample, shuffled
from ...family import Family, Problem

_LABELS = LETTERS.upper()
Roads = dict[str, dict[str, int]]


def _labels_in(text: str, most: int) -> list[str] | None:
    """The letters of a path such as ``A-B-C``, ``A, B, C`` or ``A → B``; None if there are more than ``most``."""
    letters = text.upper().translate({ord(sign): None for sign in " \t\r\n,;.-–>→[]()"})
    return list(letters) if len(letters) <= most else None


class ShortestPath(Family):
    """A shortest path among 6, 8, 10 or 13 towns; mostly not the one of the fewest roads. Any shortest is right."""

    name = "shortest_path"
    grader = "family"
    chance = (0.05, 0.05, 0.05, 0.05)

    def problem(self, rng: Rng, level: int) -> Problem:
        towns = sample(rng, _LABELS, (6, 8, 10, 13)[level - 1])
        roads: Roads = {town: {} for town in towns}
        pairs = [(towns[integer(rng, 0, i - 1)], towns[i]) for i in range(1, len(towns))]
        pairs += [(towns[i], towns[j]) for i, j in (sample(rng, range(len(towns)), 2) for _ in range(len(towns) + 2))]
        for a, b in pairs:
            roads[a][b] = roads[b][a] = integer(rng, 1, 9) * (1 if level < 3 else integer(rng, 1, 5))
        unit = {a: dict.fromkeys(b, 1) for a, b in roads.items()}
        starts = towns[:3]
        hops = {start: _shortest(unit, start) for start in starts}
        # A way with many stops, and more of them than a longer way has, if there is one: counting roads misleads.
        best = max(
            (route for start in starts for route in _shortest(roads, start).values()),
            key=lambda route: (len(route) > len(hops[route[0]][route[-1]]), len(route)),
        )
        start, goal = best[0], best[-1]
        listed = sorted(f"{a}-{b} {roads[a][b]}" for a in towns for b in roads[a] if a < b)
        ask = pick(
            rng,
            (
                f"What is a shortest way from {start} to {goal}?",
                f"Find a shortest path from {start} to {goal}.",
                f"How does one get from {start} to {goal} on the shortest way?",
            ),
        )
        question = (
            f"These roads join towns (with their lengths in km): {', '.join(listed)}.\n{ask} Write all towns on the "
            f"way, from {start} to {goal}, with hyphens between them, as in X-Y-Z."
        )
        answer = {"roads": roads, "start": start, "goal": goal, "length": _length(roads, best)}
        fewest = hops[start][goal]
        slips = [best[::-1], best[1:], best[:-1], fewest, [start, goal]]
        wrong = ["-".join(slip) for slip in slips if not self.accepts(answer, "-".join(slip))]
        return Problem(question, answer, wrong, f"{start} {goal} {' '.join(listed)}", "-".join(best))

    def accepts(self, answer: dict[str, Any], given: str) -> bool:
        way, roads = _labels_in(given, len(answer["roads"])), answer["roads"]
        if not way or way[0] != answer["start"] or way[-1] != answer["goal"]:
            return False
        joined = all(b in roads.get(a, {}) for a, b in pairwise(way))
        return joined and _length(roads, way) == answer["length"]


def _length(roads: Roads, way: list[str]) -> int:
    return sum(roads[a][b] for a, b in pairwise(way))


def _shortest(roads: Roads, start: str) -> dict[str, list[str]]:
    """A shortest path to every other town (Dijkstra)."""
    ways: dict[str, list[str]] = {}
    queue = [(0, [start])]
    while queue:
        length, way = heappop(queue)
        if way[-1] not in ways:
            ways[way[-1]] = way
            for town, more in roads[way[-1]].items():
                if town not in ways:
                    heappush(queue, (length + more, [*way, town]))
    del ways[start]
    return ways


class EulerTrail(Family):
    """Walk along all of 6, 9, 13 or 18 roads once; any such walk is right."""

    name = "euler_trail"
    grader = "family"

    def problem(self, rng: Rng, level: int) -> Problem:
        towns = sample(rng, _LABELS, (5, 6, 7, 8)[level - 1])
        walk = [towns[0]]
        used: set[frozenset[str]] = set()
        for _ in range((6, 9, 13, 18)[level - 1]):
            free = [town for town in towns if town != walk[-1] and frozenset((walk[-1], town)) not in used]
            if not free:
                break
            walk.append(pick(rng, free))
            used.add(frozenset(walk[-2:]))
        roads = sorted("".join(sorted(road)) for road in used)
        ask = pick(
            rng, ("Find a walk that uses", "Walk along these so that you use", "Name the stops of a walk that uses")
        )
        question = (
            f"Roads join these towns: {', '.join('-'.join(road) for road in roads)}.\n{ask} each road exactly once. "
            "Start where you like. Write the towns in order, with hyphens between them, as in X-Y-Z."
        )
        slips = [walk[:-1], [*walk, walk[-2]], [walk[1], walk[0], *walk[2:]]]
        answer = {"roads": roads}
        wrong = ["-".join(slip) for slip in slips if not self.accepts(answer, "-".join(slip))]
        return Problem(question, answer, wrong, " ".join(roads), "-".join(walk))

    def accepts(self, answer: dict[str, Any], given: str) -> bool:
        walk = _labels_in(given, len(answer["roads"]) + 1) or []
        return bool(sorted("".join(sorted(road)) for road in pairwise(walk)) == answer["roads"])


class TaskOrder(Family):
    """Topological order of 5, 7, 9 or 12 tasks; any order that fits is right."""

    name = "task_order"
    grader = "family"
    chance = (0.05, 0.02, 0.01, 0.0)

    def problem(self, rng: Rng, level: int) -> Problem:
        tasks = sample(rng, _LABELS, (5, 7, 9, 12)[level - 1])
        # Neighbours in the drawn order are mostly bound, so that few orders fit.
        pairs = [pair for pair in pairwise(tasks) if pick(rng, range(5))]
        for _ in tasks:
            i, j = sorted(sample(rng, range(len(tasks)), 2))
            pairs.append((tasks[i], tasks[j]))
        pairs = sorted(set(pairs))
        forms = ("{0} must be done before {1}.", "{1} can't start before {0} is done.", "{1} needs the result of {0}.")
        rules = [pick(rng, forms).format(*pair) for pair in shuffled(rng, pairs)]
        ask = pick(rng, ("In which order can all be done?", "Find an order in which all can be done.", "Plan them."))
        question = (
            f"There are the tasks {', '.join(sorted(tasks))}, done one after the other. {' '.join(rules)}\n{ask} "
            "Write all tasks from the first to the last, with commas between them."
        )
        first = tasks.index(pairs[0][0]), tasks.index(pairs[0][1])
        swapped = list(tasks)
        swapped[first[0]], swapped[first[1]] = pairs[0][1], pairs[0][0]
        wrong = [", ".join(order) for order in (tasks[::-1], swapped, tasks[1:])]
        key = f"{' '.join(sorted(tasks))} {' '.join(a + b for a, b in pairs)}"
        answer = {"tasks": sorted(tasks), "pairs": [list(pair) for pair in pairs]}
        return Problem(question, answer, wrong, key, ", ".join(tasks))

    def accepts(self, answer: dict[str, Any], given: str) -> bool:
        order = _labels_in(given, len(answer["tasks"])) or []
        place = {task: i for i, task in enumerate(order)}
        return sorted(order) == answer["tasks"] and all(place[a] < place[b] for a, b in answer["pairs"])
