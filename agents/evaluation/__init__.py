"""Evaluation: a model's results on an environment or a benchmark, with what is needed to check them."""

from __future__ import annotations

from .regrading import regrade
from .results import Results, read_results

__all__ = ["Results", "read_results", "regrade"]
