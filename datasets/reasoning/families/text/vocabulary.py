"""Common English words, no two of them anagrams."""

from __future__ import annotations

_WORDS = """
apple river stone cloud tiger lemon piano novel ocean maple garden window silver pocket bridge
candle forest hammer island jacket kettle ladder market needle orange pencil rabbit saddle tunnel
valley winter yellow anchor basket castle desert engine feather guitar harbor insect jungle kitchen
lantern magnet nature oyster parrot quiver rocket shadow temple useful velvet wagon zebra actor
bread chair dance eagle flame grape horse input juice knife light mouse night olive plant queen
robot sugar table uncle voice whale youth artist bottle circle doctor energy farmer gentle honest
"""
WORDS = tuple(_WORDS.split())
