"""Mathematics."""

from __future__ import annotations

from ...family import Family
from .equations import LinearEquation

# Add to the end: the order is part of the streams.
MATHEMATICS: tuple[Family, ...] = (LinearEquation(),)
