"""The merged module computes what the linked modules compute."""

import pytest
from wat_units import assemble, merged, run_linked, run_module

from infinite_rl.runtimes.build.merge import Unit, merge
from infinite_rl.runtimes.build.module import FUNCTION, GLOBAL, MEMORY, TABLE, Module
from infinite_rl.runtimes.build.wasm import WasmError

# Two libraries around a main module, as compilers lay them out: shared memory, table and stack, addresses as globals.
MAIN = """(module
  (memory (export "memory") 2 5)
  (table (export "table") 12 funcref)
  (global $stack (export "stack") (mut i32) (i32.const 65536))
  (global (export "base1") i32 (i32.const 1024))
  (global (export "slots1") i32 (i32.const 4))
  (global (export "relocated") (mut i32) (i32.const 2048))
  (global (export "wide") (mut i64) (i64.const -7))
  (type $binary (func (param i32 i32) (result i32)))
  (func $add (export "add") (type $binary) (i32.add (local.get 0) (local.get 1)))
  (func $sub (type $binary) (i32.sub (local.get 0) (local.get 1)))
  (elem (i32.const 1) $add $sub)
  (data (i32.const 16) "main data")
  (func (export "push") (param i32) (result i32)
    (global.set $stack (i32.sub (global.get $stack) (local.get 0))) (global.get $stack)))"""
FIRST = """(module
  (type $nothing (func))
  (type $binary (func (param i32 i32) (result i32)))
  (import "u0" "add" (func $add (param i32 i32) (result i32)))
  (import "u0" "memory" (memory 1))
  (import "u0" "table" (table 0 funcref))
  (import "u0" "base1" (global $base i32))
  (import "u0" "slots1" (global $slots i32))
  (import "u0" "relocated" (global $relocated (mut i32)))
  (import "u0" "wide" (global $wide (mut i64)))
  (global $own (mut f64) (f64.const 1.5))
  (global (export "end") i32 (i32.const 1100))
  (func $mul (type $binary) (i32.mul (local.get 0) (local.get 1)))
  (func (export "through") (param $which i32) (param i32 i32) (result i32)
    (call_indirect (type $binary) (local.get 1) (local.get 2) (local.get $which)))
  (elem (global.get $slots) func $mul $add)
  (data (global.get $base) "first's data")
  (data $passive "passive bytes")
  (func (export "addresses") (result i32) (i32.add (global.get $base) (global.get $relocated)))
  (func (export "wide") (result i64) (global.get $wide))
  (func (export "half") (result f64) (global.set $own (f64.mul (global.get $own) (f64.const 0.5))) (global.get $own))
  (func (export "copy") (param i32)
    (memory.init $passive (local.get 0) (i32.const 2) (i32.const 5)) (data.drop $passive))
  (func (export "fill") (memory.fill (i32.const 300) (i32.const 7) (i32.const 9))
    (memory.copy (i32.const 400) (i32.const 300) (i32.const 5)))
  (func (export "grow") (result i32) (drop (memory.grow (i32.const 1))) (memory.size)))"""
