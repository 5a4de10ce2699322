"""Which modules are as fresh once their memory and exported globals are."""

import pytest
from tiny_guest import WAT, tiny_wasm
from wasmtime import wat2wasm

from infinite_rl.runtimes.build.restorable import is_restorable

ANCHOR = "(func $forever (loop $again (br $again)))"


def changed(code, before=""):
    """The tiny guest with one more instruction in a function, and perhaps a definition."""
    assert ANCHOR in WAT
    return WAT.replace(ANCHOR, f"{before} (func {code}) {ANCHOR}")


def test_the_tiny_guest_is():
    assert is_restorable(tiny_wasm())


@pytest.mark.parametrize(
    "wat",
    [
        changed("(table.set (i32.const 0) (ref.null func))"),
        changed("(drop (table.grow (ref.null func) (i32.const 1)))"),
        changed("(table.fill (i32.const 0) (ref.null func) (i32.const 1))"),
        changed("(table.copy (i32.const 0) (i32.const 1) (i32.const 1))"),
        changed("(memory.init $d (i32.const 0) (i32.const 0) (i32.const 1))", '(data $d "x")'),
        changed("(data.drop $d)", '(data $d "x")'),
        changed("(elem.drop $e)", "(elem $e func $work)"),
        changed("(global.set $hidden (i32.const 1))", "(global $hidden (mut i32) (i32.const 0))"),
        "(module (func))",
    ],
)
def test_what_keeps_state_elsewhere_is_not(wat):
    assert not is_restorable(bytes(wat2wasm(wat)))


@pytest.mark.parametrize(
    "wat",
    [
        changed("(drop (table.get (i32.const 0)))"),
        changed("(drop (global.get $hidden))", "(global $hidden (mut i32) (i32.const 0))"),
        changed("(memory.fill (i32.const 0) (i32.const 0) (i32.const 1))"),
    ],
)
def test_what_only_reads_is(wat):
    assert is_restorable(bytes(wat2wasm(wat)))


def test_what_cannot_be_read_is_not():
    assert not is_restorable(b"rubbish")
