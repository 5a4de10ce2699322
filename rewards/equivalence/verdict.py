"""Whether two mathematical answers are equal: exact, symmetric, from any thread, with a reason."""

from __future__ import annotations

from dataclasses import dataclass
from time import perf_counter

from .comparing.compare import compare
from .comparing.coordinates import in_coordinates
from .comparing.families import same_family
from .comparing.scalars import Finding, Tier
from .comparing.words import in_other_words
from .limits import ExpressionError, LimitError, UndefinedError, check_text
from .reading.answers import parse
from .reading.normal_text import is_whole, same_text, value_of_choice
from .reading.wrappers import unwrap
from .tree import canonical, nodes
from .values.evaluation import Budget
from .values.exact import reduce_constants

# Units of work that a node of a tree takes before anything is evaluated.
_READING = 2


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether two answers are equal, and why.

    Attributes:
        equal: the verdict. What can't be read or is over the limits is not equal.
        reason: why, for people; the same for both orders of the arguments.
        tier: which way of comparing decided.
        seconds: wall-clock time that it took.
    """

    equal: bool
    reason: str
    tier: Tier
    seconds: float


def verify(gold: str, answer: str) -> Verdict:
    """Judges whether two answers are mathematically equal. Symmetric; never raises on text.

    Both are read by a parser of our own, and compared kind by kind: sets and lists in any order, tuples and intervals
    in order, equations up to a factor, values with their units. What decides, for each part:

    - ``limits``: text that is too long, too deep or too large is never equal.
    - ``text``: equal up to spacing, wrappers such as ``$…$``, and the case of words. Empty text equals nothing.
    - ``parse``: another text, and one of both can't be read.
    - ``structure``: answers of different kinds, or with different numbers of parts.
    - ``exact``: rational numbers, without tolerance. Only a decimal of at least 15 significant digits also equals the
      exact value that it is the rounding of.
    - ``identity``: rational functions, by polynomial identity testing: both are evaluated at the same 3 points modulo
      a prime, and equal if they agree at all. Where they are equal they always agree (two that differ in a removable
      singularity, such as ``x/x`` and 1, are equal here). Where they differ, the prime is larger than every
      coefficient of the difference of cross products, so that this isn't zero modulo the prime, and by the
      Schwartz-Zippel lemma a random point is a zero of it with probability at most degree / 2**126 < 2**-111, all
      three with less than 2**-333.
    - ``numeric``: all other expressions, at 4 points of both signs, to 40 digits and as many more as their numbers
      differ in size, and once more with twice as many. A point counts where both values are real; without branches
      2 are enough, where there are few. With branches, such as ``|x|``, they must agree at integers far away, and
      where they may bend, too.
    - ``symbolic``: sympy, in a process that can be killed, where they have values at too few points.

    The points come from a hash of both expressions, so the verdict is always the same, and nobody can choose
    expressions for given points.

    Args:
        gold: one answer, as a rule the right one.
        answer: the other answer.

    Returns:
        The verdict with its reason.

    Raises:
        TypeError: an answer is no text.
    """
    for text in (gold, answer):
        if not isinstance(text, str):
            raise TypeError(f"verify compares texts, and {text!r} is of type {type(text).__name__}: give str({text!r})")
    start = perf_counter()
    # In sorted order everything below is symmetric, reasons included.
    equal, reason, tier = _judge(*sorted((gold, answer)))
    return Verdict(equal, reason, tier, perf_counter() - start)


def flaw_of(text: str) -> str:
    """Why a text equals at most itself: it is empty, forbidden or over the limits. Empty text if nothing is wrong.

    A text that merely isn't an expression, such as a word, has no flaw.
    """
    if is_whole(text):
        return ""
    try:
        check_text(text)
    except ExpressionError as error:
        return str(error)
    if not unwrap(text):
        return "it is empty"
    try:
        reduce_constants(parse(text))
    except LimitError as error:
        return str(error)
    except ExpressionError:
        pass
    return ""


def reading(text: str) -> str:
    """How an answer is read, as an expression with its operators in front; or why it isn't."""
    try:
        return canonical(parse(text))
    except ExpressionError as error:
        return f"text only ({error})"


def _judge(first: str, second: str) -> Finding:
    if is_whole(first) and is_whole(second):
        same = first == second
        return Finding(same, *(("the same text", Tier.TEXT) if same else ("different rational numbers", Tier.EXACT)))
    try:
        for text in (first, second):
            check_text(text)
        if not unwrap(first) or not unwrap(second):
            return Finding(False, "an answer is empty", Tier.TEXT)
        if same_text(first, second):
            return Finding(True, "the same text", Tier.TEXT)
        first, second = value_of_choice(first, second)
        trees = parse(first), parse(second)
        budget = Budget()
        budget.spend(_READING * sum(1 for tree in trees for _ in nodes(tree)))
        found = compare(*trees, budget)
        spelled = None if found.equal else in_other_words(*trees)
        if spelled is not None:
            found = compare(*spelled, budget)
        if not found.equal and (vectors := in_coordinates(*trees)):
            found = compare(*vectors, budget)
        if not found.equal and same_family(*trees, budget):
            return Finding(True, "the same but for their arbitrary constants", Tier.NUMERIC)
        return found
    except LimitError as error:
        return Finding(False, f"over the limits: {error}", Tier.LIMITS)
    except UndefinedError as error:
        return Finding(False, f"undefined: {error}", Tier.EXACT)
    except ExpressionError as error:
        return Finding(False, f"different texts, and not understood as expressions: {error}", Tier.PARSE)
    except Exception as error:  # Nothing that a model writes may end a training run.
        return Finding(False, f"a failure of ours: {type(error).__name__}: {error}"[:300], Tier.FAILURE)
