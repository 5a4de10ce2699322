"""Warm a Python guest up and write the state as its module's first state.

A fresh instance copies each page of memory that it writes to, and that is most of what a short program costs. So before
the snapshot: warm the interpreter, so that it specialises its bytecode here; make all living objects immortal, so that
counting their references writes nothing; and fill the allocator's scattered holes, so that new objects share few pages.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass

from .snapshot import Running, Snapshotter, State
from .wasm import WasmError
from .wide import WORDS_END
from .widen import Objects, widen

CAPACITY = 4 << 20
REPLY_CAPACITY = 1 << 20
CONTROL_SIZE = 64
_WORD_STDOUT, _WORD_STDERR = 16, 20  # in the control buffer: the lengths of what was written
_OUTPUT_LIMIT = 60_000

_PROGRAMS = (
    "print(2+2)",
    "print('a','b',1.5,[1,2],{'k':3})\nfor i in range(3): print(i)",
    "x=input();print(x)",
    "import sys\nfor l in sys.stdin: print(l)",
    "1/0",
    "def f(x):\n  raise ValueError(x)\nf(1)",
    "def f(:\n pass",
    "import math,re,collections,json\nprint(json.dumps([1]))",
    "import sys;sys.exit(2)",
    "class A:\n  def __init__(s): s.x=1\nprint(A().x,sum(range(10)),sorted([3,1]),'%d'%3,f'{1:>3}')",
)
_COLLECT = "import gc\ngc.collect()\ngc.freeze()"
_STDIN = b"1 2\n3\n"
_ROUNDS = 60

# The bytes of a mark are computed one at a time, so that no object holds a copy of the mark that a search would find.
_MARK = """
import app
for number, name in enumerate(("CONTROL", "STDOUT", "STDERR", "REPLY")):
    buffer = getattr(app, name)
    for index in range(8):
        buffer[index] = (number * 59 + index * 101 + 77) % 251
"""
_SEAL = "import app\ngetattr(app, 'seal', int)()"
_VERSION = "import sys\nprint(sys.version.split()[0], end='')"
# Prints where the addresses of all living objects are listed. It keeps the list, which dies with the instance.
_LIST_OBJECTS = """
import array, gc, sys
gc.disable()
gc.unfreeze()
seen = set()
waiting = gc.get_objects() + [sys.modules, sys.__dict__]
own = {id(seen), id(waiting)}
while waiting:
    item = waiting.pop()
    if id(item) not in seen and id(item) not in own:
        seen.add(id(item))
        waiting.extend(gc.get_referents(item))
sys._addresses = array.array("I", seen)
print(*sys._addresses.buffer_info())
"""
# How CPython 3.14 marks immortal objects where pointers have 32 bits.
_IMMORTAL = 5 << 28
_GREATEST_COUNT = 1_000_000  # a word above it is no count, but a free block's link

# Sizes of the blocks that fill the heap's holes, the large ones first; between powers of two in ever finer steps.
_HOLES = (
    *(size for power in range(16, 10, -1) for size in (1 << power, 3 << power - 2)),
    *(size for power in range(10, 7, -1) for size in range(1 << power, 1 << power - 1, -(1 << power - 3))),
    *range(128, 0, -8),
)
_ABOVE_HOLES = 1 << 20
# The linker gives 1 MiB, which recursion through C fills soon: a function under `lru_cache` gets 2,300 frames deep.
_STACK_SIZE = 4 << 20
# How far above the stack's end CPython 3.14 stops: at twice this with RecursionError, at this with a fatal error.
_STACK_MARGIN = 8192
_MISSES = 3
_MOST_HOLES = 200_000


@dataclass(frozen=True)
class Buffers:
    """Addresses of the guest's buffers."""

    control: int
    stdout: int
    stderr: int
    reply: int

    def ranges(self) -> Iterable[tuple[int, int]]:
        """The start and size of each buffer."""
        sizes = (CONTROL_SIZE, CAPACITY, CAPACITY, REPLY_CAPACITY)
        return zip((self.control, self.stdout, self.stderr, self.reply), sizes, strict=True)


@dataclass(frozen=True)
class Warmed:
    """A module that starts warm.

    Attributes:
        module: the encoded module.
        buffers: where its buffers lie.
        version: the version of Python.
    """

    module: bytes
    buffers: Buffers
    version: str


