"""Logic."""

from __future__ import annotations

from ...family import Family
from .boolean import BooleanExpressions, GuestList, GuestListCount
from .calendar import CommonFreeTime, DateArithmetic
from .digits import Countdown, Cryptarithm
from .games import Maze, Nim, TowerOfHanoi
from .graphs import EulerTrail, ShortestPath, TaskOrder
from .grids import MagicSquare, QueensCompletion, Sudoku
from .houses import HousePuzzle
from .ordering import SeatingOrder
from .relatives import FamilyTree
from .sets import SetOperations, VennCounting
from .statements import KnightsAndKnaves, Syllogisms

# Add to the end: the order is part of the streams.
LOGIC: tuple[Family, ...] = (
    SeatingOrder(),
    KnightsAndKnaves(),
    Syllogisms(),
    BooleanExpressions(),
    GuestList(),
    GuestListCount(),
    HousePuzzle(),
    Sudoku(),
    QueensCompletion(),
    MagicSquare(),
    ShortestPath(),
    EulerTrail(),
    TaskOrder(),
    Maze(),
    Nim(),
    TowerOfHanoi(),
    Countdown(),
    Cryptarithm(),
    VennCounting(),
    SetOperations(),
    DateArithmetic(),
    CommonFreeTime(),
    FamilyTree(),
)
