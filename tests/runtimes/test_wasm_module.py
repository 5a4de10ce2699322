"""Modules and function bodies are read and written without loss."""

import pytest
import wasmtime
from hypothesis import given
from hypothesis import strategies as st
from wat_units import assemble, run_module

from infinite_rl.runtimes.build import wasm
from infinite_rl.runtimes.build.instructions import Reference, Space, join, split_body
from infinite_rl.runtimes.build.module import Module
from infinite_rl.runtimes.build.wasm import WasmError

EVERYTHING = """(module
  (type $f (func (param i32) (result i32)))
  (import "a" "function" (func $imported (type $f)))
  (import "a" "table" (table 1 5 funcref))
  (import "a" "memory" (memory 1 3))
  (import "a" "global" (global $g i32))
  (import "a" "mutable" (global $h (mut i64)))
  (table $more 4 externref)
  (global $own f64 (f64.const 2.5))
  (global $float (mut f32) (f32.const -0.0))
  (global $vector v128 (v128.const i32x4 1 2 3 4))
  (export "out" (func $imported))
  (start $start)
  (func $start)
  (func $id (type $f) (local i64 f32) (local.get 0))
  (elem (i32.const 0) $id)
  (elem $passive func $id $start)
  (elem declare func $start)
  (elem (table 0) (offset (global.get $g)) func $id)
  (elem (i32.const 1) funcref (ref.func $id) (ref.null func))
  (elem funcref (ref.null func))
  (elem (table $more) (i32.const 0) externref (ref.null extern))
  (elem declare funcref (ref.func $id))
  (data (i32.const 8) "active")
  (data $data "passive"))"""
# Instructions of all shapes of immediates; the references are those of the comments.
BODIES = {
    "(i32.load offset=1000000 align=1 (i32.const -1)) drop": [],
    "(v128.load offset=300 (i32.const 0)) drop": [],
    "(v128.load8_lane offset=200 3 (i32.const 0) (v128.const i64x2 1 2)) drop": [],
    "(i8x16.shuffle 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 16 (v128.const i64x2 1 2) (v128.const i64x2 3 4)) drop": [],
    "(i8x16.extract_lane_s 15 (i8x16.splat (i32.const 35))) drop": [],
    "(i32x4.extract_lane 3 (i32x4.add (i32x4.splat (i32.const 16)) (i32x4.splat (i32.const 35)))) drop": [],
    "(f64.const 1.5e300) (f32.const nan) drop (i64.trunc_sat_f64_s) drop": [],
    "(i64.extend8_s (i64.const -9223372036854775808)) drop": [],
    "(memory.grow (memory.size)) drop (memory.fill (i32.const 0) (i32.const 0) (i32.const 0))": [],
    "(block (loop (if (i32.const 1) (then (br 2)) (else (br_if 1 (i32.const 16))))))": [],
    "(block (block (br_table 0 1 0 1 1 0 (i32.const 35))))": [],
    "(select (result f32) (f32.const 1) (f32.const 2) (i32.const 3)) drop (nop)": [],
    "(call 0 (i32.const 16)) drop (ref.func 0) drop (ref.is_null (ref.null extern)) drop": ["FUNCTION", "FUNCTION"],
    "(call_indirect 1 (type 0) (i32.const 1) (i32.const 2)) drop": ["TYPE", "TABLE"],
    "(global.set 1 (global.get 1))": ["GLOBAL", "GLOBAL"],
    "(memory.init 1 (i32.const 0) (i32.const 0) (i32.const 0)) (data.drop 1)": ["DATA", "MEMORY", "DATA"],
    "(table.init 0 1 (i32.const 0) (i32.const 0) (i32.const 0)) (elem.drop 1)": ["ELEMENTS", "TABLE", "ELEMENTS"],
    "(table.set 1 (i32.const 0) (table.get 0 (i32.const 1)))": ["TABLE", "TABLE"],
    "(table.copy 1 0 (i32.const 0) (i32.const 0) (i32.const 0)) (drop (table.size 1))": ["TABLE", "TABLE", "TABLE"],
    "(drop (table.grow 1 (ref.null func) (i32.const 1)))": ["TABLE"],
    "(i32.const 1) (i32.const 2) (block (type 2) drop drop)": ["TYPE"],
    "(return_call 0 (i32.const 1))": ["FUNCTION"],
}
AROUND = """(module (type (func (param i32) (result i32))) (type (func (result i32))) (type (func (param i32 i32)))
  (func (type 0) (local.get 0)) (table 2 funcref) (table 3 funcref) (memory 1) (global i32 (i32.const 0))
  (global (mut i32) (i32.const 0)) (elem func) (elem func 0) (data "") (data "x")
  (func (type 1) (local i32 i32) (local i64) {} (i32.const 0)))"""


