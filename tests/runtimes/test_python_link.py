"""A component of componentize-py's shape becomes one module: stubs answer, and `exchange` goes through the table."""

import struct

import pytest
import wasmtime
from wat_units import Exports, assemble, run_module

from infinite_rl.runtimes.build import stubs
from infinite_rl.runtimes.build.link import link
from infinite_rl.runtimes.build.module import Module
from infinite_rl.runtimes.build.wasm import WasmError
from infinite_rl.runtimes.build.wide import FUNCTIONS

# As componentize-py writes it, in small: shims around the main module, stubs for WASI, a library, bundles between them.
COMPONENT = """(component
  (type $list (list u8))
  (import "exchange" (func $exchange (param "request" $list) (result s32)))
  (core module $Shims
    (type $result (func (param i32)))
    (table (export "$imports") 1 funcref)
    (func (export "0") (param i32) (call_indirect (type $result) (local.get 0) (i32.const 0))))
  (core module $Main
    (import "wasi:cli/environment" "get-environment" (func $environment (param i32)))
    (memory (export "memory") 1)
    (table (export "__indirect_function_table") 3 funcref)
    (global (export "__stack_pointer") (mut i32) (i32.const 4096))
    (global (export "lib:base") i32 (i32.const 1000))
    (global $next (mut i32) (i32.const 8192))
    (func $malloc (param i32) (result i32)
      (global.get $next) (global.set $next (i32.add (global.get $next) (local.get 0))))
    (func (export "malloc") (param i32) (result i32) (call $malloc (local.get 0)))
    (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (call $malloc (local.get 3)))
    (func (export "environment") (result i32)
      (i32.store (i32.const 64) (i32.const 5)) (call $environment (i32.const 64)) (i32.load (i32.const 64))))
  (core module $Stub (func (export "get-environment") (param i32) unreachable))
  (core module $Library
    (import "env" "memory" (memory 1))
    (import "env" "base" (global $base i32))
    (import "env" "environment" (func $environment (result i32)))
    (import "$root" "exchange" (func $exchange (param i32 i32) (result i32)))
    (global $cleaned (mut i32) (i32.const 0))
    (data (global.get $base) "library")
    (func (export "run") (param i32 i32 i32 i32 i32) (result i32)
      (i32.store (i32.const 80) (local.get 2))
      (i32.add (call $environment) (i32.add (i32.add (local.get 1) (local.get 3)) (local.get 4))))
    (func (export "cabi_post_run") (param i32) (global.set $cleaned (local.get 0)))
    (func (export "call") (param i32 i32) (result i32)
      (i32.add (global.get $cleaned) (call $exchange (local.get 0) (local.get 1))))
    (func (export "cabi_post_call") (param i32)))
  (core module $Fill
    (import "" "$imports" (table 1 funcref)) (import "" "0" (func $f (param i32))) (elem (i32.const 0) $f))
  (core instance $shims (instantiate $Shims))
  (core instance $wasi (export "get-environment" (func $shims "0")))
  (core instance $main (instantiate $Main (with "wasi:cli/environment" (instance $wasi))))
  (core instance $stub (instantiate $Stub))
  (alias core export $main "memory" (core memory $memory))
  (alias core export $main "__indirect_function_table" (core table $table))
  (alias core export $main "__stack_pointer" (core global $stack))
  (alias core export $main "lib:base" (core global $base))
  (alias core export $main "environment" (core func $environment))
  (core instance $env (export "memory" (memory $memory)) (export "base" (global $base))
    (export "environment" (func $environment)))
  (core func $lowered (canon lower (func $exchange) (memory (core memory $memory))))
  (core instance $root (export "exchange" (func $lowered)))
  (core instance $library (instantiate $Library (with "env" (instance $env)) (with "$root" (instance $root))))
  (core instance $filling (export "$imports" (table $shims "$imports")) (export "0" (func $stub "get-environment")))
  (core instance (instantiate $Fill (with "" (instance $filling))))
  (alias core export $main "cabi_realloc" (core func $realloc))
  (func $run (param "program" $list) (param "stdin" $list) (param "output-limit" u32) (result s32)
    (canon lift (core func $library "run") (memory (core memory $memory)) (realloc (core func $realloc))
      (post-return (core func $library "cabi_post_run"))))
  (func $call (param "request" $list) (result s32)
    (canon lift (core func $library "call") (memory (core memory $memory)) (realloc (core func $realloc))
      (post-return (core func $library "cabi_post_call"))))
  (export "run" (func $run))
  (export "call" (func $call)))"""


@pytest.fixture(scope="module")
def linked():
    return link(assemble(COMPONENT), python=False)


