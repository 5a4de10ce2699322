"""Mathematics."""

from __future__ import annotations

from ...family import Family
from .arithmetic import FractionArithmetic, OrderOfOperations, PercentChanges
from .counting import Committees, DivisibleCount, LatticePaths
from .digits import BaseConversion, DigitCount
from .divisibility import CommonDivisorsAndMultiples, Divisors, PrimeFactors
from .equations import LinearEquation, LinearSystem, PolynomialRoots
from .functions import LogarithmEquation, TrigonometricValue
from .geometry import PolygonAngles, PolygonArea, Triangles
from .inequalities import Inequality
from .matrices import ComplexNumbers, Determinant, MatrixProduct
from .measures import CalendarDate, ClockTime, UnitConversion
from .polynomials import DefiniteIntegral, PolynomialCoefficient, Slope
from .probability import DiceSum, ExpectedValue, UrnDraws
from .rates import Mixtures, Travel, Work
from .remainders import ChineseRemainders, PowerRemainder
from .sequences import NextTerm, Progressions, RecursiveSequence
from .stories import Ages, Shopping

# Add to the end: the order is part of the streams.
MATHEMATICS: tuple[Family, ...] = (
    LinearEquation(),
    CommonDivisorsAndMultiples(),
    PrimeFactors(),
    Divisors(),
    PowerRemainder(),
    ChineseRemainders(),
    BaseConversion(),
    DigitCount(),
    OrderOfOperations(),
    FractionArithmetic(),
    PercentChanges(),
    PolynomialRoots(),
    LinearSystem(),
    Inequality(),
    PolynomialCoefficient(),
    Slope(),
    DefiniteIntegral(),
    LogarithmEquation(),
    TrigonometricValue(),
    ComplexNumbers(),
    Determinant(),
    MatrixProduct(),
    LatticePaths(),
    Committees(),
    DivisibleCount(),
    DiceSum(),
    UrnDraws(),
    ExpectedValue(),
    PolygonArea(),
    Triangles(),
    PolygonAngles(),
    NextTerm(),
    RecursiveSequence(),
    Progressions(),
    UnitConversion(),
    ClockTime(),
    CalendarDate(),
    Shopping(),
    Ages(),
    Travel(),
    Work(),
    Mixtures(),
)