@given(st.integers(0, 2**64 - 1))
def test_unsigned_numbers_come_back(value):
    assert wasm.read_unsigned(b"." + wasm.unsigned(value) + b"\xff", 1) == (value, 1 + len(wasm.unsigned(value)))


@given(st.integers(-(2**63), 2**63 - 1))
def test_signed_numbers_come_back(value):
    assert wasm.read_signed(b"." + wasm.signed(value) + b"\xff", 1) == (value, 1 + len(wasm.signed(value)))


@pytest.mark.parametrize(
    ("value", "expected"), [(0, b"\0"), (63, b"\x3f"), (64, b"\xc0\0"), (-64, b"\x40"), (-65, b"\xbf\x7f")]
)
def test_signed_numbers_are_as_short_as_can_be(value, expected):
    assert wasm.signed(value) == expected


def test_every_section_is_read_and_written_without_loss():
    module = Module.parse(assemble(EVERYTHING))
    again = Module.parse(module.encode())
    assert again == module
    wasmtime.Module.validate(wasmtime.Engine(), module.encode())
    assert [item.declares for item in module.elements] == [False, False, True, False, False, False, False, True]


@pytest.mark.parametrize("instructions", BODIES)
def test_bodies_are_cut_at_their_references(instructions):
    body = Module.parse(assemble(AROUND.format(instructions))).code[1]
    parts = split_body(body)
    assert [part.space.name for part in parts if isinstance(part, Reference)] == BODIES[instructions]
    assert join(parts, lambda reference: wasm.unsigned(reference.index)) == body


def test_padded_indices_are_read():
    body = b"\0\x10\x85\x80\x80\x80\0\x0b"  # call 5, as a linker writes it
    assert split_body(body) == [b"\0\x10", Reference(Space.FUNCTION, 5, 0x10), b"\x0b"]


@pytest.mark.parametrize(
    "body", [b"\0\xfe\x10\x02\0\x0b", b"\0\x06\x40\x0b\x0b", b"\0\xfc\x20\x0b", b"\0\x28\x42\1\0\x0b"]
)
def test_instructions_of_other_proposals_are_refused(body):
    with pytest.raises(WasmError, match="not supported"):
        split_body(body)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\0asm\x0d\0\1\0", "not a WebAssembly core module"),
        (wasm.HEADER + b"\x0d\0", "sections of kind 13"),
        (wasm.HEADER + b"\x03\x05\0", "behind the end"),
        (wasm.HEADER + b"\x03\x02\0\0", "not understood"),
        (wasm.HEADER + b"\x05\x04\1\3\1\1", "shared"),
        (wasm.HEADER + b"\x01\x04\1\x5f\0\0", "only function types"),
    ],
)
def test_malformed_modules_are_refused(content, message):
    with pytest.raises(WasmError, match=message):
        Module.parse(content)


def test_a_custom_section_changes_nothing_else():
    plain = assemble('(module (func (export "f") (result i32) (i32.const 3)))')
    named = wasm.add_custom_section(plain, "infinite_rl", b"{}")
    assert Module.parse(named) == Module.parse(plain)
    assert run_module(named)("f") == 3
