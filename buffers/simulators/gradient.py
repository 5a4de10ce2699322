"""Families C and D: softmax policies that are trained by GRPO, so that forgetting comes of the weights they share."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..sum_tree import Floats, Integers
from .learner import HELD_OUT

# How far apart domains lie, and how strong the noise is in the answers of their teachers.
DISTANCE, NOISE = 0.9, 1.2


@dataclass(frozen=True, slots=True)
class Setting:
    """The size of a policy and its tasks.

    Attributes:
        inputs: numbers that a task consists of.
        features: random rectified features of these, which the policy sees.
        actions: of which one is right.
        rate: of learning.
        decay: of the weights, per step.
        shared: how much of what is right all domains have in common, in [0, 1].
    """

    inputs: int
    features: int
    actions: int
    rate: float
    decay: float
    shared: float


# Family D was held out while the laws were made with the others: more features than tasks need, and less in common.
NARROW = Setting(inputs=24, features=40, actions=6, rate=0.25, decay=2e-4, shared=0.5)
WIDE = Setting(inputs=16, features=160, actions=4, rate=0.12, decay=5e-4, shared=0.3)


class GradientLearner:
    """A linear softmax policy over random features, with one action as its answer, trained by GRPO.

    The right action of a task is that of its domain's linear teacher, some with more noise than others; in one domain
    it is drawn by chance, so that tasks can only be learnt by heart. The gradient is that of log pi(action) times the
    group's normalised advantage (Shao et al. 2024, arXiv:2402.03300), with each group's loss weight. All domains share
    the weights: what they give to and take from each other is not made up.

    Args:
        seed: of the domains, the tasks, the first weights and the answers.
        domains: how many.
        items: tasks of each.
        setting: the sizes.
    """

    def __init__(self, seed: int, domains: int = 8, items: int = 64, setting: Setting = NARROW) -> None:
        self.domains, self.items, self.setting = domains, items, setting
        self._rng = rng = np.random.default_rng(seed)
        count, inputs, actions = items + HELD_OUT, setting.inputs, setting.actions
        centre = DISTANCE * rng.normal(size=(domains, 1, inputs))
        tasks = centre + rng.normal(size=(domains, count, inputs))
        common, own = rng.normal(size=(inputs, actions)), rng.normal(size=(domains, inputs, actions))
        teacher = setting.shared * common + (1 - setting.shared) * own
        noise = NOISE * (1 / rng.uniform(0.3, 1.0, size=(domains, 1, 1)) - 1)
        right = (tasks @ teacher + noise * rng.normal(size=(domains, count, actions))).argmax(axis=2)
        right[domains // 2] = rng.integers(actions, size=count)
        projection = rng.normal(size=(inputs, setting.features)) / np.sqrt(inputs)
        features = (tasks @ projection).clip(0)
        # Of tasks to practise and of those held out: [K, M] and [K, HELD_OUT].
        self._right, self._held_out_right = right[:, :items], right[:, items:]
        self._features, self._held_out_features = features[:, :items], features[:, items:]
        self._weights = 0.01 * rng.normal(size=(setting.features, actions))

    def answer(self, domains: Integers, items: Integers, group_size: int, weights: Floats) -> Integers:
        """See :class:`Learner`."""
        features, right = self._features[domains, items], self._right[domains, items]
        # A group's gradient needs no more of it than how often each action was taken: [B, actions].
        taken = self._rng.multinomial(group_size, self._policy(features)) / group_size
        rewards = right[:, None] == np.arange(self.setting.actions)
        rate = taken[rewards]
        spread = np.sqrt(rate * (1 - rate)) + 1e-6
        advantage = (rewards - rate[:, None]) / spread[:, None]
        # That of log pi(action) is features x (action taken - pi); pi falls out, since a group's advantages sum to 0.
        gradient = features.T @ (weights[:, None] * taken * advantage) / len(items)
        self._weights += self.setting.rate * gradient - self.setting.decay * self._weights
        passed: Integers = np.rint(rate * group_size).astype(np.int64)
        return passed

    def held_out(self) -> Floats:
        """See :class:`Learner`."""
        likely = np.take_along_axis(self._policy(self._held_out_features), self._held_out_right[..., None], axis=2)
        found: Floats = likely.mean(axis=(1, 2))
        return found

    def _policy(self, features: Floats) -> Floats:
        """How likely each action is: [..., actions]."""
        scores = features @ self._weights
        powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
        found: Floats = powers / powers.sum(axis=-1, keepdims=True)
        return found
