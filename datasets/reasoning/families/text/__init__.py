"""Text."""

from __future__ import annotations

from ...family import Family
from .letters import ReverseWords

# Add to the end: the order is part of the streams.
TEXT: tuple[Family, ...] = (ReverseWords(),)
