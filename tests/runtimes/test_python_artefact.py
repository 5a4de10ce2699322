"""python.wasm is made from nothing but its recipe: two builds behave the same."""

import struct
import threading

import pytest
import wasmtime
from wasmtime import _ffi as ffi

from infinite_rl.runtimes.artefact import Artefact, parse_artefact
from infinite_rl.runtimes.build import python_artefact
from infinite_rl.runtimes.build.obtain import Workshop
from infinite_rl.runtimes.build.recipe import recipe_hash, tools_of

pytestmark = pytest.mark.slow

# Whatever depends on the hash secret, on addresses or on what the build's machine was doing.
EXPRESSIONS = [
    *(f"hash({word!r})" for word in ("a", "b", "solution", "", "é", "x" * 100, b"bytes", (1, "two"), 1.5, "numpy")),
    *(f"list({{chr(97 + i * 3 % 26) * {count} for i in range(26)}})" for count in range(1, 101)),
    *(f"list(set(dir({name})))[:40]" for name in ("str", "int", "list", "dict", "object()", "math", "re", "json")),
    *(f"sorted([object() for _ in range({count})], key=id) and id(object())" for count in (1, 10, 100, 1000)),
    *(f"[hash(object()) for _ in range({count})]" for count in range(1, 9)),
    *(f"random.sample(range(1000), {count})" for count in range(1, 11)),
    *(f"random.Random().random() + {count}" for count in range(5)),
    *(f"os.urandom({count}).hex()" for count in (1, 8, 32)),
    *("time.time()", "time.monotonic()", "datetime.datetime.now()", "uuid.uuid4()", "uuid.uuid1()"),
    *(f"repr({name})" for name in ("object()", "lambda: 0", "print", "random.Random()", "type('T', (), {})()")),
    *(f"frozenset({text!r}.split())" for text in ("to be or not to be", "the quick brown fox jumps over a lazy dog")),
    *(f"list(collections.Counter({text!r}).items())" for text in ("mississippi", "abracadabra")),
    *(f"sys.{name}" for name in ("path", "flags", "version", "implementation", "hash_info", "float_info")),
    *(f"list(sys.modules)[{start}:{start + 40}]" for start in range(0, 1200, 40)),
    *(f"gc.{name}()" for name in ("get_count", "get_threshold", "get_freeze_count")),
    *(f"tempfile.{name}" for name in ("template", "gettempprefix()")),
    *("locals().keys()", "os.environ", "os.getpid()", "sys.getrefcount(None)", "id(None)", "id(sys)"),
]
PROBES = [f"({index}, {expression})" for index, expression in enumerate(EXPRESSIONS)]
PROGRAM = """
import collections, datetime, gc, json, math, os, random, re, sys, tempfile, time, uuid
try:
    print({probe})
except Exception as error:
    print(type(error), error)
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """Two builds of the plain variant."""
    with Workshop.open() as workshop:
        for tool in tools_of("python"):
            workshop.tool(tool, print)
        folders = [tmp_path_factory.mktemp("build") for _ in range(2)]
        return [parse_artefact(python_artefact.build(folder, print)) for folder in folders]


class Guest:
    """Runs programs in fresh instances of an artefact."""

    def __init__(self, artefact: Artefact, stack: int = 1 << 20) -> None:
        config = wasmtime.Config()
        # Wasmtime panics unless its stacks for asynchronous calls, unused here, are larger than the guests' stacks.
        ffi.wasmtime_config_async_stack_size_set(config.ptr(), stack + (1 << 20))
        config.max_wasm_stack = stack
        config.cranelift_opt_level = "none"
        self.engine = wasmtime.Engine(config)
        self.module = wasmtime.Module(self.engine, artefact.wasm)
        self.artefact = artefact

    def run(self, program: str) -> tuple[int, str, str]:
        store = wasmtime.Store(self.engine)
        exports = wasmtime.Instance(store, self.module, []).exports(store)
        memory, content = exports["memory"], program.encode()
        address = exports["cabi_realloc"](store, 0, 0, 1, len(content))
        memory.write(store, content, address)
        code = exports["run"](store, address, len(content), 1, 0, 1 << 20)
        control = self.artefact.control
        sizes = struct.unpack("<2I", memory.read(store, control + 16, control + 24))
        places = zip((self.artefact.stdout, self.artefact.stderr), sizes, strict=True)
        return code, *(bytes(memory.read(store, start, start + size)).decode() for start, size in places)


def test_two_builds_print_the_same(built):
    assert len(PROBES) >= 200
    first, second = map(Guest, built)
    for probe in PROBES:
        program = PROGRAM.format(probe=probe)
        outcome = first.run(program)
        assert outcome[0] == 0, outcome
        assert outcome == second.run(program), probe


def test_a_build_describes_itself(built):
    for artefact in built:
        assert (artefact.language, artefact.variant, artefact.recipe) == ("python", "plain", recipe_hash())
        assert artefact.engine == f"CPython {artefact.version}"
        assert artefact.restorable
        assert (artefact.capacity, artefact.reply_capacity) == (4 << 20, 1 << 20)


def test_a_build_has_no_imports_and_no_start_function(built):
    module = wasmtime.Module(wasmtime.Engine(), built[0].wasm)
    assert not module.imports
    assert {item.name for item in module.exports} == {
        "memory",
        "table",
        "__stack_pointer",
        "cabi_realloc",
        "run",
        "call",
    }


# Recursion through C, which uses up the stack that CPython watches; the native stack below must hold out longer.
RECURSION = """
import functools, sys
sys.setrecursionlimit(10**6)

@functools.lru_cache(None)
def cached(n):
    return 0 if n == 0 else 1 + cached(n - 1)

def least(n):
    return 0 if n == 0 else min(1 + least(n - 1) for _ in range(1))

for function, depth in ((cached, 5000), (least, 1500)):
    print(function(depth))
try:
    cached(10**5)
except RecursionError as error:
    print(type(error).__name__)
"""


def test_recursion_through_c_goes_deep_and_ends_in_an_error(built):
    outcomes = []
    before = threading.stack_size(128 << 20)
    try:
        thread = threading.Thread(target=lambda: outcomes.append(Guest(built[0], 28 << 20).run(RECURSION)))
        thread.start()
    finally:
        threading.stack_size(before)
    thread.join()
    assert outcomes == [(0, "5000\n1500\nRecursionError\n", "")]


def test_nothing_of_the_warm_up_is_left(built):
    guest = Guest(built[0])
    assert guest.run("") == (0, "", "")
    assert guest.run("import app")[0] == 1
    assert guest.run("print([name for name in globals() if not name.startswith('__')])") == (0, "[]\n", "")
    assert guest.run("import sys; print(hasattr(sys, '_addresses'))")[1] == "False\n"
    store = wasmtime.Store(guest.engine)
    memory = wasmtime.Instance(store, guest.module, []).exports(store)["memory"]
    artefact = built[0]
    sizes = (64, artefact.capacity, artefact.capacity, artefact.reply_capacity)
    for start, size in zip((artefact.control, artefact.stdout, artefact.stderr, artefact.reply), sizes, strict=True):
        assert not any(memory.read(store, start, start + size))
