"""Maximum cut."""

from __future__ import annotations

from functools import partial
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from ...datasets.drawing import Rng, integer
from .problem import Drawn, Instance, Problem, Solution, check_different

_VERTICES = (9, 12, 15, 18)


class MaxCut(Problem):
    """Two sides of a graph with the heaviest edges between them.

    Best: exact at every level, by the weights of all cuts. Baseline: the vertices in order, each on the side where more
    of its weight is cut.
    """

    name = "max_cut"
    measure = "weight"
    minimise = False
    form = "the numbers of the vertices on one side"

    def draw(self, rng: Rng, level: int) -> Drawn:
        """Every second pair of vertices is joined."""
        count = _VERTICES[level - 1]
        edges = [
            [one, other, integer(rng, 1, 9)]
            for one, other in combinations(range(1, count + 1), 2)
            if rng.random() < 0.5
        ]
        instance = {"vertices": count, "edges": edges}
        return Drawn(instance, partial(heaviest_cut, instance))

    def describe(self, instance: Instance) -> str:
        """The edges with their weights."""
        listed = ", ".join(f"{one}-{other}: {weight}" for one, other, weight in instance["edges"])
        return (
            "Divide the vertices of a graph into two sides, so that the edges between the sides have a high total "
            f"weight.\n\nVertices: 1 to {instance['vertices']}. Edges with their weights: {listed}."
        )

    def baseline(self, instance: Instance) -> Solution:
        """The vertices in order, each on the side where more of its weight is cut."""
        weight, side = weights(instance), np.zeros(instance["vertices"], dtype=np.int64)
        for vertex in range(len(side)):
            before = side[:vertex]
            cut_here = weight[vertex, :vertex] @ (1 - before)  # if it goes to side 1
            side[vertex] = cut_here > weight[vertex, :vertex] @ before
        return [int(vertex) + 1 for vertex in np.flatnonzero(side)]

    def value(self, instance: Instance, solution: Solution) -> int:
        """The total weight of the edges between the sides."""
        check_different(solution, instance["vertices"], "vertex")
        side = set(solution)
        return sum(weight for one, other, weight in instance["edges"] if (one in side) != (other in side))


def weights(instance: Instance) -> NDArray[np.int64]:
    """The weights between all vertices, [vertices, vertices]; 0 where there is no edge."""
    weight = np.zeros((instance["vertices"],) * 2, dtype=np.int64)
    for one, other, value in instance["edges"]:
        weight[one - 1, other - 1] = weight[other - 1, one - 1] = value
    return weight


def heaviest_cut(instance: Instance) -> Solution:
    """An optimal cut: the weights of all cuts, of which each vertex doubles the number; the last stays on its side."""
    weight = weights(instance)
    count = len(weight) - 1
    cuts = np.zeros(1, dtype=np.int64)
    for vertex in range(count):
        # What moving this vertex over adds: its whole weight, less twice what it has on that side already.
        there = np.zeros(1, dtype=np.int64)
        for before in range(vertex):
            there = np.concatenate([there, there + weight[vertex, before]])
        cuts = np.concatenate([cuts, cuts + weight[vertex].sum() - 2 * there])
    best = int(cuts.argmax())
    return [vertex + 1 for vertex in range(count) if best >> vertex & 1]
