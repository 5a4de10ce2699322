"""Runs: from a configuration to a trained policy, resumable."""
