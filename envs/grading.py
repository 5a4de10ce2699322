"""Tasks that are judged in different ways: each names its grader."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from ..datasets.reasoning.grading import FamilyRewardFunction
from ..datasets.task import Task
from ..rewards import CodingRewardFunction, MathRewardFunction, RewardFunctionScore, Status, get_reward_functions
from ..rewards.boxed import boxed_as_tagged
from ..rewards.extraction import check_name
from ..rewards.reward_function import BatchedRewardFunction
from .episode import Episode


class Graders:
    """Judges each episode by the grader that its task's metadata names: ``math``, ``coding``, ``eq`` and so on.

    Args:
        default: the grader of tasks that name none.
        boxed: whether an answer may stand in a box instead of tags.
        answer_tag: the name of the tag around answers.
        timeout: seconds that a program may run.
        coding: the grader of programs, if it has more settings than that.

    Raises:
        ValueError: if there is no such grader, or the tag is no name.
    """

    def __init__(
        self,
        default: str,
        *,
        boxed: bool = False,
        answer_tag: str = "answer",
        timeout: float = 5.0,
        coding: CodingRewardFunction | None = None,
    ) -> None:
        check_name(answer_tag)
        self.rewards: dict[str, BatchedRewardFunction] = get_reward_functions(timeout)
        self.rewards["family"] = FamilyRewardFunction()
        if coding is not None:
            self.rewards["coding"] = coding
        if default not in self.rewards:
            raise ValueError(f"grader must be one of {', '.join(self.rewards)}, not {default!r}")
        self.default = default
        self.boxed = boxed
        self.answer_tag = answer_tag

    def score(self, episodes: Sequence[Episode]) -> list[RewardFunctionScore]:
        """One score for each episode; those of one grader are judged together.

        A task that names a grader that does not exist has the status ``error``.
        """
        groups: dict[str, list[int]] = defaultdict(list)
        for place, episode in enumerate(episodes):
            groups[str(episode.task.metadata.get("grader", self.default))].append(place)
        scores: dict[int, RewardFunctionScore] = {}
        for name, places in groups.items():
            judged = self._judge(name, [episodes[place] for place in places])
            scores.update(zip(places, map(public, judged), strict=True))
        return [scores[place] for place in range(len(episodes))]

    def _judge(self, name: str, episodes: Sequence[Episode]) -> list[RewardFunctionScore]:
        reward = self.rewards.get(name)
        tag = self.answer_tag
        responses = [boxed_as_tagged(e.response, tag) if self.boxed else e.response for e in episodes]
        if reward is None:
            missing = RewardFunctionScore.error(f"the task names the grader {name!r}, which does not exist")
            return [missing] * len(episodes)
        if isinstance(reward, MathRewardFunction):
            return [_math(reward, response, tag, e.task) for response, e in zip(responses, episodes, strict=True)]
        pairs = [(response, e.task.answer) for response, e in zip(responses, episodes, strict=True)]
        return reward.compute_rewards(pairs, tag)


def public(score: RewardFunctionScore) -> RewardFunctionScore:
    """The score without what a policy must not see (expected results), and without what differs from run to run."""
    wrong = score.status is Status.SCORED and "Expected" in score.error_msg
    if not wrong and "cpu_seconds" not in score.components:
        return score
    parts = {name: value for name, value in score.components.items() if name != "cpu_seconds"}
    message = "The answer is wrong." if wrong else score.error_msg
    return RewardFunctionScore(
        score.format_score, score.correctness_score, message, score.aux_score, score.status, parts
    )


def _math(reward: MathRewardFunction, response: str, tag: str, task: Task) -> RewardFunctionScore:
    form, question = task.metadata.get("answer_form", "any"), task.metadata.get("expression", "")
    return reward.compute_reward(response, task.answer, tag, answer_form=form, question=question)
