"""The travelling salesman's problem."""

from __future__ import annotations

from functools import partial

import numpy as np
from numpy.typing import NDArray

from ...datasets.drawing import Rng, integer
from .problem import Drawn, InfeasibleError, Instance, Problem, Solution, check_different

_CITIES = (8, 10, 12, 14)
_SIDE = 50
# Longer than any tour.
_FAR = 1 << 40


class TravellingSalesman(Problem):
    """The shortest tour through cities on a grid, where one walks along the axes.

    Best: exact at every level, by dynamic programming over subsets. Baseline: from city 1 always to the nearest city.
    """

    name = "tsp"
    measure = "length"
    form = "the cities' numbers in the order of the tour"

    def draw(self, rng: Rng, level: int) -> Drawn:
        """Cities at random places, no two at one."""
        cities: dict[tuple[int, int], None] = {}
        while len(cities) < _CITIES[level - 1]:
            cities[integer(rng, 0, _SIDE), integer(rng, 0, _SIDE)] = None
        instance = {"cities": [list(city) for city in cities]}
        return Drawn(instance, partial(shortest_tour, distances(instance)))

    def describe(self, instance: Instance) -> str:
        """The cities with their places."""
        listed = ", ".join(f"{number} at ({x}, {y})" for number, (x, y) in enumerate(instance["cities"], 1))
        return (
            "Find a short tour that visits every city once and returns to the first. The distance between two cities "
            f"is |x1 - x2| + |y1 - y2|.\n\nCities: {listed}."
        )

    def baseline(self, instance: Instance) -> Solution:
        """From city 1 always to the nearest city."""
        distance = distances(instance)
        tour, left = [0], set(range(1, len(distance)))
        while left:
            tour.append(min(left, key=lambda city: (distance[tour[-1], city], city)))
            left.remove(tour[-1])
        return [city + 1 for city in tour]

    def value(self, instance: Instance, solution: Solution) -> int:
        """The length of the closed tour."""
        cities = instance["cities"]
        check_different(solution, len(cities), "city")
        if len(solution) < len(cities):
            missing = min(set(range(1, len(cities) + 1)) - set(solution))
            raise InfeasibleError(f"it leaves out city {missing}")
        stops = [cities[number - 1] for number in solution]
        pairs = zip(stops, stops[1:] + stops[:1], strict=True)
        return sum(abs(x1 - x2) + abs(y1 - y2) for (x1, y1), (x2, y2) in pairs)


def distances(instance: Instance) -> NDArray[np.int64]:
    """The distances between all cities, [cities, cities]."""
    places = np.array(instance["cities"], dtype=np.int64)
    return np.asarray(np.abs(places[:, None] - places[None]).sum(axis=2), dtype=np.int64)


def shortest_tour(distance: NDArray[np.int64]) -> Solution:
    """An optimal tour (Held and Karp 1962): the shortest way over each subset of the cities to each of its members."""
    count = len(distance) - 1  # the last city is where every way begins
    sizes = np.zeros(1, dtype=np.int64)
    for _ in range(count):
        sizes = np.concatenate([sizes, sizes + 1])
    ways = np.full((1 << count, count), _FAR, dtype=np.int64)
    ways[1 << np.arange(count), np.arange(count)] = distance[count, :count]
    for size in range(2, count + 1):
        subsets = np.flatnonzero(sizes == size)
        for city in range(count):
            ending = subsets[subsets >> city & 1 == 1]
            ways[ending, city] = (ways[ending ^ (1 << city)] + distance[:count, city]).min(axis=1)
    tour, subset = [count], (1 << count) - 1
    while subset:
        city = int((ways[subset] + distance[:count, tour[-1]]).argmin())
        tour.append(city)
        subset ^= 1 << city
    return [city + 1 for city in tour]
