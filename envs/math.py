"""Math problems."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from ..datasets.arithmetic import QUESTION, ArithmeticSource
from ..datasets.task import Task, TaskSource
from ..rewards import MathRewardFunction, RewardFunctionScore
from ..rewards.extraction import check_name
from .text_env import TextEnv
from .vector import TextVectorEnv


class MathEnv(TextEnv):
    """Work out a math problem.

    Observation: the problem as text, for example ``What is 3+4? Give the number between <answer> and </answer>.``
    Action: text with one answer between ``<answer>`` and ``</answer>``.
    Reward: 1.0 if the answer equals the expected one exactly, in the form that the task wants, else 0.0. Arithmetic
    wants a numeral: ``3+4`` is no answer to ``3+4``.
    Termination: after one action.
    Truncation: only if grading fails (status ``error``).
    Arguments: ``level`` (1 to 4: one digit, two digits, with products and quotients, three digits), ``split``
    (``train``, ``validation``, ``test``; no problem is in two of them, whatever the seed), ``seed``, ``operations``,
    ``digits`` and ``template``, as in ``ArithmeticSource``. Or ``tasks``: a JSON Lines file or a task source; its
    tasks may say in their metadata which ``answer_form`` they want (``numeral``, ``simplified``, ``any``; by default
    ``any``) and which ``expression`` they ask about. With either ``answer_tag``, another name for the tag.
    Floor: 0.00 for empty and copying policies. From level 2 on at most 0.05 for constant, majority and random ones;
    level 1 has so few answers that the best constant earns 0.16.
    Versions: v0, first release.
    """

    domain = "math"
    reward = MathRewardFunction()

    def __init__(
        self,
        tasks: TaskSource | str | Path | None = None,
        *,
        answer_tag: str = "answer",
        max_turns: int | None = None,
        render_mode: str | None = None,
        **arguments: Any,
    ) -> None:
        check_name(answer_tag)
        self.answer_tag = answer_tag
        super().__init__(tasks, max_turns=max_turns, render_mode=render_mode, **arguments)

    def make_source(self, **arguments: Any) -> TaskSource:
        """Two integers, one operation."""
        arguments.setdefault("template", QUESTION.replace("answer>", f"{self.answer_tag}>"))
        return ArithmeticSource(**arguments)

    def grade(self, task: Task, response: str) -> RewardFunctionScore:
        """Compares the tagged answer with the expected one by value."""
        form, question = task.metadata.get("answer_form", "any"), task.metadata.get("expression", "")
        score = self.reward.compute_reward(response, task.answer, self.answer_tag, answer_form=form, question=question)
        # The reward function tells people what it expected. What is in `info` may reach the policy.
        return replace(score, error_msg="The answer is wrong.") if "Expected" in score.error_msg else score


MathVectorEnv = partial(TextVectorEnv, MathEnv)
