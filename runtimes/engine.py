"""Wasmtime engines: how guests are compiled and limited."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from wasmtime import Config, Engine, FuncType, GlobalType, Linker, MemoryType, Module, TableType, ValType
from wasmtime import _ffi as ffi

from . import native
from .artefact import WASM_PAGE, Artefact, BadArtefactError
from .compiled import load_module
from .deadlines import Deadlines
from .stacks import MAX_WASM_STACK


class Limits(StrEnum):
    """What ends a run that goes on for too long."""

    TIME = "time"
    FUEL = "fuel"


@dataclass(frozen=True, slots=True, eq=False)
class Guest:
    """A sandbox ready to be instantiated.

    Attributes:
        artefact: its description.
        engine: the engine it was loaded into.
        minimum_memory: bytes of memory that every instance has from the start.
        mutable_globals: names of the exported globals that code may change.
        pre: address of the C API's pre-instantiated module.
        keep_alive: the wasmtime objects behind these addresses.
    """

    artefact: Artefact
    engine: SandboxEngine
    minimum_memory: int
    mutable_globals: tuple[bytes, ...]
    pre: int
    keep_alive: tuple[Any, ...]


class SandboxEngine:
    """One wasmtime engine and its clock; any thread may use it.

    Args:
        limits: whether compiled code counts fuel.
        parallel: whether the compiler may use threads.
    """

    def __init__(self, limits: Limits, parallel: bool = True) -> None:
        self.limits = limits
        self._engine = Engine(_config(limits, parallel))
        self.address = native.address(self._engine)
        self.deadlines = Deadlines(self.address)

    def load(self, artefact: Artefact) -> Guest:
        """Compiles an artefact's module, or fetches it from the cache, and checks that it keeps to the interface.

        Raises:
            BadArtefactError: it does not.
        """
        module = load_module(self._engine, artefact, f"epochs {self.limits} stack={MAX_WASM_STACK}")
        memory, mutable = _check_module(module, artefact)
        pre = Linker(self._engine).instantiate_pre(module)
        return Guest(artefact, self, memory, mutable, native.address(pre), (module, pre))


def _config(limits: Limits, parallel: bool) -> Config:
    config = Config()
    config.epoch_interruption = True
    config.consume_fuel = limits is Limits.FUEL
    # Wasmtime panics unless its stacks for asynchronous calls, unused here, are larger than the guests' stacks.
    ffi.wasmtime_config_async_stack_size_set(config.ptr(), MAX_WASM_STACK + (1 << 20))
    config.max_wasm_stack = MAX_WASM_STACK
    ffi.wasmtime_config_parallel_compilation_set(config.ptr(), parallel)
    return config


_I32 = ValType.i32()
_SIGNATURES = {"cabi_realloc": 4, "run": 5, "call": 2}


def _check_module(module: Module, artefact: Artefact) -> tuple[int, tuple[bytes, ...]]:
    """Checks imports, exports and their types, which the calls of native.py take for granted.

    Returns:
        The memory that an instance starts with, in bytes, and the names of its mutable exported globals.

    Raises:
        BadArtefactError: the module does not keep to the interface.
    """
    if module.imports:
        raise BadArtefactError(f"{artefact.path}: it has imports")
    types = {export.name: export.type for export in module.exports}
    for name, arity in _SIGNATURES.items():
        kind = types.get(name)
        if not isinstance(kind, FuncType) or kind.params != [_I32] * arity or kind.results != [_I32]:
            raise BadArtefactError(f"{artefact.path}: export {name!r} is missing or has another type")
    memory, table = types.get("memory"), types.get("table")
    if not isinstance(memory, MemoryType) or not isinstance(table, TableType):
        raise BadArtefactError(f"{artefact.path}: export 'memory' or 'table' is missing")
    minimum = int(memory.limits.min) * WASM_PAGE
    artefact.check_fits(minimum)
    mutable = [name.encode() for name, kind in types.items() if isinstance(kind, GlobalType) and kind.mutable]
    return minimum, tuple(mutable)
