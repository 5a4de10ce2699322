"""Standard input, output and error of a program.

Every write goes straight into a buffer at a fixed address, so that the host can read what a program wrote before it
met a timeout or a trap. Nothing waits in a buffer of Python's own.
"""

import builtins
import io
import os
import sys
from collections.abc import Callable
from typing import Any, NoReturn

CAPACITY = 4 << 20

# Indices of the 32-bit words in the control buffer.
STATE, EXIT_CODE, STDOUT_LENGTH, STDERR_LENGTH, REPLY_LENGTH, TRUNCATED = 2, 3, 4, 5, 6, 7
EXITED, OUTPUT_LIMIT, OUT_OF_MEMORY = 1, 2, 3

_trap = os.abort  # compiles to `unreachable`: nothing in the program can catch it
_encode = str.encode

control: memoryview
stdin: "InputText"
stdout: "OutputText"
stderr: "OutputText"


def end_with_state(state: int, exit_code: int = 1) -> NoReturn:
    """End the instance at once; the host finds the reason in the control buffer."""
    control[EXIT_CODE] = exit_code & 0xFF
    control[STATE] = state
    _trap()
    raise SystemExit(exit_code)  # not reached


class OutputBytes(io.BufferedIOBase):
    """The binary side of an output stream: ``sys.stdout.buffer``."""

    mode = "wb"

    def __init__(self, name: str, descriptor: int, write: Callable[[Any], int]) -> None:
        self.name = name
        self.descriptor = descriptor
        self.write = write

    def close(self) -> None:
        """Stay open: `sys.stdout` and whatever else a program wraps around it share it."""

    def writable(self) -> bool:
        """It is for writing."""
        return True

    def fileno(self) -> int:
        """The descriptor's number: 1 or 2."""
        return self.descriptor

    @property
    def raw(self) -> "OutputBytes":
        """Itself: nothing lies below it."""
        return self


class OutputText(io.TextIOWrapper):
    """``sys.stdout`` and ``sys.stderr``: a TextIOWrapper whose writes skip the wrapper's own buffer."""

    mode = "w"

    def __init__(
        self, target: OutputBytes, errors: str, write: Callable[[str], int], restart: Callable[[int], None]
    ) -> None:
        super().__init__(target, "utf-8", errors)
        self.bytes = target
        self.write = write
        self.restart = restart

    def flush(self) -> None:
        """Nothing waits here."""


def make_output(name: str, descriptor: int, target: bytearray, errors: str) -> OutputText:
    """Make an output stream over one of the host's buffers.

    Its functions share variables instead of attributes: every `print` calls `write` twice, and attributes of types
    that derive from C's are three times as slow.
    """
    words, word, length, limit = control, STDOUT_LENGTH if descriptor == 1 else STDERR_LENGTH, 0, CAPACITY

    def restart(new_limit: int) -> None:
        nonlocal length, limit
        length, limit = 0, min(new_limit, CAPACITY)
        words[word] = 0

    def overflow(data: bytes) -> NoReturn:
        target[length:limit] = data[: limit - length]
        words[word] = limit
        words[TRUNCATED] |= descriptor
        end_with_state(OUTPUT_LIMIT)

    def write_bytes(data: Any, /) -> int:
        nonlocal length
        if isinstance(data, str):
            raise TypeError("a bytes-like object is required, not 'str'")
        chunk = bytes(memoryview(data))
        end = length + len(chunk)
        if end > limit:
            overflow(chunk)
        target[length:end] = chunk
        words[word] = length = end
        return len(chunk)

    def write_text(text: str, /) -> int:
        nonlocal length
        try:
            data = _encode(text)
        except UnicodeEncodeError:  # lone surrogates
            data = _encode(text, "utf-8", "backslashreplace")
        except TypeError:
            raise TypeError(f"write() argument must be str, not {type(text).__name__}") from None
        end = length + len(data)
        if end > limit:
            overflow(data)
        target[length:end] = data
        words[word] = length = end
        return len(text)

    write_bytes.__name__ = write_text.__name__ = write_bytes.__qualname__ = write_text.__qualname__ = "write"
    return OutputText(OutputBytes(name, descriptor, write_bytes), errors, write_text, restart)


class InputBytes(io.BytesIO):
    """The binary side of standard input (``sys.stdin.buffer``)."""

    name = "<stdin>"
    mode = "rb"

    def peek(self, size: int = 0, /) -> bytes:
        """What is still to be read."""
        return self.getvalue()[self.tell() :]

    def fileno(self) -> int:
        """The descriptor's number."""
        return 0

    def write(self, data: Any, /) -> int:
        """Refuse, as natively."""
        raise io.UnsupportedOperation("write")

    def close(self) -> None:
        """Stay open: `sys.stdin` and `open(0)` share it."""

    def writable(self) -> bool:
        """It is for reading only."""
        return False

    @property
    def raw(self) -> "InputBytes":
        """Itself: nothing lies below it."""
        return self


class InputText(io.TextIOWrapper):
    """``sys.stdin``."""

    mode = "r"

    def __init__(self, source: InputBytes) -> None:
        super().__init__(source, "utf-8", newline="\n")  # "\r" stays, as natively on Linux
        self.bytes = source


def read_line(prompt: object = "", /) -> str:
    """Read a line from standard input, without its line end; EOFError where there is none."""
    if prompt != "":
        sys.stdout.write(str(prompt))
    line = sys.stdin.readline()
    if not line:
        raise EOFError("EOF when reading a line")
    return line.removesuffix("\n")


read_line.__name__ = read_line.__qualname__ = "input"


def connect(control_buffer: bytearray, stdout_buffer: bytearray, stderr_buffer: bytearray) -> None:
    """Make the output streams over the host's buffers; replace `input`, which in C asks whether it is a terminal."""
    global control, stdout, stderr
    builtins.input = read_line
    control = memoryview(control_buffer).cast("I")
    stdout = make_output("<stdout>", 1, stdout_buffer, "strict")
    stderr = make_output("<stderr>", 2, stderr_buffer, "backslashreplace")


def open_standard_streams(stdin_bytes: bytes, limit: int) -> None:
    """Give a program fresh streams."""
    global stdin
    control[STATE] = control[EXIT_CODE] = control[TRUNCATED] = control[REPLY_LENGTH] = 0
    stdout.restart(limit)
    stderr.restart(limit)
    stdin = InputText(InputBytes(stdin_bytes))
    sys.stdin = sys.__stdin__ = stdin
    sys.stdout = sys.__stdout__ = stdout
    sys.stderr = sys.__stderr__ = stderr


def by_descriptor(descriptor: int) -> InputBytes | OutputBytes | None:
    """The binary stream of file descriptor 0, 1 or 2."""
    if descriptor == 0:
        return stdin.bytes
    return {1: stdout.bytes, 2: stderr.bytes}.get(descriptor)
