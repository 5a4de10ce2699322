"""One instance of a guest: its inputs, its limits, and what can be read from it whatever happened inside."""

from __future__ import annotations

import ctypes
import struct
import time
from collections.abc import Callable
from typing import Any, NamedTuple

from wasmtime import FuncType, ValType

from . import native
from .engine import Guest
from .native import GuestTrap, NativeError
from .result import ExecutionResult, ExecutionStatus
from .stacks import require_large_stack

_EXITED, _OUTPUT_LIMIT, _OUT_OF_MEMORY = 1, 2, 3
_CONTROL = struct.Struct("<6I")
_NEAR_LIMIT = 1 << 20
_U32 = 0xFFFFFFFF
_AS_MODULE = -1 << 31  # the highest bit of the output limit's word

Exchange = Callable[[bytes], bytes | None]
"""Answers a trusted program's request; None refuses it."""


class Budget(NamedTuple):
    """What one entry into a guest may use.

    Attributes:
        seconds: wall-clock time, in seconds.
        fuel: fuel, where the engine counts it.
    """

    seconds: float
    fuel: int | None = None


class Ending(NamedTuple):
    """How an entry into a guest ended.

    Attributes:
        status: the host's verdict.
        exit_code: of a program that ended by itself.
        cpu_seconds: CPU time of this thread.
        fuel: fuel used, where the engine counts it.
        value: what the guest's function returned, or None where it did not return.
    """

    status: ExecutionStatus
    exit_code: int | None
    cpu_seconds: float
    fuel: int | None
    value: int | None


class Control(NamedTuple):
    """The guest's control block. The guest may have written anything into it."""

    state: int
    exit_code: int
    stdout: int
    stderr: int
    reply: int
    truncated: int


