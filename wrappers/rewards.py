"""What the policy is paid for. All of these change the reward of the last step alone, where the score is known.

An episode that our own code failed (status ``error``) keeps its reward of 0.0.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import gymnasium

from ..envs.grading import public
from ..rewards import Rubric, Status, load_rubric
from ..rewards.auxiliary import format_score, language_score, length_score, repetition_score
from .base import Step, TextWrapper

AUXILIARY: dict[str, Callable[..., float]] = {
    "repetition": repetition_score,
    "length": length_score,
    "language": language_score,
    "format": format_score,
}


class _FinalReward(TextWrapper):
    """Changes the reward where an episode has ended and was scored."""

    def step(self, action: str) -> Step:
        """Takes an action."""
        observation, reward, terminated, truncated, info = self.env.step(action)
        if "status" in info and info["status"] != Status.ERROR:
            reward, info = self.paid(float(reward), info)
            if info["status"] == Status.ERROR:  # what this wrapper asked has failed
                terminated, truncated = False, True
        return observation, float(reward), terminated, truncated, info

    def paid(self, reward: float, info: dict[str, Any]) -> tuple[float, dict[str, Any]]:
        """The reward of the last step, and its ``info``."""
        raise NotImplementedError


class MixReward(_FinalReward):
    """Pays a weighted sum of the score's components instead of its correctness.

    Args:
        env: the environment, with wrappers that add components inside this one.
        weights: by component, such as ``{"correctness": 0.9, "format": 0.1}``. An episode without an answer may lack a
            component, which counts 0 then.

    Raises:
        ValueError: if there are no weights; and, by ``step``, if a scored answer lacks a component.
    """

    def __init__(self, env: gymnasium.Env[str, str], weights: Mapping[str, float]) -> None:
        super().__init__(env, weights=dict(weights))
        if not weights:
            raise ValueError('weights is empty: name components, such as {"correctness": 1.0}')
        self.weights = dict(weights)

    def paid(self, reward: float, info: dict[str, Any]) -> tuple[float, dict[str, Any]]:
        """The weighted sum."""
        components = info["components"]
        missing = [name for name in self.weights if name not in components]
        if missing and info["status"] == Status.SCORED:
            raise ValueError(f"weights names {missing[0]!r}; the components are {', '.join(components)}")
        return sum(weight * components.get(name, 0.0) for name, weight in self.weights.items()), info


class FormatReward(_FinalReward):
    """Adds ``weight`` times the format score to the reward.

    Args:
        env: the environment.
        weight: what a response in perfect form earns beside its correctness.
    """

    def __init__(self, env: gymnasium.Env[str, str], weight: float = 0.1) -> None:
        super().__init__(env, weight=weight)
        self.weight = weight

    def paid(self, reward: float, info: dict[str, Any]) -> tuple[float, dict[str, Any]]:
        """The reward with what the form earns."""
        return reward + self.weight * info["components"]["format"], info


class AuxiliaryReward(_FinalReward):
    """Scores the last response by ``repetition``, ``length``, ``language`` or ``format``, and adds it to the reward.

    Args:
        env: the environment.
        name: of the score; see ``rewards/auxiliary.py``. The component has the same name.
        weight: what a full score adds; 0.0 only adds the component, for `MixReward` to weigh.
        **arguments: arguments of the score, such as ``most=2000`` for the length or ``language="english"``.

    Raises:
        ValueError: if there is no such score, or its arguments are impossible.
    """

    def __init__(self, env: gymnasium.Env[str, str], name: str, weight: float = 0.0, **arguments: Any) -> None:
        super().__init__(env, name=name, weight=weight, **arguments)
        if name not in AUXILIARY:
            raise ValueError(f"name must be one of {', '.join(AUXILIARY)}, not {name!r}")
        self.name, self.weight, self.arguments = name, weight, arguments
        AUXILIARY[name]("", **arguments)  # impossible arguments are refused here

    def paid(self, reward: float, info: dict[str, Any]) -> tuple[float, dict[str, Any]]:
        """The reward with what the score earns."""
        value = AUXILIARY[self.name](self.text_env.episode.response, **self.arguments)
        return reward + self.weight * value, info | {"components": info["components"] | {self.name: value}}


class RubricReward(_FinalReward):
    """Pays what a rubric says of the last response, instead of its correctness.

    Args:
        env: the environment.
        rubric: a rubric, or YAML text of one (see ``load_rubric``); only with the latter can the spec be written as
            JSON. Its reward functions get the task's answer.
    """

    def __init__(self, env: gymnasium.Env[str, str], rubric: str | Rubric) -> None:
        super().__init__(env, rubric=rubric)
        self.rubric = load_rubric(rubric) if isinstance(rubric, str) else rubric

    def paid(self, reward: float, info: dict[str, Any]) -> tuple[float, dict[str, Any]]:
        """The rubric's score; the environment's own components stay beside the rubric's."""
        episode = self.text_env.episode
        score = public(self.rubric.compute_reward(episode.response, episode.task.answer))
        components = info["components"] | dict(score.components)
        told = {"score": score, "status": score.status, "error_msg": score.error_msg, "components": components}
        return 0.0 if score.failed else score.correctness_score, info | told
