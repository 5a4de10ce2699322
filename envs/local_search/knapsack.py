"""The knapsack problem."""

from __future__ import annotations

from functools import partial

import numpy as np

from ...datasets.drawing import Rng, integer, integers
from .problem import Drawn, InfeasibleError, Instance, Problem, Solution, check_different

_ITEMS = (14, 20, 30, 40)


class Knapsack(Problem):
    """The most valuable items that a knapsack holds.

    Best: exact at every level, by dynamic programming over capacities. Baseline: in the order of value for weight,
    each item that still fits.
    """

    name = "knapsack"
    measure = "value"
    minimise = False
    form = "the numbers of the items to take"

    def draw(self, rng: Rng, level: int) -> Drawn:
        """Items whose values follow their weights, which makes the greedy rule err."""
        weights = integers(rng, _ITEMS[level - 1], 5, 60)
        values = [weight + integer(rng, 1, 20) for weight in weights]
        instance = {"capacity": sum(weights) // 2, "weights": weights, "values": values}
        return Drawn(instance, partial(most_valuable, instance))

    def describe(self, instance: Instance) -> str:
        """The items with their weights and values."""
        pairs = zip(instance["weights"], instance["values"], strict=True)
        listed = "; ".join(f"{number}: weight {w}, value {v}" for number, (w, v) in enumerate(pairs, 1))
        return (
            f"Choose items of high total value for a knapsack that holds a total weight of {instance['capacity']}.\n\n"
            f"Items: {listed}."
        )

    def baseline(self, instance: Instance) -> Solution:
        """In the order of value for weight, each item that still fits."""
        weights, values, room = instance["weights"], instance["values"], instance["capacity"]
        taken = []
        for item in sorted(range(len(weights)), key=lambda item: -values[item] / weights[item]):
            if weights[item] <= room:
                room -= weights[item]
                taken.append(item + 1)
        return sorted(taken)

    def value(self, instance: Instance, solution: Solution) -> int:
        """The total value."""
        check_different(solution, len(instance["weights"]), "item")
        weight = sum(instance["weights"][number - 1] for number in solution)
        if weight > instance["capacity"]:
            raise InfeasibleError(f"it weighs {weight}; the knapsack holds {instance['capacity']}")
        return sum(instance["values"][number - 1] for number in solution)


def most_valuable(instance: Instance) -> Solution:
    """An optimal choice: the best value for each capacity, item by item."""
    room = instance["capacity"]
    best = np.zeros(room + 1, dtype=np.int64)
    takes = []
    for weight, value in zip(instance["weights"], instance["values"], strict=True):
        taken = np.full_like(best, -1)
        taken[weight:] = best[: room + 1 - weight] + value
        takes.append(taken > best)
        best = np.maximum(best, taken)
    chosen = []
    for item in reversed(range(len(takes))):
        if takes[item][room]:
            chosen.append(item + 1)
            room -= instance["weights"][item]
    return sorted(chosen)
