"""The reward of a program."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal, get_args

from ..runtimes import MissingArtefactError
from ..runtimes.workers import available_cores
from .callables import call_scorer
from .code.cases import CodeTests, Expected, Output, Reference, check_language, read_expected
from .code.extraction import extract_code
from .code.judge import BadCaseError, Judge, Judgement, cut
from .reward_function import BatchedRewardFunction
from .score import RewardFunctionScore, Status
from .similarity import equal_outputs, similarity

if TYPE_CHECKING:
    from ..runtimes import RewardExecutor

logger = logging.getLogger(__name__)

Partial = Literal["similarity", "tests"]


class CodingRewardFunction(BatchedRewardFunction):
    """Runs the tagged program of a response in a sandbox and judges what it prints or returns.

    Correctness is 1.0 if all tests pass, or if the output equals the expected one by a rule that doesn't guess (see
    `equal_outputs`), else 0.0. Components: ``tests_passed`` (share of the tests), ``similarity`` (of outputs, where an
    output is expected), ``cpu_seconds`` (of the program's runs).

    Expected answers stay on this side of the sandbox: only code, inputs and arguments go in, and results are compared
    here.

    Args:
        timeout: seconds that one run or call may take.
        memory_mb: memory that a program may use, in MB.
        limits: ``time``, or ``fuel`` for verdicts that don't depend on the machine's speed.
        partial: ``similarity`` makes the similarity of outputs the score, ``tests`` the share of tests passed; None
            gives no partial credit, and a program's tests end with the first that fails.
        language: ``python`` or ``javascript``; an expected answer may name another.

    Attributes:
        concurrency: programs that `compute_rewards` runs at once: one for each core.
        initialized: whether `initialize` has run.

    Raises:
        ValueError: an argument has an impossible value.
    """

    def __init__(
        self,
        timeout: float = 10,
        *,
        memory_mb: int = 128,
        limits: str = "time",
        partial: Partial | None = None,
        language: str = "python",
    ) -> None:
        if not isinstance(timeout, int | float) or not timeout > 0:
            raise ValueError(f"timeout is {timeout}. Give a positive number of seconds.")
        if limits not in ("time", "fuel"):
            raise ValueError(f"limits must be time or fuel, not {limits!r}")
        if partial is not None and partial not in get_args(Partial):
            raise ValueError(f"partial must be one of {', '.join(get_args(Partial))} or None, not {partial!r}")
        self.timeout = timeout
        self.memory_mb = memory_mb
        self.limits = limits
        self.partial: Partial | None = partial
        self.language = check_language(language)
        self.concurrency = available_cores()
        self.initialized = False
        self._executor: RewardExecutor | None = None

    def set_language(self, language: str) -> None:
        """Chooses the language of programs and references: ``python``, ``javascript`` or ``js``.

        Raises:
            ValueError: the language is unknown.
        """
        self.language = check_language(language)

    def initialize(self) -> None:
        """Prepares the sandbox; `compute_reward` does so itself when it is first used."""
        # Late: wasmtime is loaded with the first executor.
        from ..runtimes import RewardExecutor

        if self._executor is None:
            self._executor = RewardExecutor(timeout=self.timeout, memory_mb=self.memory_mb, limits=self.limits)
        self.initialized = True

    def compute_reward(
        self, model_output: str, expected_output: Any, answer_tag: str = "answer"
    ) -> RewardFunctionScore:
        """Scores one response.

        Args:
            model_output: the whole response, with its thinking and its tags.
            expected_output: an output, a reference program, tests or a function of the output: see `read_expected`.
            answer_tag: name of the tag around the program.

        Returns:
            The status is ``no_answer`` without a program, ``timeout`` or ``resource_limit`` where the sandbox ended it,
            and ``error`` where the expected answer is malformed or a reference program fails, which says nothing about
            the response. An exception in a function counts as a wrong answer, lest a response gain by provoking it.

        Raises:
            MissingArtefactError: the sandbox of the language has not been built. No other exception leaves this method.
        """
        try:
            return self._score(model_output, expected_output, answer_tag)
        except MissingArtefactError:
            raise
        except Exception as error:  # One bad row of data may not end a training run.
            logger.warning("grading failed", exc_info=error)
            return RewardFunctionScore.error(f"grading raised {type(error).__name__}: {error}")

    def _score(self, model_output: str, expected_output: Any, answer_tag: str) -> RewardFunctionScore:
        try:
            expected = read_expected(expected_output)
        except (TypeError, ValueError) as error:
            return RewardFunctionScore.error(f"The expected answer can't be used: {error}")
        named = expected.language if isinstance(expected, CodeTests | Output | Reference) else None
        language = named or self.language
        found = extract_code(model_output, language, answer_tag)
        if found.code is None:
            return RewardFunctionScore.no_answer(found.error_msg, format_score=found.format_score)
        try:
            judgement = self._judge(found.code, language, expected)
        except BadCaseError as error:
            return RewardFunctionScore.error(f"The expected answer can't be used: {error}")
        correctness = judgement.credit(self.partial)
        return RewardFunctionScore(
            found.format_score if judgement.status is not Status.ERROR else 0.0,
            correctness,
            judgement.message or ("" if found.format_score == 1.0 else found.error_msg),
            status=judgement.status,
            components=judgement.components(),
        )

    def _judge(self, code: str, language: str, expected: Expected) -> Judgement:
        self.initialize()
        assert self._executor is not None
        judge = Judge(self._executor, code, language)
        if isinstance(expected, CodeTests):
            return judge.run_tests(expected, to_the_end=self.partial == "tests")
        if isinstance(expected, Reference):
            reference = self._executor.run(expected.code, language)
            if not reference.ok:
                message = f"Reference (Answer) execution failed: {reference.stderr.strip() or reference.status}"
                return Judgement(message=message, status=Status.ERROR)
            expected = Output(reference.stdout)
        ran, judgement = judge.run()
        if judgement is not None:
            return judgement
        if isinstance(expected, Output):
            return _compare(expected.text, ran.stdout, ran.cpu_seconds)
        return _validate(expected, ran.stdout, ran.cpu_seconds)

    def __getstate__(self) -> dict[str, Any]:
        """Pickles without the sandbox, which the copy makes for itself."""
        return self.__dict__ | {"_executor": None, "initialized": False}


def _compare(expected: str, actual: str, cpu_seconds: float) -> Judgement:
    if equal_outputs(expected, actual):
        return Judgement(1.0, tests_passed=1.0, similarity=1.0, cpu_seconds=cpu_seconds)
    alike = similarity(expected, actual)
    message = (
        f"Output mismatch. Similarity: {alike:.2f}.\nExpected Output: {cut(expected)}\nActual Output: {cut(actual)}"
    )
    return Judgement(0.0, message, similarity=alike, cpu_seconds=cpu_seconds)


def _validate(validator: Callable[[str], object], output: str, cpu_seconds: float) -> Judgement:
    score, problem = call_scorer(validator, output.strip(), "Callable validator failed")
    message = problem or ("" if score == 1.0 else f"The validator gave the output {score:g}.")
    return Judgement(score, message, tests_passed=score, cpu_seconds=cpu_seconds)
