"""The reward of a response by a judge model."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .composition import Criterion
from .expected import expected_text
from .extraction import extract_answer, visible_text
from .judge_prompt import JudgePrompt, judge_prompt, read_levels
from .reply_cache import ReplyCache
from .reward_function import BatchedRewardFunction, never_raises
from .rubric import Rubric
from .score import RewardFunctionScore, Status

if TYPE_CHECKING:
    from ..runtimes import ChatEndpoint

logger = logging.getLogger(__name__)

CORRECT = Criterion("correct", description="The response answers the question, and its answer is right.")


class JudgeRewardFunction(BatchedRewardFunction):
    """Lets a model give each criterion of a rubric a level from 1 to 4; the rubric makes the score (see `Rubric`).

    The judge sees the response without its thinking, between lines that it can't forge (see `judge_prompt`). Failures
    of the judge (no connection, budget used up, replies that give no levels) have the status ``error``.

    Args:
        endpoint: the judge's model; bounds time, retries and cost.
        rubric: its criteria need descriptions, not scorers. One criterion, whether the answer is right, if not given.
        cache: replies by the hash of what was asked; in memory if not given.
        attempts: how often the judge is asked until its reply gives the levels.
        parameters: further members of the request; by default temperature 0 and at most 2,048 tokens.
        concurrency: requests at once, in `compute_rewards`.
        max_characters: longer responses are not judged.
        answer_only: whether only what stands in the answer tags is judged.

    Raises:
        ValueError: ``attempts`` or ``concurrency`` is below 1.
    """

    def __init__(
        self,
        endpoint: ChatEndpoint,
        rubric: Rubric | None = None,
        *,
        cache: ReplyCache | None = None,
        attempts: int = 3,
        parameters: Mapping[str, Any] | None = None,
        concurrency: int = 8,
        max_characters: int = 100_000,
        answer_only: bool = False,
    ) -> None:
        if attempts < 1 or concurrency < 1:
            raise ValueError("attempts and concurrency must be at least 1.")
        self.endpoint = endpoint
        self.rubric = rubric or Rubric([CORRECT])
        self.cache = cache or ReplyCache()
        self.attempts = attempts
        self.parameters = {"temperature": 0, "max_tokens": 2048} if parameters is None else dict(parameters)
        self.concurrency = concurrency
        self.max_characters = max_characters
        self.answer_only = answer_only

    @never_raises
    def compute_reward(
        self, model_output: str, expected_output: Any, answer_tag: str = "answer"
    ) -> RewardFunctionScore:
        """Scores one response.

        Args:
            model_output: the whole response, with its thinking.
            expected_output: a right answer (text or a number, as in `expected_text`); or a mapping of ``question``
                and ``answer``, either of which may be missing; or None.
            answer_tag: name of the tag around the answer, for ``answer_only``.

        Returns:
            Components: each criterion's (level - 1) / 3, ``mean_level`` and ``pass``.
            The status is ``error`` where what is expected can't be used, or the judge fails.
        """
        question, reference = _read_expected(expected_output)
        response, format_score = visible_text(model_output).strip(), 1.0
        if self.answer_only:
            found = extract_answer(model_output, answer_tag)
            format_score = found.format_score
            if len(found.answers) != 1:
                return RewardFunctionScore.no_answer(found.error_msg, format_score=format_score)
            response = found.answers[0]
        if not response:
            return RewardFunctionScore.no_answer("The response is empty.", format_score=format_score)
        if len(response) > self.max_characters:
            message = f"The response is longer than {self.max_characters} characters."
            return RewardFunctionScore(format_score, 0.0, message, status=Status.RESOURCE_LIMIT)
        try:
            levels = self._levels(judge_prompt(self.rubric.criteria, response, question, reference))
        except (RuntimeError, OSError, ValueError) as error:
            return RewardFunctionScore.error(f"The judge failed: {error}")
        score = self.rubric.score_levels(levels)
        return RewardFunctionScore(format_score, score.correctness_score, components=dict(score.components))

    def _levels(self, prompt: JudgePrompt) -> dict[str, int]:
        messages = list(prompt.messages)
        key = ReplyCache.key(self.endpoint.base_url, self.endpoint.model, messages, self.parameters)
        kept = self.cache.get(key)
        if kept is not None:
            try:
                return read_levels(kept, prompt)
            except ValueError:
                logger.warning("a kept reply of the judge can't be read; it is asked again")
        problem = ""
        for _ in range(self.attempts):
            reply = self.endpoint.chat(messages, **self.parameters).text
            try:
                levels = read_levels(reply, prompt)
            except ValueError as error:
                problem = str(error)
                remark = f"Your reply could not be read: {problem}. Reply with the JSON object and nothing else."
                messages = [*prompt.messages, {"role": "user", "content": remark}]
                continue
            try:
                self.cache.put(key, reply)
            except OSError as error:
                logger.warning("a reply of the judge could not be kept: %s", error)
            return levels
        raise ValueError(f"no reply of {self.attempts} gave the levels; of the last, {problem}")


def _read_expected(expected: Any) -> tuple[str, str]:
    """The question and the right answer, empty where they are not known."""
    if not isinstance(expected, Mapping):
        return "", "" if expected is None else expected_text(expected)
    if unknown := expected.keys() - {"question", "answer"}:
        raise TypeError(f"The expected answer has {', '.join(map(str, unknown))}. Give question and answer.")
    question, answer = expected.get("question", ""), expected.get("answer")
    if not isinstance(question, str):
        raise TypeError(f"The question is of type {type(question).__name__}. Give text.")
    return question, "" if answer is None else expected_text(answer)
