"""What the model is asked."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from random import Random

from ..coding.source import CLOSING
from ..reasoning.source import TAGGED
from .draft import HEADS
from .settings import Language, TaskType

_LANGUAGE_NAMES: dict[Language, str] = {"python": "Python", "javascript": "JavaScript"}

SYSTEM = f"""You write tasks that train and test language models. Each task has one answer that a program can check.

Reply with exactly three parts, each under its head, and with nothing else. The heads stand on lines of their own:

{HEADS[0]}
The task as its solver will read it: complete, unambiguous, and without its answer.
{HEADS[1]}
What the checking program needs, and nothing else.
{HEADS[2]}
A solution step by step. Only the final result stands between <answer> and </answer>, once, at the end."""

_MATH = f"""Task type: math

Write one problem of mathematics about {{subject}}, of {{level}} difficulty. Its answer is a single value: a number,
an expression, a set, an interval or an equation, exact (1/3 and not 0.333), in plain or LaTeX notation.

Under {HEADS[1]} write the value alone, without words or a unit that the problem does not ask for.
Under {HEADS[2]} derive it, and end with the same value: <answer>value</answer>"""

_CODING = f"""Task type: coding
Language: {{language}}

Write one {{language}} programming task about {{subject}}, of {{level}} difficulty, that needs the standard library
alone: no files, no network, no clock and no random numbers. Let it ask for a function with a given name and arguments,
or for a program that reads standard input and prints. Say how edge cases are to be treated.

Under {HEADS[1]} write the tests as JSON, at least four cases whose results differ, edge cases among them:
{{{{"function": "name", "cases": [{{{{"args": [2, "b"], "result": 4}}}}, …]}}}} for a function, whose arguments and
results JSON can hold, or {{{{"cases": [{{{{"stdin": "1 2\\n", "stdout": "3"}}}}, …]}}}} for a program.
Under {HEADS[2]} explain the solution, and end with the whole {{language}} program in a fenced block between the tags:
<answer>
```{{fence}}
…
```
</answer>
For a function, the program defines it and prints nothing."""

_DIFFERENT = """

Write something clearly different from this earlier task:
{earlier}"""

RECTIFY_PROMPT = """Your reply was checked and refused. Format score: {format_score:g} of 1. Correctness score: \
{correctness_score:g} of 1.
What is wrong:
{error}

Find out whether the prompt, the answer or the response is at fault, and write all three parts again, corrected, in the
same form.

The request was:
{request}

Your reply was:
{reply}"""

_LEVELS = ("easy", "medium", "high")
_SUBJECTS: dict[TaskType, Sequence[str]] = {
    "math": (
        "arithmetic with fractions",
        "percentages and proportions",
        "linear equations and systems",
        "quadratic equations",
        "inequalities",
        "polynomials",
        "sequences and series",
        "divisibility and primes",
        "modular arithmetic",
        "counting and combinations",
        "probability",
        "expected values",
        "triangles and circles",
        "coordinate geometry",
        "solids",
        "trigonometry",
        "logarithms and exponents",
        "complex numbers",
        "vectors and matrices",
        "limits and derivatives",
        "integrals",
        "functions and their inverses",
        "a situation of daily life",
        "rates, mixtures and work",
    ),
    "coding": (
        "text and its words",
        "parsing a small format",
        "numbers and their digits",
        "number theory",
        "lists and sorting",
        "searching",
        "intervals",
        "dates and times that are given",
        "matrices and grids",
        "graphs and shortest paths",
        "trees",
        "stacks and queues",
        "dynamic programming",
        "greedy choices",
        "bits",
        "recursion and backtracking",
        "simulating a process",
        "sets and dictionaries",
        "geometry of points",
        "games and puzzles",
        "encoding and compressing",
        "tables of records and totals",
        "a small interpreter",
        "counting possibilities",
    ),
}
_MOST_SHOWN, _MOST_REPLY = 2_000, 20_000


def subjects(kind: TaskType, rng: Random) -> tuple[str, str]:
    """A subject and a level to ask for."""
    return rng.choice(_SUBJECTS[kind]), rng.choice(_LEVELS)


def request(kind: TaskType, language: Language | None, subject: str, level: str, earlier: str | None) -> str:
    """The request for a task.

    Args:
        kind: its type.
        language: of its programs; None for mathematics.
        subject: what it is to be about.
        level: of its difficulty.
        earlier: a prompt from which it is to differ.
    """
    if kind == "math":
        text = _MATH.format(subject=subject, level=level)
    else:
        assert language is not None
        text = _CODING.format(subject=subject, level=level, language=_LANGUAGE_NAMES[language], fence=language)
    return text if earlier is None else text + _DIFFERENT.format(earlier=shown(earlier))


def rectification(request: str, reply: str, error: str, format_score: float, correctness_score: float) -> str:
    """The request to correct a reply."""
    return RECTIFY_PROMPT.format(
        format_score=format_score,
        correctness_score=correctness_score,
        error=shown(error),
        request=request,
        reply=shown(reply, _MOST_REPLY),
    )


def solving(kind: TaskType, prompt: str) -> str:
    """A task as its solver is asked, who is told how to answer if the prompt does not say so."""
    if "<answer>" in prompt:
        return prompt
    return f"{prompt}\n\n{TAGGED if kind == 'math' else CLOSING}"


def shown(text: str, most: int = _MOST_SHOWN) -> str:
    """As much of a text as a request may hold."""
    return text if len(text) <= most else f"{text[:most]}…"


def prompts_hash() -> str:
    """Names the texts of this module: another hash means that other things are asked."""
    texts = repr((SYSTEM, _MATH, _CODING, _DIFFERENT, RECTIFY_PROMPT, _LEVELS, _SUBJECTS))
    return hashlib.sha256(texts.encode()).hexdigest()[:16]
