"""The families of reasoning tasks, by domain."""

from __future__ import annotations

from ..family import Family
from .logic import LOGIC
from .mathematics import MATHEMATICS
from .text import TEXT

# The order within a domain is part of every stream of tasks: add to the end.
DOMAINS: dict[str, tuple[str, ...]] = {
    "math": tuple(family.name for family in MATHEMATICS),
    "logic": tuple(family.name for family in LOGIC),
    "text": tuple(family.name for family in TEXT),
}
"""The names of the families of each domain."""

FAMILIES: dict[str, Family] = {family.name: family for family in (*MATHEMATICS, *LOGIC, *TEXT)}
"""All families by name."""
