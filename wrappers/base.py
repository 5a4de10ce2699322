"""What the wrappers share."""

from __future__ import annotations

from typing import Any, TypeAlias

import gymnasium
from gymnasium.utils import RecordConstructorArgs

from ..envs.text_env import TextEnv

Step: TypeAlias = tuple[str, float, bool, bool, dict[str, Any]]


class TextWrapper(gymnasium.Wrapper[str, str, str, str], RecordConstructorArgs):
    """A wrapper of a text environment, which its spec can rebuild.

    Args:
        env: the environment.
        **recorded: the arguments that rebuild the wrapper.

    Raises:
        TypeError: if the environment is no `TextEnv`.
    """

    def __init__(self, env: gymnasium.Env[str, str], **recorded: Any) -> None:
        RecordConstructorArgs.__init__(self, **recorded)
        gymnasium.Wrapper.__init__(self, env)
        if not isinstance(env.unwrapped, TextEnv):
            raise TypeError(f"{type(self).__name__} wraps text environments, not {type(env.unwrapped).__name__}")
        self.text_env: TextEnv = env.unwrapped