def test_the_module_is_of_the_agreed_shape(linked):
    module = linked.module
    assert not module.imports
    assert [item.name for item in module.exports] == [
        "memory",
        "table",
        "__stack_pointer",
        "cabi_realloc",
        "run",
        "call",
    ]
    assert linked.exchange_slot == 3
    assert linked.wide_slot == 4
    assert module.tables[module.export("table").index].limits.minimum == 4 + len(FUNCTIONS)


def test_stubs_answer_and_the_result_comes_back(linked):
    guest = run_module(linked.module.encode())
    assert guest("run", 100, 5, 200, 7, 30) == 0 + 5 + 7 + 30  # the environment is empty, and nothing trapped
    assert guest.memory(1000, 1007) == b"library"


def test_an_empty_list_gets_an_address_that_may_be_freed(linked):
    guest = run_module(linked.module.encode())
    guest("run", 100, 5, 1, 0, 30)
    assert struct.unpack("<I", guest.memory(80, 84))[0] >= 8192


def test_exchange_traps_until_the_host_fills_the_slot(linked):
    guest = run_module(linked.module.encode())
    assert guest("run", 1, 0, 1, 0, 30) == 30  # which is cleaned up with its result: the library keeps it
    assert str(guest("call", 100, 9)).startswith("trap")
    kind = wasmtime.FuncType([wasmtime.ValType.i32()] * 2, [wasmtime.ValType.i32()])
    answer = wasmtime.Func(guest.store, kind, lambda address, length: address * 10 + length)
    guest.exports["table"].set(guest.store, linked.exchange_slot, answer)
    assert guest("call", 100, 9) == 30 + 1009


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('(import "exchange"', '(import "other"', "the component imports other"),
        (
            '(alias core export $main "__stack_pointer"',
            '(alias core export $main "lib:base"',
            "share no __stack_pointer",
        ),
        ('(export "malloc")', '(export "allocate")', "exports malloc"),
    ],
)
def test_components_of_another_shape_are_refused(old, new, message):
    with pytest.raises(WasmError, match=message):
        link(assemble(COMPONENT.replace(old, new)), python=False)


def test_a_module_is_no_component():
    with pytest.raises(WasmError, match="not a WebAssembly component"):
        link(assemble("(module)"), python=False)


STUBS = """(module
  (func (export "get-random-bytes") (param i64 i32) unreachable)
  (func (export "now") (param i32) unreachable)
  (func (export "[method]output-stream.check-write") (param i32 i32) unreachable)
  (func (export "[resource-drop]pollable") (param i32) unreachable)
  (func (export "create-tcp-socket") (param i32 i32) unreachable)
  (func (export "exit") (param i32) unreachable))"""


@pytest.fixture
def answered() -> Exports:
    """The stubs with their answers, over a memory whose allocator always gives address 512."""
    module = stubs.answer(Module.parse(assemble(STUBS)))
    store = wasmtime.Store()
    memory = wasmtime.Memory(store, wasmtime.MemoryType(wasmtime.Limits(1, None)))
    i32 = wasmtime.ValType.i32()
    malloc = wasmtime.Func(store, wasmtime.FuncType([i32], [i32]), lambda size: 512)
    instance = wasmtime.Instance(store, wasmtime.Module(store.engine, module.encode()), [memory, malloc])
    exports = instance.exports(store)
    return Exports(store, {item.name: exports[item.name] for item in module.exports} | {"memory": memory})


def test_random_bytes_are_always_the_same_and_no_state_is_kept(answered):
    for _ in range(2):
        answered("get-random-bytes", 40, 64)
        assert struct.unpack("<II", answered.memory(64, 72)) == (512, 40)
        assert answered.memory(512, 520).hex() == "6fb8639e9d7308b5"
        assert len(set(answered.memory(512, 552))) > 20
        assert answered.memory(552, 600) == bytes(48)
    assert not stubs.answer(Module.parse(assemble(STUBS))).globals


def test_the_clock_stands_still(answered):
    answered("now", 64)
    assert struct.unpack("<QI", answered.memory(64, 76)) == (1_700_000_000, 0)


def test_streams_swallow_and_sockets_are_refused(answered):
    answered("[method]output-stream.check-write", 1, 64)
    assert struct.unpack("<QQ", answered.memory(64, 80)) == (0, 65536)
    answered("create-tcp-socket", 0, 64)
    assert answered.memory(64, 66) == b"\1\0"
    assert answered("[resource-drop]pollable", 3) is None


def test_what_has_no_harmless_answer_still_traps(answered):
    assert str(answered("exit", 0)).startswith("trap")


def test_only_modules_of_nothing_but_traps_are_stubs():
    assert stubs.is_stub(Module.parse(assemble(STUBS)))
    assert not stubs.is_stub(Module.parse(assemble("(module (func unreachable) (func))")))
    assert not stubs.is_stub(Module.parse(assemble('(module (import "a" "b" (func)) (func unreachable))')))
    assert not stubs.is_stub(Module.parse(assemble("(module (memory 1))")))
