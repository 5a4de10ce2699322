"""Whether a draft is a good task: our own reward functions judge its response by its answer."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from ...rewards import CodingRewardFunction, MathRewardFunction, RewardFunctionScore, Status
from ...rewards.code.cases import CodeTests, read_expected
from ...rewards.code.extraction import LANGUAGES as LANGUAGE_OF
from ...rewards.code.extraction import fenced_blocks
from ...rewards.similarity import tidy
from ..example_parser import ExampleParser
from .draft import Draft
from .settings import LANGUAGES, Language, TaskType

ACCEPTED = 0.8
# Each may take the time limit.
_MOST_TESTS = 50
_MOST_TOLD = 8
# It does nothing in both languages.
_EMPTY = "0;"


@dataclass(frozen=True, slots=True)
class Check:
    """What became of a draft.

    Attributes:
        format_score: of its response.
        correctness_score: of its response.
        problem: why it is refused; empty if it is accepted.
        language: of its program; None for mathematics.
    """

    format_score: float
    correctness_score: float
    problem: str
    language: Language | None

    @property
    def quality(self) -> float:
        """The mean of both scores."""
        return (self.format_score + self.correctness_score) / 2

    @property
    def accepted(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problem


class Checker:
    """Judges drafts; any thread may use it.

    Args:
        timeout: seconds that a program may run.
    """

    def __init__(self, timeout: float) -> None:
        self._timeout = timeout
        self._math = MathRewardFunction(timeout)
        self._coding = {language: CodingRewardFunction(timeout, language=language) for language in LANGUAGES}

    def prepare(self, kinds: Iterable[TaskType]) -> None:
        """Makes ready what these types need, so that nothing is found to be missing when the first call is paid.

        Raises:
            MissingArtefactError: a sandbox has not been built.
        """
        if "coding" in kinds:
            for language in LANGUAGES:
                self.score("coding", language, "<answer>\n```\n0;\n```\n</answer>", "0")

    def score(self, kind: TaskType, language: Language | None, response: str, answer: str) -> RewardFunctionScore:
        """Judges a response to a task."""
        if kind == "math":
            return self._math.compute_reward(response, answer)
        assert language is not None
        return self._coding[language].compute_reward(response, answer)

    def check(self, kind: TaskType, wanted: Language | None, draft: Draft) -> Check:
        """Judges a draft.

        The response must earn a quality of at least 0.8: its program passes the tests, or prints what the answer says
        or its reference program prints, and sandboxes leave nothing to chance or time. Besides, what the prompt says,
        an empty program, and one that always gives the same result must not be right where tests are given.

        Args:
            kind: the type of the task.
            wanted: the language that was asked for; a program in the other one is taken as what it is.
            draft: what the model wrote.
        """
        try:
            if wanted is None:
                return self._check(kind, None, draft)
            checks = (self._check(kind, language, draft) for language in _languages(draft, wanted))
            first = next(checks)
            return first if first.accepted else next((check for check in checks if check.accepted), first)
        except FileNotFoundError:  # a sandbox that has not been built
            raise
        except Exception as error:  # whatever a model wrote, one draft may not end the run
            return Check(0.0, 0.0, f"The task can't be checked: {type(error).__name__}: {error}", wanted)

    def _check(self, kind: TaskType, language: Language | None, draft: Draft) -> Check:
        if kind == "coding" and (problem := _too_many_tests(draft)):
            return Check(0.0, 0.0, problem, language)
        score = self.score(kind, language, draft.response, draft.answer)
        found = Check(score.format_score, score.correctness_score, "", language)
        if score.status is Status.ERROR:
            return replace(found, problem=f"The answer can't be used: {score.error_msg}")
        if found.quality < ACCEPTED:
            return replace(found, problem=score.error_msg or f"The quality is {found.quality:g}, below {ACCEPTED:g}.")
        if score.components.get("cpu_seconds", 0.0) > self._timeout:
            told = f"All tests together take more than {self._timeout:g} s; give smaller ones."
            return replace(found, problem=told)
        return replace(found, problem=self._weakness(kind, language, draft))

    def _weakness(self, kind: TaskType, language: Language | None, draft: Draft) -> str:
        """Why a task whose response is right is no good all the same."""
        if any(self.score(kind, language, told, draft.answer).correctness_score for told in _told_by(draft.prompt)):
            return "The prompt gives the answer away."
        if kind == "math":
            return ""
        if other := _other_language(draft.prompt, language):
            return f"The prompt asks for {other}, and the program is in {language}."
        assert language is not None
        expected = read_expected(draft.answer)
        programs = [_EMPTY]
        if isinstance(expected, CodeTests):
            if problem := _weak_cases(expected):
                return problem
            programs += _constants(expected, language)
        for program in programs:
            if self.score(kind, language, f"<answer>\n```\n{program}\n```\n</answer>", draft.answer).correctness_score:
                return f"A program without thought is right: {program}"
        return ""


def _too_many_tests(draft: Draft) -> str:
    try:
        expected = read_expected(draft.answer)
    except (TypeError, ValueError):
        return ""
    if isinstance(expected, CodeTests) and expected.count > _MOST_TESTS:
        return f"There are {expected.count:,} tests; give at most {_MOST_TESTS}."
    return ""


def _weak_cases(tests: CodeTests) -> str:
    """Refuses cases that a constant satisfies; blanks at the ends of output don't count."""
    results = [tidy(case.stdout).strip().lower() for case in tests.stdin_cases]
    results += [repr(case.result) for case in tests.call_cases]
    if results and len(set(results)) == 1:
        return "The cases expect one result only, so that a program without thought is right; give several that differ."
    return ""


