"""Environments: text in, text out, scored. See ``registration`` for the table of ids."""

# By way of the package, so that a bare `import envs` from the repository's root fails here, at once.
from ..envs.registration import register_envs

__all__ = ["register_envs"]
