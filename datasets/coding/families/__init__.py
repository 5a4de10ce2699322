"""The families of programming tasks, by level."""

from __future__ import annotations

from ..family import Family
from .dynamic import CountTexts, EditDistance, LongestSteps, WaysToPay
from .expressions import Expression
from .graphs import CheapestRoute, ShortestLeaps
from .grids import Islands, Spiral
from .letters import Caesar, CountLetter, RunLengths, Vigenere
from .lists import Clamp, EveryNth, KthLargest, SortByRemainder, SumOfMultiples
from .machines import LruCache, StackMachine
from .nesting import Brackets, Flatten
from .notation import BaseDigits, DateAfter, Roman
from .numbers import CountPrimes, DigitSum, IntegerRoot, RotateBits
from .programs import LineArithmetic, PrintArithmetic, RepeatWord, WordCounts, WrapText
from .ranges import LatticePoints, MergeIntervals, WindowSum
from .simulations import Josephus, Life

# The order within a level is part of every stream of tasks: add to the end of a level.
FAMILIES: dict[str, Family] = {
    family.name: family
    for family in (
        # Level 1.
        PrintArithmetic(),
        LineArithmetic(),
        RepeatWord(),
        SumOfMultiples(),
        CountLetter(),
        Clamp(),
        DigitSum(),
        EveryNth(),
        # Level 2.
        BaseDigits(),
        CountPrimes(),
        SortByRemainder(),
        KthLargest(),
        RotateBits(),
        Josephus(),
        Caesar(),
        Roman(),
        DateAfter(),
        WordCounts(),
        # Level 3.
        MergeIntervals(),
        WindowSum(),
        IntegerRoot(),
        WaysToPay(),
        RunLengths(),
        Brackets(),
        WrapText(),
        Vigenere(),
        Flatten(),
        Spiral(),
        # Level 4.
        ShortestLeaps(),
        Islands(),
        CheapestRoute(),
        Life(),
        EditDistance(),
        LruCache(),
        LongestSteps(),
        LatticePoints(),
        StackMachine(),
        CountTexts(),
        Expression(),
    )
}
"""All families by name."""
