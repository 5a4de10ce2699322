"""What a run gives back."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class ExecutionStatus(StrEnum):
    """How a run ended, as the host saw it; nothing the program claims about itself enters here."""

    OK = "ok"
    """It ended with exit code 0."""
    ERROR = "error"
    """It ended with another exit code, or it could not be started as it was given."""
    TIMEOUT = "timeout"
    """It met its time or fuel limit."""
    MEMORY = "memory"
    """It met its memory limit."""
    OUTPUT_LIMIT = "output_limit"
    """It wrote more than the output limit; what fitted is kept."""
    CRASHED = "crashed"
    """The sandbox trapped for another reason, for example when the native stack was used up."""


@dataclass(frozen=True, slots=True)
class ExecutionResult:
    """The outcome of one program.

    Attributes:
        stdout: what the program wrote, bytes that are not UTF-8 replaced by U+FFFD; kept up to a timeout or crash.
        stderr: the same of its error stream, tracebacks included.
        status: how it ended.
        exit_code: 0 to 255, or None where the host ended it.
        cpu_seconds: CPU time of the run on its thread, compilation and queueing not included.
        stdout_truncated: the output limit cut stdout.
        stderr_truncated: the output limit cut stderr.
        fuel: fuel used, with ``limits="fuel"``; the same on every machine. None otherwise.
    """

    stdout: str
    stderr: str
    status: ExecutionStatus
    exit_code: int | None
    cpu_seconds: float
    stdout_truncated: bool = False
    stderr_truncated: bool = False
    fuel: int | None = None

    @property
    def ok(self) -> bool:
        """Whether the program ended by itself with exit code 0."""
        return self.status is ExecutionStatus.OK

    @classmethod
    def refused(cls, message: str) -> ExecutionResult:
        """The result of a program that never started; ``message`` is its stderr."""
        return cls("", message + "\n", ExecutionStatus.ERROR, 1, 0.0)


@dataclass(frozen=True, slots=True)
class CallResult:
    """The outcome of one call of a program's function.

    Attributes:
        value: what the function returned, as plain data; None after an error.
        error_type: name of the exception's class, or None.
        error_message: its message, or the host's words where the host ended the call; empty without an error.
        status: OK, ERROR (the function raised, or its value cannot cross), or how the session ended.
        cpu_seconds: CPU time of the call on its thread.
        fuel: fuel used by the call, with ``limits="fuel"``. None otherwise.
    """

    value: Any
    error_type: str | None
    error_message: str
    status: ExecutionStatus
    cpu_seconds: float
    fuel: int | None = None

    @property
    def ok(self) -> bool:
        """Whether the call returned a value."""
        return self.status is ExecutionStatus.OK
