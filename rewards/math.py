"""The reward of a mathematical answer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any, TypeAlias

from .callables import call_scorer
from .equivalence.batch import SMALL, verify_many
from .equivalence.comparing.scalars import Tier
from .equivalence.limits import MAX_CHARACTERS
from .equivalence.reading.wrappers import unwrap
from .equivalence.verdict import Verdict, flaw_of, verify
from .expected import expected_text
from .extraction import MAX_CANDIDATES, Extraction, extract_answer
from .forms import ANSWER_FORMS, AnswerForm, is_numeral, is_simplified, restates
from .reward_function import BatchedRewardFunction, never_raises
from .score import RewardFunctionScore, Status

Verdicts: TypeAlias = Mapping[tuple[str, str], Verdict]
"""By expected answer and answer."""

# Longer verdicts are not kept in memory, so that hostile text cannot fill it.
REMEMBERED_LENGTH = 500
_NO_NUMBERS = ("nan", "inf", "infinity")


class MathRewardFunction(BatchedRewardFunction):
    """Scores the tagged answer of a response against an expected answer or a function that judges it.

    Attributes:
        timeout: seconds, for graders that run code or a solver. The tiers there are now need none: the limits on
            text, degree and coefficients bound them to a fraction of a second.
        initialized: whether `initialize` has run.
    """

    def __init__(self, timeout: float = 10) -> None:
        if not isinstance(timeout, int | float) or not timeout > 0:
            raise ValueError(f"timeout is {timeout}. Give a positive number of seconds.")
        self.timeout = timeout
        self.initialized = False

    def initialize(self) -> None:
        """Prepares the function; `compute_reward` does so itself when it is first used."""
        self.initialized = True

    @never_raises
    def compute_reward(
        self,
        model_output: str,
        expected_output: Any,
        answer_tag: str = "answer",
        *,
        answer_form: AnswerForm = "any",
        question: str = "",
    ) -> RewardFunctionScore:
        """Scores one response.

        Args:
            model_output: the whole response, with its thinking and its tags.
            expected_output: the right answer (see `expected_text`), or a function of the answer's text that returns
                True for right or a score, which is cut to [0, 1].
            answer_tag: name of the tag around the answer.
            answer_form: the form that the task wants: ``any``, ``numeral`` (see `is_numeral`) or ``simplified`` (see
                `is_simplified`).
            question: the expression that the task asks to compute, if it asks for one. An answer that restates it is
                wrong unless the form is ``any``.

        Returns:
            Format score as in `Extraction`, and correctness 1.0 or 0.0 (a function may give what is between). The
            status is ``no_answer`` without an answer to judge, ``resource_limit`` for one over the limits, and
            ``error`` where the expected answer can't be compared (of another type, empty, over the limits, forbidden
            characters) or an option is unknown, which says nothing about the response. An exception in a function
            counts as a wrong answer, lest a response gain by provoking it. No exception ever leaves this method.
        """
        return self._score(model_output, expected_output, answer_tag, answer_form, question, {})

    def compute_rewards(
        self,
        pairs: Iterable[tuple[str, Any]],
        answer_tag: str = "answer",
        *,
        answer_form: AnswerForm = "any",
        question: str = "",
    ) -> list[RewardFunctionScore]:
        """Scores many responses, each with what is expected; their verdicts are given over all cores.

        Args:
            pairs: responses and what is expected, as in `compute_reward`.
            answer_tag: name of the tag, for all of them.
            answer_form: the form that all tasks want.
            question: the expression that all tasks ask to compute, if they ask for one.
        """
        pairs = list(pairs)
        found = (_asked(output, expected, answer_tag) for output, expected in pairs)
        asked = list(dict.fromkeys(pair for pair in found if pair is not None))
        # Fewer are judged here, where verdicts are remembered.
        verdicts = dict(zip(asked, verify_many(asked), strict=True)) if len(asked) > SMALL else {}
        return [
            never_raises(self._score)(output, expected, answer_tag, answer_form, question, verdicts)
            for output, expected in pairs
        ]

    def _score(
        self,
        model_output: str,
        expected_output: Any,
        answer_tag: str,
        answer_form: AnswerForm,
        question: str,
        verdicts: Verdicts,
    ) -> RewardFunctionScore:
        if answer_form not in ANSWER_FORMS:
            raise ValueError(f"answer_form is {answer_form!r}. Give one of {', '.join(ANSWER_FORMS)}.")
        if not self.initialized:
            self.initialize()
        expected = expected_output if callable(expected_output) else read_expected(expected_output)
        found = extract_answer(model_output, answer_tag)
        if not found.answers:
            return RewardFunctionScore.no_answer(found.error_msg)
        if not _one_value(found):
            return RewardFunctionScore.scored(0.0, format_score=found.format_score, error_msg=found.error_msg)
        if len(found.answers[0]) <= MAX_CHARACTERS and not unwrap(found.answers[0]):
            return RewardFunctionScore.no_answer("The answer is empty.", format_score=found.format_score)
        if not isinstance(expected, str):
            return _with_form(_call(expected, found), None, found, answer_form, question)
        verdict = verdicts.get((expected, found.answers[0]))
        if verdict is not None:
            return _with_form(_scored(expected, found, verdict), verdict, found, answer_form, question)
        short = len(expected) + len(question) + sum(map(len, found.answers)) <= REMEMBERED_LENGTH
        return (_judge if short else _judge.__wrapped__)(expected, found, answer_form, question)


def read_expected(expected: object) -> str:
    """The expected answer of a problem, as in `expected_text`.

    Raises:
        TypeError: it is neither text nor a number.
        ValueError: it is no finite number: empty cells of tables come as ``nan``, which would be the answer then.
    """
    text = expected_text(expected)
    if text.lstrip("+-").lower() in _NO_NUMBERS:
        raise ValueError(f"The expected answer is {text}. Give a finite number.")
    return text


def _asked(model_output: object, expected: object, answer_tag: str) -> tuple[str, str] | None:
    """The two texts whose verdict decides on a response; None where none does, or something is wrong with them."""
    if not isinstance(model_output, str) or callable(expected):
        return None
    try:
        answers = extract_answer(model_output, answer_tag).answers
        return (read_expected(expected), answers[0]) if answers and len(answers[0]) <= MAX_CHARACTERS else None
    except (TypeError, ValueError):
        return None


def _one_value(found: Extraction) -> bool:
    first, *others = found.answers
    # More different texts than the extraction keeps are not worth comparing.
    return len(others) < MAX_CANDIDATES and all(verify(first, other).equal for other in others)


@lru_cache(maxsize=16_384)
def _judge(expected: str, found: Extraction, form: AnswerForm, question: str) -> RewardFunctionScore:
    """The score of an answer. Verdicts are pure, and a group of responses to one task gives few different answers."""
    verdict = verify(expected, found.answers[0])
    return _with_form(_scored(expected, found, verdict), verdict, found, form, question)


def _with_form(
    score: RewardFunctionScore, verdict: Verdict | None, found: Extraction, form: AnswerForm, question: str
) -> RewardFunctionScore:
    flaw = _flaw(found.answers[0], form, question, verdict) if score.correctness_score > 0 else ""
    return RewardFunctionScore.scored(0.0, format_score=found.format_score, error_msg=flaw) if flaw else score


def _scored(expected: str, found: Extraction, verdict: Verdict) -> RewardFunctionScore:
    if verdict.equal:
        return RewardFunctionScore.scored(1.0, format_score=found.format_score, error_msg=found.error_msg)
    problem = flaw_of(expected)
    if problem:
        return RewardFunctionScore.error(f"The expected answer can't be compared: {problem}.")
    if verdict.tier is Tier.FAILURE:
        return RewardFunctionScore.error(verdict.reason)
    if verdict.tier is Tier.LIMITS:
        message = f"The answer is {verdict.reason}."
        return RewardFunctionScore(found.format_score, 0.0, message, status=Status.RESOURCE_LIMIT)
    message = f"Mathematical mismatch. Expected {expected}"
    return RewardFunctionScore.scored(0.0, format_score=found.format_score, error_msg=message)


def _call(validator: Callable[[str], object], found: Extraction) -> RewardFunctionScore:
    correctness, problem = call_scorer(validator, found.answers[0])
    return RewardFunctionScore.scored(
        correctness, format_score=found.format_score, error_msg=problem or found.error_msg
    )


def _flaw(answer: str, form: AnswerForm, question: str, verdict: Verdict | None) -> str:
    """What is wrong with the form of a right answer; empty if nothing is."""
    if form == "any":
        return ""
    if question and restates(answer, question):
        return "The answer restates the question."
    if form == "numeral" and not is_numeral(answer):
        return "The answer must be one number."
    # Text such as a word can't be simplified further than to the expected text.
    literal = verdict is not None and verdict.tier is Tier.TEXT
    if form == "simplified" and not literal and not is_simplified(answer):
        return "The answer must be simplified."
    return ""
