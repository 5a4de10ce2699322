"""Bin packing."""

from __future__ import annotations

from collections import defaultdict

from ...datasets.drawing import Rng, integer, shuffled
from .problem import Drawn, InfeasibleError, Instance, Problem, Solution, check_one_each

_BINS = (4, 5, 6, 8)
_CAPACITY = 100
_SMALLEST = 20


class BinPacking(Problem):
    """The fewest bins for all items.

    Best: known by construction at every level: full bins are cut into three items each, and no packing can do with
    less than all their volume. Baseline: the largest item first, each into the first bin with room.
    """

    name = "bin_packing"
    measure = "number of bins"
    form = "for each item in order the number of its bin"

    def draw(self, rng: Rng, level: int) -> Drawn:
        """Full bins cut into items, which are then shuffled."""
        bins, pieces = _BINS[level - 1], []
        for number in range(1, bins + 1):
            first = integer(rng, _SMALLEST, _CAPACITY - 2 * _SMALLEST)
            second = integer(rng, _SMALLEST, _CAPACITY - first - _SMALLEST)
            pieces += [(size, number) for size in (first, second, _CAPACITY - first - second)]
        pieces = shuffled(rng, pieces)
        instance = {"capacity": _CAPACITY, "sizes": [size for size, _ in pieces]}
        return Drawn(instance, lambda: [number for _, number in pieces])

    def describe(self, instance: Instance) -> str:
        """The items with their sizes."""
        listed = ", ".join(f"{number}: {size}" for number, size in enumerate(instance["sizes"], 1))
        return (
            f"Pack all items into few bins; the sizes in a bin may add up to {instance['capacity']} at most.\n\n"
            f"Items with their sizes: {listed}."
        )

    def baseline(self, instance: Instance) -> Solution:
        """The largest item first, each into the first bin with room."""
        sizes = instance["sizes"]
        return first_fit(instance, sorted(range(len(sizes)), key=lambda item: (-sizes[item], item)))

    def value(self, instance: Instance, solution: Solution) -> int:
        """How many bins are used."""
        sizes = instance["sizes"]
        check_one_each(solution, len(sizes), len(sizes), "bin", "items")
        filled: dict[int, int] = defaultdict(int)
        for size, number in zip(sizes, solution, strict=True):
            filled[number] += size
            if filled[number] > instance["capacity"]:
                raise InfeasibleError(f"bin {number} holds more than {instance['capacity']}")
        return len(filled)


def first_fit(instance: Instance, order: list[int]) -> Solution:
    """Each item, in the given order, into the first bin with room."""
    room: list[int] = []
    packed = [0] * len(order)
    for item in order:
        size = instance["sizes"][item]
        number = next((number for number, left in enumerate(room) if left >= size), len(room))
        if number == len(room):
            room.append(instance["capacity"])
        room[number] -= size
        packed[item] = number + 1
    return packed
