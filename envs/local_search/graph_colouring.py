"""Graph colouring."""

from __future__ import annotations

from itertools import combinations

from ...datasets.drawing import Rng, shuffled
from .problem import Drawn, InfeasibleError, Instance, Problem, Solution, check_one_each

# Vertices, colours, and how likely two vertices of different colours are joined.
_SHAPES = ((16, 5, 0.6), (18, 5, 0.6), (22, 6, 0.65), (26, 6, 0.6))


class GraphColouring(Problem):
    """The fewest colours so that no edge joins two vertices of one colour.

    Best: known by construction at every level: the edges keep to a colouring drawn before them, and as many vertices as
    it has colours are all joined, so that no fewer suffice. Baseline: always the vertex with most colours around it,
    of several the one with most edges, in the first colour that no neighbour has (Brélaz 1979).
    """

    name = "graph_colouring"
    measure = "number of colours"
    form = "for each vertex in order the number of its colour"

    def draw(self, rng: Rng, level: int) -> Drawn:
        """A colouring, a clique with all its colours, then edges between different colours."""
        count, colours, density = _SHAPES[level - 1]
        order = shuffled(rng, range(count))
        colour = [0] * count
        for place, vertex in enumerate(order):
            colour[vertex] = place % colours + 1
        clique = set(order[:colours])
        pairs = [*combinations(range(count), 2)]
        chosen = [rng.random() < density for _ in pairs]
        edges = [
            [one + 1, other + 1]
            for (one, other), joined in zip(pairs, chosen, strict=True)
            if colour[one] != colour[other] and (joined or (one in clique and other in clique))
        ]
        return Drawn({"vertices": count, "edges": edges}, lambda: colour)

    def describe(self, instance: Instance) -> str:
        """The edges."""
        listed = ", ".join(f"{one}-{other}" for one, other in instance["edges"])
        return (
            "Colour the vertices of a graph with few colours, so that no edge joins two vertices of one colour.\n\n"
            f"Vertices: 1 to {instance['vertices']}. Edges: {listed}."
        )

    def baseline(self, instance: Instance) -> Solution:
        """Always the vertex with most colours around it, in the first colour that no neighbour has."""
        near = neighbours(instance)
        colour: dict[int, int] = {}
        around: dict[int, set[int]] = {vertex: set() for vertex in near}
        while len(colour) < len(near):
            left = near.keys() - colour.keys()
            vertex = min(left, key=lambda vertex: (-len(around[vertex]), -len(near[vertex]), vertex))
            colour[vertex] = next(number for number in range(1, len(near) + 1) if number not in around[vertex])
            for other in near[vertex]:
                around[other].add(colour[vertex])
        return [colour[vertex] for vertex in sorted(colour)]

    def value(self, instance: Instance, solution: Solution) -> int:
        """How many colours are used."""
        count = instance["vertices"]
        check_one_each(solution, count, count, "colour", "vertices")
        for one, other in instance["edges"]:
            if solution[one - 1] == solution[other - 1]:
                raise InfeasibleError(f"the edge {one}-{other} joins two vertices of one colour")
        return len(set(solution))


def neighbours(instance: Instance) -> dict[int, set[int]]:
    """The neighbours of each vertex."""
    near: dict[int, set[int]] = {vertex: set() for vertex in range(1, instance["vertices"] + 1)}
    for one, other in instance["edges"]:
        near[one].add(other)
        near[other].add(one)
    return near