def _constants(tests: CodeTests, language: Language) -> list[str]:
    """Functions that always return the same, for tests whose results are not known: programs that call them."""
    if not tests.tests or tests.function is None:
        return []
    if language == "python":
        values = ("None", "True", "False", "0", "1", "''", "[]")
        return [f"def {tests.function}(*args, **kwargs):\n    return {value}" for value in values]
    values = ("null", "true", "false", "0", "1", "''", "[]")
    return [f"function {tests.function}() {{ return {value}; }}" for value in values]


def _told_by(prompt: str) -> list[str]:
    """What a prompt may give away: what it says in tags, in fences, and behind words such as "the answer is"."""
    told = [prompt, *(f"<answer>\n```\n{block.text}\n```\n</answer>" for block in fenced_blocks(prompt))]
    lower = prompt.lower()
    for words in ("answer is", "answer:", "solution is", "solution:", "result is"):
        if (place := lower.find(words)) >= 0:
            rest = prompt[place + len(words) :].strip().split("\n")[0].rstrip(".!")
            told.append(f"<answer>{rest}</answer>")
    return told[:_MOST_TOLD]


def _languages(draft: Draft, wanted: Language) -> list[Language]:
    """The languages that the program may be in: those that tests or fences name, else first the one asked for."""
    try:
        expected = read_expected(draft.answer)
    except (TypeError, ValueError):
        return [wanted]
    named = None if callable(expected) else expected.language
    if named is None:
        tagged = ExampleParser.extract_answer_tags(draft.response, ["answer"])
        named = next((block.language for text in tagged for block in fenced_blocks(text) if block.language), None)
    return [language for language in LANGUAGES if language == named] or sorted(LANGUAGES, key=lambda one: one != wanted)


def _other_language(prompt: str, language: Language | None) -> str | None:
    """The language that a prompt asks for, if it names one and not that of the program."""
    words = "".join(letter if letter.isalnum() else " " for letter in prompt.lower()).split()
    named = {LANGUAGE_OF[word] for word in words if word in ("python", "python3", "javascript", "js")}
    return next(iter(named)) if named and language not in named else None
