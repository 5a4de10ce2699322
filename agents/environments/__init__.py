"""Environments as programs: reset, step, and text from the policy in between."""