class _Guest:
    """Runs programs in one instance."""

    def __init__(self, running: Running) -> None:
        self.running = running

    def put(self, content: bytes) -> tuple[int, int]:
        """Place an input in memory; returns its address and length."""
        if not content:
            return 1, 0
        address = self.allocate(len(content))
        self.running.write(content, address)
        return address, len(content)

    def allocate(self, size: int) -> int:
        """Get memory from the guest's allocator."""
        return self.running.call("cabi_realloc", 0, 0, 1, size) & 0xFFFFFFFF

    def run(self, program: str, stdin: bytes = b"") -> int:
        """Run a program; returns its exit code."""
        return self.running.call("run", *self.put(program.encode()), *self.put(stdin), _OUTPUT_LIMIT)

    def warm(self, rounds: int) -> None:
        """Run the warm-up programs, some of which fail on purpose."""
        for _ in range(rounds):
            for program in _PROGRAMS:
                self.run(program, _STDIN)

    def find_buffers(self) -> Buffers:
        """Find the guest's buffers by marks that a program writes into them.

        Raises:
            WasmError: a mark is not there exactly once.
        """
        self.must(_MARK)
        memory = self.running.read()
        found = []
        for number in range(4):
            mark = bytes((number * 59 + index * 101 + 77) % 251 for index in range(8))
            if memory.count(mark) != 1:
                raise WasmError(f"the mark of the guest's buffer {number} is in memory {memory.count(mark)} times")
            found.append(memory.index(mark))
        return Buffers(*found)

    def must(self, program: str) -> None:
        """Run a program that may not fail.

        Raises:
            WasmError: it failed.
        """
        code = self.run(program)
        if code:
            raise WasmError(f"a program of the warm-up ended with exit code {code}: {program!r}")

    def output(self, program: str, buffers: Buffers) -> str:
        """Run a program and read its standard output."""
        code = self.run(program)
        memory = self.running.read()
        sizes = struct.unpack_from("<II", memory, buffers.control + _WORD_STDOUT)
        places = zip((buffers.stdout, buffers.stderr), sizes, strict=True)
        output, errors = (memory[start : start + size].decode() for start, size in places)
        if code:
            raise WasmError(f"a program of the warm-up ended with exit code {code}: {errors}")
        return output

    def fill_holes(self) -> None:
        """Take all free blocks below the top of the heap and never give them back."""
        top = self.allocate(_ABOVE_HOLES)
        taken = 0
        for size in _HOLES:
            misses = 0
            while misses < _MISSES:
                misses += self.allocate(size) > top
                taken += 1
                if taken > _MOST_HOLES:
                    raise WasmError("the guest's heap has too many holes")


def warm(module: bytes, wide_slot: int) -> Warmed:
    """Warm a guest up.

    Args:
        module: the linked guest.
        wide_slot: the first slot of ``wide.functions`` in its table.

    Raises:
        WasmError: the guest does not keep to what ``app.py`` promises.
    """
    snapshotter = Snapshotter(module)
    guest = _Guest(snapshotter.start())
    guest.warm(_ROUNDS)
    guest.must(_COLLECT)
    buffers = guest.find_buffers()
    version = guest.output(_VERSION, buffers)
    _widen(guest, buffers, wide_slot)
    guest.must(_SEAL)
    guest.fill_holes()
    guest.warm(3)
    for _ in range(30):
        guest.must("print(2+2)")
    guest.must(_COLLECT)
    guest.must("print(2+2)")
    stack = guest.allocate(_STACK_SIZE)
    guest.must("print(2+2)")
    state = snapshotter.capture(guest.running)
    # What lives now is listed by letting the instance run on; the state is of the moment before.
    _make_immortal(state.memory, _living(guest, buffers))
    for start, size in buffers.ranges():
        state.memory[start : start + size] = bytes(size)
    _move_stack(state, snapshotter.index_of("__stack_pointer"), stack)
    return Warmed(snapshotter.write(state), buffers, version)


def _widen(guest: _Guest, buffers: Buffers, wide_slot: int) -> None:
    """Let the guest compute with 64 bits where programs see it."""
    before = guest.running.read()
    *named, types, tuples, frozensets = guest.output("import wide\nwide.show()", buffers).splitlines()
    after = guest.running.read()
    lists = [_words(after, *map(int, line.split())) for line in (types, tuples, frozensets)]
    names = {name: int(address) for name, address in map(str.split, named)}
    # Looking around has filled megabytes, which a snapshot should not hold.
    memory = bytearray(before.ljust(len(after), b"\0"))
    widen(memory, wide_slot, Objects(names, *lists))
    guest.running.write(bytes(memory), 0)
    guest.must("import wide\nwide.fill_tables_anew()")


def _words(memory: bytes | bytearray, start: int, count: int) -> tuple[int, ...]:
    return struct.unpack_from(f"<{count}I", memory, start)


def _living(guest: _Guest, buffers: Buffers) -> dict[int, int]:
    """The address of each living object, and its type's address."""
    start, count = map(int, guest.output(_LIST_OBJECTS, buffers).split())
    memory = guest.running.read()
    addresses = _words(memory, start, count)
    return {address: struct.unpack_from("<I", memory, address + 4)[0] for address in addresses}


def _move_stack(state: State, pointer: int, start: int) -> None:
    """Give the guest a larger stack. Between calls it is empty, so only its bounds move.

    Args:
        state: is changed.
        pointer: the index of the global that points to the stack's top.
        start: where the memory for it starts.

    Raises:
        WasmError: CPython's own record of the bounds is not there exactly once.
    """
    old_top = state.globals[pointer]
    bounds = struct.pack("<3I", old_top, 2 * _STACK_MARGIN, _STACK_MARGIN)
    if state.memory.count(bounds) != 1:
        raise WasmError(f"the bounds of CPython's stack are in memory {state.memory.count(bounds)} times")
    end, top = -(-start // 16) * 16, (start + _STACK_SIZE) // 16 * 16
    place = state.memory.index(bounds)
    struct.pack_into("<3I", state.memory, place, top, end + 2 * _STACK_MARGIN, end + _STACK_MARGIN)
    state.globals[pointer] = top
    for range_start, range_end in ((WORDS_END, old_top), (start, start + _STACK_SIZE)):
        state.memory[range_start:range_end] = bytes(range_end - range_start)


def _make_immortal(memory: bytearray, living: dict[int, int]) -> int:
    """Make objects immortal that lived at the state's moment already; returns how many."""
    changed = 0
    for address, kind in living.items():
        if address + 8 > len(memory):
            continue
        count, kind_then = struct.unpack_from("<II", memory, address)
        if kind_then == kind and 0 < count < _GREATEST_COUNT:
            struct.pack_into("<I", memory, address, _IMMORTAL)
            changed += 1
    return changed
