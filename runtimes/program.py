"""What an executor runs: checked settings, checked programs, and one run from start to end."""

from __future__ import annotations

import reprlib
import time
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any, NamedTuple

from .artefact import LANGUAGES
from .engine import Limits
from .instance import Budget
from .result import ExecutionResult
from .reuse import Instances
from .sandboxes import sandboxes

MAX_CODE = 16 << 20
"""Longest program, in bytes of UTF-8."""

MAX_OUTPUT = 4 << 20
"""Highest output limit, in bytes: the size of the guests' buffers."""

FUEL_PER_SECOND = {"python": 5_000_000_000, "javascript": 5_000_000_000}
"""Fuel (about one per WebAssembly instruction) that a second of the limit is worth, with ``limits="fuel"``.

A server core of 2.5 GHz burns 4,000 to 8,500 million a second with ``limits="time"``, and half of that when it counts.
"""

_BACKSTOP = 10.0


class Job(NamedTuple):
    """A program to run: ``(code, language)`` or ``(code, language, stdin)``."""

    code: str
    language: str
    stdin: str = ""


@dataclass(frozen=True, slots=True)
class Settings:
    """Limits of an executor; see RewardExecutor."""

    timeout: float
    memory_mb: int
    output_limit: int
    limits: Limits
    threads: int

    @classmethod
    def checked(cls, timeout: Any, memory_mb: Any, output_limit: Any, limits: Any, threads: Any) -> Settings:
        """Settings from what a caller has given.

        Raises:
            TypeError: a limit is no number.
            ValueError: a limit is out of range.
        """
        if not isinstance(timeout, Real):
            raise TypeError(f"timeout must be a number of seconds, not {timeout!r}")
        for name, value in {"memory_mb": memory_mb, "output_limit": output_limit, "threads": threads}.items():
            if not isinstance(value, Integral):
                raise TypeError(f"{name} must be a whole number, not {value!r}")
        if not 0 < float(timeout) <= 86_400:  # NaN neither.
            raise ValueError(f"timeout must be above 0 and at most 86,400 s, not {timeout}")
        if not 1 <= memory_mb <= 4096:
            raise ValueError(f"memory_mb must be 1 to 4096, not {memory_mb}")
        if not 0 <= output_limit <= MAX_OUTPUT:
            raise ValueError(f"output_limit must be 0 to {MAX_OUTPUT:,} bytes, not {output_limit}")
        if not 1 <= threads <= 1024:
            raise ValueError(f"threads must be 1 to 1024, not {threads}")
        if limits not in list(Limits):
            raise ValueError(f"limits must be 'time' or 'fuel', not {limits!r}")
        return cls(float(timeout), int(memory_mb), int(output_limit), Limits(limits), int(threads))

    @property
    def memory_bytes(self) -> int:
        """The limit of memory, in bytes."""
        return self.memory_mb << 20

    def budget(self, language: str) -> Budget:
        """What one run or call may use."""
        if self.limits is Limits.TIME:
            return Budget(self.timeout)
        # Fuel decides; the wall clock only ends what fuel does not count, on hosts far slower than fuel assumes.
        return Budget(self.timeout * _BACKSTOP + 60, int(self.timeout * FUEL_PER_SECOND[language]))


@dataclass(frozen=True, slots=True)
class Program:
    """A program whose text is fit to be handed to a guest."""

    language: str
    code: bytes
    stdin: bytes


class NotAProgramError(ValueError):
    """The text cannot be handed to a guest; the message is what the program's author should read."""


def job_of(job: Job | tuple[str, str] | tuple[str, str, str]) -> Job:
    """A job from a tuple; its parts are checked by ``prepare``.

    Raises:
        TypeError: not a tuple (or list) of two or three parts.
    """
    if not isinstance(job, (tuple, list)) or not 2 <= len(job) <= 3:
        raise TypeError(f"a job must be (code, language) or (code, language, stdin), not {reprlib.repr(job)}")
    return Job(*job)


def language_of(name: str) -> str:
    """The language that a name means.

    Raises:
        TypeError: not a string.
        ValueError: unknown.
    """
    if not isinstance(name, str):
        raise TypeError(f"language must be a string, not {type(name).__name__}")
    try:
        return LANGUAGES[name.lower()]
    except KeyError:
        raise ValueError(f"unknown language {name!r}; known are {', '.join(LANGUAGES)}") from None


def prepare(code: str, language: str, stdin: str = "") -> Program:
    """Checks what a caller wants to run.

    Raises:
        TypeError: code, language or stdin is not a string.
        ValueError: the language is unknown.
        NotAProgramError: the text is too long, or is no Unicode text.
    """
    name = language_of(language)
    for what, text in (("code", code), ("stdin", stdin)):
        if not isinstance(text, str):
            raise TypeError(f"{what} must be a string, not {type(text).__name__}")
    try:
        program = Program(name, code.encode(), stdin.encode())
    except UnicodeEncodeError as error:
        where = "stdin" if error.object is stdin else "the program"
        raise NotAProgramError(
            f"SyntaxError: {where} holds half of a surrogate pair at character {error.start:,}, which is no text"
        ) from None
    if len(program.code) > MAX_CODE:
        raise NotAProgramError(f"SyntaxError: the program has {len(program.code):,} bytes; {MAX_CODE:,} are allowed")
    return program


def execute(program: Program, settings: Settings) -> ExecutionResult:
    """Runs a program in an instance as fresh, on this thread, which must be a worker's."""
    instances = instances_for(program, settings)
    instance = instances.take(settings.memory_bytes)
    returned = False
    try:
        ending = instance.run(program.code, program.stdin, settings.output_limit, settings.budget(program.language))
        returned = ending.value is not None
        return instance.result(ending, settings.output_limit)
    finally:
        instances.give_back(instance, returned)


def instances_for(program: Program, settings: Settings) -> Instances:
    """Where the instances for a program come from.

    Raises:
        MissingArtefactError: the language's sandbox has not been built.
        BadArtefactError: it does not keep to the interface.
    """
    return sandboxes().instances(settings.limits, program.language)


class Remaining:
    """A budget that several entries share.

    Args:
        budget: the whole.
    """

    def __init__(self, budget: Budget) -> None:
        self._end = time.monotonic() + budget.seconds

    def budget(self, fuel: int | None) -> Budget:
        """What is left now; ``fuel`` is what the guest itself has left."""
        return Budget(max(0.0, self._end - time.monotonic()), fuel)
