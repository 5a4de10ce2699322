"""Which answers to one task are the same, so that samples can vote."""

from __future__ import annotations

from collections.abc import Sequence

from ...envs.episode import Episode
from ...envs.text_env import TextEnv
from ...rewards import verify
from ...rewards.boxed import boxed_as_tagged
from ...rewards.code.extraction import extract_code
from ...rewards.equivalence.reading.normal_text import is_whole, tighten
from ...rewards.equivalence.reading.wrappers import unwrap
from ...rewards.extraction import extract_answer

VERDICTS = 2_000
"""Of the verifier on the answers to one task: all pairs of 63 different ones, in about a second."""
# Longer answers have no vote.
_LONGEST = 20_000
# Longer ones, and those of several lines, such as programs, are compared letter by letter.
_MATHEMATICAL = 200


def answer_of(env: TextEnv, episode: Episode) -> str | None:
    """The answer that an episode came to, as text; None if there is none, or several."""
    own = getattr(env, "answer_of", None)
    if own is not None:
        found: str | None = own(episode)
    else:
        graders = getattr(env, "graders", None)
        tag = getattr(graders, "answer_tag", "answer")
        grader = episode.task.metadata.get("grader", getattr(graders, "default", None))
        text = episode.response
        found = tagged_answer(boxed_as_tagged(text, tag) if getattr(graders, "boxed", False) else text, grader, tag)
    return found if found is not None and len(found) <= _LONGEST else None


def tagged_answer(response: str, grader: str | None, tag: str = "answer") -> str | None:
    """What stands in the answer tags of a response, without a program's fence."""
    if grader == "coding":
        return extract_code(response, "python", tag).code
    answers = extract_answer(response, tag).answers
    return answers[0] if len(answers) == 1 else None


def labels(answers: Sequence[str | None]) -> list[int]:
    """A number for each answer to one task, the same for equal ones; -1 where there is none.

    Short answers of one line are equal where the verifier of mathematics says so; others if their letters are the
    same. Among many different answers each would be held against each: after `VERDICTS` verdicts, new ones are equal
    to those before only if they are the same but for white space and what surrounds a formula.

    Args:
        answers: in the order of the samples.
    """
    known: dict[str, int] = {}
    kept: list[str] = []
    found = []
    verdicts = _Verdicts()
    for answer in answers:
        if answer is None:
            found.append(-1)
            continue
        normal = _normal(answer)
        if normal not in known:
            same = (place for place, other in enumerate(kept) if verdicts.equal(other, answer))
            known[normal] = next(same, len(kept))
            if known[normal] == len(kept):
                kept.append(answer)
        found.append(known[normal])
    return found


class _Verdicts:
    """So many verdicts of the verifier as the answers to one task may take."""

    def __init__(self) -> None:
        self._left = VERDICTS

    def equal(self, first: str, second: str) -> bool:
        """Whether two answers of different normal form are equal."""
        # Whole numbers are equal if their texts are: no verdict is needed.
        if not self._left or not _mathematical(first, second) or (is_whole(first) and is_whole(second)):
            return False
        self._left -= 1
        return verify(first, second).equal


def _normal(answer: str) -> str:
    """What equal answers often have in common, though they are written differently."""
    return (tighten(unwrap(answer)) if _mathematical(answer) else "") or answer


def _mathematical(*answers: str) -> bool:
    return all(len(answer) <= _MATHEMATICAL and "\n" not in answer for answer in answers)