class Instance:
    """A guest's private copy of memory, and the entries into it.

    It belongs to one thread at a time. ``close`` must be called: it gives the memory back.

    Args:
        guest: what to instantiate.
        memory_bytes: how much memory a program may use beyond what the guest itself has, in bytes.

    Attributes:
        exchange_open: whether the program can call out.
        exchange_error: what a call out has raised, which ended the program.
    """

    def __init__(self, guest: Guest, memory_bytes: int) -> None:
        self.guest = guest
        self.exchange_open = False
        self.exchange_error: BaseException | None = None
        self._artefact = guest.artefact
        self._callback: object = None
        self._store: int | None = native.store_new(guest.engine.address, None, None)
        try:
            self.context: int = native.store_context(self._store)
            self.limit_memory(memory_bytes)
            self._instance = native.instantiate(guest.pre, self.context)
            self._memory_export = self._export(b"memory")
            self._memory = native.payload(self._memory_export)
            self._functions = {name: self._export(name) for name in (b"cabi_realloc", b"run")}
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Frees the instance; a second call does nothing."""
        store, self._store = self._store, None
        if store:
            native.store_delete(store)
        self._callback = None  # Only now: the store held it, and it holds this instance.

    def limit_memory(self, memory_bytes: int) -> None:
        """Sets how much memory a program may use, in bytes."""
        self._memory_bytes = self.guest.minimum_memory + memory_bytes
        native.store_limiter(self._store, self._memory_bytes, -1, -1, -1, -1)

    def run(self, code: bytes, stdin: bytes, output_limit: int, budget: Budget, *, as_module: bool = False) -> Ending:
        """Runs a program, once per instance.

        Args:
            code: its text, in UTF-8.
            stdin: its input, in UTF-8.
            output_limit: in bytes, for each stream.
            budget: what it may use.
            as_module: whether it runs as if another program had imported it.
        """
        return self._enter(b"run", (code, stdin), (output_limit | (_AS_MODULE if as_module else 0),), budget)

    def call(self, request: bytes, budget: Budget) -> tuple[Ending, bytes]:
        """Calls a function of the program that ``run`` has loaded; also returns the reply, empty after a trap."""
        if b"call" not in self._functions:
            self._functions[b"call"] = self._export(b"call")
        # A trap of this call must not be judged by how the program ended.
        ctypes.memset(self.base() + self._artefact.control + 8, 0, 4)
        ending = self._enter(b"call", (request,), (), budget)
        if ending.value is None:
            return ending, b""
        length = min(ending.value & _U32, self._artefact.reply_capacity)
        ending = ending._replace(status=ExecutionStatus.OK, exit_code=None)
        return ending, self._read(self._artefact.reply, length)

    def result(self, ending: Ending, output_limit: int) -> ExecutionResult:
        """What the program has written so far, with how it ended."""
        control = self._control()
        limit = min(output_limit, self._artefact.capacity)
        return ExecutionResult(
            self._text(self._artefact.stdout, min(control.stdout, limit)),
            self._text(self._artefact.stderr, min(control.stderr, limit)),
            ending.status,
            ending.exit_code,
            ending.cpu_seconds,
            bool(control.truncated & 1) or control.stdout > limit,
            bool(control.truncated & 2) or control.stderr > limit,
            ending.fuel,
        )

    def open_exchange(self, exchange: Exchange) -> None:
        """Lets this (trusted) program call out: its requests go to ``exchange``, on the same thread.

        An exception of ``exchange`` ends the program; it is kept in ``exchange_error``.
        """

        def answer(_env: Any, _caller: Any, arguments: Any, _n: int, results: Any, _m: int) -> int:
            # Nothing may be raised into wasmtime's frames.
            try:
                position, length = (arguments[i].of.i32 & _U32 for i in range(2))
                native.set_i32(results[0], self._answer(exchange, position, length))
                return 0
            except BaseException as error:
                self.exchange_error = error
                return native.new_trap(b"exchange failed")

        kind = FuncType([ValType.i32(), ValType.i32()], [ValType.i32()])
        slot = self._artefact.exchange_slot
        self.exchange_open = True
        self._callback = native.fill_slot(self.context, self._export(b"table"), slot, kind, answer)

    def base(self) -> int:
        """Address of the memory's first byte, until it next grows."""
        return int(native.memory_data(self.context, self._memory))

    def memory_size(self) -> int:
        """Size of the memory, in bytes."""
        return int(native.memory_size(self.context, self._memory))

    def globals(self) -> list[Any]:
        """The values of the mutable exported globals."""
        return [native.global_get(self.context, self._export(name)) for name in self.guest.mutable_globals]

    def set_globals(self, values: list[Any]) -> None:
        """Sets the mutable exported globals to what ``globals`` of another instance gave."""
        for name, value in zip(self.guest.mutable_globals, values, strict=True):
            native.global_set(self.context, self._export(name), value)

    def _export(self, name: bytes) -> Any:
        return native.export(self.context, self._instance, name)

    def _answer(self, exchange: Exchange, position: int, length: int) -> int:
        """Serves one request at a place of the guest's choice, where 0 is the reply buffer; -1 refuses it."""
        position = position or self._artefact.reply
        if length > self._artefact.reply_capacity or position + length > self.memory_size():
            return -1
        reply = exchange(self._read(position, length))
        if reply is None or len(reply) > self._artefact.reply_capacity:
            return -1
        ctypes.memmove(self.base() + self._artefact.reply, reply, len(reply))
        return len(reply)

    def _enter(self, name: bytes, inputs: tuple[bytes, ...], extra: tuple[int, ...], budget: Budget) -> Ending:
        """Hands inputs over and calls a function, within limits."""
        require_large_stack()
        value: int | None = None
        exit_code: int | None
        deadlines = self.guest.engine.deadlines
        if budget.fuel is not None:
            native.set_fuel(self.context, budget.fuel)
        token = deadlines.arm(self.context, budget.seconds)
        started = time.thread_time()
        try:
            # Only before the program has run is the allocator's state known.
            arguments = [number for data in inputs for number in self._put(data, briefly=name == b"run")]
            value = native.call(self.context, native.payload(self._functions[name]), *arguments, *extra)
            status, exit_code = self._after_return(value)
        except GuestTrap as trap:
            status, exit_code = self._after_trap(trap)
        except _InputTooLargeError:
            status, exit_code = ExecutionStatus.MEMORY, None
        except NativeError:  # So wasmtime tells a trap that a host function has raised.
            if self.exchange_error is None:
                raise
            status, exit_code = ExecutionStatus.CRASHED, None
        finally:
            deadlines.disarm(token)
        seconds = time.thread_time() - started
        fuel = None if budget.fuel is None else budget.fuel - native.get_fuel(self.context)
        return Ending(status, exit_code, seconds, fuel, value)

    def _put(self, data: bytes, briefly: bool) -> tuple[int, int]:
        """Writes an input where the guest says; returns its address and length."""
        if len(data) > self._memory_bytes:
            raise _InputTooLargeError
        function = native.payload(self._functions[b"cabi_realloc"])
        # The guest frees its inputs, so that an empty one too must lie somewhere.
        position = native.call(self.context, function, 0, 0, 1, len(data) or 1, briefly=briefly) & _U32
        if position == 0 or position + len(data) > self.memory_size():
            raise _InputTooLargeError
        ctypes.memmove(self.base() + position, data, len(data))
        return position, len(data)

    def _after_return(self, value: int) -> tuple[ExecutionStatus, int | None]:
        if self._control().state == _OUT_OF_MEMORY:
            return ExecutionStatus.MEMORY, 1
        return _by_exit_code(value)

    def _after_trap(self, trap: GuestTrap) -> tuple[ExecutionStatus, int | None]:
        if trap.interrupted:
            return ExecutionStatus.TIMEOUT, None
        control = self._control()
        if control.state == _EXITED:
            return _by_exit_code(control.exit_code)
        if control.state == _OUTPUT_LIMIT:
            return ExecutionStatus.OUTPUT_LIMIT, None
        full = self.memory_size() + _NEAR_LIMIT > self._memory_bytes
        if full or control.state == _OUT_OF_MEMORY:
            return ExecutionStatus.MEMORY, None
        return ExecutionStatus.CRASHED, None

    def _control(self) -> Control:
        return Control._make(_CONTROL.unpack(self._read(self._artefact.control + 8, _CONTROL.size)))

    def _text(self, position: int, length: int) -> str:
        return self._read(position, length).decode("utf-8", "replace")

    def _read(self, position: int, length: int) -> bytes:
        """Copies guest memory; callers have checked the range, and loading has checked the fixed buffers."""
        return ctypes.string_at(self.base() + position, length)


class _InputTooLargeError(Exception):
    """The guest has no room for an input."""


def _by_exit_code(code: int) -> tuple[ExecutionStatus, int]:
    code &= 0xFF
    return (ExecutionStatus.ERROR if code else ExecutionStatus.OK), code
