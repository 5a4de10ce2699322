"""Optimisation problems that an agent improves a solution of, turn by turn."""