SECOND = """(module
  (type $unary (func (param i32) (result i32)))
  (import "u1" "through" (func $through (param i32 i32 i32) (result i32)))
  (import "u0" "table" (table $shared 0 funcref))
  (import "u0" "push" (func $push (param i32) (result i32)))
  (import "u1" "end" (global $end i32))
  (table $private 4 funcref)
  (func $double (type $unary) (i32.shl (local.get 0) (i32.const 1)))
  (func $square (type $unary) (i32.mul (local.get 0) (local.get 0)))
  (elem (table $private) (i32.const 1) func $double $square)
  (elem $late funcref (ref.func $square) (ref.null func) (ref.func $double))
  (elem declare func $triple)
  (func $triple (type $unary) (i32.mul (local.get 0) (i32.const 3)))
  (func (export "chain") (param i32) (result i32)
    (call $through (i32.const 4) (call $push (local.get 0)) (global.get $end)))
  (func (export "private") (param i32 i32) (result i32)
    (call_indirect $private (type $unary) (local.get 1) (local.get 0)))
  (func (export "install") (table.init $private $late (i32.const 0) (i32.const 0) (i32.const 3)) (elem.drop $late))
  (func (export "take") (param i32) (table.set $private (local.get 0) (ref.func $triple)))
  (func (export "copied") (table.copy $private $shared (i32.const 0) (i32.const 0) (i32.const 3)))
  (func (export "null") (param i32) (result i32) (ref.is_null (table.get $shared (local.get 0))))
  (func (export "sizes") (result i32)
    (i32.add (table.size $private) (i32.mul (i32.const 100) (table.grow $private (ref.null func) (i32.const 2)))))
  (func (export "branch") (param i32) (result i32)
    (block (block (block (block (br_table 0 1 2 3 (local.get 0)))
      (return (i32.const 10))) (return (i32.const 20))) (return (i32.const 30))) (i32.const 40))
  (func (export "swap") (param i32 i32) (result i32 i32)
    (local.get 0) (local.get 1) (block (param i32 i32) (result i32 i32) (call $exchanged)))
  (func $exchanged (param i32 i32) (result i32 i32) (local.get 1) (local.get 0))
  (func (export "chosen") (param i32) (result i64)
    (select (result i64) (i64.const -9223372036854775808) (i64.const 3) (local.get 0))))"""
UNITS = [MAIN, FIRST, SECOND]
EXPORTS = {
    "memory": (0, "memory"),
    **{name: (1, name) for name in ("through", "addresses", "wide", "half", "copy", "fill", "grow")},
    **{name: (2, name) for name in ("chain", "private", "install", "take", "copied", "null", "sizes")},
    **{name: (2, name) for name in ("branch", "swap", "chosen")},
}
CALLS = [
    *(("through", which, 30, 12) for which in (1, 2, 4, 5, 0, 11, 12)),
    *[("addresses",), ("wide",), ("half",), ("half",), ("chain", 16), ("chain", 16)],
    *[("copy", 200), ("copy", 200), ("fill",), ("grow",), ("grow",)],
    *(("private", slot, 7) for slot in range(5)),
    ("install",),
    *(("private", slot, 7) for slot in range(5)),
    *[("install",), ("take", 3), ("private", 3, 7), ("take", 9), ("copied",), ("private", 1, 7)],
    *[("null", 0), ("null", 1), ("sizes",), ("sizes",)],
    *(("branch", case) for case in range(5)),
    *[("swap", 1, 2), ("chosen", 0), ("chosen", 1)],
]


def test_the_merged_module_computes_what_the_linked_modules_compute():
    linked, ours = run_linked(UNITS, EXPORTS), run_module(merged(UNITS, EXPORTS).encode())
    for call in CALLS:
        assert ours(*call) == linked(*call), call
    assert ours.memory(0, 3 * 65536) == linked.memory(0, 3 * 65536)


def test_nothing_is_imported_and_only_what_was_asked_for_is_exported():
    module = merged(UNITS, {"sum": (0, "add"), "memory": (0, "memory")})
    assert not module.imports
    assert [(item.name, item.kind) for item in module.exports] == [("sum", FUNCTION), ("memory", MEMORY)]


def test_what_the_exports_do_not_lead_to_is_left_out():
    module = merged(UNITS, {"memory": (0, "memory"), "sum": (0, "add")})
    assert (len(module.code), len(module.tables), len(module.elements), len(module.globals)) == (1, 0, 0, 0)
    assert [item.content for item in module.data] == [b"main data", b"first's data"]


def test_a_table_keeps_the_functions_that_it_holds():
    module = merged(UNITS, {"table": (0, "table")})
    assert len(module.code) == 3  # add, sub and mul; nothing else
    assert len(module.elements) == 2


def test_globals_that_nothing_writes_become_constants_and_vanish():
    module = merged(UNITS, {name: (1, name) for name in ("addresses", "wide")})
    assert module.globals == []
    ours = run_module(module.encode())
    assert (ours("addresses"), ours("wide")) == (3072, -7)


