"""Run a module, then write its memory and globals back into it: the state becomes the module's first state."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import wasmtime

from .module import GLOBAL, Data, Export, Module
from .wasm import PAGE, WasmError, constant

# Zeros shorter than this inside of data are written out: a segment of its own costs more.
_GAP = 64
_EXPORT = "snapshot:global:"
_I64, _I32 = 0x7E, 0x7F


class Running:
    """An instance of a module without imports, to warm up.

    Attributes:
        store: the instance's store.
        exports: its exports.
        memory: its memory.
    """

    def __init__(self, engine: wasmtime.Engine, module: wasmtime.Module) -> None:
        self.store = wasmtime.Store(engine)
        self.exports = wasmtime.Instance(self.store, module, []).exports(self.store)
        memory = self.exports["memory"]
        assert isinstance(memory, wasmtime.Memory)
        self.memory = memory

    def call(self, name: str, *arguments: int) -> int:
        """Call an exported function; 0 if it returns nothing."""
        function = self.exports[name]
        assert isinstance(function, wasmtime.Func)
        result = function(self.store, *arguments)
        return result if isinstance(result, int) else 0

    def read(self) -> bytes:
        """Read the whole memory."""
        return bytes(self.memory.read(self.store, 0, self.memory.data_len(self.store)))

    def write(self, content: bytes, address: int) -> None:
        """Write into the memory."""
        self.memory.write(self.store, content, address)

    def value(self, name: str) -> int:
        """Read an exported global."""
        item = self.exports[name]
        assert isinstance(item, wasmtime.Global)
        value = item.value(self.store)
        assert isinstance(value, int)
        return value


@dataclass
class State:
    """What an instance consists of at one moment, to be edited and written.

    Attributes:
        memory: the content of the memory.
        globals: the values of the mutable globals, by index.
    """

    memory: bytearray
    globals: dict[int, int]


class Snapshotter:
    """A module that can be run and then written with the state of an instance.

    Args:
        module: an encoded module without imports, whose memory is exported as ``memory``.

    Raises:
        WasmError: the module has imports or several memories, or keeps state that cannot be read.
    """

    def __init__(self, module: bytes) -> None:
        self._module = Module.parse(module)
        if self._module.imports or len(self._module.memories) != 1:
            raise WasmError("a snapshot needs a module without imports and with one memory")
        self._mutable = [index for index, item in enumerate(self._module.globals) if item.mutable]
        if any(self._module.globals[index].type not in (_I64, _I32) for index in self._mutable):
            raise WasmError("a snapshot keeps integer globals only")
        opened = replace(
            self._module,
            exports=self._module.exports + [Export(f"{_EXPORT}{index}", GLOBAL, index) for index in self._mutable],
        )
        config = wasmtime.Config()
        # The code runs for seconds: compiling it well would take longer than it saves.
        config.cranelift_opt_level = "none"
        self._engine = wasmtime.Engine(config)
        self._compiled = wasmtime.Module(self._engine, opened.encode())

    def start(self) -> Running:
        """Make an instance."""
        return Running(self._engine, self._compiled)

    def index_of(self, name: str) -> int:
        """The index of an exported global, as in ``State.globals``."""
        return self._module.export(name).index

    def capture(self, running: Running) -> State:
        """Read the state of an instance that ``start`` made; the instance may go on running."""
        values = {index: running.value(f"{_EXPORT}{index}") for index in self._mutable}
        return State(bytearray(running.read()), values)

    def write(self, state: State) -> bytes:
        """Write the module as an instance was.

        Returns:
            The encoded module. Its active data are the memory; tables and functions are as they were.
        """
        values = list(self._module.globals)
        for index, value in state.globals.items():
            values[index] = replace(values[index], value=constant(value, wide=values[index].type == _I64))
        limits = replace(self._module.memories[0], minimum=len(state.memory) // PAGE)
        # Passive segments keep their numbers; active ones have been dropped by now, which is to say that they are
        # empty.
        passive = [item if item.offset is None else Data(b"") for item in self._module.data]
        kept = passive if any(item.offset is None for item in self._module.data) else []
        data = kept + [Data(bytes(state.memory[start:end]), constant(start)) for start, end in _filled(state.memory)]
        return replace(self._module, memories=[limits], globals=values, data=data, start=None).encode()


def snapshot(module: bytes, warm_up: Callable[[Running], object]) -> bytes:
    """Run a module and write its memory and globals back into it.

    Args:
        module: an encoded module without imports, whose memory is exported as ``memory``. Tables are taken as
            unchanged.
        warm_up: calls what shall have happened.

    Returns:
        The encoded module, which starts where ``warm_up`` ended.
    """
    snapshotter = Snapshotter(module)
    running = snapshotter.start()
    warm_up(running)
    return snapshotter.write(snapshotter.capture(running))


def _filled(memory: bytearray) -> Iterator[tuple[int, int]]:
    """The ranges of memory that are not zero, in steps of the gap that is worth a new range."""
    view, zeros = memoryview(memory), bytes(_GAP)
    start: int | None = None
    position, end = 0, len(memory)
    while position < end:
        if view[position : position + _GAP] != zeros:
            start = position if start is None else start
        elif start is not None:
            yield start, position
            start = None
        position += _GAP
    if start is not None:
        yield start, end
