"""Algorithms: what turns trajectories into updates."""
