"""Rollouts: an environment and a policy, driven to the end of every episode."""
