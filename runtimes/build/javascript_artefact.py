"""Makes javascript.wasm: QuickJS-NG and the guest compiled with zig, then a snapshot with the prelude loaded."""

from __future__ import annotations

import json
import struct
import subprocess
import sys
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from .javascript_patches import patched
from .module import Limits, Module, Table
from .recipe import QUICKJS, recipe_hash
from .restorable import is_restorable
from .snapshot import Running, Snapshotter
from .wasm import add_custom_section

GUEST = Path(__file__).parent.parent / "guests" / "javascript"

# The linker's stack. With it, and 28 MiB of native stack, a simple function recurses more than 20,000 frames deep.
SHADOW_STACK = 6 << 20

_ENGINE_SOURCES = ("libregexp.c", "libunicode.c", "dtoa.c")
_GUEST_SOURCES = ("engine.c", "guest.c", "binding.c", "sources.c", "heap.c", "libc.c")
_FEATURES = "generic+bulk_memory+sign_ext+nontrapping_fptoint+multivalue"
_TARGET = ("-target", "wasm32-wasi", f"-mcpu={_FEATURES}", "-O2")
_PRELUDE_NAME = "node:internal/"
_EXPORTS = {
    "memory": "memory",
    "__stack_pointer": "__stack_pointer",
    "__indirect_function_table": "table",
    "cabi_realloc": "cabi_realloc",
    "run": "run",
    "call": "call",
}
_CONTROL_BYTES = 32
_MAGIC_BYTES = 8


@dataclass(frozen=True)
class _Places:
    """What the guest's ``init`` tells: addresses and sizes of its buffers."""

    control: int
    stdout: int
    stderr: int
    reply: int
    capacity: int
    reply_capacity: int


def build(work: Path, report: Callable[[str], None], sources: Path) -> bytes:
    """Make the artefact.

    Args:
        work: an empty folder.
        report: is told of each step, in one line.
        sources: the folder of QuickJS-NG's C sources.

    Returns:
        The module; the same bytes for the same sources and tools.

    Raises:
        RuntimeError: a step failed; its message says which and why.
    """
    report("compiling QuickJS-NG and the guest")
    compiled = _compile(work, patched(sources, work))
    report("loading the prelude and taking the snapshot")
    slot, opened = _with_null_slot(compiled)
    module, places = _snapshot(opened, slot)
    report("checking the artefact")
    return _described(_with_exports(module), places, slot)


def _compile(work: Path, sources: Path) -> bytes:
    """Compile every source file, at once as far as there are processors, and link the objects."""
    inputs = [sources / name for name in _ENGINE_SOURCES] + [GUEST / name for name in _GUEST_SOURCES]
    flags = [
        *_TARGET,
        "-fno-sanitize=all",
        "-w",
        "-DNDEBUG",
        "-D_GNU_SOURCE",
        f"-DJS_SHADOW_STACK={SHADOW_STACK}",
        f"-I{sources}",
        f"-I{GUEST}",
        "-include",
        str(GUEST / "libc.h"),
    ]

    def compile_one(path: Path) -> Path:
        output = work / f"{path.stem}.o"
        _zig([*flags, "-c", str(path), "-o", str(output)], f"compiling {path.name}")
        return output

    with ThreadPoolExecutor() as pool:
        objects = list(pool.map(compile_one, inputs))
    linked = work / "linked.wasm"
    link = [f"-Wl,-z,stack-size={SHADOW_STACK}", "-Wl,--strip-all", "-Wl,--export-table"]
    link += ["-Wl,--export=__stack_pointer"]
    _zig([*_TARGET, "-mexec-model=reactor", *link, *map(str, objects), "-o", str(linked)], "linking")
    return linked.read_bytes()


def _zig(arguments: Iterable[str], what: str) -> None:
    """Run zig's C compiler."""
    command = [sys.executable, "-m", "ziglang", "cc", *arguments]
    result = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    if result.returncode:
        lines = result.stderr.strip().splitlines()[-5:]
        raise RuntimeError(f"{what} failed: {' | '.join(lines)}")


def _with_null_slot(wasm: bytes) -> tuple[int, bytes]:
    """Add a slot to the function table that stays null, for the exchange with the host."""
    module = Module.parse(wasm)
    if module.imports:
        raise RuntimeError(f"the guest imports {module.imports[0].name}; it must import nothing")
    (table,) = module.tables
    slot = table.limits.minimum
    larger = Table(table.element, Limits(slot + 1, slot + 1))
    return slot, replace(module, tables=[larger]).encode()


def _snapshot(wasm: bytes, slot: int) -> tuple[bytes, _Places]:
    """Load the prelude and write the state into the module."""
    snapshotter = Snapshotter(wasm)
    running = snapshotter.start()
    running.call("_initialize")
    for path in sorted((GUEST / "prelude").glob("*.js")):
        _give_source(running, path)
    places = _Places(*struct.unpack("<6I", _read(running, running.call("init", slot), 24)))
    errors = struct.unpack("<I", _read(running, places.control + 20, 4))[0]
    if errors:
        text = _read(running, places.stderr, errors).decode(errors="replace").strip()
        raise RuntimeError(f"the prelude failed: {text}")
    state = snapshotter.capture(running)
    # What is left of the stack and of the loading's output is nobody's business.
    stack_pointer = running.value("__stack_pointer")
    state.memory[:stack_pointer] = bytes(stack_pointer)
    start, end = places.control + _MAGIC_BYTES, places.control + _CONTROL_BYTES
    state.memory[start:end] = bytes(end - start)
    return snapshotter.write(state), places


def _give_source(running: Running, path: Path) -> None:
    # Some checkouts end lines with CR LF.
    text = path.read_bytes().replace(b"\r\n", b"\n")
    running.call("source", _put(running, f"{_PRELUDE_NAME}{path.name}".encode()), _put(running, text), len(text))


def _put(running: Running, content: bytes) -> int:
    """Write text into memory that the guest allocates, with a NUL behind it."""
    address = running.call("cabi_realloc", 0, 0, 1, len(content) + 1)
    running.write(content + b"\0", address)
    return address


def _read(running: Running, address: int, size: int) -> bytes:
    return bytes(running.memory.read(running.store, address, address + size))


def _with_exports(wasm: bytes) -> bytes:
    """Keep the exports of the interface, under their names."""
    module = Module.parse(wasm)
    kept = [replace(item, name=_EXPORTS[item.name]) for item in module.exports if item.name in _EXPORTS]
    return replace(module, exports=kept).encode()


def _described(wasm: bytes, places: _Places, slot: int) -> bytes:
    """Append the description that the host reads."""
    engine = QUICKJS.version.rpartition(".")[0]
    description = {
        "abi": 1,
        "language": "javascript",
        "version": "ES2025",
        "engine": f"QuickJS-NG {engine}",
        "variant": "optimized",
        "recipe": recipe_hash(),
        "control": places.control,
        "stdout": places.stdout,
        "stderr": places.stderr,
        "reply": places.reply,
        "capacity": places.capacity,
        "reply_capacity": places.reply_capacity,
        "exchange_slot": slot,
        "restorable": is_restorable(wasm),
    }
    return add_custom_section(wasm, "infinite_rl", json.dumps(description).encode())
