"""Spaces for text."""

# By way of the package, so that a bare `import spaces` from the repository's root fails here, at once.
from ..spaces import generic as _generic  # noqa: F401  (registers Gymnasium's generic functions)
from ..spaces.text import TextSpace

__all__ = ["TextSpace"]
