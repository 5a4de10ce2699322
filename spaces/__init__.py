"""Spaces for text."""

from . import generic as _generic  # noqa: F401  (registers Gymnasium's generic functions)
from .text import TextSpace

__all__ = ["TextSpace"]
