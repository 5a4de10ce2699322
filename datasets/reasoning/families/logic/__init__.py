"""Logic."""

from __future__ import annotations

from ...family import Family
from .ordering import SeatingOrder

# Add to the end: the order is part of the streams.
LOGIC: tuple[Family, ...] = (SeatingOrder(),)