def test_a_global_that_only_unreachable_code_writes_is_a_constant():
    main = '(module (global (export "g") (mut i32) (i32.const 5)))'
    user = """(module (import "u0" "g" (global $g (mut i32)))
      (func (export "set") (global.set $g (i32.const 6))) (func (export "get") (result i32) (global.get $g)))"""
    assert merged([main, user], {"get": (1, "get")}).globals == []
    both = merged([main, user], {"get": (1, "get"), "set": (1, "set")})
    assert [item.mutable for item in both.globals] == [True]
    ours = run_module(both.encode())
    assert (ours("get"), ours("set"), ours("get")) == (5, None, 6)


def test_an_exported_global_that_code_writes_stays_one():
    module = merged(UNITS, {"stack": (0, "stack"), "push": (0, "push")})
    assert [(item.kind, item.index) for item in module.exports] == [(GLOBAL, 0), (FUNCTION, 0)]
    ours = run_module(module.encode())
    assert ours("push", 16) == ours.exports["stack"].value(ours.store) == 65520


def test_constants_may_be_computed_from_others():
    main = '(module (memory (export "memory") 1) (global (export "base") i32 (i32.const 32)))'
    user = """(module (import "u0" "base" (global $base i32)) (import "u0" "memory" (memory 1))
      (global $far i32 (i32.sub (i32.mul (global.get $base) (i32.const -3)) (i32.const 2147483647)))
      (global $wide i64 (i64.add (i64.const 9223372036854775807) (i64.const 1)))
      (data (i32.add (global.get $base) (i32.const 8)) "here")
      (func (export "far") (result i32) (global.get $far)) (func (export "wide") (result i64) (global.get $wide)))"""
    exports = {"memory": (0, "memory"), "far": (1, "far"), "wide": (1, "wide")}
    linked, ours = run_linked([main, user], exports), run_module(merged([main, user], exports).encode())
    assert ours("far") == linked("far") == -96 - 2147483647 + 2**32
    assert ours("wide") == linked("wide") == -(2**63)
    assert ours.memory(40, 44) == b"here"


def test_functions_kept_in_globals_survive():
    main = """(module (func $seven (result i32) (i32.const 7)) (global (export "f") funcref (ref.func $seven))
      (global (export "none") funcref (ref.null func)))"""
    user = """(module (type $number (func (result i32))) (import "u0" "f" (global $f funcref))
      (import "u0" "none" (global $none funcref)) (table 3 funcref)
      (elem (i32.const 1) funcref (global.get $f) (global.get $none))
      (func (export "put") (table.set (i32.const 0) (global.get $f)))
      (func (export "call") (param i32) (result i32) (call_indirect (type $number) (local.get 0))))"""
    exports = {"put": (1, "put"), "call": (1, "call")}
    linked, ours = run_linked([main, user], exports), run_module(merged([main, user], exports).encode())
    for call in [("call", 0), ("call", 1), ("call", 2), ("put",), ("call", 0)]:
        assert ours(*call) == linked(*call), call


def test_equal_types_of_different_modules_are_one_type():
    module = merged(UNITS, EXPORTS)
    assert len(set(module.types)) == len(module.types)


def test_merging_twice_gives_the_same_bytes():
    assert merged(UNITS, EXPORTS).encode() == merged(UNITS, EXPORTS).encode()


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["(module (func $f) (start $f))"], "start function"),
        (["(module (memory 1))", "(module (memory 1))"], "memories of their own"),
        (['(module (func (export "f")))', '(module (import "u0" "g" (func)))'], "exports nothing named 'g'"),
        (['(module (memory (export "m") 1))', '(module (import "u0" "m" (func)))'], "not of the kind"),
    ],
)
def test_what_cannot_be_merged_is_refused(texts, message):
    with pytest.raises(WasmError, match=message):
        merged(texts, {})


def test_every_import_needs_a_source():
    module = Module.parse(assemble('(module (import "a" "b" (func)))'))
    with pytest.raises(WasmError, match="1 imports have 0 sources"):
        merge([Unit(module)], {})


def test_a_table_of_its_own_is_exported_under_its_new_number():
    module = merged([MAIN, FIRST, SECOND], {"table": (0, "table"), "call": (2, "private")})
    assert [(item.name, item.kind) for item in module.exports] == [("table", TABLE), ("call", FUNCTION)]
    assert run_module(module.encode())("call", 2, 9) == 81
